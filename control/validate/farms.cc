#include "control/validate/farms.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace fulcrum::validation {
namespace {

const char* protocol_name(Protocol protocol) { return protocol == Protocol::udp ? "udp" : "tcp"; }
const char* family_name(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

class FarmRules {
 public:
  FarmRules(const model::Model& model, const Networks& networks, Findings& findings)
      : model_{model}, networks_{networks}, findings_{findings} {}

  void run() {
    for (std::size_t f = 0; f < model_.farms.size(); ++f) collect_servers(f);
    for (std::size_t f = 0; f < model_.farms.size(); ++f) {
      const std::string path = fmt::format("farms[{}]", f);
      if (findings_.is_wrong(path)) continue;
      check_farm(model_.farms[f], path);
      check_addresses(model_.farms[f], path);
      check_ports(model_.farms[f], path);
      check_servers(model_.farms[f], path);
      check_check(model_.farms[f], path);
      check_one_packet(model_.farms[f], path);
    }
  }

 private:
  // Ports that are taken, by the first of each stretch: up to which, and by whom.
  struct Taken {
    std::uint16_t last = 0;
    std::string path;
  };
  using Stretches = std::map<std::uint16_t, Taken>;
  // Null when `port` could be added.
  static const Stretches::value_type* take(Stretches& stretches, const model::ServicePort& port,
                                           const std::string& path) {
    const auto after = stretches.upper_bound(port.last());
    const bool overlaps = after != stretches.begin() && std::prev(after)->second.last >= port.port;
    if (overlaps) return &*std::prev(after);
    stretches.emplace(port.port, Taken{port.last(), path});
    return nullptr;
  }
  // An address of a server. Its path is made when it is needed: there may be many thousands of them.
  struct Spot {
    std::size_t farm = 0, server = 0, address = 0;
  };
  static std::string path_of(const Spot& spot) {
    return fmt::format("farms[{}].servers[{}].addresses[{}]", spot.farm, spot.server, spot.address);
  }
  struct AddressHash {
    std::size_t operator()(const Address& address) const {
      const std::uint64_t hash = address.words()[0] * 31 + address.words()[1];
      return static_cast<std::size_t>((hash ^ hash >> 29U) * 0xBF58476D1CE4E5B9U);
    }
  };

  // All servers first: a farm's address may be that of a server further down.
  void collect_servers(std::size_t f) {
    const auto& servers = model_.farms[f].servers;
    for (std::size_t s = 0; s < servers.size(); ++s) {
      for (std::size_t a = 0; a < servers[s].addresses.size(); ++a) {
        const std::string path = path_of({f, s, a});
        if (!findings_.is_wrong(path)) servers_.try_emplace(servers[s].addresses[a], Spot{f, s, a});
      }
    }
  }

  void check_name(std::unordered_map<std::string, std::string>& names, const std::string& name,
                  const std::string& path) {
    if (findings_.is_wrong(path + ".name")) return;
    const auto [first, is_new] = names.emplace(name, path);
    if (!is_new)
      findings_.add(path + ".name", "\"{}\" is already the name of {}", name, findings_.place(first->second));
  }

  void check_limits(const model::Server& server, const std::string& path) {
    if (server.connections_low == 0 || findings_.is_wrong(path + ".connections_low") ||
        findings_.is_wrong(path + ".connections_max")) {
      return;
    }
    if (server.connections_max == 0) {
      findings_.add(path + ".connections_low", "{} without connections_max: the server is never full",
                    server.connections_low);
    } else if (server.connections_low > server.connections_max) {
      findings_.add(path + ".connections_low", "{} is above connections_max ({})", server.connections_low,
                    server.connections_max);
    }
  }

  // Of a file the reader says so; a model from elsewhere is told here.
  template <class T>
  void check_not_empty(const std::vector<T>& list, const std::string& path, const char* what) {
    if (list.empty() && !findings_.wrong_within(path))
      findings_.add(path, "is empty: a farm needs at least one {}", what);
  }

  void check_farm(const model::Farm& farm, const std::string& path) {
    check_name(farm_names_, farm.name, path);
    check_not_empty(farm.addresses, path + ".addresses", "address");
    check_not_empty(farm.ports, path + ".ports", "port");
    check_not_empty(farm.servers, path + ".servers", "server");
    check_roles(farm, path);
  }

  void check_roles(const model::Farm& farm, const std::string& path) {
    if (farm.servers.empty() || findings_.wrong_within(path + ".servers")) return;
    const bool has_place = std::any_of(farm.servers.begin(), farm.servers.end(), [](const model::Server& server) {
      return server.role == model::ServerRole::active || server.role == model::ServerRole::favorite;
    });
    if (!has_place)
      findings_.add(path + ".servers", "all are standby or last_resort: make one at least active or favorite");
  }

  void check_addresses(const model::Farm& farm, const std::string& path) {
    std::set<Address> seen;
    for (std::size_t a = 0; a < farm.addresses.size(); ++a) {
      const std::string at = fmt::format("{}.addresses[{}]", path, a);
      if (findings_.is_wrong(at)) continue;
      const Address& address = farm.addresses[a];
      const std::string reason = networks_.not_a_host(address);
      const auto server = servers_.find(address);
      if (!reason.empty()) {
        findings_.add(at, "{} {}", address.text(), reason);
      } else if (const std::string* own = networks_.own(address)) {
        findings_.add(at, "{} is an address of the box itself: {}", address.text(), findings_.place(*own));
      } else if (server != servers_.end()) {
        findings_.add(at, "{} is the address of a server: {}", address.text(),
                      findings_.place(path_of(server->second)));
      } else if (!seen.insert(address).second) {
        findings_.add(at, "{} is given twice in this farm", address.text());
      } else {
        check_services(farm, address, at, path);
        check_family(farm, address, at, path);
      }
    }
  }

  // One line for each other farm that serves the same, whatever number of ports they share.
  void check_services(const model::Farm& farm, const Address& address, const std::string& at, const std::string& path) {
    std::set<std::string> told;
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      if (findings_.wrong_within(fmt::format("{}.ports[{}]", path, p))) continue;
      const model::ServicePort& port = farm.ports[p];
      if (port.last() < port.port) continue;  // check_ports() says so
      const auto* other = take(services_[{address, port.protocol}], port, path);
      if (other == nullptr || other->second.path == path || !told.insert(other->second.path).second) continue;
      findings_.add(at, "{} {} port {} is already served by {}", address.text(), protocol_name(port.protocol),
                    std::max(port.port, other->first), findings_.place(other->second.path));
    }
  }

  void check_family(const model::Farm& farm, const Address& address, const std::string& at, const std::string& path) {
    if (farm.servers.empty() || findings_.wrong_within(path + ".servers")) return;
    const bool served = std::any_of(farm.servers.begin(), farm.servers.end(), [&](const model::Server& server) {
      return server.address_of(address.family()) != nullptr;
    });
    if (!served)
      findings_.add(at, "no server of the farm has an {} address to serve it", family_name(address.family()));
  }

  void check_ports(const model::Farm& farm, const std::string& path) {
    std::map<Protocol, Stretches> seen;
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      const std::string at = fmt::format("{}.ports[{}]", path, p);
      if (findings_.wrong_within(at)) continue;
      const model::ServicePort& port = farm.ports[p];
      if (port.last() < port.port) {
        findings_.add(at + ".last_port", "{} is below port {}", port.last_port, port.port);
        continue;
      }
      if (const auto* other = take(seen[port.protocol], port, at)) {
        findings_.add(at + ".port", "{} port {} is given twice in this farm: {}", protocol_name(port.protocol),
                      std::max(port.port, other->first), findings_.place(other->second.path));
      }
      if (port.port_at_server() + (port.last() - port.port) > UINT16_MAX) {
        findings_.add(at + ".server_port", "{} and the {} ports behind it go beyond 65535", port.port_at_server(),
                      port.last() - port.port);
      }
      if (farm.mode == Mode::dsr && port.port_at_server() != port.port) {
        findings_.add(
            at + ".server_port",
            "{} differs from port {}: in mode dsr packets reach the server unchanged, so leave server_port out",
            port.server_port, port.port);
      }
    }
  }

