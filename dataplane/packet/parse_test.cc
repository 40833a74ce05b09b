#include "dataplane/packet/parse.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "dataplane/base/checksum.h"
#include "dataplane/packet/headers.h"
#include "tests/support/gtest.h"
#include "tests/support/packet_builder.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::PacketBuilder;

constexpr std::size_t kEthernetBytes = sizeof(EthernetHeader);

struct Parsed {
  Drop drop = Drop::none;
  Facts facts;
};

// Parses a copy on the heap that ends where the frame ends, so that AddressSanitizer sees every byte read behind it.
Parsed parse_exact(std::span<const std::byte> frame, ChecksumFact checksum = ChecksumFact::verify) {
  const auto copy = std::make_unique<std::byte[]>(frame.size());
  std::copy(frame.begin(), frame.end(), copy.get());
  Parsed result;
  result.drop = parse({copy.get(), frame.size()}, checksum, result.facts);
  return result;
}

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes result;
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

PacketBuilder v4() { return PacketBuilder{}.eth().ipv4(); }
PacketBuilder v6() { return PacketBuilder{}.eth().ipv6(); }

PacketBuilder extensions(std::size_t count) {
  PacketBuilder builder = v6();
  for (std::size_t i = 0; i < count; ++i) builder.extension();
  return builder.tcp();
}

struct Case {
  const char* what;
  Drop drop;
  Bytes frame;
  ChecksumFact checksum = ChecksumFact::verify;
};

std::vector<Case> ipv4_drops() {
  using Ipv4 = PacketBuilder::Ipv4;
  const auto with = [](const Ipv4& fields) { return PacketBuilder{}.eth().ipv4(fields).tcp().build(); };
  const auto from = [&with](const char* source) { return with({.source = source}); };
  return {
      {"version 6", Drop::ipv4_version, with({.version = 6})},
      {"header of 16", Drop::ipv4_header_length, with({.header_words = 4})},
      {"header of 0", Drop::ipv4_header_length, with({.header_words = 0})},
      {"header beyond the frame", Drop::ipv4_truncated, with({.header_words = 15})},
      {"total length of 19", Drop::ipv4_total_length, with({.total_length = 19})},
      {"total length of 0", Drop::ipv4_total_length, with({.total_length = 0})},
      {"total length below the header with options", Drop::ipv4_total_length,
       with({.options = Bytes(4), .total_length = 20})},
      {"total length beyond the frame", Drop::ipv4_total_length, with({.total_length = 41})},
      {"header checksum", Drop::ipv4_checksum, with({.checksum = 0xBEEF})},
      {"header checksum, transport verified by the NIC", Drop::ipv4_checksum, with({.checksum = 0xBEEF}),
       ChecksumFact::good},
      {"loose source route", Drop::ipv4_source_route, with({.options = bytes({131, 4, 4, 0})})},
      {"strict source route behind padding", Drop::ipv4_source_route,
       with({.options = bytes({1, 137, 7, 4, 1, 2, 3, 4})})},
      {"option of length 1", Drop::ipv4_header_length, with({.options = bytes({7, 1, 0, 0})})},
      {"option of length 0", Drop::ipv4_header_length, with({.options = bytes({7, 0, 0, 0})})},
      {"option beyond the header", Drop::ipv4_header_length, with({.options = bytes({7, 5, 0, 0})})},
      {"option without its length", Drop::ipv4_header_length, with({.options = bytes({1, 1, 1, 7})})},
      {"option without its length at the end of the frame", Drop::ipv4_header_length,
       PacketBuilder{}.eth().ipv4({.options = bytes({1, 1, 1, 7})}).build()},
      {"option beyond the end of the frame", Drop::ipv4_header_length,
       PacketBuilder{}.eth().ipv4({.options = bytes({1, 1, 7, 3})}).build()},
      {"from multicast", Drop::bad_source, from("224.0.0.1")},
      {"from reserved", Drop::bad_source, from("240.0.0.1")},
      {"from broadcast", Drop::bad_source, from("255.255.255.255")},
      {"from loopback", Drop::bad_source, from("127.0.0.1")},
      {"from this network", Drop::bad_source, from("0.1.2.3")},
      {"from nobody", Drop::bad_source, from("0.0.0.0")},
      {"from itself", Drop::bad_source, from("198.51.100.10")},
      {"UDP from nobody to another port than DHCP", Drop::bad_source,
       PacketBuilder{}.eth().ipv4({.source = "0.0.0.0"}).udp({.source_port = 68, .destination_port = 53}).build()},
      {"fragment from nobody", Drop::bad_source, with({.source = "0.0.0.0", .fragment = 0x2000})},
      {"ICMP from nobody", Drop::bad_source, PacketBuilder{}.eth().ipv4({.source = "0.0.0.0"}).icmp().build()},
  };
}

