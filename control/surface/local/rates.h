// Rates and events, as JSON.
//
// {"show": "rates", "of": "farms"} (or servers, ports, workers, drops; default farms): what was counted in the last
// second, per second. With "name" the past of one series: also "from" and "to" (seconds since 1970, or negative: before
// now; default the last 5 minutes), "step" (1, 60 or 900 s; default the finest that reaches back to "from") and
// "function"
// ("average", or "maximum": the most in one second). A server's name is "shop/web1".
//
// {"show": "events"}: the trail, newest last; "since" (a number): only later ones; "limit" (default 100).
//
// Rates: connections_s, packets_in_s, packets_out_s, bits_in_s, bits_out_s.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>

#include "control/surface/local/view.h"
#include "control/telemetry/history.h"
#include "dataplane/base/result.h"

namespace fulcrum::surface {

struct RatesRequest {
  telemetry::Kind kind = telemetry::Kind::farms;
  std::optional<telemetry::HistoryQuery> past;
};

// `now`: seconds since 1970. Errors: what is wrong with the question, in words.
Result<RatesRequest> read_rates(const nlohmann::json& question, std::int64_t now);
nlohmann::json show_rates(const View& view, telemetry::Kind kind);
nlohmann::json past_rates(const View& view, const telemetry::HistoryQuery& query,
                          const std::vector<telemetry::HistoryPoint>& points);
Result<nlohmann::json> show_events(const nlohmann::json& question, const View& view);

}  // namespace fulcrum::surface