  void check_one_packet(const model::Farm& farm, const std::string& path) {
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      const std::string at = fmt::format("{}.ports[{}]", path, p);
      if (!farm.ports[p].one_packet || findings_.wrong_within(at)) continue;
      if (farm.ports[p].protocol != Protocol::udp) {
        findings_.add(at + ".one_packet", "is for UDP: a TCP connection is more than one packet");
      } else if (farm.ports[p].is_range()) {
        findings_.add(at + ".one_packet", "does not go with a range: give each port its own entry, without last_port");
      } else if (is_by_load(farm.scheduler) && farm.scheduler != SchedulerKind::least_bandwidth) {
        findings_.add(path + ".scheduler",
                      "counts connections, and {} keeps none: take round_robin, weighted_round_robin, source_hash, "
                      "maglev or least_bandwidth",
                      findings_.place(at));
      } else if (farm.mode == Mode::nat) {
        check_answers(farm, farm.ports[p], at);
      }
    }
  }

  // What comes from a server's port without a connection must say by itself whose answer it is.
  void check_answers(const model::Farm& farm, const model::ServicePort& port, const std::string& at) {
    for (const Address& vip : farm.addresses) {
      for (const model::Server& server : farm.servers) {
        const Address* address = server.address_of(vip.family());
        if (address == nullptr) continue;
        const auto [first, is_new] = answers_.try_emplace({*address, farm.server_port_of(port)}, Answers{vip, at});
        if (is_new) continue;
        findings_.add(
            at + ".one_packet",
            "answers of {} udp port {} could be of {} or of {}, see {}: give one of them another server_port, "
            "or take mode dsr",
            address->text(), farm.server_port_of(port), vip.text(), first->second.vip.text(),
            findings_.place(first->second.path));
        return;
      }
    }
  }

  void check_servers(const model::Farm& farm, const std::string& path) {
    std::unordered_map<std::string, std::string> names;
    std::unordered_map<Address, std::size_t, AddressHash> addresses;  // with the server that has it
    for (std::size_t s = 0; s < farm.servers.size(); ++s) {
      const model::Server& server = farm.servers[s];
      const std::string at = fmt::format("{}.servers[{}]", path, s);
      if (findings_.is_wrong(at)) continue;
      check_name(names, server.name, at);
      check_not_empty(server.addresses, at + ".addresses", "address for each server");
      check_families(server, at);
      check_limits(server, at);
      for (std::size_t a = 0; a < server.addresses.size(); ++a) {
        const std::string here = fmt::format("{}.addresses[{}]", at, a);
        if (findings_.is_wrong(here)) continue;
        const auto [first, is_new] = addresses.emplace(server.addresses[a], s);
        if (!is_new && first->second != s) {
          findings_.add(here, "{} is already the address of {}", server.addresses[a].text(),
                        findings_.place(fmt::format("{}.servers[{}]", path, first->second)));
        } else {
          check_server_address(farm, server.addresses[a], here);
        }
      }
    }
  }

  void check_families(const model::Server& server, const std::string& path) {
    if (server.addresses.size() != 2 || findings_.wrong_within(path + ".addresses")) return;
    const Family family = server.addresses[0].family();
    if (family != server.addresses[1].family()) return;
    findings_.add(path + ".addresses", "two {} addresses: a server has at most one of each family",
                  family_name(family));
  }

  void check_server_address(const model::Farm& farm, const Address& address, const std::string& at) {
    const std::string reason = networks_.not_a_host(address);
    if (!reason.empty()) {
      findings_.add(at, "{} {}", address.text(), reason);
    } else if (const std::string* own = networks_.own(address)) {
      findings_.add(at, "{} is an address of the box itself: {}", address.text(), findings_.place(*own));
    } else if (networks_.incomplete()) {
      return;
    } else if (!networks_.reachable(address)) {
      findings_.add(at, "{} is in no subnet of a port, and no route leads there", address.text());
    } else if (farm.mode == Mode::dsr && networks_.connected(address) == nullptr) {
      findings_.add(at, "{} is behind a gateway: mode dsr needs the server in a subnet of a port", address.text());
    }
  }

  void check_check(const model::Farm& farm, const std::string& path) {
    if (findings_.wrong_within(path + ".check")) return;
    const auto overlap = [&](const model::Check& check, const std::string& at) {
      if (check.type == model::CheckType::none || check.timeout <= check.interval) return;
      findings_.add(at, "{} ms is longer than interval_ms ({}): probes would overlap", check.timeout.count(),
                    check.interval.count());
    };
    overlap(farm.check, path + ".check.timeout_ms");
    if (findings_.wrong_within(path + ".ports")) return;
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      const std::string at = fmt::format("{}.ports[{}].check", path, p);
      const model::PortCheck& own = farm.ports[p].check;
      const bool is_short = is_below(own.interval, 100, at + ".interval_ms");
      if (is_below(own.timeout, 10, at + ".timeout_ms") || is_short) continue;
      if (own.interval.count() != 0 || own.timeout.count() != 0)
        overlap(farm.check_of(farm.ports[p]), at + (own.timeout.count() != 0 ? ".timeout_ms" : ".interval_ms"));
    }
    check_probed(farm, path);
  }

  // The bounds of the farm's check, where a port's own has something.
  bool is_below(std::chrono::milliseconds own, std::int64_t least, const std::string& at) {
    if (own.count() == 0 || own.count() >= least) return false;
    findings_.add(at, "{} is out of bounds: 0 (as the farm's), or {} at least", own.count(), least);
    return true;
  }

  void check_probed(const model::Farm& farm, const std::string& path) {
    const auto is_probed = [&](const model::ServicePort& port) {
      return farm.check_of(port).type != model::CheckType::none;
    };
    bool lacks_tcp = false;
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      const model::ServicePort& port = farm.ports[p];
      if (!is_probed(port)) continue;
      if (farm.probed_port(port) == 0 && !std::exchange(lacks_tcp, true)) {
        const bool is_own = port.check.type == model::PortCheckType::tcp_connect;
        findings_.add(is_own ? fmt::format("{}.ports[{}].check.type", path, p) : path + ".check.type",
                      "tcp_connect needs a TCP port, and this farm has none: give its ports a check_port, or write "
                      "\"none\"");
      }
      // One that ends before it begins is told as that.
      if (!port.is_range() || port.last_port < port.port || port.check_port != 0) continue;
      findings_.add(fmt::format("{}.ports[{}].check_port", path, p),
                    "is missing: say which port of the servers speaks for the {} ports of this range",
                    port.last() - port.port + 1);
    }
    if (!lacks_tcp) check_probes(farm, path);
  }

  // A server's port is up or down, whatever leads to it.
  void check_probes(const model::Farm& farm, const std::string& path) {
    std::map<std::pair<Protocol, std::uint16_t>, std::size_t> first_of;
    for (std::size_t p = 0; p < farm.ports.size(); ++p) {
      const model::ServicePort& port = farm.ports[p];
      const std::uint16_t leads_to = farm.server_port_of(port);
      const std::size_t first = first_of.try_emplace({port.protocol, leads_to}, p).first->second;
      const std::uint16_t other = farm.probed_port(farm.ports[first]);
      const auto say = [&](std::string_view field, const std::string& how) {
        findings_.add(fmt::format("{}.ports[{}].{}", path, p, field),
                      "{} port {} of the servers is checked {} already: {}", protocol_name(port.protocol), leads_to,
                      how, findings_.place(fmt::format("{}.ports[{}]", path, first)));
      };
      const model::Check check = farm.check_of(port);
      const model::Check others = farm.check_of(farm.ports[first]);
      const bool is_none = check.type == model::CheckType::none && others.type == model::CheckType::none;
      if (is_none) continue;
      if (check != others) {
        say("check", "in another way");
      } else if (farm.probed_port(port) != other) {
        say("check_port", fmt::format("at port {}", other));
      }
    }
  }

  const model::Model& model_;
  const Networks& networks_;
  Findings& findings_;
  std::unordered_map<std::string, std::string> farm_names_;
  std::unordered_map<Address, Spot, AddressHash> servers_;
  struct Answers {
    Address vip;
    std::string path;
  };
  std::map<std::pair<Address, std::uint16_t>, Answers> answers_;  // of one_packet, by the server's end
  std::map<std::pair<Address, Protocol>, Stretches> services_;    // with the farms that serve them
};

}  // namespace

void check_farms(const model::Model& model, const Networks& networks, Findings& findings) {
  FarmRules{model, networks, findings}.run();
}

}  // namespace fulcrum::validation
