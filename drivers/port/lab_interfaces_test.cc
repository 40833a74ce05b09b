// What touches the kernel's network namespaces; needs root.
#include <net/if.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <string>

#include "drivers/port/interface_link.h"
#include "drivers/port/port_claim.h"
#include "drivers/port/twin_namespace.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

using test::LabNamespace;
using test::run_command;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class LabInterfaces : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::is_root()) GTEST_SKIP() << "needs root";
  }
  // Runs `work` inside the namespace and returns its error's words.
  static std::string inside(const LabNamespace& where, const std::function<Result<void>()>& work) {
    auto opened = NetworkNamespace::open(where.name());
    if (!opened) return opened.error().words();
    auto result = opened->run(work);
    return result ? "" : result.error().words();
  }
  static Result<void> forget(Result<PortClaim> claim) {
    if (!claim) return tl::unexpected<Error>{claim.error()};
    return {};
  }
};

TEST_F(LabInterfaces, NamespaceIsFoundOrMade) {
  const LabNamespace there{"there"};
  const LabNamespace made{"made", LabNamespace::Unmade{}};
  EXPECT_TRUE(NetworkNamespace::open(there.name()));
  const auto missing = NetworkNamespace::open(made.name());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Error::Code::not_found);
  ASSERT_TRUE(NetworkNamespace::open_or_make(made.name()));
  EXPECT_EQ(made.ip("link show lo").status, 0);
  EXPECT_TRUE(NetworkNamespace::open_or_make(made.name()));  // again: it is there
}

TEST_F(LabInterfaces, NameThatIsNoFileNameIsRefused) {
  for (const char* name : {"a/b", "..", "."}) {
    const auto result = NetworkNamespace::open_or_make(name);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, Error::Code::invalid);
  }
}

TEST_F(LabInterfaces, WorkRunsInsideAndTheCallerStaysOutside) {
  const LabNamespace lab{"run"};
  ASSERT_EQ(lab.ip("link add inner type bridge").status, 0);
  const auto opened = NetworkNamespace::open(lab.name());
  ASSERT_TRUE(opened);
  unsigned seen = 0;
  EXPECT_TRUE(opened->run([&]() -> Result<void> {
    seen = if_nametoindex("inner");
    return {};
  }));
  EXPECT_NE(seen, 0U);
  EXPECT_EQ(if_nametoindex("inner"), 0U);
}

