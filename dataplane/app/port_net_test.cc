// DPDK ports and kernel twins on real network namespaces; needs root. EAL can be started once in a process, so all
// tests of this program share one.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/app/eal.h"
#include "drivers/port/dpdk_port.h"
#include "drivers/port/packet_pool.h"
#include "drivers/port/port_claim.h"
#include "drivers/port/tap_twin.h"
#include "drivers/port/twin_namespace.h"
#include "tests/support/gtest.h"
#include "tests/support/lab.h"

namespace fulcrum {
namespace {

using test::LabNamespace;
using Bytes = std::vector<std::uint8_t>;

// Bounds a wait for something that comes at once or not at all.
constexpr int kPatienceMilliseconds = 5000;
constexpr std::uint16_t kExperimental = 0x88B5;  // IEEE 802 local experimental EtherType
constexpr std::array<std::uint8_t, 6> kClientMac{2, 0, 0, 0, 0, 9};

std::uint16_t first_core() {
  cpu_set_t ours;
  sched_getaffinity(0, sizeof ours, &ours);
  std::uint16_t core = 0;
  while (!CPU_ISSET(core, &ours)) ++core;
  return core;
}

class PortNet : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!test::is_root() || environment()) return;  // once, for all fixtures
    auto eal = Eal::start({.file_prefix = "fulcrum-test-" + std::to_string(getpid()),
                           .memory_mb = 64,
                           .hugepages = false,
                           .housekeeping_core = first_core(),
                           .worker_cores = {},
                           .pci_devices = {}});
    ASSERT_TRUE(eal) << eal.error().words();
    environment().emplace(std::move(*eal));
  }
  void SetUp() override {
    if (!test::is_root()) GTEST_SKIP() << "needs root";
    auto pool = PacketPool::create({.buffers = 4096});
    ASSERT_TRUE(pool) << pool.error().words();
    pool_.emplace(std::move(*pool));
  }
  // The oracle of every test: all buffers came back.
  void TearDown() override {
    const bool all_back = !pool_ || pool_->available() == pool_->size();
    EXPECT_TRUE(all_back);
  }

  // Runs in the namespace what may fail, and fails the test with its words.
  template <class T>
  static T inside(const LabNamespace& where, const std::function<Result<T>()>& work) {
    std::optional<T> made;
    const auto opened = NetworkNamespace::open(where.name());
    const auto done = opened->run([&]() -> Result<void> {
      auto result = work();
      if (!result) return tl::unexpected<Error>{result.error()};
      made.emplace(std::move(*result));
      return {};
    });
    if (!done) ADD_FAILURE() << done.error().words();
    return made ? std::move(*made) : T{};
  }
  std::unique_ptr<DpdkPort> open_port(const LabNamespace& where, const std::string& interface, std::uint8_t id) {
    return inside<std::unique_ptr<DpdkPort>>(where, [&] {
      return DpdkPort::open({.name = interface, .device = interface, .id = PortId{id}},
                            read_profile("af_packet", "").profile, *pool_);
    });
  }
  // A raw socket on an interface of the namespace, as a client or server would have.
  static OwnedFd open_wire(const LabNamespace& where, const std::string& interface) {
    return inside<OwnedFd>(where, [&]() -> Result<OwnedFd> {
      OwnedFd wire{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(kExperimental))};
      sockaddr_ll address{};
      address.sll_family = AF_PACKET;
      address.sll_protocol = htons(kExperimental);
      address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
      if (bind(wire.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail(Error::Code::io, interface, errno_words(errno));
      }
      return wire;
    });
  }

  std::optional<PacketPool> pool_;

 private:
  static std::optional<Eal>& environment() {
    static std::optional<Eal> eal;
    return eal;
  }
};

Bytes experimental_frame(std::uint8_t mark) {
  Bytes frame{2, 0, 0, 0, 0, 1};
  frame.insert(frame.end(), kClientMac.begin(), kClientMac.end());
  frame.insert(frame.end(), {0x88, 0xB5});
  frame.resize(60, mark);
  return frame;
}

