#include "dataplane/packet/answer.h"

#include "dataplane/packet/parse.h"
#include "tests/support/gtest.h"
#include "tests/support/packet_builder.h"

namespace fulcrum {
namespace {

using test::Bytes;
using test::PacketBuilder;

// The frame in a buffer as ports have them, and what was learnt of it. The bytes themselves are compared with scapy's
// in tests/golden.
struct Asked {
  explicit Asked(const Bytes& bytes) : length{bytes.size()}, buffer{bytes} {
    buffer.resize(std::max(buffer.size(), kFrameRoom), std::byte{0xEE});
    frame = {.data = buffer.data(), .length = static_cast<std::uint32_t>(length)};
    EXPECT_EQ(parse(frame.bytes(), ChecksumFact::verify, facts), Drop::none);
  }
  Facts answer() {
    Facts of;
    EXPECT_EQ(parse(frame.bytes(), ChecksumFact::verify, of), Drop::none) << "with right checksums";
    EXPECT_EQ(of.source, facts.destination);
    EXPECT_EQ(of.destination, facts.source);
    return of;
  }
  std::size_t length;
  Bytes buffer;
  Frame frame;
  Facts facts;
};

TEST(Answer, AResetGoesBackTheSameWay) {
  Asked asked{PacketBuilder{}.eth().ipv4().tcp({.flags = tcp_flag::syn}).payload("fast open").build()};
  make_reset(asked.frame, asked.facts);
  const Facts reset = asked.answer();
  EXPECT_EQ(reset.kind, PacketKind::tcp);
  EXPECT_EQ(reset.tcp_flags, tcp_flag::rst | tcp_flag::ack);
  EXPECT_EQ(reset.source_port, asked.facts.destination_port);
  EXPECT_EQ(reset.destination_port, asked.facts.source_port);
  EXPECT_EQ(reset.ip_length, 40);
  EXPECT_EQ(asked.frame.length, 60U) << "padded, as what came was long enough";
  EXPECT_EQ(asked.frame.data[5], std::byte{0x02});
  EXPECT_EQ(asked.frame.data[11], std::byte{0x01});
}

TEST(Answer, AResetIsNeverLonger) {
  for (const bool v4 : {true, false}) {
    PacketBuilder builder;
    builder.eth();
    v4 ? builder.ipv4({.options = Bytes(8, std::byte{1})}) : builder.ipv6().extension();
    Asked asked{builder.tcp({.flags = tcp_flag::ack | tcp_flag::fin}).build()};
    make_reset(asked.frame, asked.facts);
    EXPECT_EQ(asked.answer().tcp_flags, tcp_flag::rst);
    EXPECT_LE(asked.frame.length, std::max<std::size_t>(asked.length, 60));
  }
}

TEST(Answer, AnUnreachableQuotesThePortsAndStaysWithinTheRoom) {
  for (const std::size_t units : {0U, 5U, 24U}) {
    Asked asked{PacketBuilder{}.eth().ipv6().extension({.more_units = units}).udp().payload("x").build()};
    make_unreachable(asked.frame, asked.facts);
    const Facts error = asked.answer();
    EXPECT_EQ(error.kind, PacketKind::icmp);
    EXPECT_LE(asked.frame.length, kFrameRoom);
    EXPECT_EQ(error.ip_length, std::min<std::size_t>(40 + 8 + 40 + 8 + units * 8 + 8, 40 + 8 + kFrameRoom - 18 - 48));
  }
  Asked asked{PacketBuilder{}.eth().ipv4({.options = Bytes(40, std::byte{1})}).udp().build()};
  make_unreachable(asked.frame, asked.facts);
  EXPECT_EQ(asked.answer().ip_length, 20 + 8 + 60 + 8);
}

}  // namespace
}  // namespace fulcrum
