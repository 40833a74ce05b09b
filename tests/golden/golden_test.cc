// The golden cases in this process: the worker's own turns over ports and twins of memory. FULCRUM_GOLDEN_CASES names
// the folder that tests/golden/generate.py filled.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "dataplane/explain/explainer.h"
#include "dataplane/lookup/connection_table.h"
#include "dataplane/worker/housekeeping.h"
#include "dataplane/worker/worker.h"
#include "drivers/port/memory_port.h"
#include "tests/golden/case_file.h"
#include "tests/support/gtest.h"

namespace fulcrum::golden {
namespace {

// Frames beyond this size arrive in several segments, as they do in DPDK's buffers.
constexpr std::uint32_t kBufferBytes = 10240;

class BufferedPort final : public PacketPort {
 public:
  explicit BufferedPort(PortId id) : wire_{{.id = id}} {}
  [[nodiscard]] MemoryPort& wire() { return wire_; }

  std::size_t receive(std::uint16_t queue, std::span<Frame> into) noexcept override {
    const std::size_t count = wire_.receive(queue, into);
    for (Frame& frame : into.first(count)) {
      if (frame.length <= kBufferBytes) continue;
      frame.contiguous = false;
      frame.length = kBufferBytes;
    }
    return count;
  }
  std::size_t send(std::uint16_t queue, std::span<const Frame> frames) noexcept override {
    return wire_.send(queue, frames);
  }
  void release(std::span<const Frame> frames) noexcept override { wire_.release(frames); }

 private:
  MemoryPort wire_;
};

// Linux that takes everything and says nothing.
class ListeningTwin final : public Twin {
 public:
  explicit ListeningTwin(PacketPort& port) : port_{port} {}
  std::vector<Bytes> taken;

  std::size_t receive(std::span<Frame>) noexcept override { return 0; }
  std::size_t deliver(std::span<const Frame> frames) noexcept override {
    for (const Frame& frame : frames) taken.emplace_back(frame.bytes().begin(), frame.bytes().end());
    port_.release(frames);
    return frames.size();
  }
  [[nodiscard]] int wait_descriptor() const noexcept override { return -1; }

 private:
  PacketPort& port_;
};

// A whole dataplane with one worker, turned by hand.
class Box {
 public:
  explicit Box(const Case& golden)
      : region_{std::move(*Region::create_anonymous(golden.shape()))}, tables_{region_, ConnectionTable::Start::cold} {
    std::vector<PacketPort*> ports;
    std::vector<Twin*> twins;
    for (std::uint8_t i = 0; i < golden.ports.size(); ++i) {
      PortInfo& info = region_.header().ports[i];
      info.name = Name{golden.ports[i].name};
      info.mac = golden.ports[i].mac;
      info.mtu = golden.ports[i].mtu;
      info.in_use = 1;
      ports_.push_back(std::make_unique<BufferedPort>(PortId{i}));
      twins_.push_back(std::make_unique<ListeningTwin>(*ports_.back()));
      ports.push_back(ports_.back().get());
      twins.push_back(twins_.back().get());
    }
    worker_ =
        std::make_unique<Worker>(Worker::Config{.id = WorkerId{0}}, region_, tables_, ports, slow_path_, doorbell_);
    explainer_ = std::make_unique<Explainer>(region_, tables_, std::vector{&worker_->cursors()});
    housekeeping_ = std::make_unique<Housekeeping>(region_, twins, ports, slow_paths_, doorbell_, *explainer_);
  }

  [[nodiscard]] Region& region() { return region_; }

  // Everything that left the box by the port or by its twin since the last call.
  std::vector<Bytes> sent(PortId port) { return ports_[port.value]->wire().take_sent(); }
  std::vector<Bytes> punted(PortId port) { return std::exchange(twins_[port.value]->taken, {}); }

  void arrive(PortId port, const Bytes& frame) {
    ports_[port.value]->wire().inject(0, frame);
    turn();
  }
  void turn() {
    now_ += std::chrono::milliseconds{1};
    worker_->turn(now_);
    housekeeping_->turn();
  }
  [[nodiscard]] std::size_t frames_held() const {
    std::size_t held = 0;
    for (const auto& port : ports_) held += port->wire().outstanding();
    return held;
  }

 private:
  Region region_;
  Tables tables_;
  std::vector<std::unique_ptr<BufferedPort>> ports_;
  std::vector<std::unique_ptr<ListeningTwin>> twins_;
  SlowPath slow_path_;
  std::array<SlowPath*, 1> slow_paths_{&slow_path_};
  Doorbell doorbell_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Explainer> explainer_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::chrono::nanoseconds now_ = std::chrono::hours{1};
};

std::filesystem::path cases_folder() {
  const char* folder = std::getenv("FULCRUM_GOLDEN_CASES");
  return folder == nullptr ? std::filesystem::path{} : std::filesystem::path{folder};
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator{cases_folder(), none}) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string hex(const std::vector<Bytes>& frames) {
  std::string text;
  for (const Bytes& frame : frames) {
    for (const std::byte byte : frame) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    text += "\n";
  }
  return text;
}

// What the box did with the last frame, against what the step says.
void check_fate(Box& box, const Case& golden, const Step& fate) {
  for (std::uint8_t i = 0; i < golden.ports.size(); ++i) {
    const bool here = fate.port == PortId{i};
    const std::vector<Bytes> expected{fate.frame};
    const bool out = here && (fate.kind == Step::Kind::out || fate.kind == Step::Kind::answer);
    const bool punt = here && fate.kind == Step::Kind::punt;
    EXPECT_EQ(hex(box.sent(PortId{i})), out ? hex(expected) : "") << "sent by " << golden.ports[i].name;
    EXPECT_EQ(hex(box.punted(PortId{i})), punt ? hex(expected) : "") << "punted to " << golden.ports[i].name;
  }
}

std::string dropped_for(const Totals& before, const Totals& after) {
  std::string reasons;
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    if (after.drops[i] != before.drops[i]) reasons += kDropReasonTable[i].name;
  }
  return reasons;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, Case) {
  const auto golden = read_case(cases_folder() / GetParam());
  ASSERT_TRUE(golden.has_value()) << golden.error().words();
  Box box{*golden};
  Totals before;
  unsigned arrived = 0;
  for (const Step& step : golden->steps) {
    SCOPED_TRACE(testing::Message() << "frame " << arrived << " of " << GetParam());
    switch (step.kind) {
      case Step::Kind::config: {
        const auto published = publish(box.region(), *golden, step.config);
        ASSERT_TRUE(published.has_value()) << published.error().words();
        box.turn();
        break;
      }
      case Step::Kind::in:
        ++arrived;
        before = totals(box.region());
        box.arrive(step.port, step.frame);
        break;
      default:
        check_fate(box, *golden, step);
        EXPECT_EQ(dropped_for(before, totals(box.region())), step.reason == Drop::none ? "" : name(step.reason));
    }
    if (HasFailure()) return;  // one wrong fate makes all later ones wrong
  }
  const Totals after = totals(box.region());
  EXPECT_EQ(after.received, arrived);
  EXPECT_TRUE(after.at_rest());
  EXPECT_EQ(box.frames_held(), 0U);
  for (const ExpectedCounter& counter : golden->counters) {
    const auto value = server_counter(box.region(), counter.server, counter.name);
    ASSERT_TRUE(value.has_value()) << value.error().words();
    EXPECT_EQ(*value, counter.value) << counter.server << " " << counter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(case_names()),
                         [](const auto& name_of) { return name_of.param; });

}  // namespace
}  // namespace fulcrum::golden
