// The configuration model: what fulcrum.cfg says, as plain structs. Defaults stand here, everything else about a field
// (its key in the file, bounds, help) in description.cc. A model that came from the reader has every value within its
// own bounds; only control/validate knows whether they make sense together. Names are looked up by position: the paths
// of problems ("farms[2].servers[0]") count like these vectors do.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/settings.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum::model {

// A data port of the box, by the name it has in dataplane.cfg.
struct Port {
  std::string name;
  std::vector<Prefix> addresses;  // with the host part: the box's own address in that subnet
  std::string remark{};           // for people; as in all that have one
  friend bool operator==(const Port&, const Port&) = default;
};

struct Route {
  Prefix to;
  Address via;
  std::string remark{};
  friend bool operator==(const Route&, const Route&) = default;
};

// What one port has of its own in the farm's check; 0 and as_farm: nothing.
enum class PortCheckType : std::uint8_t { as_farm, none, tcp_connect };
struct PortCheck {
  PortCheckType type = PortCheckType::as_farm;
  std::chrono::milliseconds interval{0};
  std::chrono::milliseconds timeout{0};
  std::uint8_t rise = 0;
  std::uint8_t fall = 0;
  friend bool operator==(const PortCheck&, const PortCheck&) = default;
};

struct ServicePort {
  Protocol protocol = Protocol::tcp;
  std::uint16_t port = 0;
  std::uint16_t server_port = 0;  // 0: the same as `port`. Of a range the first
  std::uint16_t check_port = 0;   // 0: see Farm::probed_port
  std::uint16_t last_port = 0;    // of a range; 0: `port` alone
  bool one_packet = false;        // UDP: each packet by itself
  PortCheck check{};              // see Farm::check_of
  std::string remark{};

  [[nodiscard]] bool is_range() const { return last_port != 0 && last_port != port; }
  [[nodiscard]] std::uint16_t last() const { return is_range() ? last_port : port; }
  [[nodiscard]] std::uint16_t port_at_server() const { return server_port == 0 ? port : server_port; }
  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

enum class ServerRole : std::uint8_t { active, favorite, standby, last_resort };
enum class AdminState : std::uint8_t { enabled, drain, maintenance };

struct Server {
  std::string name;
  std::vector<Address> addresses;  // at most one of each family
  std::uint16_t weight = 10;       // 0: as AdminState::drain
  ServerRole role = ServerRole::active;
  AdminState state = AdminState::enabled;
  std::uint32_t connections_max = 0;  // 0: no limit
  std::uint32_t connections_low = 0;  // see low_mark()
  std::string remark{};

  // A server that was full takes connections again with fewer than so many.
  [[nodiscard]] std::uint32_t low_mark() const {
    return connections_low != 0 ? connections_low : connections_max - connections_max / 4;
  }
  // The server's address of that family; nothing when it has none.
  [[nodiscard]] const Address* address_of(Family family) const;
  friend bool operator==(const Server&, const Server&) = default;
};

enum class CheckType : std::uint8_t { none, tcp_connect };

struct Check {
  CheckType type = CheckType::tcp_connect;
  std::chrono::milliseconds interval{5000};
  std::chrono::milliseconds timeout{2000};
  std::uint8_t rise = 2;
  std::uint8_t fall = 3;
  friend bool operator==(const Check&, const Check&) = default;
};

struct Timeouts {
  std::chrono::seconds established{900};
  std::chrono::seconds embryonic{60};
  std::chrono::seconds closing{120};
  std::chrono::seconds time_wait{10};
  std::chrono::seconds udp{300};
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class PersistenceType : std::uint8_t { none, client_address };

struct Persistence {
  PersistenceType type = PersistenceType::none;
  std::uint8_t mask_v4 = 32;
  std::uint8_t mask_v6 = 128;
  std::chrono::seconds timeout{360};
  friend bool operator==(const Persistence&, const Persistence&) = default;
};

// What becomes of the connections of a server, an address, a port or a farm that was removed, or is in maintenance.
enum class RemovedFlows : std::uint8_t { keep, drain, reset };

// What becomes of a server whose check fails on one of the farm's ports; see control/roster/bound_ports.h.
enum class PortHealth : std::uint8_t { bound, independent };

// How many standbys come in for how many active servers that cannot take connections; see control/roster/standby.h.
struct Standbys {
  std::uint16_t failures = 1;
  std::uint16_t come_in = 1;
  friend bool operator==(const Standbys&, const Standbys&) = default;
};

struct Farm {
  std::string name;
  Mode mode = Mode::nat;
  SchedulerKind scheduler = SchedulerKind::weighted_round_robin;
  std::chrono::seconds slow_start{30};
  std::vector<Address> addresses;  // VIPs
  std::vector<ServicePort> ports;
  std::vector<Server> servers;
  Check check;
  PortHealth port_health = PortHealth::bound;
  Timeouts timeouts;
  Persistence persistence;
  Standbys standbys;
  RemovedFlows removed_flows = RemovedFlows::drain;
  std::chrono::seconds drain_time{300};
  NoServer no_server = NoServer::drop;
  std::uint32_t connections_max = 0;  // 0: no limit
  std::string remark{};

  // Where `port` of this farm leads at a server.
  [[nodiscard]] std::uint16_t server_port_of(const ServicePort& port) const;
  // The port of a server to connect to, to learn whether it serves `port`: its check_port, else that at the server for
  // TCP, and for UDP, which cannot be connected to, the one probed for the farm's first TCP port. 0 when the farm has
  // none; validation refuses that with tcp_connect.
  [[nodiscard]] std::uint16_t probed_port(const ServicePort& port) const;
  // How that is done: as the farm says, but for what the port says itself.
  [[nodiscard]] Check check_of(const ServicePort& port) const;
  friend bool operator==(const Farm&, const Farm&) = default;
};

// The way in for administrators: the REST API on ordinary kernel interfaces, outside the twins' namespace.
struct Management {
  std::vector<Address> addresses;  // empty: no REST API
  std::uint16_t port = 443;
  std::vector<Prefix> allowed_hosts;  // empty: everybody
  std::string certificate, key;       // PEM files; empty: the box makes its own
  friend bool operator==(const Management&, const Management&) = default;
};

struct Model {
  std::string runtime_dir = "/run/fulcrum";
  std::string state_dir;  // see state_directory()
  Management management;
  std::vector<Port> ports;
  std::vector<Route> routes;
  std::vector<Farm> farms;

  // Where the revisions are kept. Several boxes on one machine (labs) have a runtime_dir each, and so a history each.
  [[nodiscard]] std::string state_directory() const;
  friend bool operator==(const Model&, const Model&) = default;
};

inline constexpr std::uint32_t kConnectionsMax = 1'000'000'000;
inline constexpr std::chrono::seconds kSlowStartMax{3600};
inline constexpr std::int64_t kModelVersion = 1;
inline constexpr std::size_t kStaticRoutesMax = 512;  // so that they fit beside farms (kRoutesMax, kNextHopsMax)
inline constexpr std::size_t kRemarkMax = 200;        // characters of a line or two
inline constexpr std::size_t kPortNameMax = 15;       // a kernel twin has the port's name, and Linux allows no more

// Built at the first call. Any thread.
const settings::Description<Model>& description();

}  // namespace fulcrum::model
