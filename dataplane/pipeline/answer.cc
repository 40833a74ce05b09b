// Where a packet was refused and its sender shall hear of it.
#include "dataplane/packet/answer.h"

#include "dataplane/pipeline/pipeline.h"

namespace fulcrum {

void answer_stage(Batch& batch) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    switch (batch.passages[i].answer) {
      case Answer::none:
        break;
      case Answer::tcp_reset:
        make_reset(batch.frames[i], batch.facts[i]);
        break;
      case Answer::unreachable:
        make_unreachable(batch.frames[i], batch.facts[i]);
        break;
    }
  }
}

}  // namespace fulcrum
