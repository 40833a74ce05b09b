#include "control/app/boot.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "control/compile/compile.h"
#include "control/network/twin_plan.h"
#include "control/surface/https/tls.h"
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

namespace {

using Faults = std::vector<std::pair<std::string, std::string>>;

// A pair that was good and has gone since stops nobody who changes something else: an alarm tells of it.
Faults unusable_pair(const model::Management& from, const model::Management& to) {
  if (to.certificate.empty() || (from.certificate == to.certificate && from.key == to.key)) return {};
  const auto loaded = https::load_tls(to.certificate, to.key);
  if (loaded) return {};
  const Error& error = loaded.error();
  return {{error.path == to.key ? "management.key" : "management.certificate",
           error.words() + "; put a certificate and its key there first, or leave both settings empty"}};
}

}  // namespace

store::Configuration::Rules rules_with(std::function<KnownPorts()> known, bool is_running) {
  return {.validate = [known = std::move(known)](
                          const model::Model& model,
                          const settings::Sources& sources) { return validate(model, sources, known()); },
          .may_follow =
              [is_running](const model::Model& from, const model::Model& to) {
                Faults problems;
                const char* const reason = "cannot change while running: restart fulcrum-control";
                if (is_running && from.runtime_dir != to.runtime_dir) problems.emplace_back("runtime_dir", reason);
                if (is_running && from.state_directory() != to.state_directory()) {
                  problems.emplace_back("state_dir", reason);
                }
                return problems;
              },
          .may_commit =
              [is_running](const model::Model& from, const model::Model& to) {
                return is_running ? unusable_pair(from.management, to.management) : Faults{};
              }};
}

namespace {

using Words = std::vector<std::string>;

// Where a dataplane runs its ports are known, and a name that is none of them is a mistake. One that does not run may
// come back with others.
KnownPorts ports_at_start(const std::string& runtime_dir) {
  RegionWatch watch{runtime_dir};
  watch.look();
  return watch.alive(monotonic_now()) ? ports_of(watch.region()) : std::nullopt;
}

// All that is wrong with a file on which no history can stand in for it.
Words refusal(const settings::Reading& reading, const model::Model& model, const std::string& directory) {
  auto problems = reading.problems;
  if (reading.understood) {
    for (auto& problem : validate(model, reading.sources, ports_at_start(model.runtime_dir))) {
      problems.push_back(std::move(problem));
    }
  } else if (!problems.empty()) {
    problems.back().text += fmt::format(
        "; {} holds no earlier revision of it to go on with: mend the file, or name the place of its revisions with "
        "--state-dir",
        directory);
  }
  return settings::report(problems);
}

// A commit for a time that ended while nobody ran.
void go_back_where_it_is_due(Booted& booted) {
  const auto now = std::chrono::system_clock::now();
  const auto left = booted.configuration.history().awaits_confirmation();
  if (!left || *left > now) return;
  if (auto back = booted.configuration.go_back(now); !back) booted.rejected.push_back(back.error().words());
}

}  // namespace

tl::expected<Booted, Words> boot(const std::string& file, const std::optional<std::string>& state_dir) {
  model::Model first;
  const settings::Reading reading = settings::read_file(file, model::description(), first);
  const std::string directory = state_dir.value_or(first.state_directory());
  store::FileLink link{file, directory};
  // A history of another file is taken for this one's only where somebody says so.
  const bool has_history = state_dir ? store::History::exists(directory) : link.knows_file();
  if (!reading.problems.empty() && !has_history) return tl::unexpected<Words>{refusal(reading, first, directory)};
  auto history = store::History::open(directory, model::description().shape());
  if (!history) return tl::unexpected<Words>{Words{history.error().words()}};
  for (const std::string& words : history->damage()) log(Level::error, "{}", words);
  store::Configuration configuration{std::move(*history), {}};
  // A file that was not understood does not say this either.
  if (!reading.understood && configuration.model()) first.runtime_dir = configuration.model()->runtime_dir;
  auto lock = ControlLock::take(first.runtime_dir);
  if (!lock) return tl::unexpected<Words>{Words{lock.error().words()}};
  configuration.set_rules(rules_with([known = ports_at_start(first.runtime_dir)] { return known; }, false));
  Booted booted{std::move(*lock), std::move(configuration), std::move(link), {}};
  for (const std::string& words : booted.configuration.lost_candidates()) log(Level::error, "{}", words);
  std::vector<store::Revision> made;
  booted.configuration.on_applied([&made](const store::Committed& one) { made.push_back(one.revision); });
  const bool is_first = booted.configuration.history().empty();
  const auto news = booted.file.read(booted.configuration, std::chrono::system_clock::now(),
                                     is_first ? "first start" : "edited while fulcrum-control did not run");
  booted.rejected = settings::report(news.problems);
  if (news.kind == store::FileLink::News::Kind::refused && is_first) {
    return tl::unexpected<Words>{std::move(booted.rejected)};
  }
  go_back_where_it_is_due(booted);
  booted.configuration.on_applied({});
  booted.made = std::move(made);
  return booted;
}

}  // namespace fulcrum
