// Talking to Linux's routing tables (rtnetlink(7)) in the twins' namespace. What Linux says is turned into plain
// structs here, what we ask is built here; nobody else sees a netlink message.
//
// Requests go over a socket of their own and wait for the answer, which the kernel gives before the system call
// returns. The monitor is a second socket that subscribes to changes; it is read when its descriptor is readable and
// says when the kernel had to drop messages for it, whereupon everything must be asked anew.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/network/twin_namespace.h"
#include "dataplane/base/address.h"
#include "dataplane/base/result.h"

namespace fulcrum::netlink {

// What marks addresses and routes as ours (IFA_PROTO, rtm_protocol), also for our successor. No name in rt_protos.
inline constexpr std::uint8_t kOurProtocol = 190;

struct Link {
  int index = 0;
  std::string name;
  bool up = false;       // administratively
  bool carrier = false;  // a twin has it while a dataplane is behind it
  bool gone = false;     // it was deleted; only from the monitor
};

struct LinkAddress {
  int index = 0;  // of the link
  Prefix prefix;  // with the host part
  bool ours = false;
};

struct Route {
  Prefix to;
  std::optional<Address> via;  // nothing: on the link
  int index = 0;               // of the link
  std::uint32_t metric = 0;
  std::uint8_t protocol = 0;
  friend bool operator==(const Route&, const Route&) = default;
};

struct Neighbour {
  int index = 0;  // of the link
  Address address;
  std::optional<Mac> mac;  // when Linux would send to it now
  bool stale = false;      // known, but not confirmed lately
  bool failed = false;     // Linux asked and got no answer
  bool gone = false;       // the entry was deleted
};

struct RouteChange {};  // some route of the main table came or went

using Change = std::variant<Link, Neighbour, RouteChange>;

struct SocketClose {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, SocketClose>;

class Requests {
 public:
  static Result<Requests> open(const TwinNamespace& where);

  Result<std::vector<Link>> links();
  Result<std::vector<LinkAddress>> addresses();
  // The main table's unicast routes of both families.
  Result<std::vector<Route>> routes();
  Result<std::vector<Neighbour>> neighbours();

  Result<void> set_up(int index);
  // `deprecated`: never chosen as a source address by Linux itself (RFC 4862 5.5.4); IPv6 only. IPv6 addresses come
  // without duplicate address detection. Ours from then on.
  Result<void> add_address(int index, const Prefix& prefix, bool deprecated);
  Result<void> remove_address(int index, const Prefix& prefix);
  // Ours from then on. Error conflict: somebody else has a route of this prefix and metric.
  Result<void> add_route(const Prefix& to, const Address& via);
  Result<void> remove_route(const Route& route);
  // Makes Linux find out or confirm the address's MAC now.
  Result<void> solicit(int index, const Address& address);

 private:
  using Visit = std::function<void(const nlmsghdr*)>;
  Result<void> dump(std::uint16_t type, std::uint8_t family, const Visit& visit);
  Result<void> ask(nlmsghdr* message, const std::string& what);
  int exchange(nlmsghdr* message, const Visit& visit);
  Result<void> change_address(std::uint16_t type, std::uint16_t flags, int index, const Prefix& prefix,
                              bool deprecated);
  Result<void> change_route(std::uint16_t type, std::uint16_t flags, const Route& route);

  Socket socket_;
  std::uint32_t sequence_ = 0;
};

class Monitor {
 public:
  // Subscribes to links, neighbours and routes of both families.
  static Result<Monitor> open(const TwinNamespace& where);
  [[nodiscard]] int descriptor() const { return mnl_socket_get_fd(socket_.get()); }
  // Hands over what has arrived, at most about `messages_max`. False: messages were lost, ask for everything anew.
  [[nodiscard]] bool read(const std::function<void(const Change&)>& visit, int messages_max);

 private:
  Socket socket_;
};

}  // namespace fulcrum::netlink
