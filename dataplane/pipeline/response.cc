#include "dataplane/pipeline/response.h"

#include <algorithm>

#include "dataplane/pipeline/server_counts.h"

namespace fulcrum {
namespace {

// Each new time counts for an eighth, as in TCP's own smoothing (RFC 6298 2.3).
constexpr std::uint32_t kSmoothing = 8;

void learn(const ServerRows& servers, ServerId server, std::uint32_t took_us) noexcept {
  static_cast<void>(counters_of(servers, server));  // begins the row anew if it was another server's
  LoadWord& own = servers.own(server.index);
  Load load = Load::from_word(own.load(std::memory_order_relaxed));
  const std::uint32_t took = std::clamp<std::uint32_t>(took_us, 1, Load::response_max);
  load.response_us =
      load.response_us == 0 ? took : (load.response_us * (kSmoothing - 1) + took + kSmoothing / 2) / kSmoothing;
  own.store(load.word(), std::memory_order_relaxed);
}

}  // namespace

void begin_sample(const ServerRows& servers, ServerId server, ConnectionId connection, std::uint32_t now_us) noexcept {
  LoadWord& slot = servers.shared().samples[server.index];
  if (const std::uint64_t word = slot.load(std::memory_order_relaxed); word != 0) {
    if (now_us - ResponseSample::from_word(word).sent_us < Load::response_max) return;
    learn(servers, server, Load::response_max);
  }
  // Two workers at once: one of the samples is lost.
  slot.store(ResponseSample{connection, now_us}.word(), std::memory_order_relaxed);
}

void end_sample(const ServerRows& servers, ServerId server, ConnectionId connection, std::uint32_t now_us) noexcept {
  LoadWord& slot = servers.shared().samples[server.index];
  std::uint64_t word = slot.load(std::memory_order_relaxed);
  if (word == 0) return;
  const ResponseSample sample = ResponseSample::from_word(word);
  if (sample.connection != connection || !slot.compare_exchange_strong(word, 0, std::memory_order_relaxed)) return;
  learn(servers, server, now_us - sample.sent_us);
}

}  // namespace fulcrum
