// How fast servers answer, measured on their own traffic: from a client's SYN to the server's SYN-ACK, both of which
// pass here in NAT. Of each server one connection at a time is measured (contract/loads.h, `samples`), so only packets
// that open a connection, and those that answer them, cost anything.
#pragma once

#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// Whether the service is one whose servers' answers are measured.
[[nodiscard]] constexpr bool is_measured(const ServiceRow& service) noexcept {
  return service.scheduler == SchedulerKind::fastest_response && service.protocol == Protocol::tcp &&
         service.mode == Mode::nat;
}

// A SYN went to the server. Takes the sample unless one is under way; one that has had no answer for a second counts
// as a second. `now_us` is CLOCK_MONOTONIC in microseconds, of which the lower 32 bits matter. Calling worker only.
void begin_sample(const ServerRows& servers, ServerId server, ConnectionId connection, std::uint32_t now_us) noexcept;

// The server's first answer on the connection has come. Any worker may have begun the sample. Calling worker only.
void end_sample(const ServerRows& servers, ServerId server, ConnectionId connection, std::uint32_t now_us) noexcept;

}  // namespace fulcrum
