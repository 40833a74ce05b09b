#include "control/app/boot.h"

#include <memory>
#include <optional>

#include "control/compile/compile.h"
#include "control/network/twin_plan.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {

KnownPorts ports_of(const Region* region) {
  if (region == nullptr) return std::nullopt;
  std::vector<std::string> names;
  for (TwinLink& twin : twin_links(region->header())) names.push_back(std::move(twin.name));
  return names;
}

Candidate read_candidate(const std::string& file, const KnownPorts& known) {
  Candidate candidate{.loaded = load_model(file, known), .problems = {}};
  candidate.problems = settings::report(candidate.loaded.problems);
  if (!candidate.problems.empty()) return candidate;
  const model::Model& model = candidate.loaded.model;
  // Some limits show only in the compiled form. Any ports will do: routes of the model are few.
  std::vector<std::optional<PortId>> ports;
  for (std::uint8_t i = 0; i < model.ports.size(); ++i) ports.emplace_back(PortId{i});
  const auto routes = routes_of(model, ports);
  const auto trial = std::make_unique<Snapshot>();
  const auto compiled = compile({.model = model, .routes = routes, .state = {}, .neighbour = {}}, *trial);
  if (!compiled) candidate.problems.push_back(file + ": " + compiled.error().words());
  return candidate;
}

store::Configuration::Rules rules_with(std::function<KnownPorts()> known, bool is_running) {
  return {.validate = [known = std::move(known)](
                          const model::Model& model,
                          const settings::Sources& sources) { return validate(model, sources, known()); },
          .may_follow =
              [is_running](const model::Model& from, const model::Model& to) {
                std::vector<std::pair<std::string, std::string>> problems;
                const char* const reason = "cannot change while running: restart fulcrum-control";
                if (is_running && from.runtime_dir != to.runtime_dir) problems.emplace_back("runtime_dir", reason);
                if (is_running && from.state_directory() != to.state_directory()) {
                  problems.emplace_back("state_dir", reason);
                }
                return problems;
              }};
}

tl::expected<Booted, std::vector<std::string>> boot(const std::string& file) {
  using Words = std::vector<std::string>;
  model::Model first;
  const settings::Reading reading = settings::read_file(file, model::description(), first);
  const std::string directory = first.state_directory();
  store::FileLink link{file, directory};
  // What cannot be read does not say where its history is; a history that knows this file does.
  if (!reading.problems.empty() && !link.knows_file() && !reading.understood) {
    return tl::unexpected<Words>{settings::report(reading.problems)};
  }
  auto lock = ControlLock::take(first.runtime_dir);
  if (!lock) return tl::unexpected<Words>{Words{lock.error().words()}};
  RegionWatch watch{first.runtime_dir};
  watch.look();
  // Where a dataplane runs its ports are known, and a name that is none of them is a mistake. One that does not run may
  // come back with others.
  const KnownPorts known = watch.alive(monotonic_now()) ? ports_of(watch.region()) : std::nullopt;
  const auto rules = rules_with([known] { return known; }, false);
  if (!reading.problems.empty() && !link.knows_file()) {
    auto problems = reading.problems;
    for (auto& problem : rules.validate(first, reading.sources)) problems.push_back(std::move(problem));
    return tl::unexpected<Words>{settings::report(problems)};
  }
  auto history = store::History::open(directory, model::description().shape());
  if (!history) return tl::unexpected<Words>{Words{history.error().words()}};
  if (!history->damage().empty()) log(Level::error, "{}", history->damage());
  Booted booted{std::move(*lock), {std::move(*history), rules}, std::move(link), {}};
  for (const std::string& words : booted.configuration.lost_candidates()) log(Level::error, "{}", words);
  const bool is_first = booted.configuration.history().empty();
  const auto news = booted.file.read(booted.configuration, std::chrono::system_clock::now(),
                                     is_first ? "first start" : "edited while fulcrum-control did not run");
  booted.rejected = settings::report(news.problems);
  if (news.kind == store::FileLink::News::Kind::refused && is_first) {
    return tl::unexpected<Words>{std::move(booted.rejected)};
  }
  if (const auto left = booted.configuration.history().awaits_confirmation();
      left && *left <= std::chrono::system_clock::now()) {
    if (auto back = booted.configuration.go_back(std::chrono::system_clock::now()); !back) {
      booted.rejected.push_back(back.error().words());
    }
  }
  return booted;
}

}  // namespace fulcrum
