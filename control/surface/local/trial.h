// `fulcrum test`: servers, or any address and port, are probed now, and what the probe saw is told step by step.
// Whatever comes of it, nobody's state changes.
//
// As the control loop is asked by the API:
//
//   {"test": {"farm": F, ["server": S], ["port": at the server], ["timeout_ms": 10 to 15000]}}
//   {"test": {"address": A, "port": P, ["timeout_ms"]}}
//
// A server is probed as its farm's checks do it, each address and port once. Answer: "passed": whether all did;
// "tests": [{"farm", "server", "address", "port", "check", "timeout_ms", "passed", "result", "reason", "took_us",
// "state", "steps": [{"step", "text"}]}]; what belongs to a server is null of an address. Not a line of the local
// socket: there it goes by the API too, which knows who may and writes the audit record.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "control/health/trials.h"
#include "control/surface/local/view.h"
#include "dataplane/base/result.h"

namespace fulcrum::surface {

// One address and port, and whose it is.
struct TrialPlace {
  Trial trial;
  std::string farm, server;  // empty: nobody's
};

inline constexpr std::chrono::milliseconds kTrialTimeoutMin{10};
inline constexpr std::chrono::milliseconds kTrialTimeoutMax{15'000};  // so that whoever asks is still there

using Test =
    std::function<void(const std::vector<Trial>&, std::function<void(const Result<std::vector<Observation>>&)>)>;

// Errors: no such farm, server or port of it (not_found), what is no address, port or time (invalid), no dataplane
// through which servers are reached (io).
Result<std::vector<TrialPlace>> read_trial(const nlohmann::json& question, const View& view);

// What was observed at each of the places.
nlohmann::json trial_answer(const View& view, const std::vector<TrialPlace>& places,
                            const std::vector<Observation>& seen);

}  // namespace fulcrum::surface
