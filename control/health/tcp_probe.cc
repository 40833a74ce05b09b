#include "control/health/tcp_probe.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace fulcrum {
namespace {

namespace asio = boost::asio;
using Kind = Observation::Kind;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress to_socket_address(const Address& address, std::uint16_t port) {
  SocketAddress result;
  if (address.is_v4()) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = Be16{port}.wire();
    to.sin_addr.s_addr = address.v4().wire();
    result.length = sizeof to;
    std::memcpy(&result.storage, &to, sizeof to);
  } else {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = Be16{port}.wire();
    const auto bytes = address.bytes();
    std::memcpy(&to.sin6_addr, bytes.data(), bytes.size());
    result.length = sizeof to;
    std::memcpy(&result.storage, &to, sizeof to);
  }
  return result;
}

// The near end of a connection; not while none is known.
void take_source(const sockaddr_storage& from, Observation& observation) {
  Address address;
  std::uint16_t port = 0;
  if (from.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    address = Address::v4(Be32::from_wire(v4.sin_addr.s_addr));
    port = Be16::from_wire(v4.sin_port).host();
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    address = Address::v6(static_cast<const std::uint8_t*>(v6.sin6_addr.s6_addr));
    port = Be16::from_wire(v6.sin6_port).host();
  }
  if (address.is_unspecified()) return;
  observation.source = address;
  observation.source_port = port;
}

Observation judge(int error) {
  switch (error) {
    case 0:
      return {Kind::answered, "connected"};
    case ECONNREFUSED:
      return {Kind::refused, "connection refused"};
    case EHOSTUNREACH:
      return {Kind::silent, "host unreachable (no answer to ARP or neighbour discovery, or an ICMP error)"};
    case ETIMEDOUT:
      return {Kind::silent, errno_words(error)};
    case ECONNRESET:
    case ECONNABORTED:
    case ENOPROTOOPT:
    case EPROTO:
      return {Kind::refused, errno_words(error)};
    default:
      return {Kind::inconclusive, "cannot check: " + errno_words(error)};
  }
}

class Attempt final : public TcpProbe, public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& loop, std::function<void(const Observation&)> done)
      : socket_{loop}, timer_{loop}, done_{std::move(done)} {}

  void connect(const OpenTcp& open, const Address& address, std::uint16_t port, std::chrono::milliseconds timeout) {
    auto opened = open(address.family());
    if (!opened) return finish_later({Kind::inconclusive, "cannot check: " + opened.error().words()});
    descriptor_ = std::move(*opened);
    // Close by reset, see the header.
    const linger reset{.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    const SocketAddress to = to_socket_address(address, port);
    begun_ = std::chrono::steady_clock::now();
    const int connected = ::connect(descriptor_.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length);
    if (connected == 0) return finish_later(judge(0));
    if (errno != EINPROGRESS) return finish_later(judge(errno));
    boost::system::error_code refused;
    socket_.assign(descriptor_.get(), refused);
    if (refused) return finish_later({Kind::inconclusive, "cannot check: " + refused.message()});
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error) self->finish(judge(self->pending_error()));
                       });
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this(), timeout](const boost::system::error_code& error) {
      if (!error) self->finish({Kind::silent, fmt::format("no answer within {} ms", timeout.count())});
    });
  }

  void cancel() override {
    done_ = nullptr;
    close();
  }

 private:
  [[nodiscard]] int pending_error() const {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
  }
  void finish_later(Observation observation) {
    asio::post(timer_.get_executor(), [self = shared_from_this(), observation] { self->finish(observation); });
  }
  // What the kernel knows of the attempt.
  void look_at_socket(Observation& observation) const {
    sockaddr_storage near{};
    socklen_t length = sizeof near;
    if (getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&near), &length) == 0) {
      take_source(near, observation);
    }
    tcp_info info{};
    length = sizeof info;
    if (getsockopt(descriptor_.get(), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return;
    observation.syns = static_cast<std::uint8_t>(std::min<std::uint32_t>(info.tcpi_total_retrans, 254) + 1);
  }
  // The other handler may be on its way already: only the first counts.
  void finish(Observation observation) {
    if (!done_) return;
    const auto now = std::chrono::steady_clock::now();
    if (begun_) {
      observation.took = std::chrono::duration_cast<std::chrono::microseconds>(now - *begun_);
      look_at_socket(observation);
    }
    close();
    if (const auto done = std::exchange(done_, nullptr)) done(observation);
  }
  void close() {
    timer_.cancel();
    if (socket_.is_open()) socket_.release();
    descriptor_ = OwnedFd{};
  }

  OwnedFd descriptor_;
  asio::posix::stream_descriptor socket_;  // lent the descriptor
  asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> begun_;
  std::function<void(const Observation&)> done_;
};

}  // namespace

std::shared_ptr<TcpProbe> TcpProbe::start(asio::io_context& loop, const OpenTcp& open, const Address& address,
                                          std::uint16_t port, std::chrono::milliseconds timeout,
                                          std::function<void(const Observation&)> done) {
  auto attempt = std::make_shared<Attempt>(loop, std::move(done));
  attempt->connect(open, address, port, timeout);
  return attempt;
}

}  // namespace fulcrum
