// One TCP connect: does the server answer on the port within the time? The handshake is the whole question; on success
// the connection is reset, so that neither side keeps it (a probe a second on a thousand servers would otherwise leave
// sixty thousand sockets in TIME_WAIT here).
//
// What the network answers about the server is a result. What our own machine could not do (no route because the twins
// are gone, no descriptors left) says nothing about the server and is reported as such.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum {

struct Observation {
  enum class Kind : std::uint8_t {
    answered,
    refused,  // the server, or its machine, said no
    silent,   // nobody said anything
    inconclusive,
  };
  Kind kind = Kind::inconclusive;
  std::string reason;                 // in words: "connection refused", "no answer within 2000 ms"
  std::chrono::microseconds took{0};  // from the SYN to the answer, or to giving up
  // The near end of the connection, and how often the SYN was sent; nothing and 0: the kernel never got that far.
  std::optional<Address> source{};
  std::uint16_t source_port = 0;
  std::uint8_t syns = 0;
};

// Makes a non-blocking TCP socket in the namespace from which servers are reached.
using OpenTcp = std::function<Result<OwnedFd>(Family)>;

class TcpProbe {
 public:
  // Calls `done` exactly once, from the loop, unless it was cancelled; never from within this call.
  static std::shared_ptr<TcpProbe> start(boost::asio::io_context& loop, const OpenTcp& open, const Address& address,
                                         std::uint16_t port, std::chrono::milliseconds timeout,
                                         std::function<void(const Observation&)> done);
  virtual ~TcpProbe() = default;
  virtual void cancel() = 0;
};

}  // namespace fulcrum
