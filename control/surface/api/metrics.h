// /metrics: the counters in Prometheus' text format (version 0.0.4). Names begin with fulcrum_, counters end in _total,
// units are in the name; labels are farm, server, address, protocol, port, worker, reason.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fulcrum::api {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

// From the answers to "farms", "servers", "drops" and "version" (surface/local/answers.h).
std::string metrics_text(const nlohmann::json& farms, const nlohmann::json& servers, const nlohmann::json& drops,
                         const nlohmann::json& version);

}  // namespace fulcrum::api
