#include "control/store/candidates.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "control/document/compare.h"
#include "control/files/files.h"
#include "control/store/revision_json.h"

namespace fulcrum::store {
namespace {

namespace fs = std::filesystem;
using document::Answer;
using document::refuse;
using nlohmann::json;

constexpr std::size_t kCandidateFileMax = 64U << 20U;  // bytes

Answer<json> parsed(const std::string& file) {
  const auto text = files::read(file, kCandidateFileMax);
  if (!text) return refuse(text.error());
  json given = json::parse(text->value_or(""), nullptr, false);
  const bool whole = given.is_object() && given["name"].is_string() && given["who"].is_string() &&
                     given["base"].is_number_unsigned() && given["opened"].is_string() &&
                     given["changed"].is_string() && given["editors"].is_array() && given["steps"].is_array();
  if (!whole) return refuse(Error::Code::invalid, file, "is damaged");
  return given;
}

nlohmann::ordered_json to_json(const Schedule& schedule) {
  return {{"at", time_text(schedule.at)},
          {"who", schedule.author.who},
          {"face", schedule.author.face},
          {"why", schedule.author.why},
          {"confirm_s", schedule.confirm_within ? json(schedule.confirm_within->count()) : json()},
          {"refused", schedule.refused}};
}

// A schedule that cannot be read is one that is refused: what nobody understands is not put in force.
std::optional<Schedule> schedule_from(const json& given) {
  if (!given.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = given.find(key);
    return found != given.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  const auto at = parse_time(text("at"));
  Schedule schedule{.at = at.value_or(Time{}),
                    .author = {.who = text("who"), .face = text("face"), .why = text("why")},
                    .confirm_within = {},
                    .refused = text("refused")};
  if (!at) schedule.refused = "its time cannot be read any more";
  if (const auto found = given.find("confirm_s"); found != given.end() && found->is_number_unsigned()) {
    schedule.confirm_within = std::chrono::seconds{found->get<std::uint32_t>()};
  }
  return schedule;
}

Answer<Candidate> candidate_from(const History& history, const std::string& file) {
  const auto given = parsed(file);
  if (!given) return tl::unexpected<document::Refusal>{given.error()};
  const auto base = given->at("base").get<std::uint64_t>();
  auto base_document = history.document(base);
  if (!base_document) return tl::unexpected<document::Refusal>{base_document.error()};
  const auto steps = document::changes_from_json(*base_document, given->at("steps"));
  if (!steps) return tl::unexpected<document::Refusal>{steps.error()};
  auto document = document::with_changes(*base_document, *steps);
  if (!document) return tl::unexpected<document::Refusal>{document.error()};
  std::set<std::string> editors;
  for (const json& one : given->at("editors")) {
    if (one.is_string()) editors.insert(one.get<std::string>());
  }
  return Candidate{.name = given->at("name").get<std::string>(),
                   .who = given->at("who").get<std::string>(),
                   .base = base,
                   .opened = parse_time(given->at("opened").get<std::string>()).value_or(Time{}),
                   .changed = parse_time(given->at("changed").get<std::string>()).value_or(Time{}),
                   .base_document = std::move(*base_document),
                   .document = std::move(*document),
                   .editors = std::move(editors),
                   .schedule = schedule_from(given->value("schedule", json()))};
}

}  // namespace

CandidateShelf::CandidateShelf(std::string directory) : directory_{std::move(directory) + "/candidates"} {}

std::string CandidateShelf::file_of(const std::string& name) const { return directory_ + "/" + name + ".json"; }

Result<void> CandidateShelf::keep(const Candidate& candidate) const {
  nlohmann::ordered_json file{{"name", candidate.name},
                              {"who", candidate.who},
                              {"base", candidate.base},
                              {"opened", time_text(candidate.opened)},
                              {"changed", time_text(candidate.changed)},
                              {"editors", candidate.editors},
                              {"steps", json::array()}};
  for (const document::Change& change : document::compare(candidate.base_document, candidate.document)) {
    file["steps"].push_back(change.json(true));
  }
  if (candidate.schedule) file["schedule"] = to_json(*candidate.schedule);
  if (auto made = files::make_directory(directory_); !made) return made;
  return files::replace(file_of(candidate.name), file.dump(1, ' ', false, json::error_handler_t::replace) + "\n", 0600,
                        candidate.schedule ? files::Survives::power_cut : files::Survives::end);
}

void CandidateShelf::drop(const Candidate& candidate) const {
  unlink(file_of(candidate.name).c_str());
  if (candidate.schedule) static_cast<void>(files::sync_directory(directory_));
}

CandidateShelf::Found CandidateShelf::read(const History& history) const {
  Found found;
  std::error_code error;
  for (fs::directory_iterator at{directory_, error}, none; !error && at != none; at.increment(error)) {
    const std::string file = at->path().string();
    if (at->path().extension() != ".json") continue;
    auto candidate = candidate_from(history, file);
    if (!candidate) {
      found.lost.push_back(
          fmt::format("candidate {} is left out: {}", at->path().stem().string(), candidate.error().words()));
      std::rename(file.c_str(), (file + ".damaged").c_str());
    } else if (candidate->base != history.newest().number && candidate->document.hash() == history.current().hash()) {
      unlink(file.c_str());  // it was committed
    } else {
      found.candidates.emplace(candidate->name, std::move(*candidate));
    }
  }
  return found;
}

}  // namespace fulcrum::store
