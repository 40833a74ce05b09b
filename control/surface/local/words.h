// The contract's enumerations and times in the words of the answers. Private to the local surface.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "control/health/rise_fall.h"
#include "control/health/tcp_probe.h"
#include "control/model/model.h"
#include "dataplane/contract/connections.h"
#include "dataplane/contract/link.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum::surface {

std::string_view word(Protocol protocol);
std::string_view word(Mode mode);
std::string_view word(SchedulerKind scheduler);
// What it compares of the servers, as a sentence. `draws`: of two servers only.
std::string goes_by(SchedulerKind scheduler, bool draws);
std::string_view word(ConnectionState state);
std::string_view word(Reason reason);
std::string_view word(Health health);
std::string_view word(Observation::Kind kind);
std::string_view word(ServerState state);
std::string_view word(model::ServerRole role);
std::string_view word(model::AdminState state);
std::string_view word(LinkState link);

std::string endpoint(const Address& address, std::uint16_t port);  // "192.0.2.1:80", "[2001:db8::1]:80"
std::string iso_time(std::chrono::system_clock::time_point time);  // "2026-07-24T11:57:03Z"

}  // namespace fulcrum::surface
