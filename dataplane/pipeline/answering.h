// Which connections a server's packet may belong to. It carries the server's endpoint and the client, and not the
// address and port that the client spoke to: where several services share the endpoint, each of them may be meant.
// First come the services of this very port, then those with ranges that it is in.
#pragma once

#include <cstdint>

#include "dataplane/contract/connections.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// The first server row that may have sent a packet from the endpoint; kNoIndex when none may. Any thread, on a
// published snapshot, as all that follows.
[[nodiscard]] inline std::uint16_t first_answering(const Snapshot& snapshot, const Address& address, Be16 port,
                                                   Protocol protocol) noexcept {
  const std::uint16_t row = find_endpoint(snapshot, address, port, protocol);
  return row != kNoIndex ? row : find_wide(snapshot, address, port, protocol);
}

// The one after `row`.
[[nodiscard]] inline std::uint16_t next_answering(const Snapshot& snapshot, std::uint16_t row, Be16 port) noexcept {
  const ServerRow& server = snapshot.servers[row];
  const ServiceRow& service = snapshot.services[server.service.value];
  if (is_wide(service)) return first_serving(snapshot, server.next_same_endpoint, port);
  if (server.next_same_endpoint != kNoIndex) return server.next_same_endpoint;
  return find_wide(snapshot, server.address, port, service.protocol);
}

// The port of the row's service for which the server's `port` stands.
[[nodiscard]] inline Be16 port_answered_for(const Snapshot& snapshot, std::uint16_t row, Be16 port) noexcept {
  const ServerRow& server = snapshot.servers[row];
  const ServiceRow& service = snapshot.services[server.service.value];
  return is_range(service) ? port_behind(service.port, port_offset(server, port)) : service.port;
}

// The server's port for which the `port` of the row's service stands.
[[nodiscard]] inline Be16 port_at_server(const Snapshot& snapshot, std::uint16_t row, Be16 port) noexcept {
  const ServerRow& server = snapshot.servers[row];
  const ServiceRow& service = snapshot.services[server.service.value];
  if (!is_range(service)) return server.port;
  return port_behind(server.port, static_cast<std::uint16_t>(port.host() - service.port.host()));
}

// Who speaks to which port of a service.
struct Asking {
  Address client;
  Be16 client_port{0}, service_port{0};
};

// Calls `visit(row, key)` for each connection through another service to which the answers of `server` could belong as
// well as to this one, until it returns true. Whether it did.
template <class Visit>
bool for_each_answerable(const Snapshot& snapshot, std::uint16_t server, const Asking& asking, Visit visit) noexcept {
  const Address& address = snapshot.servers[server].address;
  const Protocol protocol = snapshot.services[snapshot.servers[server].service.value].protocol;
  const Be16 port = port_at_server(snapshot, server, asking.service_port);
  for (std::uint16_t row = first_answering(snapshot, address, port, protocol); row != kNoIndex;
       row = next_answering(snapshot, row, port)) {
    const ServiceId service = snapshot.servers[row].service;
    if (service == snapshot.servers[server].service || snapshot.services[service.value].one_packet != 0) continue;
    FlowKey key;
    key.client = asking.client;
    key.client_port = asking.client_port;
    key.service = service;
    key.service_port = port_answered_for(snapshot, row, port);
    if (visit(row, key)) return true;
  }
  return false;
}

}  // namespace fulcrum
