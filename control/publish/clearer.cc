#include "control/publish/clearer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fulcrum {

void Clearer::attach(Region& region) {
  region_ = &region;
  request_ = 0;
}

void Clearer::detach() {
  region_ = nullptr;
  request_ = 0;
  while (!jobs_.empty()) finish(fail(Error::Code::io, "", "the dataplane is gone: how many were cleared is not known"));
}

void Clearer::clear(Table table, std::vector<EntryFilter> filters, Done done) {
  jobs_.push_back({table, std::move(filters), std::move(done)});
}

void Clearer::turn(std::chrono::nanoseconds now) {
  if (jobs_.empty() || region_ == nullptr) return;
  Job& job = jobs_.front();
  if (job.filters.empty()) return finish(job.cleared);
  if (request_ == 0) ask(now);
  bool all_done = true;
  std::uint64_t cleared = 0;
  for (std::size_t i = 0; i < region_->workers(); ++i) {
    WorkerSection& worker = region_->worker(i);
    if (!sent_[i]) sent_[i] = worker.commands.push(command_);
    all_done = all_done && worker.tables.clear_request.load(std::memory_order_acquire) == request_;
    cleared += worker.tables.cleared.load(std::memory_order_relaxed);
  }
  if (all_done) {
    job.cleared += cleared;
    job.filters.pop_back();
    request_ = 0;
  } else if (now - asked_at_ > patience) {
    finish(fail(Error::Code::io, "",
                fmt::format("a worker has not answered for {} s: it ends the entries when it goes on, but their number "
                            "is not known",
                            patience.count())));
  }
}

// Numbers are drawn from the clock, so that they are none of a predecessor's.
void Clearer::ask(std::chrono::nanoseconds now) {
  newest_ = request_ = std::max(newest_ + 1, static_cast<std::uint64_t>(now.count()));
  asked_at_ = now;
  command_ = Command{};
  command_.kind = Command::Kind::clear;
  command_.generation = request_;
  command_.table = jobs_.front().table;
  command_.filter = jobs_.front().filters.back();
  sent_.assign(region_->workers(), false);
}

void Clearer::finish(const Result<std::uint64_t>& result) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  request_ = 0;
  job.done(result);
}

}  // namespace fulcrum
