// A shop to compile in tests, and what became of it.
#pragma once

#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/compile/compile.h"
#include "tests/support/gtest.h"

namespace fulcrum::test {

inline Address ip(const char* text) { return *Address::parse(text); }

inline model::Server server(const char* name, std::vector<Address> addresses, std::uint16_t weight = 1) {
  return {name, std::move(addresses), weight};
}

inline model::Model shop() {
  model::Model model;
  model.ports = {{"front", {*Prefix::parse("198.51.100.1/24"), *Prefix::parse("2001:db8:1::1/64")}},
                 {"back", {*Prefix::parse("10.1.1.1/24"), *Prefix::parse("fd00:1::1/64")}}};
  model.routes = {{*Prefix::parse("0.0.0.0/0"), ip("198.51.100.254")},
                  {*Prefix::parse("10.9.0.0/16"), ip("10.1.1.254")}};
  model::Farm farm;
  farm.name = "shop";
  farm.addresses = {ip("198.51.100.10"), ip("2001:db8:1::10")};
  farm.ports = {{Protocol::tcp, 80, 8080}, {Protocol::udp, 53, 0}};
  farm.servers = {server("web1", {ip("10.1.1.11"), ip("fd00:1::11")}), server("web2", {ip("10.1.1.12")}, 3),
                  server("web3", {ip("10.9.1.13")}, 2)};
  model.farms = {farm};
  return model;
}

inline constexpr std::array<std::optional<PortId>, 2> kPorts{PortId{4}, PortId{7}};

struct Compiled {
  std::unique_ptr<Snapshot> snapshot = std::make_unique<Snapshot>();
  std::vector<CompiledServer> servers;
  [[nodiscard]] std::uint16_t service(const char* address, std::uint16_t port,
                                      Protocol protocol = Protocol::tcp) const {
    return find_service(*snapshot, ip(address), Be16{port}, protocol);
  }
  [[nodiscard]] std::vector<std::string> schedule(std::uint16_t service) const {
    const ServiceRow& row = snapshot->services[service];
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < row.schedule_length; ++i) {
      names.emplace_back(snapshot->server_names[snapshot->schedule[row.schedule_offset + i]].view());
    }
    return names;
  }
};

inline Compiled compiled(const model::Model& model, std::uint64_t generation = 1, const Snapshot* previous = nullptr,
                         const std::set<std::string>& down = {}, Tick now = 0,
                         const std::function<ServerState(const ServerEndpoint&)>& state = {}) {
  Compiled result;
  // Nothing that was in the slot may shine through.
  std::memset(static_cast<void*>(result.snapshot.get()), 0xA5, sizeof(Snapshot));
  const auto routes = routes_of(model, kPorts);
  const CompileInput input{.model = model,
                           .routes = routes,
                           .generation = generation,
                           .model_hash = 77,
                           .now = now,
                           .previous = previous,
                           .state =
                               [&](const ServerEndpoint& one) {
                                 if (state) return state(one);
                                 return down.count(one.server.name) != 0 ? ServerState::down : ServerState::up;
                               },
                           .neighbour = [](PortId port, const Address& address) -> std::optional<NeighbourId> {
                             return NeighbourId{port.value * 1000U + address.bytes()[15]};
                           }};
  auto servers = compile(input, *result.snapshot);
  EXPECT_TRUE(servers.has_value()) << servers.error().words();
  if (servers) result.servers = *servers;
  return result;
}

}  // namespace fulcrum::test
