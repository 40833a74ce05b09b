// Linux as the box's slow path, all of it that control deals with: the twins' configuration (configure.h), the routes
// that Linux knows, be they ours or a routing daemon's, and the neighbours (neighbour_mirror.h).
//
// The twins outlive the dataplane, which is their carrier. attach() takes up the twins of a dataplane that has started;
// when one of them loses its carrier or vanishes, on_twins_lost is called, which is the first that control hears of a
// dataplane's death. What Linux then comes to believe of neighbours and routes (nobody answers) is not mirrored: the
// next dataplane may start when control is gone, and must find what its predecessor had. When the carrier comes back,
// everything is set and asked anew.
//
// One thread, the loop's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "control/model/model.h"
#include "control/network/neighbour_mirror.h"
#include "control/network/netlink.h"
#include "control/network/twin_namespace.h"
#include "control/network/twin_plan.h"
#include "dataplane/base/owned_fd.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

class Network {
 public:
  struct Callbacks {
    std::function<void()> on_routes_changed;  // routes() is new; after a burst of changes, once
    std::function<void()> on_twins_lost;
  };
  // A route that leaves by a data port.
  struct PortRoute {
    Prefix to;
    std::optional<Address> via;  // nothing: the destination is on the link
    PortId port;
    std::uint32_t metric = 0;
    friend bool operator==(const PortRoute&, const PortRoute&) = default;
  };

  Network(boost::asio::io_context& loop, Callbacks callbacks);

  // Takes up the twins of the region's dataplane. Errors: its namespace is not there.
  Result<void> attach(const Region& region);
  void detach();
  [[nodiscard]] bool attached() const { return attached_.has_value(); }

  // Makes the twins agree with `model`; says in the log what it could not do, once.
  void configure(const model::Model& model);
  // All twins are there and were configured, and the dataplane is behind them.
  [[nodiscard]] bool ready() const { return attached_ && attached_->ready && attached_->connected; }
  // Looks for itself whether the dataplane is there: Linux may take a second to tell.
  void look();

  [[nodiscard]] const std::vector<PortRoute>& routes() const { return routes_; }
  [[nodiscard]] const std::vector<TwinLink>& twins() const { return twins_; }
  [[nodiscard]] NeighbourMirror& neighbours() { return neighbours_; }

  // A worker has a packet for a neighbour it does not know.
  void want(PortId port, const Address& address);
  // Asks Linux about the next hops it is not sure of; happens every second by itself.
  void ask_for_next_hops();

  // A stream socket in the twins' namespace, for health checks.
  [[nodiscard]] Result<OwnedFd> open_tcp(Family family) const;

 private:
  struct Attached {
    TwinNamespace where;
    netlink::Requests requests;
    netlink::Monitor monitor;
    boost::asio::posix::stream_descriptor readable;  // the monitor's, not owned
    std::map<int, PortId> ports;                     // by the twin's interface index
    bool ready = false;                              // the twins are configured
    bool connected = false;                          // all of them have a carrier
  };

  void wait_for_changes();
  void read_changes();
  void hear(const netlink::Change& change);
  void hear_link(const netlink::Link& link);
  void resync();
  void find_twins();
  void reconfigure_soon();
  void read_routes_soon();
  void read_routes();
  void tick();
  void solicit(const NeighbourMirror::Question& question);
  void report(const std::vector<Error>& problems);

  boost::asio::io_context& loop_;
  Callbacks callbacks_;
  boost::asio::steady_timer route_timer_, link_timer_, tick_timer_;
  bool routes_pending_ = false, links_pending_ = false;
  std::vector<TwinLink> twins_;
  std::optional<model::Model> model_;
  std::optional<Attached> attached_;
  std::vector<PortRoute> routes_;
  NeighbourMirror neighbours_;
  std::vector<std::string> problems_told_;
  std::uint64_t life_ = 0;  // grows with every attach and detach; handlers of an earlier life do nothing
};

}  // namespace fulcrum
