// The answers of the local socket, as JSON. One question per line: {"show": WHAT} with WHAT one of
//
//   farms        per farm: state by who takes new clients (up, degraded, full, down) and "reason", servers that do,
//   that
//                are well, and in all, connections, packets, bytes, services
//   servers      per endpoint of a server: state, why and since when ("began_earlier": than that), weight, connections
//                in both "limit" is {"connections", "max", "low", "is_full"}, of a server over all its endpoints, or
//                null
//   health       per address and port of a server that is checked: the state, the newest result, how many alike in a
//   row
//                and how many it takes, when the next is due; also "farm", "server"
//   connections  the connection table, page by page (see entry_walk.h); also "farm", "server", "client" (an address or
//                a network), "state" (several with commas between), "limit", "offset"
//   persistence  which clients are bound to which servers; the same but for "state"
//   drops        where packets went: in, out, dropped for which reason; per port
//   version      the releases, the region, what each worker has acknowledged
//
//   rates        per second, now and in the past; events: what happened and why (see rates.h)
//
// {"clear": "connections" or "persistence"} with the same filters ends what they name, and answers how many, when every
// worker has done its part; without a filter it takes "all": true.
//
// {"explain": {...}} asks what the dataplane would do with a packet, and why: see explain.h.
//
// Every answer has "dataplane": {"alive", "waiting_for", "alarms"}. Counters are sums over all workers; times are ISO
// 8601 in UTC; durations are seconds. A question that cannot be answered gets {"error": {"code", "text"}} with one of
// the codes "invalid", "not_found", "limit", "failed".
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "control/surface/local/view.h"
#include "dataplane/base/result.h"

namespace fulcrum::surface {

nlohmann::json show_farms(const View& view);
nlohmann::json show_servers(const View& view);
// {"show": "health", ["farm": F, ["server": S]]}. Errors: no such farm or server.
Result<nlohmann::json> show_health(const nlohmann::json& question, const View& view);
nlohmann::json show_drops(const View& view);
nlohmann::json show_version(const View& view);

// What an operator said about the server; null: nothing.
nlohmann::json operator_part(const View& view, const std::string& farm, const std::string& server);

// The part that every answer has.
nlohmann::json dataplane_part(const View& view);
nlohmann::json error_answer(std::string_view code, std::string_view text);

}  // namespace fulcrum::surface
