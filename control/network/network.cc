#include "control/network/network.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "control/network/configure.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

namespace asio = boost::asio;

// A routing daemon changes many routes in a row; they become one recompile.
constexpr std::chrono::milliseconds kRoutesSettle{20};
constexpr std::chrono::milliseconds kLinksSettle{20};
constexpr std::chrono::seconds kTick{1};
constexpr int kMessagesPerTurn = 256;

}  // namespace

Network::Network(asio::io_context& loop, Callbacks callbacks)
    : loop_{loop}, callbacks_{std::move(callbacks)}, route_timer_{loop}, link_timer_{loop}, tick_timer_{loop} {
  tick();
}

Result<void> Network::attach(const Region& region) {
  detach();
  const RegionHeader& header = region.header();
  twins_ = twin_links(header);
  neighbours_.attach(region.neighbours());
  auto where = TwinNamespace::open(std::string{header.twin_namespace.view()},
                                   static_cast<pid_t>(header.dataplane_pid.load(std::memory_order_relaxed)));
  if (!where) return tl::unexpected<Error>{where.error()};
  auto requests = netlink::Requests::open(*where);
  if (!requests) return tl::unexpected<Error>{requests.error()};
  // Before anything is asked, so that no change falls between the answer and the subscription.
  auto monitor = netlink::Monitor::open(*where);
  if (!monitor) return tl::unexpected<Error>{monitor.error()};
  const int descriptor = monitor->descriptor();
  attached_.emplace(Attached{.where = std::move(*where),
                             .requests = std::move(*requests),
                             .monitor = std::move(*monitor),
                             .readable = asio::posix::stream_descriptor{loop_, descriptor},
                             .ports = {}});
  wait_for_changes();
  resync();
  return {};
}

void Network::detach() {
  ++life_;
  if (attached_) {
    attached_->readable.release();  // the monitor closes it
    attached_.reset();
  }
  neighbours_.detach();
  twins_.clear();
}

void Network::configure(const model::Model& model) {
  model_ = model;
  if (!attached_) return;
  find_twins();
  if (attached_->ports.size() != twins_.size()) return;  // between two lives of the dataplane; done when they are back
  const auto problems = fulcrum::configure(attached_->where, attached_->requests, plan_twins(model, twins_), twins_);
  attached_->ready = true;
  report(problems);
  find_twins();
  // The kernel's own notices come by the monitor too, but the first publish shall not wait for them.
  read_routes();
}

// Problems that stay are not repeated at every attempt.
void Network::report(const std::vector<Error>& problems) {
  std::vector<std::string> lines;
  for (const Error& problem : problems) lines.push_back(problem.words());
  for (const std::string& line : lines) {
    const bool told = std::find(problems_told_.begin(), problems_told_.end(), line) != problems_told_.end();
    if (!told) log(Level::warning, "network: {}", line);
  }
  problems_told_ = std::move(lines);
}

void Network::find_twins() {
  const auto links = attached_->requests.links();
  if (!links) return;
  attached_->ports.clear();
  std::size_t connected = 0;
  for (const netlink::Link& link : *links) {
    const auto twin =
        std::find_if(twins_.begin(), twins_.end(), [&](const TwinLink& t) { return t.link == link.name; });
    if (twin == twins_.end()) continue;
    attached_->ports.emplace(link.index, twin->port);
    if (link.carrier) ++connected;
  }
  if (attached_->ports.size() != twins_.size()) attached_->ready = false;
  const bool was_connected = std::exchange(attached_->connected, connected == twins_.size());
  if (was_connected && !attached_->connected) callbacks_.on_twins_lost();
  if (!was_connected && attached_->connected) reconfigure_soon();
}

void Network::look() {
  if (attached_) find_twins();
}

void Network::wait_for_changes() {
  attached_->readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [this, life = life_](const boost::system::error_code& error) {
                                   if (error || life != life_) return;
                                   read_changes();
                                   if (attached_) wait_for_changes();
                                 });
}

void Network::read_changes() {
  const bool whole = attached_->monitor.read([this](const netlink::Change& change) { hear(change); }, kMessagesPerTurn);
  if (whole) return;
  log(Level::notice, "network: Linux had more news than we could read, asking for everything anew");
  resync();
}

