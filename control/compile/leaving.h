// What goes on for its connections though the model has it no longer: rows of the snapshot before, and how many of them
// there is room for. Private to compile.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "control/compile/compile.h"
#include "control/compile/plan.h"

namespace fulcrum {

[[nodiscard]] inline bool is_row_of_server(const ServerRow& row) {
  return row.state != ServerState::unused && row.generation != 0;
}

// Rows of addresses and ports that no farm has any more, unless the address is the box's own or a server's by now, or
// one of the ports is another service's. `kept` are the rows of those that the model has; what is returned is marked
// there.
[[nodiscard]] std::vector<std::uint16_t> leaving_services(const CompileInput& input,
                                                          std::span<const PlannedService> planned,
                                                          std::vector<bool>& kept);

// The same of servers, in the services that have a row.
[[nodiscard]] std::vector<LeavingServer> leaving_servers(const CompileInput& input,
                                                         const std::vector<bool>& has_service, std::size_t planned,
                                                         std::vector<bool>& kept);

}  // namespace fulcrum
