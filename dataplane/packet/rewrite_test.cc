#include "dataplane/packet/rewrite.h"

#include <random>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "tests/support/gtest.h"
#include "tests/support/packet_builder.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::PacketBuilder;

Address address(const char* text) { return *Address::parse(text); }

Facts facts_of(const Bytes& frame, ChecksumFact checksum = ChecksumFact::unknown) {
  Facts facts;
  EXPECT_EQ(name(parse(frame, checksum, facts)), "none");
  return facts;
}

Readdress change(const Address& from, Be16 from_port, const Address& to, Be16 to_port) {
  return {.address = to,
          .port = to_port,
          .address_delta = checksum_delta(ones_sum(from), ones_sum(to)),
          .address_port_delta = checksum_delta(ones_sum(from) + from_port.wire(), ones_sum(to) + to_port.wire())};
}

Readdress back(const Readdress& there, const Address& from, Be16 from_port) {
  return {.address = from,
          .port = from_port,
          .address_delta = inverse_delta(there.address_delta),
          .address_port_delta = inverse_delta(there.address_port_delta)};
}

Be16 at(const Bytes& frame, std::size_t offset) {
  return Be16{static_cast<std::uint16_t>(std::to_integer<unsigned>(frame[offset]) << 8U |
                                         std::to_integer<unsigned>(frame[offset + 1]))};
}

TEST(Checksum, AgreesWithTheExampleOfRfc1071) {
  const std::array<std::uint8_t, 8> example{0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7};
  const auto bytes = std::as_bytes(std::span{example});
  EXPECT_EQ(Be16::from_wire(fold(ones_sum(bytes))).host(), 0xDDF2);
  // Section 2 (A): a sum may be taken in parts of even length, in any order; an odd end counts as its upper half.
  EXPECT_EQ(fold(ones_sum(bytes.subspan(2), ones_sum(bytes.first(2)))), fold(ones_sum(bytes)));
  EXPECT_EQ(Be16::from_wire(fold(ones_sum(bytes.first(3)))).host(), 0xF201);
  EXPECT_EQ(fold(0), 0);
  EXPECT_EQ(fold(UINT64_MAX), 0xFFFF);
}

TEST(Checksum, AgreesWithTheExampleOfRfc1624) {
  // Section 4: the corner where the older equation gave 0xFFFF.
  const std::uint16_t delta = checksum_delta(Be16{0x5555}.wire(), Be16{0x3285}.wire());
  EXPECT_EQ(apply_delta(Be16{0xDD2F}, delta).host(), 0x0000);
}

// The sum is taken in words, in blocks and in tails, by length; words of 16 bits one after the other are the oracle.
TEST(Checksum, IsRightOfEveryLength) {
  std::mt19937 random{1};
  Bytes bytes(400);
  for (std::byte& each : bytes) each = std::byte(random() & 0xFFU);
  std::fill_n(bytes.begin() + 100, 200, std::byte{0xFF});  // carries
  for (std::size_t length = 0; length < 300; ++length) {
    const auto part = std::span{bytes}.subspan(random() % 100, length);
    for (const std::uint64_t before : {std::uint64_t{0}, std::uint64_t{0xBEEF}, UINT64_MAX}) {
      std::uint64_t oracle = fold(before);
      for (std::size_t i = 0; i < length; ++i) oracle += std::to_integer<std::uint64_t>(part[i]) << (i % 2 * 8);
      EXPECT_EQ(fold(ones_sum_wide(part, before)), fold(oracle)) << length << " bytes";
    }
  }
}

TEST(Rewrite, ReaddressesTheDestination) {
  Bytes frame = PacketBuilder{}.eth().ipv4().tcp({.destination_port = 80}).payload("odd").build();
  const Bytes expected =
      PacketBuilder{}.eth().ipv4({.destination = "10.1.1.11"}).tcp({.destination_port = 8080}).payload("odd").build();
  readdress_destination(frame, facts_of(frame),
                        change(address("198.51.100.10"), Be16{80}, address("10.1.1.11"), Be16{8080}));
  EXPECT_EQ(frame, expected);
}

TEST(Rewrite, ReaddressesTheSource) {
  Bytes frame = PacketBuilder{}.eth().vlan().ipv6({.source = "fd00:1::11"}).udp({.source_port = 5353}).build();
  const Bytes expected = PacketBuilder{}.eth().vlan().ipv6({.source = "2001:db8::9"}).udp({.source_port = 53}).build();
  readdress_source(frame, facts_of(frame), change(address("fd00:1::11"), Be16{5353}, address("2001:db8::9"), Be16{53}));
  EXPECT_EQ(frame, expected);
}

TEST(Rewrite, LeavesTheMissingUdpChecksumMissing) {
  Bytes frame = PacketBuilder{}.eth().ipv4().udp({.checksum = 0}).build();
  const Bytes expected =
      PacketBuilder{}.eth().ipv4({.destination = "10.1.1.11"}).udp({.destination_port = 54, .checksum = 0}).build();
  readdress_destination(frame, facts_of(frame),
                        change(address("198.51.100.10"), Be16{53}, address("10.1.1.11"), Be16{54}));
  EXPECT_EQ(frame, expected);
}

