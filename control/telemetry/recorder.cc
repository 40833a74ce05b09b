#include "control/telemetry/recorder.h"

#include <cstdlib>
#include <utility>

namespace fulcrum::telemetry {

Recorder::Recorder(std::string file, Tell tell) : file_{std::move(file)}, tell_{std::move(tell)}, thread_{queue_max} {
  static_cast<void>(thread_.run([this] { open(); }));
}

void Recorder::open() {
  auto opened = History::open(file_);
  if (!opened) return say(tl::unexpected<Error>{opened.error()});
  history_ = std::move(*opened);
  if (!history_->notice().empty()) tell_(history_->notice());
}

void Recorder::say(const Result<void>& result) {
  const bool fails = !result.has_value();
  if (std::exchange(failing_, fails) == fails) return;
  tell_(fails ? result.error().words() + ": rates are not recorded" : "rates are recorded again");
}

void Recorder::add(Sample sample) {
  const bool queued = thread_.run([this, sample = std::move(sample)] {
    // A directory that was missing may be there by now.
    constexpr std::int64_t kTryPeriod = 60;
    if (!history_ && std::abs(sample.time - tried_at_) >= kTryPeriod) {
      tried_at_ = sample.time;
      open();
    }
    if (!history_) return;
    const auto added = history_->add(sample);
    if (added || added.error().code != Error::Code::invalid) return say(added);
    // Damaged: it would stay so, minute after minute.
    history_.reset();
    tell_(History::put_aside(file_, added.error()));
    open();
  });
  if (!queued) lost_.fetch_add(1, std::memory_order_relaxed);
}

void Recorder::rename(SeriesName from, std::string to) {
  static_cast<void>(thread_.run([this, from = std::move(from), to = std::move(to)] {
    if (history_) say(history_->rename(from, to));
  }));
}

void Recorder::query(const HistoryQuery& query, Done done) {
  const auto shared = std::make_shared<Done>(std::move(done));
  const bool queued = thread_.run([this, query, shared] {
    (*shared)(history_ ? history_->query(query)
                       : Result<std::vector<HistoryPoint>>{fail(Error::Code::io, file_, "there is no history")});
  });
  if (!queued) (*shared)(fail(Error::Code::limit, "", "too many questions are waiting: try again"));
}

}  // namespace fulcrum::telemetry
