#include "control/publish/questioner.h"

#include <utility>

namespace fulcrum {
namespace {

bool is_open(const ExplainBox& box) noexcept {
  return box.asked.load(std::memory_order_relaxed) != box.answered.load(std::memory_order_acquire);
}

}  // namespace

bool is_asked_about(const ExplainBox& box, std::size_t slot) noexcept {
  return is_open(box) && box.question.slot == slot;
}

void Questioner::detach() {
  region_ = nullptr;
  while (!jobs_.empty()) finish(fail(Error::Code::io, "", "the dataplane has gone: nothing can be explained"));
}

void Questioner::ask(Fill fill, Done done) {
  if (region_ == nullptr || jobs_.size() >= waiting_max) {
    const char* why = region_ == nullptr ? "the dataplane is not running: only it knows what it would do"
                                         : "too many questions are waiting: try again";
    return done({}, fail(Error::Code::io, "", why));
  }
  jobs_.push_back({.fill = std::move(fill), .done = std::move(done), .since = {}});
}

void Questioner::turn(std::chrono::nanoseconds now) {
  if (region_ == nullptr || jobs_.empty()) return;
  ExplainBox& box = region_->explain();
  Job& job = jobs_.front();
  if (!job.since) job.since = now;
  if (asked_ != 0 && box.answered.load(std::memory_order_acquire) == asked_) {
    finish(&box.answer);
  } else if (asked_ == 0 && !is_open(box)) {
    put(now);
  } else if (now - *job.since >= patience) {
    finish(fail(Error::Code::io, "", "the dataplane does not answer: it is not running, or it is stuck"));
  }
}

void Questioner::put(std::chrono::nanoseconds now) {
  ExplainBox& box = region_->explain();
  question_ = {};
  if (const auto filled = jobs_.front().fill(question_); !filled) {
    return finish(tl::unexpected<Error>{filled.error()});
  }
  jobs_.front().since = now;
  box.question = question_;
  asked_ = box.asked.load(std::memory_order_relaxed) + 1;
  box.asked.store(asked_, std::memory_order_release);
}

void Questioner::finish(const Result<const ExplainAnswer*>& answer) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  asked_ = 0;
  job.done(question_, answer);
}

}  // namespace fulcrum