void Network::hear(const netlink::Change& change) {
  if (const auto* neighbour = std::get_if<netlink::Neighbour>(&change)) {
    if (!attached_->connected) return;  // nobody can answer Linux
    const auto port = attached_->ports.find(neighbour->index);
    if (port != attached_->ports.end()) neighbours_.hear(port->second, *neighbour);
  } else if (const auto* link = std::get_if<netlink::Link>(&change)) {
    hear_link(*link);
  } else {
    read_routes_soon();
  }
}

void Network::hear_link(const netlink::Link& link) {
  if (link.gone) {
    if (attached_->ports.erase(link.index) == 0) return;
    attached_->ready = false;
    read_routes_soon();
    callbacks_.on_twins_lost();
    return;
  }
  const bool is_twin =
      std::any_of(twins_.begin(), twins_.end(), [&](const TwinLink& t) { return t.link == link.name; });
  if (!is_twin) return;
  if (attached_->ports.count(link.index) == 0 || !link.up) reconfigure_soon();
  find_twins();
}

// A twin came (back), or somebody took it down: Linux has dropped what stood on it.
void Network::reconfigure_soon() {
  if (std::exchange(links_pending_, true)) return;
  link_timer_.expires_after(kLinksSettle);
  link_timer_.async_wait([this](const boost::system::error_code& error) {
    links_pending_ = false;
    if (error || !attached_ || !model_) return;
    configure(model::Model{*model_});
    resync();
  });
}

void Network::resync() {
  find_twins();
  read_routes_soon();
  if (!attached_->connected) return;
  neighbours_.begin_resync();
  if (const auto all = attached_->requests.neighbours()) {
    for (const netlink::Neighbour& neighbour : *all) {
      const auto port = attached_->ports.find(neighbour.index);
      if (port != attached_->ports.end()) neighbours_.hear(port->second, neighbour);
    }
    neighbours_.end_resync();
  }
}

void Network::read_routes_soon() {
  if (std::exchange(routes_pending_, true)) return;
  route_timer_.expires_after(kRoutesSettle);
  route_timer_.async_wait([this](const boost::system::error_code& error) {
    routes_pending_ = false;
    if (!error) read_routes();
  });
}

void Network::read_routes() {
  if (!attached_) return;
  const auto all = attached_->requests.routes();
  if (!all) {
    log(Level::warning, "network: cannot read Linux's routes: {}", all.error().words());
    return;
  }
  std::vector<PortRoute> found;
  for (const netlink::Route& route : *all) {
    const auto port = attached_->ports.find(route.index);
    if (port == attached_->ports.end()) continue;
    found.push_back({.to = route.to, .via = route.via, .port = port->second, .metric = route.metric});
  }
  // Without twins Linux knows no routes, and without a carrier a routing daemon takes its own away. The last known ones
  // serve until the dataplane is back, which must not find its servers unreachable.
  if (!attached_->ready || (!attached_->connected && !routes_.empty()) || found == routes_) return;
  routes_ = std::move(found);
  callbacks_.on_routes_changed();
}

void Network::want(PortId port, const Address& address) {
  if (!attached_ || !attached_->connected) return;
  if (const auto question = neighbours_.want(port, address, monotonic_now())) solicit(*question);
}

void Network::ask_for_next_hops() {
  if (!attached_ || !attached_->connected) return;
  for (const NeighbourMirror::Question& question : neighbours_.due()) solicit(question);
}

void Network::solicit(const NeighbourMirror::Question& question) {
  const auto twin = std::find_if(attached_->ports.begin(), attached_->ports.end(),
                                 [&](const auto& port) { return port.second == question.port; });
  if (twin == attached_->ports.end()) return;
  // Refused when the link is down or Linux's table is full; the next tick asks again.
  [[maybe_unused]] const auto asked = attached_->requests.solicit(twin->first, question.address);
}

void Network::tick() {
  ask_for_next_hops();
  if (attached_ && !attached_->ready && model_) reconfigure_soon();
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

Result<OwnedFd> Network::open_tcp(Family family) const {
  if (!ready()) return fail(Error::Code::not_found, "kernel twins", "the dataplane is not running");
  return attached_->where.socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_STREAM, IPPROTO_TCP);
}

}  // namespace fulcrum
