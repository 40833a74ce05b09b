#include "control/access/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "dataplane/base/owned_fd.h"
#include "tests/support/gtest.h"

namespace fulcrum::access {
namespace {

TEST(Peer, IsWhoTheKernelSays) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const OwnedFd here{ends[0]}, there{ends[1]};
  const Peer peer = peer_of(here.get());
  if (geteuid() == 0) {
    EXPECT_EQ(peer.user, "root");
  }
  EXPECT_NE(peer.login, peer.user);
  EXPECT_EQ(peer_of(-1).user, "unknown");
}

TEST(Peer, NoClaimStandsAloneUnlessTheKernelBearsItOut) {
  const Peer plain{.user = "root"}, other{.user = "root", .login = "anna"};
  EXPECT_EQ(plain.name(), "root");
  EXPECT_EQ(plain.name("bob"), "bob (user root)");
  EXPECT_EQ(other.name("anna"), "anna") << "sudo";
  EXPECT_EQ(other.name("bob"), "bob (login anna)");
  EXPECT_EQ(other.name("root"), "root (login anna)") << "su";
  EXPECT_EQ(other.name(), "root (login anna)");
}

}  // namespace
}  // namespace fulcrum::access