std::vector<Case> ipv6_drops() {
  using Ipv6 = PacketBuilder::Ipv6;
  const auto with = [](const Ipv6& fields) { return PacketBuilder{}.eth().ipv6(fields).tcp().build(); };
  const auto from = [&with](const char* source) { return with({.source = source}); };
  Bytes from_mapped = v6().tcp().build();
  const Bytes mapped = bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1});
  Bytes to_mapped = from_mapped;
  std::copy(mapped.begin(), mapped.end(), from_mapped.begin() + kEthernetBytes + offsetof(Ipv6Header, source));
  std::copy(mapped.begin(), mapped.end(), to_mapped.begin() + kEthernetBytes + offsetof(Ipv6Header, destination));
  return {
      {"version 4", Drop::ipv6_version, with({.version = 4})},
      {"payload beyond the frame", Drop::ipv6_payload_length, with({.payload_length = 21})},
      {"jumbogram", Drop::ipv6_payload_length,
       PacketBuilder{}.eth().ipv6({.payload_length = 0}).extension({.number = 0}).tcp().build()},
      {"longer than 65535 with its header", Drop::ipv6_payload_length,
       v6().udp().payload(std::string(65500, 'x')).build()},
      {"hop-by-hop options behind others", Drop::ipv6_extension,
       v6().extension().extension({.number = 0}).tcp().build()},
      {"nine extension headers", Drop::ipv6_extension, extensions(9).build()},
      {"two atomic fragment headers", Drop::ipv6_extension, v6().fragment().fragment().tcp().build()},
      {"extension beyond the packet", Drop::ipv6_truncated, v6().extension({.length = 5}).tcp().build()},
      {"extension of the greatest length", Drop::ipv6_truncated, v6().extension({.length = 255}).tcp().build()},
      {"routing header of type 0", Drop::ipv6_routing_header,
       v6().extension({.number = 43, .routing_type = 0, .segments_left = 0}).tcp().build()},
      {"routing header with segments left", Drop::ipv6_routing_header,
       v6().extension({.number = 43, .routing_type = 4, .segments_left = 1}).tcp().build()},
      {"from multicast", Drop::bad_source, from("ff02::1")},
      {"from loopback", Drop::bad_source, from("::1")},
      {"from nobody", Drop::bad_source, from("::")},
      {"UDP from nobody", Drop::bad_source,
       PacketBuilder{}.eth().ipv6({.source = "::"}).udp({.source_port = 68, .destination_port = 67}).build()},
      {"from itself", Drop::bad_source, from("2001:db8:1::10")},
      {"from a mapped address", Drop::bad_source, from_mapped},
      {"to a mapped address", Drop::not_ours, to_mapped},
      {"no payload at all for TCP", Drop::tcp_truncated,
       PacketBuilder{}.eth().ipv6({.next_header = 6}).padding(20).build()},
  };
}

