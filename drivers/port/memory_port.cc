#include "drivers/port/memory_port.h"

#include <algorithm>
#include <utility>

#include "dataplane/base/invariant.h"

namespace fulcrum {

struct MemoryPort::Buffer {
  Bytes bytes;
  std::shared_ptr<Shared> maker;

  std::uint32_t length;

  Buffer(Bytes content, std::shared_ptr<Shared> by)
      : bytes{std::move(content)}, maker{std::move(by)}, length{static_cast<std::uint32_t>(bytes.size())} {
    bytes.resize(std::max(bytes.size(), kFrameRoom));
    const std::lock_guard lock{maker->mutex};
    ++maker->outstanding;
  }
  ~Buffer() {
    const std::lock_guard lock{maker->mutex};
    --maker->outstanding;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
};

MemoryPort::MemoryPort(const Options& options) : options_{options}, waiting_(options.queues) {}

void MemoryPort::inject(std::uint16_t queue, std::span<const std::byte> bytes) {
  FULCRUM_ASSERT(queue < waiting_.size());
  const std::lock_guard lock{mutex_};
  waiting_[queue].emplace_back(bytes.begin(), bytes.end());
}

void MemoryPort::lose(Loss why, std::uint64_t frames) {
  const std::lock_guard lock{mutex_};
  lost_[static_cast<std::size_t>(why)] += frames;
}

LossCounts MemoryPort::take_losses() noexcept {
  const std::lock_guard lock{mutex_};
  return std::exchange(lost_, {});
}

std::vector<MemoryPort::Bytes> MemoryPort::take_sent() {
  const std::lock_guard lock{mutex_};
  return std::exchange(sent_, {});
}

std::size_t MemoryPort::outstanding() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->outstanding;
}

std::size_t MemoryPort::receive(std::uint16_t queue, std::span<Frame> into) noexcept {
  FULCRUM_ASSERT(queue < waiting_.size());
  const std::lock_guard lock{mutex_};
  std::size_t count = 0;
  auto& line = waiting_[queue];
  for (; count < into.size() && !line.empty(); ++count, line.pop_front()) {
    auto buffer = std::make_unique<Buffer>(std::move(line.front()), shared_);
    into[count] = Frame{.data = buffer->bytes.data(),
                        .length = buffer->length,
                        .port = options_.id,
                        .checksum = options_.checksum,
                        .contiguous = true,
                        .handle = buffer.get()};
    [[maybe_unused]] auto* now_the_receivers = buffer.release();
  }
  return count;
}

std::size_t MemoryPort::send(std::uint16_t queue, std::span<const Frame> frames) noexcept {
  FULCRUM_ASSERT(queue < waiting_.size());
  const std::lock_guard lock{mutex_};
  std::size_t count = 0;
  for (; count < frames.size() && sent_.size() < options_.wire_capacity; ++count) {
    const std::unique_ptr<Buffer> buffer{static_cast<Buffer*>(frames[count].handle)};
    sent_.emplace_back(frames[count].data, frames[count].data + frames[count].length);
  }
  return count;
}

void MemoryPort::release(std::span<const Frame> frames) noexcept {
  for (const Frame& frame : frames) {
    const std::unique_ptr<Buffer> gone{static_cast<Buffer*>(frame.handle)};
  }
}

}  // namespace fulcrum
