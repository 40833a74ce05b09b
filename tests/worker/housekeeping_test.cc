#include "dataplane/worker/housekeeping.h"

#include <deque>

#include "tests/worker/test_box.h"

namespace fulcrum {
namespace {

using test::kFront;

// Linux's end: what it was given, what it sends, whether it takes anything.
class ScriptedTwin final : public Twin {
 public:
  std::size_t receive(std::span<Frame> into) noexcept override {
    std::size_t count = 0;
    for (; count < into.size() && !sends.empty(); ++count, sends.pop_front()) into[count] = sends.front();
    return count;
  }
  std::size_t deliver(std::span<const Frame> frames) noexcept override {
    if (!refuses) delivered += frames.size();
    port->release(frames);
    return refuses ? 0 : frames.size();
  }
  [[nodiscard]] int wait_descriptor() const noexcept override { return -1; }

  PacketPort* port = nullptr;
  std::deque<Frame> sends;
  std::size_t delivered = 0;
  bool refuses = false;
};

class HousekeepingTest : public ::testing::Test {
 protected:
  HousekeepingTest() { twin_.port = box_.ports[0].get(); }
  void punt_one() {
    box_.receive(kFront, test::PacketBuilder{}.eth({.destination = "ff:ff:ff:ff:ff:ff"}).arp().build());
  }
  // A frame in a buffer of the front port, as a twin's receive() makes them.
  Frame buffer() {
    box_.ports[0]->inject(0, test::PacketBuilder{}.eth().arp().build());
    Frame frame;
    EXPECT_EQ(box_.ports[0]->receive(0, {&frame, 1}), 1U);
    return frame;
  }
  [[nodiscard]] const PacketCounters& own() const { return box_.region.worker(1).packets; }

  test::TestBox box_;
  ScriptedTwin twin_;
  std::array<Twin*, 1> twins_{&twin_};
  std::array<PacketPort*, 2> ports_{box_.ports[0].get(), box_.ports[1].get()};
  std::array<SlowPath*, 1> workers_{&box_.slow_path};
  Explainer explainer_{box_.region, *box_.tables, {&box_.worker->cursors()}};
  Housekeeping housekeeping_{box_.region, twins_, ports_, workers_, box_.doorbell, explainer_};
};

TEST_F(HousekeepingTest, DeliversToTheTwin) {
  punt_one();
  EXPECT_EQ(housekeeping_.turn(), 1U);
  EXPECT_EQ(twin_.delivered, 1U);
  EXPECT_EQ(own().punted.value(), 1U);
  EXPECT_EQ(box_.ports[0]->outstanding(), 0U);
}

TEST_F(HousekeepingTest, CountsWhatLinuxRefuses) {
  twin_.refuses = true;
  punt_one();
  housekeeping_.turn();
  EXPECT_EQ(own().punted.value(), 0U);
  EXPECT_EQ(own().drops[static_cast<std::size_t>(Drop::twin_refused)].value(), 1U);
}

TEST_F(HousekeepingTest, SendsWhatLinuxSends) {
  twin_.sends.push_back(buffer());
  EXPECT_EQ(housekeeping_.turn(), 1U);
  box_.turn();
  EXPECT_EQ(box_.ports[0]->take_sent().size(), 1U);
  EXPECT_EQ(box_.region.worker(0).packets.from_linux.value(), 1U);
}

TEST_F(HousekeepingTest, LeavesFramesWithLinuxWhenTheWorkerIsBehind) {
  for (std::size_t i = 0; i < 1100; ++i) twin_.sends.push_back(buffer());
  while (housekeeping_.turn() != 0) {
  }
  EXPECT_EQ(twin_.sends.size(), 1100U - 1024U);
  for (int i = 0; i < 40; ++i, housekeeping_.turn()) box_.turn();
  EXPECT_EQ(box_.ports[0]->take_sent().size(), 1100U);
}

TEST_F(HousekeepingTest, PuntQueueFullIsANamedDrop) {
  for (std::size_t i = 0; i < 1030; ++i) punt_one();
  EXPECT_EQ(box_.drops(Drop::punt_full), 6U);
  while (housekeeping_.turn() != 0) {
  }
  EXPECT_EQ(twin_.delivered, 1024U);
  EXPECT_EQ(box_.ports[0]->outstanding(), 0U);
}

TEST_F(HousekeepingTest, CountsWhatPortsLostAndNotAsReceived) {
  box_.ports[1]->lose(Loss::ring_full, 7);
  housekeeping_.count_losses();
  box_.ports[1]->lose(Loss::ring_full, 1);
  box_.ports[1]->lose(Loss::receive_error, 2);
  housekeeping_.count_losses();
  const WorkerSection& section = box_.region.worker(1);
  EXPECT_EQ(section.ports[1].lost[static_cast<std::size_t>(Loss::ring_full)].value(), 8U);
  EXPECT_EQ(section.ports[1].lost[static_cast<std::size_t>(Loss::receive_error)].value(), 2U);
  EXPECT_EQ(section.ports[0].lost[static_cast<std::size_t>(Loss::ring_full)].value(), 0U);
  EXPECT_EQ(own().received.value(), 0U);
  box_.expect_all_accounted_for();
}

TEST_F(HousekeepingTest, AsksThePortsByItself) {
  box_.ports[0]->lose(Loss::no_buffer, 3);
  housekeeping_.turn();
  EXPECT_EQ(box_.region.worker(1).ports[0].lost[static_cast<std::size_t>(Loss::no_buffer)].value(), 3U);
}

TEST_F(HousekeepingTest, TellsWhetherPortsHaveALink) {
  testing::internal::CaptureStderr();
  box_.ports[0]->set_link(LinkState::up);
  box_.ports[1]->set_link(LinkState::down);
  housekeeping_.turn();
  const auto& ports = box_.region.header().ports;
  EXPECT_EQ(link_of(ports[0]), LinkState::up);
  EXPECT_EQ(link_of(ports[1]), LinkState::down);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("port back: no link"), std::string::npos) << said;
  EXPECT_EQ(said.find("port front"), std::string::npos) << said;
}

TEST_F(HousekeepingTest, WhatADeadProcessHeldGetsItsName) {
  punt_one();
  punt_one();
  account_for_lost(box_.region);
  EXPECT_EQ(own().drops[static_cast<std::size_t>(Drop::lost_in_restart)].value(), 2U);
  account_for_lost(box_.region);
  EXPECT_EQ(own().drops[static_cast<std::size_t>(Drop::lost_in_restart)].value(), 2U);
  housekeeping_.turn();  // gives the buffers back
}

}  // namespace
}  // namespace fulcrum
