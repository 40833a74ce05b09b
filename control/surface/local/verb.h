// What an operator says about a server, as the control loop is asked by the API:
//
//   {"verb": "drain"|"enable"|"maintenance"|"weight", "farm": F, "server": S, "who": W,
//    "weight": 0 to 100 (with weight), "for_s": seconds after which the configured value applies again}
//
// Answered when the workers know, or with what that waits for. Not a line of the local socket: there it goes by the API
// too ({"api": ...}), which writes the audit record.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "control/model/model.h"
#include "dataplane/base/result.h"

namespace fulcrum::surface {

struct VerbRequest {
  std::string farm, server, who;
  std::optional<model::AdminState> state;  // or else
  std::uint16_t weight = 0;
  std::optional<std::chrono::seconds> for_time;
};

inline constexpr std::int64_t kVerbSecondsMax = 365 * 86400;

// What was done, in words; and what keeps the workers from knowing, empty when nothing does.
struct VerbDone {
  std::string text, waiting_for;
};
using Operate = std::function<void(const VerbRequest&, std::function<void(const Result<VerbDone>&)>)>;

// Errors: no such farm or server (not_found), a verb, weight or time that is none (invalid).
Result<VerbRequest> read_verb(const nlohmann::json& question, const model::Model& model);

}  // namespace fulcrum::surface
