#include "dataplane/packet/parse.h"
#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {

void parse_stage(Batch& batch) noexcept {
  batch.events.clear();
  batch.has_answers = false;
  for (std::size_t i = 0; i < batch.count; ++i) {
    batch.passages[i] = Passage{};
    const Frame& frame = batch.frames[i];
    if (!frame.contiguous) {
      batch.drop(i, Drop::multi_segment);
      continue;
    }
    const Drop reason = parse(frame.bytes(), frame.checksum, batch.facts[i]);
    if (reason != Drop::none) batch.drop(i, reason);
  }
}

void run_stages(Batch& batch, const Context& context) noexcept {
  run_stages(batch, context, [](Stage) {});
}

}  // namespace fulcrum