std::vector<Case> transport_drops() {
  using Tcp = PacketBuilder::Tcp;
  using Udp = PacketBuilder::Udp;
  const auto tcp = [](const Tcp& fields) { return v4().tcp(fields).build(); };
  const auto udp = [](const Udp& fields) { return v4().udp(fields).payload("four").build(); };
  constexpr auto kBad = ChecksumFact::bad;
  return {
      {"TCP header of 16", Drop::tcp_header_length, tcp({.header_words = 4})},
      {"TCP header beyond the packet", Drop::tcp_header_length, tcp({.header_words = 6})},
      {"TCP without flags", Drop::tcp_flags, tcp({.flags = 0})},
      {"TCP with nothing but congestion flags", Drop::tcp_flags, tcp({.flags = 0xC0})},
      {"TCP with SYN and FIN", Drop::tcp_flags, tcp({.flags = tcp_flag::syn | tcp_flag::fin})},
      {"TCP with SYN and RST", Drop::tcp_flags, tcp({.flags = tcp_flag::syn | tcp_flag::rst})},
      {"TCP with all flags", Drop::tcp_flags, tcp({.flags = 0x3F})},
      {"TCP from port 0", Drop::l4_port_zero, tcp({.source_port = 0})},
      {"TCP to port 0", Drop::l4_port_zero, tcp({.destination_port = 0})},
      {"TCP checksum", Drop::l4_checksum, tcp({.checksum = 0xBEEF})},
      {"TCP checksum, said by the NIC", Drop::l4_checksum, tcp({}), kBad},
      {"UDP length of 7", Drop::udp_length, udp({.length = 7})},
      {"UDP length beyond the packet", Drop::udp_length, udp({.length = 13})},
      {"UDP from port 0", Drop::l4_port_zero, udp({.source_port = 0})},
      {"UDP to port 0", Drop::l4_port_zero, udp({.destination_port = 0})},
      {"UDP checksum", Drop::l4_checksum, udp({.checksum = 0xBEEF})},
      {"UDP checksum, said by the NIC", Drop::l4_checksum, udp({}), kBad},
      {"UDP without checksum over IPv6", Drop::l4_checksum, v6().udp({.checksum = 0}).build(), ChecksumFact::unknown},
      {"TCP checksum over IPv6", Drop::l4_checksum, v6().tcp({.checksum = 0xBEEF}).build()},
  };
}

std::vector<Case> ethernet_drops() {
  const auto tagged = [](std::uint16_t vid) { return PacketBuilder{}.eth().vlan({.vid = vid}).ipv4().tcp().build(); };
  return {
      {"EtherType of MPLS", Drop::unknown_ethertype, PacketBuilder{}.eth({.type = 0x8847}).ipv4().tcp().build()},
      {"802.3 length", Drop::unknown_ethertype,
       PacketBuilder{}.eth({.type = 46}).payload(std::string(46, 'x')).build()},
      {"VLAN 1", Drop::vlan, tagged(1)},
      {"VLAN 4095", Drop::vlan, tagged(4095)},
      {"service VLAN", Drop::vlan, PacketBuilder{}.eth().vlan({.vid = 7, .tag = 0x88A8}).ipv4().tcp().build()},
      {"VLAN behind a priority tag", Drop::vlan,
       PacketBuilder{}.eth().vlan({.tag = 0x88A8}).vlan({.vid = 7}).ipv4().tcp().build()},
      {"three priority tags", Drop::vlan, PacketBuilder{}.eth().vlan().vlan().vlan().ipv4().tcp().build()},
      {"unknown EtherType behind a priority tag", Drop::unknown_ethertype,
       PacketBuilder{}.eth().vlan({.type = 0x8847}).ipv4().tcp().build()},
  };
}

