// How the control plane shows itself to the local socket.
#include <fmt/format.h>

#include "control/app/control.h"
#include "control/store/revision_json.h"
#include "dataplane/base/clock.h"

namespace fulcrum {

surface::View Control::look() {
  return {.model = model(),
          .region = watch_.region(),
          .snapshot = publisher_.newest(),
          .dataplane_alive = alive_,
          .alarms = alarms(),
          .waiting_for = waiting_for(),
          .workers = publisher_.workers(),
          .health = [this](const model::Farm& farm, const Address& address,
                           const model::ServicePort& port) -> std::optional<TargetHealth> {
            const auto target = target_of(farm, address, port);
            const TargetHealth* health = target ? checker_.find(*target) : nullptr;
            return health != nullptr ? std::optional{*health} : std::nullopt;
          },
          .checks_paused = checker_.is_paused(),
          .compiled = compiled_model_ == model_ ? std::span<const CompiledServer>{compiled_}
                                                : std::span<const CompiledServer>{},
          .overlay = &overlay_,
          .configured = configuration_.model().get(),
          .config_file = config_file_,
          .config_loaded = loaded_at_,
          .config_rejected = rejected_,
          .now = monotonic_now(),
          .rates = rates_ ? &*rates_ : nullptr,
          .events = &trail_,
          .revision_of = [this](std::uint64_t hash) -> std::optional<std::uint64_t> {
            const auto& revisions = configuration_.history().revisions();
            const auto found = std::find_if(revisions.rbegin(), revisions.rend(),
                                            [&](const store::Revision& revision) { return revision.hash == hash; });
            return found == revisions.rend() ? std::nullopt : std::optional{found->number};
          },
          .changed_by = [this](const std::string& path, std::uint64_t upto) -> std::optional<std::uint64_t> {
            const auto parsed = document::parse_path(path);
            return parsed ? configuration_.history().changed_by(*parsed, upto) : std::nullopt;
          }};
}

namespace {

std::string words_of(const telemetry::LossWatch::Episode& losses, std::string_view port) {
  const auto text = [](std::int64_t second) {
    return store::time_text(std::chrono::system_clock::from_time_t(second));
  };
  if (losses.is_over) {
    return fmt::format("Port {} lost {} before receive from {} to {}. That is over (`show events`).", port,
                       losses.words(), text(losses.began), text(losses.last_heavy));
  }
  return fmt::format(
      "Port {} loses packets before receive: {} since {}. The workers are too slow for it: more "
      "`worker_cores`, or a larger ring by its NIC profile (`receive_descriptors`, of af_packet `framecnt` in "
      "`arguments`; `show drops` names the reasons).",
      port, losses.words(), text(losses.began));
}

}  // namespace

std::vector<std::string> Control::alarms() const {
  // Workers report every refusal, so silence for this long means that there is room again.
  constexpr std::chrono::seconds kStands{60};
  const std::chrono::nanoseconds now = monotonic_now();
  const auto is_recent = [&](std::chrono::nanoseconds at) { return at.count() != 0 && now - at < kStands; };
  const auto ago = [&](std::chrono::nanoseconds at) {
    return std::chrono::duration_cast<std::chrono::seconds>(now - at).count();
  };
  std::vector<std::string> alarms;
  if (const auto until = configuration_.history().awaits_confirmation()) {
    const store::Revision& newest = configuration_.history().newest();
    alarms.push_back(fmt::format("Revision {} of {} goes back by itself at {} unless it is confirmed (`confirm`).",
                                 newest.number, newest.author.who, store::time_text(*until)));
  }
  for (const store::Candidate* one : configuration_.candidates()) {
    if (!one->schedule || one->is_scheduled()) continue;
    alarms.push_back(fmt::format("Candidate {} of {} was not committed at {}: {}. Edit, commit or discard it.",
                                 one->name, one->schedule->author.who, store::time_text(one->schedule->at),
                                 one->schedule->refused));
  }
  if (!damage_.empty()) {
    alarms.push_back(
        fmt::format("The history of revisions is damaged: {}. Revision {} is in force: see whether it is the "
                    "right one; the next commit ends this alarm.",
                    damage_.front(), configuration_.history().newest().number));
  }
  if (!rejected_.empty()) {
    alarms.push_back(fmt::format(
        "{} was rejected ({} problem{}, `show version` names them): revision {} stays in force.", config_file_,
        rejected_.size(), rejected_.size() == 1 ? "" : "s", configuration_.history().newest().number));
  }
  for (std::size_t i = 0; alive_ && watch_.region() != nullptr && i < kPortsMax; ++i) {
    if (links_[i] != LinkState::down && links_[i] != LinkState::gone) continue;
    alarms.push_back(fmt::format("Port {} {}: nothing comes or goes there.",
                                 watch_.region()->header().ports[i].name.view(),
                                 links_[i] == LinkState::down ? "has no link" : "has lost its interface"));
  }
  for (std::size_t i = 0; watch_.region() != nullptr && i < kPortsMax; ++i) {
    const auto& losses = losses_[i].episode();
    if (losses) alarms.push_back(words_of(*losses, watch_.region()->header().ports[i].name.view()));
  }
  if (is_recent(table_full_at_)) {
    alarms.push_back(
        fmt::format("The connection table is full: new connections are refused, the last one {} s ago. Raise "
                    "`connections` in dataplane.cfg, or lower the farms' timeouts.",
                    ago(table_full_at_)));
  }
  if (is_recent(bindings_full_at_)) {
    alarms.push_back(
        fmt::format("The persistence table is full: new clients are not bound to a server, the last one {} s ago. "
                    "Raise `persistence_entries` in dataplane.cfg.",
                    ago(bindings_full_at_)));
  }
  return alarms;
}

// What keeps the configuration from being in force, in one sentence.
std::string Control::waiting_for() {
  if (watch_.region() == nullptr) {
    return "waiting for the dataplane: " +
           (watch_.problem() ? watch_.problem()->words() : std::string{"its region is gone"});
  }
  if (!alive_) return "waiting for the dataplane: it is silent, so it has ended or stands still";
  if (!publish_problem_.empty()) return publish_problem_;
  if (!network_.ready()) return "waiting for the kernel twins of the data ports";
  if (const auto unknown = unknown_ports(model(), ports_of(watch_.region())); !unknown.empty()) {
    return "ports: " + unknown.front().second;
  }
  if (slots_full_) return "waiting for the workers: one has not acknowledged the last configurations";
  return {};
}

}  // namespace fulcrum
