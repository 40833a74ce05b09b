#include "control/validate/networks.h"

#include <algorithm>

namespace fulcrum::validation {
namespace {

// Reasons that hold whatever the subnets are.
std::string never_a_host(const Address& address) {
  if (address.is_unspecified()) return "is not an address of a host";
  if (address.is_multicast()) return "is a multicast address";
  if (address.is_loopback()) return "is a loopback address";
  if (address.is_v4() && address.v4().host() >= 0xF0000000U) return "is a reserved or broadcast address";
  if (!address.is_v4() && address.is_link_local()) return "is a link-local address, which is not unique on the box";
  return {};
}

// Subnets of one or two addresses have neither a network nor a broadcast address (RFC 3021, RFC 6164).
bool is_tiny(const Network& network) { return network.length >= (network.family == Family::ipv4 ? 31 : 127); }

std::string end_of(const Network& network, const Address& address) {
  if (is_tiny(network)) return {};
  const Prefix subnet{network.first, network.length};
  if (address == network.first) return fmt::format("is the network address of {}", subnet.text());
  const bool broadcasts = network.family == Family::ipv4 && address == network.last;
  return broadcasts ? fmt::format("is the broadcast address of {}", subnet.text()) : std::string{};
}

Network network_of(const Prefix& prefix, std::size_t port, std::string path) {
  return {prefix.first(), prefix.last(), prefix.length, prefix.address.family(), port, std::move(path)};
}

// Names that Linux gives another meaning, as an interface or in /proc/sys/net.
bool is_reserved(const std::string& port) {
  return port == "lo" || port == "all" || port == "default" || port == "." || port == "..";
}

}  // namespace

Networks::Networks(const model::Model& model, Findings& findings)
    : incomplete_{findings.wrong_within("ports") || findings.wrong_within("routes")} {
  std::map<std::string, std::size_t> names;
  for (std::size_t p = 0; p < model.ports.size(); ++p) {
    const std::string path = fmt::format("ports[{}]", p);
    const std::string& name = model.ports[p].name;
    if (!findings.is_wrong(path + ".name") && !findings.is_wrong(path)) {
      const auto [first, is_new] = names.emplace(name, p);
      if (!is_new) {
        findings.add(path + ".name", "\"{}\" is already the name of {}", name,
                     findings.place(fmt::format("ports[{}]", first->second)));
      }
      if (is_reserved(name))
        findings.add(path + ".name", "\"{}\" has another meaning for Linux: choose another name", name);
    }
    read_port(model.ports[p], p, findings);
  }
  check_overlaps(findings);
  for (std::size_t r = 0; r < model.routes.size(); ++r) {
    read_route(model.routes[r], fmt::format("routes[{}]", r), findings);
  }
}

void Networks::read_port(const model::Port& port, std::size_t index, Findings& findings) {
  for (std::size_t a = 0; a < port.addresses.size(); ++a) {
    const std::string path = fmt::format("ports[{}].addresses[{}]", index, a);
    if (findings.is_wrong(path)) continue;
    const Prefix& prefix = port.addresses[a];
    Network network = network_of(prefix, index, path);
    std::string reason = never_a_host(prefix.address);
    if (reason.empty() && prefix.length == 0) reason = "is no subnet: the prefix length must not be 0";
    if (!reason.empty()) {
      findings.add(path, "{} {}", prefix.text(), reason);
      continue;
    }
    // The subnet is right even where the address in it is not.
    networks_.push_back(network);
    reason = end_of(network, prefix.address);
    if (!reason.empty()) {
      findings.add(path, "{} {}: give the box's own address in it", prefix.text(), reason);
      continue;
    }
    const auto [first, is_new] = own_.emplace(prefix.address, path);
    if (!is_new) {
      findings.add(path, "{} is already an address of the box: {}", prefix.address.text(),
                   findings.place(first->second));
      networks_.pop_back();
    }
  }
}

void Networks::check_overlaps(Findings& findings) const {
  for (std::size_t i = 0; i < networks_.size(); ++i) {
    const Network& one = networks_[i];
    const auto overlaps = [&](const Network& other) {
      return other.port != one.port && other.family == one.family && !(other.last < one.first) &&
             !(one.last < other.first);
    };
    const auto end = networks_.begin() + static_cast<std::ptrdiff_t>(i);
    const auto other = std::find_if(networks_.begin(), end, overlaps);
    if (other == end) continue;
    findings.add(one.path, "the subnet {} overlaps {} of another port: {}", Prefix{one.first, one.length}.text(),
                 Prefix{other->first, other->length}.text(), findings.place(other->path));
  }
}

// A route that is wrong in itself still counts as leading somewhere: what only it reaches is not reported again.
void Networks::read_route(const model::Route& route, const std::string& path, Findings& findings) {
  if (findings.is_wrong(path)) return;
  const bool to_is_right = !findings.is_wrong(path + ".to");
  if (to_is_right) check_destination(route, path + ".to", findings);
  if (findings.is_wrong(path + ".via")) return;
  if (to_is_right && route.via.family() != route.to.address.family()) {
    return findings.add(path + ".via", "{} is of another address family than {}", route.via.text(), route.to.text());
  }
  const std::string reason = not_a_host(route.via);
  if (!reason.empty()) {
    findings.add(path + ".via", "{} {}", route.via.text(), reason);
  } else if (const std::string* own_path = own(route.via)) {
    findings.add(path + ".via", "{} is the box's own address: {}", route.via.text(), findings.place(*own_path));
  } else if (connected(route.via) == nullptr && !findings.wrong_within("ports")) {
    findings.add(path + ".via", "the gateway {} is in no subnet of a port", route.via.text());
  }
}

void Networks::check_destination(const model::Route& route, const std::string& path, Findings& findings) {
  const Prefix subnet{route.to.first(), route.to.length};
  const auto [first, is_new] = destinations_.emplace(std::pair{subnet.address, subnet.length}, path);
  const bool is_connected = std::any_of(networks_.begin(), networks_.end(), [&](const Network& one) {
    return one.family == subnet.address.family() && one.length == subnet.length && one.first == subnet.address;
  });
  if (!(subnet == route.to)) {
    findings.add(path, "{} is an address in a subnet: write {}", route.to.text(), subnet.text());
  } else if (!is_new) {
    findings.add(path, "{} already has a route: {}", subnet.text(), findings.place(first->second));
  } else if (is_connected) {
    findings.add(path, "{} is the subnet of a port and needs no route", subnet.text());
  } else if (subnet.address.is_multicast() || subnet.address.is_loopback()) {
    findings.add(path, "{} cannot be routed", subnet.text());
  }
  routed_.push_back(subnet);
}

const Network* Networks::connected(const Address& address) const {
  const Network* best = nullptr;
  for (const Network& one : networks_) {
    if (one.contains(address) && (best == nullptr || one.length > best->length)) best = &one;
  }
  return best;
}

bool Networks::reachable(const Address& address) const {
  if (connected(address) != nullptr) return true;
  return std::any_of(routed_.begin(), routed_.end(), [&](const Prefix& to) { return to.contains(address); });
}

const std::string* Networks::own(const Address& address) const {
  const auto found = own_.find(address);
  return found == own_.end() ? nullptr : &found->second;
}

std::string Networks::not_a_host(const Address& address) const {
  std::string reason = never_a_host(address);
  if (!reason.empty()) return reason;
  const Network* network = connected(address);
  return network == nullptr ? reason : end_of(*network, address);
}

}  // namespace fulcrum::validation
