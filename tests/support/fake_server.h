// A server for tests of what connects to one.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "dataplane/base/owned_fd.h"
#include "tests/support/gtest.h"

namespace fulcrum {

// A TCP port on 127.0.0.1 that answers or refuses as told.
class FakeServer {
 public:
  FakeServer() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    socklen_t length = sizeof any;
    EXPECT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&any), &length), 0);
    port_ = ntohs(any.sin_port);
  }
  void answer() { EXPECT_EQ(listen(socket_.get(), 1024), 0); }
  // The port stays bound, so that nobody else takes it.
  void refuse() {
    OwnedFd fresh{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int yes = 1;
    setsockopt(fresh.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    socket_ = OwnedFd{};
    sockaddr_in same{};
    same.sin_family = AF_INET;
    same.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    same.sin_port = htons(port_);
    EXPECT_EQ(bind(fresh.get(), reinterpret_cast<const sockaddr*>(&same), sizeof same), 0);
    socket_ = std::move(fresh);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  OwnedFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port_ = 0;
};

}  // namespace fulcrum
