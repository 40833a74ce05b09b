// What TCP's states make of a segment, beside the stage of this name: for the fast path.
#pragma once

#include <cstdint>

#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {

struct Segment {
  bool from_client;
  std::uint8_t flags;
};

// What the segment makes of the state of a connection of `server`, and what is counted by states. For segments for
// which stays_established() is false.
void follow(const Context& context, ConnectionId connection, ServerId server, const ServiceRow& service,
            Segment segment) noexcept;

}  // namespace fulcrum