// A sum that comes out as 0 would say "none": it is sent as 0xFFFF. One of all source ports leads there.
TEST(Rewrite, SendsAUdpChecksumOfZeroAsItsOtherForm) {
  for (const bool v6 : {false, true}) {
    const Address to = address(v6 ? "fd00:1::11" : "10.1.1.11");
    unsigned met = 0;
    for (std::uint16_t port = 1; port != 0; ++port) {
      PacketBuilder builder = PacketBuilder{}.eth();
      v6 ? builder.ipv6() : builder.ipv4();
      Bytes frame = builder.udp({.source_port = port}).build();
      const Facts facts = facts_of(frame);
      readdress_destination(frame, facts, change(facts.destination, Be16{53}, to, Be16{54}));
      const std::size_t checksum = facts.l4_offset + offsetof(UdpHeader, checksum);
      ASSERT_NE(at(frame, checksum).host(), 0) << "from port " << port;
      if (at(frame, checksum).host() != 0xFFFF) continue;
      ++met;
      facts_of(frame, ChecksumFact::verify);
    }
    EXPECT_EQ(met, 1U);
  }
}

// Forwards without changing addresses.
void pass_on(Bytes& frame, const Facts& facts) {
  forward_to_server(frame, facts, {.address = facts.destination, .port = facts.destination_port});
}

TEST(Rewrite, DecrementsTtl) {
  for (unsigned ttl = 2; ttl <= 255; ++ttl) {
    const auto before = static_cast<std::uint8_t>(ttl), after = static_cast<std::uint8_t>(ttl - 1);
    Bytes v4 = PacketBuilder{}.eth().ipv4({.ttl = before}).udp().build();
    pass_on(v4, facts_of(v4));
    EXPECT_EQ(v4, PacketBuilder{}.eth().ipv4({.ttl = after}).udp().build()) << ttl;
    Bytes v6 = PacketBuilder{}.eth().vlan().ipv6({.hop_limit = before}).tcp().build();
    pass_on(v6, facts_of(v6));
    EXPECT_EQ(v6, PacketBuilder{}.eth().vlan().ipv6({.hop_limit = after}).tcp().build()) << ttl;
  }
}

TEST(Rewrite, SetsMacs) {
  Bytes frame = PacketBuilder{}.eth().arp().build();
  set_macs(frame, Mac::parse("02:0a:0b:0c:0d:0e")->word(), Mac::parse("02:01:02:03:04:05")->word());
  const PacketBuilder::Eth macs{.destination = "02:0a:0b:0c:0d:0e", .source = "02:01:02:03:04:05"};
  EXPECT_EQ(frame, PacketBuilder{}.eth(macs).arp().build());
}

class RandomPacket {
 public:
  explicit RandomPacket(std::mt19937& random) : random_{random} {}

  Address any_address(bool v6) {
    if (!v6) return Address::v4(Be32{0x0A000000U | below(1U << 24U)});
    std::array<std::uint8_t, 16> bytes{0xFD};
    for (std::size_t i = 1; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(below(256));
    return Address::v6(bytes.data());
  }
  std::uint16_t any_port() { return static_cast<std::uint16_t>(below(0xFFFF) + 1); }

  Bytes any_packet(bool v6, bool udp) {
    PacketBuilder builder = PacketBuilder{}.eth();
    const auto hops = static_cast<std::uint8_t>(2 + below(254));
    if (v6) {
      builder.ipv6({.source = any_address(true).text(), .destination = any_address(true).text(), .hop_limit = hops});
      if (below(2) == 1) builder.extension({.more_units = below(4)});
    } else {
      builder.ipv4({.source = any_address(false).text(),
                    .destination = any_address(false).text(),
                    .ttl = hops,
                    .identification = static_cast<std::uint16_t>(below(65536)),
                    .options = Bytes(below(3) * 4, std::byte{1})});
    }
    udp ? builder.udp({.source_port = any_port(), .destination_port = any_port()})
        : builder.tcp({.source_port = any_port(), .destination_port = any_port()});
    std::string payload(below(60), 'x');
    for (char& letter : payload) letter = static_cast<char>(below(256));
    return builder.payload(payload).padding(below(8)).build();
  }

  std::uint32_t below(std::uint32_t end) { return std::uniform_int_distribution<std::uint32_t>{0, end - 1}(random_); }

 private:
  std::mt19937& random_;
};

// parse() with `verify` recomputes every checksum from the bytes, so it is the oracle for the incremental update.
TEST(Rewrite, UpdatesChecksumsAsRecomputingWould) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  RandomPacket make{random};
  for (int round = 0; round < 8'000; ++round) {
    const bool v6 = (round & 1) != 0, udp = (round & 2) != 0, source = (round & 4) != 0;
    const Bytes before = make.any_packet(v6, udp);
    const Facts facts = facts_of(before, ChecksumFact::verify);
    const Address& from = source ? facts.source : facts.destination;
    const Be16 from_port = source ? facts.source_port : facts.destination_port;
    const Readdress there = change(from, from_port, make.any_address(v6), Be16{make.any_port()});
    const auto readdress = source ? readdress_source : readdress_destination;

    Bytes frame = before;
    readdress(frame, facts, there);
    const Facts after = facts_of(frame, ChecksumFact::verify);
    ASSERT_EQ(source ? after.source : after.destination, there.address);
    ASSERT_EQ(source ? after.source_port : after.destination_port, there.port);
    ASSERT_EQ(source ? after.destination : after.source, source ? facts.destination : facts.source);

    readdress(frame, after, back(there, from, from_port));
    ASSERT_EQ(frame, before);
    (source ? forward_to_client : forward_to_server)(frame, facts, there);
    const Facts forwarded = facts_of(frame, ChecksumFact::verify);
    ASSERT_EQ(forwarded.ttl, facts.ttl - 1);
    ASSERT_EQ(source ? forwarded.source : forwarded.destination, there.address);
    ASSERT_EQ(source ? forwarded.source_port : forwarded.destination_port, there.port);
  }
}

}  // namespace
}  // namespace fulcrum