// Truncated headers are walked through byte by byte in their own test; these are one each for the list of reasons.
std::vector<Case> truncation_drops() {
  const auto cut = [](const Bytes& frame, std::size_t bytes) {
    return Bytes(frame.begin(), frame.end() - static_cast<std::ptrdiff_t>(bytes));
  };
  return {
      {"Ethernet", Drop::too_short, cut(PacketBuilder{}.eth().build(), 1)},
      {"ARP", Drop::too_short, cut(PacketBuilder{}.eth().arp().build(), 1)},
      {"IPv4", Drop::ipv4_truncated, cut(v4().build(), 1)},
      {"IPv6", Drop::ipv6_truncated, cut(v6().build(), 1)},
      {"TCP", Drop::tcp_truncated, PacketBuilder{}.eth().ipv4({.protocol = 6}).payload(std::string(19, 'x')).build()},
      {"UDP", Drop::udp_truncated, PacketBuilder{}.eth().ipv4({.protocol = 17}).payload(std::string(7, 'x')).build()},
      {"ICMP", Drop::icmp_truncated, PacketBuilder{}.eth().ipv4({.protocol = 1}).payload(std::string(7, 'x')).build()},
      {"ICMPv6", Drop::icmp_truncated,
       PacketBuilder{}.eth().ipv6({.next_header = 58}).payload(std::string(3, 'x')).build()},
  };
}