Bytes bytes_of(const Frame& frame) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(frame.data);
  return {first, first + frame.length};
}

// Calls `work` until it says done; false when it never does.
bool eventually(const std::function<bool()>& work) {
  for (int i = 0; i < kPatienceMilliseconds; ++i) {
    if (work()) return true;
    poll(nullptr, 0, 1);
  }
  return false;
}

std::optional<Bytes> take(const OwnedFd& wire) {
  Bytes frame(2048);
  const ssize_t length = recv(wire.get(), frame.data(), frame.size(), 0);
  if (length < 0) return std::nullopt;
  frame.resize(static_cast<std::size_t>(length));
  return frame;
}

// A client's and a server's namespace, joined by one in which two ports take frames from one to the other.
TEST_F(PortNet, FramesPassBetweenTwoAfPacketPorts) {
  const LabNamespace client{"client"};
  const LabNamespace box{"box"};
  const LabNamespace server{"server"};
  ASSERT_EQ(box.ip("link add b0 type veth peer name eth0 netns " + client.name()).status, 0);
  ASSERT_EQ(box.ip("link add b1 type veth peer name eth0 netns " + server.name()).status, 0);
  for (const auto* end : {&client, &server}) ASSERT_EQ(end->ip("link set eth0 up").status, 0);
  std::array<PortClaim, 2> claims{inside<PortClaim>(box, [] { return PortClaim::of_interface("b0", 1500); }),
                                  inside<PortClaim>(box, [] { return PortClaim::of_interface("b1", 1500); })};
  const std::array ports{open_port(box, "b0", 0), open_port(box, "b1", 1)};
  ASSERT_TRUE(ports[0] && ports[1]);
  const std::array wires{open_wire(client, "eth0"), open_wire(server, "eth0")};

  std::array<Frame, kBatchMax> frames;
  const auto forward = [&](std::size_t from) {
    const std::size_t count = ports[from]->receive(0, frames);
    for (const Frame& frame : std::span{frames}.first(count)) {
      EXPECT_EQ(frame.port.value, from);
      EXPECT_EQ(frame.checksum, ChecksumFact::verify);
      EXPECT_TRUE(frame.contiguous);
    }
    const std::size_t sent = ports[1 - from]->send(0, std::span{frames}.first(count));
    ports[1 - from]->release(std::span{frames}.first(count).subspan(sent));
  };
  for (std::uint8_t mark = 1; mark <= 100; ++mark) {
    const std::size_t from = mark % 2;
    const Bytes sent = experimental_frame(mark);
    ASSERT_EQ(send(wires[from].get(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
    std::optional<Bytes> came;
    ASSERT_TRUE(eventually([&] {
      forward(from);
      return (came = take(wires[1 - from])).has_value();
    })) << "frame "
        << int{mark};
    EXPECT_EQ(*came, sent);
  }
}

TEST_F(PortNet, VlanTagThatLinuxTookOutIsPutBack) {
  const LabNamespace client{"vclient"};
  const LabNamespace box{"vbox"};
  ASSERT_EQ(box.ip("link add b0 type veth peer name eth0 netns " + client.name()).status, 0);
  ASSERT_EQ(client.ip("link set eth0 up").status, 0);
  const PortClaim claim = inside<PortClaim>(box, [] { return PortClaim::of_interface("b0", 1500); });
  const auto port = open_port(box, "b0", 0);
  ASSERT_TRUE(port);
  const OwnedFd wire = open_wire(client, "eth0");
  Bytes tagged = experimental_frame(7);
  const std::array<std::uint8_t, 4> tag{0x81, 0x00, 0x00, 0x2A};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  ASSERT_EQ(send(wire.get(), tagged.data(), tagged.size(), 0), static_cast<ssize_t>(tagged.size()));
  std::array<Frame, 1> frames;
  Bytes came;
  ASSERT_TRUE(eventually([&] {
    if (port->receive(0, frames) == 0) return false;
    came = bytes_of(frames[0]);
    port->release(frames);
    return came.size() > 14 && came[6] == kClientMac[0] && came[11] == kClientMac[5];
  }));
  EXPECT_EQ(came, tagged);
}

// Nobody takes the frames, so the ring overflows; every frame was received or is counted as lost.
TEST_F(PortNet, FramesThatFindTheRingFullAreCounted) {
  constexpr std::uint64_t kSent = 500;
  const LabNamespace client{"oclient"};
  const LabNamespace box{"obox"};
  ASSERT_EQ(box.ip("link add b0 type veth peer name eth0 netns " + client.name()).status, 0);
  client.exec("sysctl -qw net/ipv6/conf/eth0/disable_ipv6=1");
  ASSERT_EQ(client.ip("link set eth0 up").status, 0);
  const PortClaim claim = inside<PortClaim>(box, [] { return PortClaim::of_interface("b0", 1500); });
  NicProfile profile = read_profile("af_packet", "").profile;
  profile.arguments = "iface={device},qpairs={queues},blocksz=4096,framesz=2048,framecnt=64";
  const auto port = inside<std::unique_ptr<DpdkPort>>(
      box, [&] { return DpdkPort::open({.name = "b0", .device = "b0", .id = PortId{0}}, profile, *pool_); });
  ASSERT_TRUE(port);
  EXPECT_EQ(port->take_losses(), LossCounts{});
  const OwnedFd wire = open_wire(client, "eth0");
  const Bytes bytes = experimental_frame(1);
  for (std::uint64_t i = 0; i < kSent; ++i) {
    ASSERT_EQ(send(wire.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  std::uint64_t received = 0;
  LossCounts lost{};
  std::array<Frame, kBatchMax> frames;
  EXPECT_TRUE(eventually([&] {
    const std::size_t count = port->receive(0, frames);
    port->release(std::span{frames}.first(count));
    received += count;
    const LossCounts more = port->take_losses();
    for (std::size_t i = 0; i < kLosses; ++i) lost[i] += more[i];
    return received + lost[static_cast<std::size_t>(Loss::ring_full)] == kSent;
  })) << received
      << " received, " << lost[0] << " lost";
  EXPECT_GT(received, 0U);
  EXPECT_GE(lost[static_cast<std::size_t>(Loss::ring_full)], kSent - 100);
}

TEST_F(PortNet, MissingInterfaceIsASentence) {
  const LabNamespace box{"nobox"};
  const auto opened = NetworkNamespace::open(box.name());
  const auto result = opened->run([&]() -> Result<void> {
    auto port = DpdkPort::open({.name = "front", .device = "nope"}, read_profile("af_packet", "").profile, *pool_);
    if (!port) return tl::unexpected<Error>{port.error()};
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().words().find("port front (af_packet nope)"), std::string::npos) << result.error().words();
}

class TapTwinNet : public PortNet {
 protected:
  Result<std::unique_ptr<TapTwin>> make(const LabNamespace& where, const std::string& name) {
    auto opened = NetworkNamespace::open(where.name());
    if (!opened) return tl::unexpected<Error>{opened.error()};
    return TapTwin::make({.interface = name, .mac = kMac, .mtu = 1400, .port = PortId{5}, .runtime_dir = kRuntimeDir},
                         *opened, *pool_);
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  static constexpr const char* kRuntimeDir = "/run/test";
  static constexpr Mac kMac{{2, 0, 0, 0, 0, 1}};
};

// RFC 826: who has 192.0.2.1, tell 192.0.2.9.
Bytes arp_request() {
  Bytes frame(6, 0xFF);
  frame.insert(frame.end(), kClientMac.begin(), kClientMac.end());
  frame.insert(frame.end(), {8, 6, 0, 1, 8, 0, 6, 4, 0, 1});
  frame.insert(frame.end(), kClientMac.begin(), kClientMac.end());
  frame.insert(frame.end(), {192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1});
  return frame;
}

TEST_F(TapTwinNet, LinuxAnswersThroughIt) {
  const LabNamespace lab{"twin"};
  const auto twin = make(lab, "front");
  ASSERT_TRUE(twin) << twin.error().words();
  const std::string link = lab.ip("link show front").output;
  EXPECT_NE(link.find("02:00:00:00:00:01"), std::string::npos) << link;
  EXPECT_NE(link.find("mtu 1400"), std::string::npos) << link;
  ASSERT_EQ(lab.ip("address add 192.0.2.1/24 dev front").status, 0);
  ASSERT_EQ(lab.ip("link set front up").status, 0);

  // A frame in a buffer of the pool, made by another twin's way in.
  const LabNamespace other{"source"};
  const auto source = make(other, "source");
  ASSERT_TRUE(source) << source.error().words();
  ASSERT_EQ(other.ip("link set source up").status, 0);
  const OwnedFd wire = open_wire(other, "source");
  const Bytes request = arp_request();
  ASSERT_EQ(send(wire.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::array<Frame, kBatchMax> frames;
  const auto next_arp = [&](Twin& from) {
    std::optional<Frame> found;
    const std::size_t count = from.receive(frames);
    for (const Frame& frame : std::span{frames}.first(count)) {
      const Bytes bytes = bytes_of(frame);
      if (!found && bytes.size() >= 42 && bytes[12] == 8 && bytes[13] == 6)
        found = frame;
      else
        free_frames({&frame, 1});
    }
    return found;
  };
  std::optional<Frame> asked;
  ASSERT_TRUE(eventually([&] { return (asked = next_arp(**source)).has_value(); }));
  EXPECT_EQ(bytes_of(*asked), request);
  ASSERT_EQ((*twin)->deliver({&*asked, 1}), 1U);

  std::optional<Frame> answered;
  pollfd wait{.fd = (*twin)->wait_descriptor(), .events = POLLIN, .revents = 0};
  ASSERT_TRUE(eventually([&] { return poll(&wait, 1, 0) == 1 && (answered = next_arp(**twin)).has_value(); }));
  const Bytes answer = bytes_of(*answered);
  EXPECT_EQ(answer[21], 2);  // a reply
  EXPECT_TRUE(std::equal(kMac.bytes.begin(), kMac.bytes.end(), answer.begin() + 22));
  EXPECT_EQ(answered->port, PortId{5});
  free_frames({&*answered, 1});
}

TEST_F(TapTwinNet, FramesForAnInterfaceThatIsDownAreFreedAndNotCounted) {
  const LabNamespace lab{"down"};
  const LabNamespace other{"feeder"};
  const auto twin = make(lab, "front");
  const auto source = make(other, "source");
  ASSERT_TRUE(twin && source);
  ASSERT_EQ(other.ip("link set source up").status, 0);
  const OwnedFd wire = open_wire(other, "source");
  const Bytes bytes = experimental_frame(1);
  ASSERT_EQ(send(wire.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  std::array<Frame, 1> frames;
  ASSERT_TRUE(eventually([&] { return (*source)->receive(frames) == 1; }));
  EXPECT_EQ((*twin)->deliver(frames), 0U);
}

// All that control gave it: `make` below is the next dataplane, and there is no control.
TEST_F(TapTwinNet, OutlivesItsDataplaneWithAllThatControlGaveIt) {
  const LabNamespace lab{"outlives"};
  {
    const auto twin = make(lab, "front");
    ASSERT_TRUE(twin) << twin.error().words();
    ASSERT_EQ(lab.ip("link set front up").status, 0);
    ASSERT_EQ(lab.ip("address add 192.0.2.1/24 dev front").status, 0);
    ASSERT_EQ(lab.ip("-6 address add 2001:db8::1/64 dev front nodad").status, 0);
    ASSERT_EQ(lab.ip("route add 203.0.113.0/24 via 192.0.2.7").status, 0);
    lab.exec("sysctl -qw net/ipv4/conf/front/arp_evict_nocarrier=0");
    ASSERT_EQ(lab.ip("neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev front nud reachable").status, 0);
  }
  EXPECT_TRUE(contains(lab.ip("link show front").output, "NO-CARRIER"));
  const auto next = make(lab, "front");
  ASSERT_TRUE(next) << next.error().words();
  const std::string link = lab.ip("address show front").output;
  EXPECT_FALSE(contains(link, "NO-CARRIER")) << link;
  EXPECT_TRUE(contains(link, "192.0.2.1/24") && contains(link, "2001:db8::1/64")) << link;
  EXPECT_TRUE(contains(lab.ip("route").output, "203.0.113.0/24 via 192.0.2.7"));
  EXPECT_TRUE(contains(lab.ip("neigh").output, "192.0.2.9 dev front lladdr 02:00:00:00:00:09"));
}

TEST_F(TapTwinNet, LeftTwinGetsTheMacAndMtuOfNow) {
  const LabNamespace lab{"changed"};
  ASSERT_TRUE(make(lab, "front"));
  const auto opened = NetworkNamespace::open(lab.name());
  const auto twin = TapTwin::make({.interface = "front",
                                   .mac = Mac{{2, 0, 0, 0, 0, 7}},
                                   .mtu = 1300,
                                   .port = PortId{5},
                                   .runtime_dir = "/run/other"},
                                  *opened, *pool_);
  ASSERT_TRUE(twin) << twin.error().words();
  const std::string link = lab.ip("link show front").output;
  EXPECT_TRUE(contains(link, "02:00:00:00:00:07") && contains(link, "mtu 1300")) << link;
  EXPECT_TRUE(contains(link, "alias kernel twin of fulcrum-dataplane in /run/other")) << link;
}

TEST_F(TapTwinNet, TwinsOfPortsThatAreNoMoreAreRemovedAndNoOthers) {
  const LabNamespace lab{"renamed"};
  ASSERT_TRUE(make(lab, "front") && make(lab, "old"));
  ASSERT_EQ(lab.ip("tuntap add foreign mode tap").status, 0);
  ASSERT_EQ(lab.ip("tuntap add another mode tap").status, 0);
  ASSERT_EQ(lab.ip("link set another alias 'kernel twin of fulcrum-dataplane in /run/test2'").status, 0);
  const auto opened = NetworkNamespace::open(lab.name());
  const auto removed = TapTwin::remove_others(*opened, kRuntimeDir, {"front"});
  EXPECT_TRUE(removed) << removed.error().words();
  EXPECT_NE(lab.ip("link show old").status, 0) << "left behind";
  for (const char* stays : {"front", "foreign", "another"}) {
    EXPECT_EQ(lab.ip(std::string{"link show "} + stays).status, 0) << stays;
  }
}

TEST_F(TapTwinNet, NameThatIsTakenIsASentence) {
  const LabNamespace lab{"taken"};
  const auto twin = make(lab, "front");
  ASSERT_TRUE(twin) << twin.error().words();
  const auto second = make(lab, "front");
  ASSERT_FALSE(second);
  const std::string words = second.error().words();
  EXPECT_TRUE(contains(words, "front") && contains(words, lab.name())) << words;
  EXPECT_TRUE(contains(words, "in use by another fulcrum-dataplane")) << words;

  ASSERT_EQ(lab.ip("tuntap add foreign mode tap").status, 0);
  const auto third = make(lab, "foreign");
  ASSERT_FALSE(third);
  EXPECT_TRUE(contains(third.error().words(), "namespace " + lab.name() + " has an interface of this name"))
      << third.error().words();
}

}  // namespace
}  // namespace fulcrum