TEST_F(LabInterfaces, NamespaceMadeInsideNetnsExecIsSeenByTheWholeMachine) {
  // Runs itself again inside: this is the inner run.
  if (const char* name = getenv("FULCRUM_TEST_NAMESPACE"); name != nullptr) {
    ASSERT_TRUE(NetworkNamespace::open_or_make(name));
    return;
  }
  const LabNamespace box{"box"};
  const LabNamespace made{"late", LabNamespace::Unmade{}};
  char self[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", self, sizeof self - 1), 0);
  const auto child = box.exec("env FULCRUM_TEST_NAMESPACE=" + made.name() + " " + self +
                              " --gtest_filter=*NamespaceMadeInsideNetnsExec*");
  EXPECT_EQ(child.status, 0) << child.output;
  EXPECT_EQ(made.ip("link show lo").status, 0) << "not seen from outside";
  EXPECT_TRUE(NetworkNamespace::open(made.name()));
}

TEST_F(LabInterfaces, ClaimMakesTheInterfaceReady) {
  const LabNamespace lab{"claim"};
  ASSERT_EQ(lab.ip("link add front type veth peer name far").status, 0);
  const std::string problem = inside(lab, [&]() -> Result<void> {
    const auto claim = PortClaim::of_interface("front", 1400);
    if (!claim) return tl::unexpected<Error>{claim.error()};
    const std::string link = lab.ip("-d link show front").output;
    EXPECT_TRUE(contains(link, "UP")) << link;
    EXPECT_TRUE(contains(link, "mtu 1400")) << link;
    EXPECT_TRUE(contains(link, "promiscuity 1")) << link;
    EXPECT_EQ(lab.exec("cat /proc/sys/net/ipv6/conf/front/disable_ipv6").output, "1\n");
    return {};
  });
  EXPECT_EQ(problem, "");
  const std::string after = lab.ip("-d link show front").output;
  EXPECT_TRUE(contains(after, "promiscuity 0")) << "left behind: " << after;
}

TEST_F(LabInterfaces, SecondClaimIsToldThatThePortIsInUse) {
  const LabNamespace lab{"twice"};
  const LabNamespace other{"other"};
  ASSERT_EQ(lab.ip("link add front type bridge").status, 0);
  ASSERT_EQ(other.ip("link add front type bridge").status, 0);
  const std::string problem = inside(lab, [&]() -> Result<void> {
    const auto first = PortClaim::of_interface("front", 1500);
    EXPECT_TRUE(first) << first.error().words();
    const auto second = PortClaim::of_interface("front", 1500);
    const std::string words = second ? "" : second.error().words();
    EXPECT_TRUE(contains(words, "port already in use")) << words;
    // The same name in another namespace is another interface.
    EXPECT_EQ(inside(other, [&] { return forget(PortClaim::of_interface("front", 1500)); }), "");
    return {};
  });
  EXPECT_EQ(problem, "");
  EXPECT_EQ(inside(lab, [&] { return forget(PortClaim::of_interface("front", 1500)); }), "") << "not given back";
}

// A dataplane that was killed keeps its claim while Linux clears its memory away.
TEST_F(LabInterfaces, ClaimIsHadAsSoonAsTheDeadOneLetsGo) {
  const std::string device = "test-" + std::to_string(getpid());
  auto first = std::optional{PortClaim::of_device(device)};
  ASSERT_TRUE(*first) << first->error().words();
  auto second = std::async(std::launch::async, [&] { return PortClaim::of_device(device); });
  ASSERT_EQ(second.wait_for(std::chrono::milliseconds{100}), std::future_status::timeout) << "gave up at once";
  first.reset();
  const auto claim = second.get();
  EXPECT_TRUE(claim) << claim.error().words();
}

TEST_F(LabInterfaces, MissingInterfaceListsThoseThereAre) {
  const LabNamespace lab{"missing"};
  ASSERT_EQ(lab.ip("link add eth7 type bridge").status, 0);
  const std::string words = inside(lab, [&] { return forget(PortClaim::of_interface("eth8", 1500)); });
  EXPECT_TRUE(contains(words, "eth8") && contains(words, "there are: eth7")) << words;
}

TEST_F(LabInterfaces, InterfaceWithAnAddressIsRefused) {
  const LabNamespace lab{"addressed"};
  ASSERT_EQ(lab.ip("link add front type bridge").status, 0);
  ASSERT_EQ(lab.ip("address add 192.0.2.7/24 dev front").status, 0);
  const std::string words = inside(lab, [&] { return forget(PortClaim::of_interface("front", 1500)); });
  EXPECT_TRUE(contains(words, "192.0.2.7") && contains(words, "fulcrum.cfg")) << words;
}

TEST_F(LabInterfaces, LinkOfAnInterfaceIsKnown) {
  const LabNamespace where{"where"};
  where.ip("link add left type veth peer name right");
  where.ip("link set left up");
  unsigned number = 0;
  const auto link = [&] {
    LinkState found{};
    inside(where, [&]() -> Result<void> {
      if (number == 0) number = number_of_interface("left");
      found = link_of_interface("left", number);
      return {};
    });
    return found;
  };
  EXPECT_EQ(link(), LinkState::down);
  where.ip("link set right up");
  EXPECT_EQ(link(), LinkState::up);
  where.ip("link del right");
  EXPECT_EQ(link(), LinkState::gone);
  where.ip("link add left type veth peer name right");
  where.ip("link set left up");
  where.ip("link set right up");
  EXPECT_EQ(link(), LinkState::gone) << "another one of its name: the driver's socket knows nothing of it";
}

}  // namespace
}  // namespace fulcrum