std::vector<Case> all_drops() {
  std::vector<Case> all;
  for (const auto& group : {ethernet_drops(), ipv4_drops(), ipv6_drops(), transport_drops(), truncation_drops()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

TEST(Parse, NamesWhatIsWrong) {
  for (const Case& wrong : all_drops()) {
    EXPECT_EQ(name(parse_exact(wrong.frame, wrong.checksum).drop), name(wrong.drop)) << wrong.what;
  }
}

TEST(Parse, HasACaseForEachReasonOfItsGroup) {
  std::set<Drop> seen{Drop::multi_segment, Drop::fragment, Drop::unknown_protocol};  // those are the pipeline's
  for (const Case& wrong : all_drops()) seen.insert(wrong.drop);
  for (const DropReason& reason : kDropReasonTable) {
    if (reason.drop == Drop::none || reason.drop > Drop::bad_source) continue;
    EXPECT_TRUE(seen.contains(reason.drop)) << reason.name;
  }
}

TEST(Parse, LearnsTcpOverIpv4) {
  const auto [drop, facts] = parse_exact(PacketBuilder{}
                                             .eth()
                                             .ipv4({.ttl = 17, .options = bytes({1, 1, 1, 0})})
                                             .tcp({.flags = tcp_flag::syn | 0xC0, .options = Bytes(4)})
                                             .payload("odd")
                                             .padding(9)
                                             .build());
  ASSERT_EQ(name(drop), "none");
  EXPECT_EQ(facts.kind, PacketKind::tcp);
  EXPECT_EQ(facts.protocol, Protocol::tcp);
  EXPECT_EQ(facts.source.text(), "192.0.2.1");
  EXPECT_EQ(facts.destination.text(), "198.51.100.10");
  EXPECT_EQ(facts.source_port.host(), 40000);
  EXPECT_EQ(facts.destination_port.host(), 80);
  EXPECT_EQ(facts.ttl, 17);
  EXPECT_EQ(facts.tcp_flags & 0x3F, tcp_flag::syn);
  EXPECT_EQ(facts.l3_offset, 14);
  EXPECT_EQ(facts.l4_offset, 14 + 24);
  EXPECT_EQ(facts.ip_length, 24 + 24 + 3);
  EXPECT_TRUE(facts.do_not_fragment);
  EXPECT_FALSE(parse_exact(PacketBuilder{}.eth().ipv4({.fragment = 0}).tcp().build()).facts.do_not_fragment);
}

TEST(Parse, LearnsUdpOverIpv6BehindExtensionsAndPriorityTag) {
  const auto [drop, facts] = parse_exact(PacketBuilder{}
                                             .eth()
                                             .vlan({.priority = 5})
                                             .ipv6({.hop_limit = 3})
                                             .extension({.number = 0, .more_units = 2})
                                             .extension({.number = 43, .routing_type = 4, .segments_left = 0})
                                             .fragment()
                                             .extension()
                                             .udp()
                                             .payload("x")
                                             .build());
  ASSERT_EQ(name(drop), "none");
  EXPECT_EQ(facts.kind, PacketKind::udp);
  EXPECT_EQ(facts.protocol, Protocol::udp);
  EXPECT_EQ(facts.source.text(), "2001:db8::1");
  EXPECT_EQ(facts.destination.text(), "2001:db8:1::10");
  EXPECT_EQ(facts.source_port.host(), 40000);
  EXPECT_EQ(facts.destination_port.host(), 53);
  EXPECT_EQ(facts.ttl, 3);
  EXPECT_EQ(facts.l3_offset, 18);
  EXPECT_EQ(facts.l4_offset, 18 + 40 + 24 + 8 + 8 + 8);
  EXPECT_EQ(facts.ip_length, 40 + 24 + 8 + 8 + 8 + 8 + 1);
  EXPECT_TRUE(facts.do_not_fragment);
}

TEST(Parse, ForgetsTheFactsOfThePacketBefore) {
  Facts facts;
  ASSERT_EQ(parse(v4().tcp({.flags = tcp_flag::rst}).build(), ChecksumFact::unknown, facts), Drop::none);
  ASSERT_EQ(parse(PacketBuilder{}.eth().ipv4({.fragment = 0}).udp().build(), ChecksumFact::unknown, facts), Drop::none);
  EXPECT_EQ(facts.tcp_flags, 0);
  EXPECT_FALSE(facts.do_not_fragment);
}

TEST(Parse, TellsKindsApart) {
  const auto to = [](const char* destination) { return PacketBuilder{}.eth({.destination = destination}); };
  const auto dhcp = PacketBuilder{}.eth().ipv4({.source = "0.0.0.0", .destination = "255.255.255.255"});
  const std::vector<std::pair<PacketKind, Bytes>> cases{
      {PacketKind::tcp, v6().tcp().build()},
      {PacketKind::udp, v4().udp().build()},
      {PacketKind::udp, v4().udp({.length = 8, .checksum = 0}).payload("more than UDP says").build()},
      {PacketKind::icmp, v4().icmp().build()},
      {PacketKind::icmp, v6().icmp({.checksum = 1}).build()},
      {PacketKind::icmp, PacketBuilder{}.eth().ipv6({.source = "::", .destination = "ff02::1"}).icmp().build()},
      {PacketKind::icmp, PacketBuilder{}.eth().ipv6({.next_header = 58}).payload("four").build()},
      {PacketKind::other_ip, PacketBuilder(dhcp).udp({.source_port = 68, .destination_port = 67}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv4({.protocol = 47}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv4({.protocol = 58}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv6({.next_header = 1}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv6({.next_header = 50}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv6({.next_header = 51}).build()},
      {PacketKind::other_ip, PacketBuilder{}.eth().ipv6({.next_header = 59}).build()},
      {PacketKind::other_ip, v6().extension({.next_header = 47}).build()},
      {PacketKind::fragment, PacketBuilder{}.eth().ipv4({.fragment = 0x2000}).tcp().build()},
      {PacketKind::fragment, PacketBuilder{}.eth().ipv4({.fragment = 1, .protocol = 6}).build()},
      {PacketKind::fragment, v6().fragment({.more = true}).tcp().build()},
      {PacketKind::fragment, v6().fragment({.offset = 1, .next_header = 6}).build()},
      {PacketKind::tcp, extensions(8).build()},
      {PacketKind::arp, PacketBuilder{}.eth().arp().build()},
      {PacketKind::arp, PacketBuilder{}.eth().vlan().arp().padding(14).build()},
      {PacketKind::link_local, to("01:80:c2:00:00:0e").build()},
      {PacketKind::link_local, to("01:80:c2:00:00:00").payload("spanning tree").build()},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto [drop, facts] = parse_exact(cases[i].second);
    EXPECT_EQ(name(drop), "none") << "case " << i;
    EXPECT_EQ(facts.kind, cases[i].first) << "case " << i;
  }
  EXPECT_EQ(parse_exact(to("01:80:c2:00:00:10").build()).drop, Drop::unknown_ethertype);
}

TEST(Parse, AsksForChecksumsAsThePortSays) {
  const Bytes wrong = v4().tcp({.checksum = 0xBEEF}).build();
  EXPECT_EQ(parse_exact(wrong, ChecksumFact::unknown).drop, Drop::none);
  EXPECT_EQ(parse_exact(wrong, ChecksumFact::good).drop, Drop::none);
  const Bytes without = v4().udp({.checksum = 0}).payload("odd").build();
  EXPECT_EQ(parse_exact(without, ChecksumFact::verify).drop, Drop::none);
  EXPECT_EQ(parse_exact(without, ChecksumFact::bad).drop, Drop::none);
  // Neither padding nor what lies behind a short UDP length belongs to the sum.
  const Bytes odd = v4().udp({.length = 9}).payload("x").build();
  Bytes longer = PacketBuilder{}.eth().ipv4({.protocol = 17}).payload(std::string(12, 'z')).padding(3).build();
  std::copy(odd.begin() + 34, odd.end(), longer.begin() + 34);
  EXPECT_EQ(parse_exact(longer, ChecksumFact::verify).drop, Drop::none);
}

// Makes the IP header agree with a frame that was cut: what is missing is then missing inside the IP packet.
void shorten_ip(Bytes& frame, std::size_t l3_offset) {
  std::byte* const header = frame.data() + l3_offset;
  const std::size_t bytes = frame.size() - l3_offset;
  if (std::to_integer<unsigned>(*header) >> 4U == 6) {
    const Be16 length{static_cast<std::uint16_t>(bytes - sizeof(Ipv6Header))};
    std::memcpy(header + offsetof(Ipv6Header, payload_length), &length, 2);
    return;
  }
  const Be16 length{static_cast<std::uint16_t>(bytes)};
  std::memcpy(header + offsetof(Ipv4Header, total_length), &length, 2);
  std::memset(header + offsetof(Ipv4Header, checksum), 0, 2);
  const std::size_t header_bytes = (std::to_integer<unsigned>(*header) & 0x0FU) * std::size_t{4};
  const auto sum = static_cast<std::uint16_t>(~fold(ones_sum({header, header_bytes})));
  std::memcpy(header + offsetof(Ipv4Header, checksum), &sum, 2);
}

std::vector<Bytes> header_stacks() {
  const Bytes options = bytes({1, 1, 1, 0});
  return {
      v4().tcp().build(),
      PacketBuilder{}.eth().vlan().ipv4({.options = options}).tcp({.options = Bytes(8)}).build(),
      v4().udp().build(),
      v4().icmp().build(),
      v6().tcp().build(),
      PacketBuilder{}.eth().vlan().vlan().ipv6().udp().build(),
      v6().extension({.number = 0, .more_units = 1}).extension().fragment().extension().icmp().build(),
      v6().extension({.number = 43, .routing_type = 4, .segments_left = 0, .more_units = 3}).tcp().build(),
      v6().fragment().udp().build(),
      PacketBuilder{}.eth().arp().build(),
  };
}

TEST(Parse, DropsEveryTruncation) {
  for (const Bytes& whole : header_stacks()) {
    ASSERT_EQ(name(parse_exact(whole).drop), "none");
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Drop drop = parse_exact(std::span{whole}.first(length)).drop;
      const std::set<Drop> right{Drop::too_short, Drop::ipv4_truncated, Drop::ipv4_total_length, Drop::ipv6_truncated,
                                 Drop::ipv6_payload_length};
      EXPECT_TRUE(right.contains(drop)) << name(drop) << " at " << length << " of " << whole.size();
    }
  }
}

TEST(Parse, DropsEveryTruncationThatTheIpHeaderAdmits) {
  for (const Bytes& whole : header_stacks()) {
    const Parsed parsed = parse_exact(whole);
    if (parsed.facts.kind == PacketKind::arp) continue;
    const bool is_v4 = parsed.facts.source.is_v4();
    // In front of these the IP header itself is cut, which the test above does. ICMPv6 is whole with 4 bytes.
    const std::size_t first = is_v4 ? parsed.facts.l4_offset : parsed.facts.l3_offset + sizeof(Ipv6Header);
    const std::size_t last = whole.size() - (parsed.facts.kind == PacketKind::icmp && !is_v4 ? 4 : 0);
    for (std::size_t length = first; length < last; ++length) {
      Bytes frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      shorten_ip(frame, parsed.facts.l3_offset);
      const Drop drop = parse_exact(frame, ChecksumFact::unknown).drop;
      // A jumbogram is what an empty packet with hop-by-hop options looks like.
      const std::set<Drop> right{Drop::tcp_truncated,      Drop::tcp_header_length, Drop::udp_truncated,
                                 Drop::udp_length,         Drop::icmp_truncated,    Drop::ipv6_truncated,
                                 Drop::ipv6_payload_length};
      EXPECT_TRUE(right.contains(drop)) << name(drop) << " at " << length << " of " << whole.size();
    }
  }
}

// Facts lie inside the frame whatever the bytes are; AddressSanitizer watches the reads.
TEST(Parse, SurvivesRandomDamage) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random);
  };
  const std::vector<Bytes> stacks = header_stacks();
  std::size_t whole = 0;
  for (int round = 0; round < 50'000; ++round) {
    Bytes frame = stacks[below(stacks.size())];
    for (std::size_t damages = below(4); damages > 0; --damages) frame[below(frame.size())] = std::byte(below(256));
    const auto [drop, facts] = parse_exact(frame, ChecksumFact::unknown);
    if (drop != Drop::none || !facts.is_ip()) continue;
    ++whole;
    ASSERT_LE(std::size_t{facts.l3_offset} + facts.ip_length, frame.size());
    ASSERT_GT(facts.l4_offset, facts.l3_offset);
    ASSERT_LE(facts.l4_offset, facts.l3_offset + facts.ip_length);
  }
  EXPECT_GT(whole, 1000U);
}

// Makes an IPv4 header's checksum right again, so that what else is wrong with the packet shows.
void mend_header_sum(Bytes& frame) {
  std::byte* const header = frame.data() + kEthernetBytes;
  std::memset(header + offsetof(Ipv4Header, checksum), 0, 2);
  const auto sum = static_cast<std::uint16_t>(~fold(ones_sum({header, sizeof(Ipv4Header)})));
  std::memcpy(header + offsetof(Ipv4Header, checksum), &sum, 2);
}

// Plain packets have a short way of their own. With a priority tag the same packet takes the general one.
TEST(Parse, SaysOfAPlainPacketWhatTheGeneralWaySays) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random);
  };
  const Bytes tag = bytes({0x81, 0x00, 0x00, 0x00});
  for (int round = 0; round < 50'000; ++round) {
    Bytes plain = v4().tcp({.options = Bytes(4 * below(4))}).payload(std::string(below(200), 'x')).build();
    for (std::size_t damages = below(3); damages > 0; --damages)
      plain[kEthernetBytes + below(sizeof(Ipv4Header) + sizeof(TcpHeader))] = std::byte(below(256));
    if (below(4) != 0) mend_header_sum(plain);
    Bytes tagged = plain;
    tagged.insert(tagged.begin() + offsetof(EthernetHeader, type), tag.begin(), tag.end());
    const auto checksum = static_cast<ChecksumFact>(below(4));
    const auto [drop, facts] = parse_exact(plain, checksum);
    const auto [other_drop, other] = parse_exact(tagged, checksum);
    ASSERT_EQ(name(drop), name(other_drop)) << "round " << round;
    if (drop != Drop::none) continue;
    ASSERT_EQ(facts.l3_offset + tag.size(), other.l3_offset);
    ASSERT_EQ(facts.l4_offset + tag.size(), other.l4_offset);
    const auto rest = [](const Facts& f) {
      return std::tuple{
          f.source.text(), f.destination.text(), f.source_port.host(), f.destination_port.host(), f.kind, f.protocol,
          f.ttl,           f.tcp_flags,          f.ip_length,          f.do_not_fragment};
    };
    ASSERT_EQ(rest(facts), rest(other)) << "round " << round;
  }
}

}  // namespace
}  // namespace fulcrum
