#include <algorithm>
#include <cstring>

#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {

void parse_stage(Batch& batch, Part part) noexcept {
  static constexpr Passage kFresh{};
  for (std::size_t i = part.begin; i < part.end; ++i) {
    std::memcpy(&batch.passages[i], &kFresh, sizeof kFresh);  // as a whole, where `=` would go field by field
    const Frame& frame = batch.frames[i];
    if (!frame.contiguous) {
      batch.drop(i, Drop::multi_segment);
      continue;
    }
    const Drop reason = parse(frame.bytes(), frame.checksum, batch.facts[i]);
    if (reason != Drop::none) batch.drop(i, reason);
  }
}

namespace {

// Those that the fast path does not take.
void begin_part(Batch& batch, Part part, const Context& context) noexcept {
  enter_fast_path(batch, part, context);
  for (Part others = batch.off_fast_path(part); others.begin != part.end;
       others = batch.off_fast_path({others.end, part.end})) {
    parse_stage(batch, others);
    classify_stage(batch, others, context);
    want_connections(batch, others, context);
  }
}

// In the order in which they came: no packet overtakes another one of its connection.
void end_part(Batch& batch, Part part, const Context& context) noexcept {
  while (part.begin != part.end) {
    part.begin = run_fast_path(batch, part, context);
    const Part others = batch.off_fast_path(part);
    if (others.begin == part.end) return;
    settle_connections(batch, others, context);
    schedule_stage(batch, others, context);
    track_stage(batch, others, context);
    rewrite_stage(batch, others, context);
    part.begin = others.end;
  }
}

}  // namespace

// Parts of eight, each a step of the lookup behind the one before it: what a step asks the memory for arrives while
// other parts are worked on. With a million connections that saves a sixth of a packet's time against the whole batch
// going from step to step at once; parts of sixteen come too close to each other and save nothing.
void run_stages(Batch& batch, const Context& context) noexcept {
  constexpr std::uint32_t kPart = kBatchMax / 4;
  const ConnectionTable& table = context.connections;
  const auto count = static_cast<std::uint32_t>(batch.count);
  const std::uint32_t parts = (count + kPart - 1) / kPart;
  const auto part = [&](std::uint32_t n) { return Part{n * kPart, std::min(n * kPart + kPart, count)}; };
  batch.begin();
  for (std::uint32_t n = 0; n < parts + 3; ++n) {
    if (n >= 3) {
      table.finish(batch.searches, part(n - 3).begin, part(n - 3).end);
      prefetch_servers(batch, part(n - 3), context);
    }
    if (n < parts) {
      begin_part(batch, part(n), context);
      table.seek(batch.searches, part(n).begin, part(n).end);
    }
    if (n >= 1 && n - 1 < parts) table.narrow(batch.searches, part(n - 1).begin, part(n - 1).end);
    if (n >= 2 && n - 2 < parts) table.narrow_elsewhere(batch.searches, part(n - 2).begin, part(n - 2).end);
    if (n >= 3) end_part(batch, part(n - 3), context);
  }
  if (batch.has_answers) answer_stage(batch);
}

}  // namespace fulcrum
