#include "control/surface/local/verb.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace fulcrum::surface {
namespace {

using nlohmann::json;

std::string text_of(const json& question, const char* key) {
  const auto found = question.find(key);
  return found != question.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

template <class T>
bool has_name(const std::vector<T>& list, const std::string& name) {
  return std::any_of(list.begin(), list.end(), [&](const T& one) { return one.name == name; });
}

Result<void> check_place(const VerbRequest& request, const model::Model& model) {
  const auto farm = std::find_if(model.farms.begin(), model.farms.end(),
                                 [&](const model::Farm& one) { return one.name == request.farm; });
  if (farm == model.farms.end()) return fail(Error::Code::not_found, "farms." + request.farm, "there is no such farm");
  if (has_name(farm->servers, request.server)) return {};
  return fail(Error::Code::not_found, fmt::format("farms.{}.servers.{}", request.farm, request.server),
              "there is no such server in the farm");
}

}  // namespace

Result<VerbRequest> read_verb(const json& question, const model::Model& model) {
  VerbRequest request{.farm = text_of(question, "farm"),
                      .server = text_of(question, "server"),
                      .who = text_of(question, "who"),
                      .state = std::nullopt,
                      .for_time = std::nullopt};
  if (auto place = check_place(request, model); !place) return tl::unexpected<Error>{place.error()};
  const std::string verb = text_of(question, "verb");
  const bool has_weight = question.contains("weight");
  if (verb == "drain") request.state = model::AdminState::drain;
  if (verb == "enable") request.state = model::AdminState::enabled;
  if (verb == "maintenance") request.state = model::AdminState::maintenance;
  if (!request.state && verb != "weight") {
    return fail(Error::Code::invalid, "verb", "is drain, enable, maintenance or weight");
  }
  if (has_weight == request.state.has_value()) {
    return fail(Error::Code::invalid, "weight", has_weight ? "goes with the verb weight only" : "is missing: 0 to 100");
  }
  if (has_weight) {
    const json& weight = question["weight"];
    if (!weight.is_number_unsigned() || weight.get<std::uint64_t>() > 100) {
      return fail(Error::Code::invalid, "weight", fmt::format("{} is out of range: 0 to 100", weight.dump()));
    }
    request.weight = weight.get<std::uint16_t>();
  }
  if (const auto time = question.find("for_s"); time != question.end()) {
    if (!time->is_number_unsigned() || time->get<std::uint64_t>() == 0 ||
        time->get<std::uint64_t>() > static_cast<std::uint64_t>(kVerbSecondsMax)) {
      return fail(Error::Code::invalid, "for_s",
                  fmt::format("{} is out of range: 1 to {}", time->dump(), kVerbSecondsMax));
    }
    request.for_time = std::chrono::seconds{time->get<std::int64_t>()};
  }
  return request;
}

}  // namespace fulcrum::surface
