// What the answers of the local socket are made of: a look at the running control plane at one moment. Borrowed for the
// time of one call; the loop's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/compile/compile.h"
#include "control/health/checker.h"
#include "control/model/model.h"
#include "control/publish/publisher.h"
#include "control/roster/overlay.h"
#include "control/telemetry/event_trail.h"
#include "control/telemetry/series.h"
#include "dataplane/contract/region.h"

namespace fulcrum::surface {

struct View {
  const model::Model& model;
  const Region* region = nullptr;      // null: no dataplane has started yet
  const Snapshot* snapshot = nullptr;  // the newest published; null: none yet
  bool dataplane_alive = false;
  std::vector<std::string> alarms{};  // what somebody should do something about, in words
  std::string waiting_for{};          // what keeps the configuration from being in force, in words; empty: nothing
  std::vector<Publisher::WorkerView> workers{};
  // How a server's endpoint stands; nothing when it is not checked.
  std::function<std::optional<TargetHealth>(const model::Farm&, const Address&, const model::ServicePort&)> health{};
  bool checks_paused = false;  // the dataplane, through which they go, is away
  // Where the model's servers are in the snapshot, and their duties; empty while another model is in force.
  std::span<const CompiledServer> compiled{};
  const roster::Overlay* overlay = nullptr;  // what operators said; it is in the model already
  const model::Model* configured = nullptr;  // the model without it; null: the same
  std::string config_file{};
  std::chrono::system_clock::time_point config_loaded{};
  std::vector<std::string> config_rejected{};  // why the last reload was rejected; empty: it was not
  std::chrono::nanoseconds now{0};             // CLOCK_MONOTONIC
  const telemetry::Sample* rates = nullptr;    // of the last second; null: there is none
  const telemetry::EventTrail* events = nullptr;
  // The newest revision with this hash.
  std::function<std::optional<std::uint64_t>(std::uint64_t hash)> revision_of{};
  // The newest revision, not newer than `upto`, that changed what is at the path.
  std::function<std::optional<std::uint64_t>(const std::string& path, std::uint64_t upto)> changed_by{};
};

}  // namespace fulcrum::surface
