// libFuzzer target of parse() and the rewriting behind it. The first byte of the input says what the port knows of the
// checksum (ChecksumFact), the rest is the frame, copied to the heap with nothing behind it.
//
// What must hold, beyond no read or write outside: facts lie inside the frame; readdressing there and back restores
// every byte; checksums that were right are right after each rewrite; every rewritten packet parses as what it was.
#include <algorithm>
#include <cstring>
#include <memory>

#include "dataplane/base/checksum.h"
#include "dataplane/base/invariant.h"
#include "dataplane/packet/headers.h"
#include "dataplane/packet/parse.h"
#include "dataplane/packet/rewrite.h"

namespace fulcrum {
namespace {

class ExactCopy {
 public:
  explicit ExactCopy(std::span<const std::byte> bytes) : memory_{new std::byte[bytes.size()]}, size_{bytes.size()} {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  [[nodiscard]] std::span<std::byte> view() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t size_;
};

bool checksums_are_right(std::span<const std::byte> frame) {
  Facts facts;
  return parse(frame, ChecksumFact::verify, facts) == Drop::none;
}

// 0xFFFF and 0 are the same number in one's complement. TCP and IPv4 senders write 0; one who wrote 0xFFFF gets 0 back.
// UDP knows only 0xFFFF.
void write_zero_sums_alike(std::span<std::byte> frame, const Facts& facts) {
  const auto alike = [frame](std::size_t offset) {
    const std::uint16_t all_ones = 0xFFFF;
    if (std::memcmp(frame.data() + offset, &all_ones, 2) == 0) std::memset(frame.data() + offset, 0, 2);
  };
  if (facts.source.is_v4()) alike(facts.l3_offset + offsetof(Ipv4Header, checksum));
  if (facts.kind == PacketKind::tcp) alike(facts.l4_offset + offsetof(TcpHeader, checksum));
}

void check_inside(std::span<const std::byte> frame, const Facts& facts) {
  FULCRUM_ASSERT(facts.l3_offset >= sizeof(EthernetHeader));
  FULCRUM_ASSERT(std::size_t{facts.l3_offset} + facts.ip_length <= frame.size());
  FULCRUM_ASSERT(facts.l4_offset > facts.l3_offset);
  const std::size_t transport = facts.kind == PacketKind::tcp   ? sizeof(TcpHeader)
                                : facts.kind == PacketKind::udp ? sizeof(UdpHeader)
                                                                : 0;
  FULCRUM_ASSERT(facts.l4_offset + transport <= std::size_t{facts.l3_offset} + facts.ip_length);
}

Readdress change(const Address& from, Be16 from_port, const Address& to, Be16 to_port) {
  return {.address = to,
          .port = to_port,
          .address_delta = checksum_delta(ones_sum(from), ones_sum(to)),
          .address_port_delta = checksum_delta(ones_sum(from) + from_port.wire(), ones_sum(to) + to_port.wire())};
}

Readdress inverse(const Readdress& there, const Address& from, Be16 from_port) {
  return {.address = from,
          .port = from_port,
          .address_delta = inverse_delta(there.address_delta),
          .address_port_delta = inverse_delta(there.address_port_delta)};
}

template <class Function>
void check_readdress(std::span<std::byte> frame, const Facts& facts, bool source, Function readdress) {
  // Addresses and port depend on the frame, so that the fuzzer can search for corners of the sums.
  Address to = facts.source.is_v4() ? Address::v4(Be32{0x0A000000U | facts.ip_length}) : *Address::parse("fd00::1");
  if (to == facts.source || to == facts.destination) return;  // would be a "land" packet
  const Address& from = source ? facts.source : facts.destination;
  const Be16 from_port = source ? facts.source_port : facts.destination_port;
  const Be16 to_port{static_cast<std::uint16_t>(facts.ttl * 257U | 1U)};
  const Readdress there = change(from, from_port, to, to_port);
  const bool right = checksums_are_right(frame);
  const ExactCopy before{frame};
  write_zero_sums_alike(before.view(), facts);

  readdress(frame, facts, there);
  Facts after;
  FULCRUM_ASSERT(parse(frame, ChecksumFact::unknown, after) == Drop::none);
  FULCRUM_ASSERT(after.kind == facts.kind && after.l4_offset == facts.l4_offset);
  FULCRUM_ASSERT((source ? after.source : after.destination) == to);
  FULCRUM_ASSERT((source ? after.source_port : after.destination_port) == to_port);
  FULCRUM_ASSERT(checksums_are_right(frame) == right);

  readdress(frame, facts, inverse(there, from, from_port));
  write_zero_sums_alike(frame, facts);
  FULCRUM_ASSERT(std::equal(frame.begin(), frame.end(), before.view().begin()));
}

void check_ttl(std::span<std::byte> frame, const Facts& facts) {
  if (facts.ttl <= 1) return;
  const bool right = checksums_are_right(frame);
  forward_to_server(frame, facts, {.address = facts.destination, .port = facts.destination_port});
  Facts after;
  FULCRUM_ASSERT(parse(frame, ChecksumFact::unknown, after) == Drop::none);
  FULCRUM_ASSERT(after.ttl == facts.ttl - 1);
  FULCRUM_ASSERT(checksums_are_right(frame) == right);
}

void run(std::span<const std::byte> input) {
  if (input.empty()) return;
  const auto checksum = static_cast<ChecksumFact>(std::to_integer<unsigned>(input[0]) % 4);
  const ExactCopy copy{input.subspan(1)};
  const std::span<std::byte> frame = copy.view();
  Facts facts;
  if (parse(frame, checksum, facts) != Drop::none || !facts.is_ip()) return;
  check_inside(frame, facts);
  if (!facts.has_ports()) return;
  check_readdress(frame, facts, true, readdress_source);
  check_readdress(frame, facts, false, readdress_destination);
  check_ttl(frame, facts);
}

}  // namespace
}  // namespace fulcrum

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fulcrum::run(std::as_bytes(std::span{data, size}));
  return 0;
}
