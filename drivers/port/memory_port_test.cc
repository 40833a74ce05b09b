#include "drivers/port/memory_port.h"

#include <array>
#include <vector>

#include "tests/support/gtest.h"

namespace fulcrum {
namespace {

MemoryPort::Bytes bytes_of(std::initializer_list<int> values) {
  MemoryPort::Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(MemoryPort, FramesComeInOrderOnTheirQueue) {
  MemoryPort port{{.id = PortId{3}, .queues = 2, .checksum = ChecksumFact::good}};
  port.inject(0, bytes_of({1}));
  port.inject(1, bytes_of({2, 2}));
  port.inject(0, bytes_of({3, 3, 3}));
  std::array<Frame, 8> frames;
  ASSERT_EQ(port.receive(0, frames), 2U);
  EXPECT_EQ(frames[0].length, 1U);
  EXPECT_EQ(frames[1].length, 3U);
  EXPECT_EQ(frames[1].bytes()[2], std::byte{3});
  EXPECT_EQ(frames[1].port, PortId{3});
  EXPECT_EQ(frames[1].checksum, ChecksumFact::good);
  EXPECT_EQ(port.receive(0, frames), 0U);
  port.release(std::span{frames}.first(2));
  ASSERT_EQ(port.receive(1, frames), 1U);
  EXPECT_EQ(port.outstanding(), 1U);
  port.release(std::span{frames}.first(1));
  EXPECT_EQ(port.outstanding(), 0U);
}

TEST(MemoryPort, ReceivesNoMoreThanThereIsRoomFor) {
  MemoryPort port{{}};
  for (int i = 0; i < 5; ++i) port.inject(0, bytes_of({i}));
  std::array<Frame, 3> frames;
  EXPECT_EQ(port.receive(0, frames), 3U);
  port.release(frames);
  EXPECT_EQ(port.receive(0, frames), 2U);
  EXPECT_EQ(frames[0].bytes()[0], std::byte{3});
  port.release(std::span{frames}.first(2));
}

TEST(MemoryPort, SentFramesAreTheTests) {
  MemoryPort in{{}};
  MemoryPort out{{.wire_capacity = 1}};
  in.inject(0, bytes_of({1, 2}));
  in.inject(0, bytes_of({3}));
  std::array<Frame, 2> frames;
  ASSERT_EQ(in.receive(0, frames), 2U);
  frames[0].data[0] = std::byte{9};  // a rewritten frame leaves rewritten
  EXPECT_EQ(out.send(0, frames), 1U);
  EXPECT_EQ(in.outstanding(), 1U);  // the second stays ours
  const auto sent = out.take_sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0], bytes_of({9, 2}));
  EXPECT_TRUE(out.take_sent().empty());
  out.release(std::span{frames}.subspan(1));
  EXPECT_EQ(in.outstanding(), 0U);
}

TEST(MemoryPort, BufferMayOutliveItsPort) {
  std::array<Frame, 1> frames;
  {
    MemoryPort port{{}};
    port.inject(0, bytes_of({1}));
    ASSERT_EQ(port.receive(0, frames), 1U);
  }
  MemoryPort other{{}};
  other.release(frames);
  EXPECT_EQ(other.outstanding(), 0U);
}

}  // namespace
}  // namespace fulcrum
