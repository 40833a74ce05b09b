#include "control/surface/api/auditor.h"

#include <utility>

#include "dataplane/base/log.h"

namespace fulcrum::api {
namespace {

constexpr const char* kBusy = "too many records are waiting for the disk";

}  // namespace

Auditor::Auditor(audit::AuditLog log, access::Worker& worker, Post post)
    : log_{std::make_shared<audit::AuditLog>(std::move(log))}, worker_{worker}, post_{std::move(post)} {}

void Auditor::record(audit::Record record, std::function<void()> done) {
  const bool queued = worker_.run([log = log_, post = post_, problem = problem_, record = std::move(record), done] {
    const auto written = log->append(record);
    post([problem, done, words = written ? std::string{} : written.error().words()] {
      if (!words.empty() && problem->empty()) log_line(Level::error, "audit: " + words);
      *problem = words;
      done();
    });
  });
  if (queued) return;
  *problem_ = kBusy;
  done();
}

void Auditor::verify(std::function<void(audit::Verdict)> done) {
  const bool queued =
      worker_.run([log = log_, post = post_, done] { post([done, verdict = log->verify()] { done(verdict); }); });
  if (queued) return;
  audit::Verdict busy;
  busy.problem = kBusy;
  done(busy);
}

void Auditor::read(std::uint64_t before, std::size_t limit,
                   std::function<void(Result<std::vector<std::string>>)> done) {
  const bool queued = worker_.run([log = log_, post = post_, before, limit, done] {
    post([done, lines = log->read(before, limit)] { done(lines); });
  });
  if (!queued) done(fail(Error::Code::limit, "", kBusy));
}

void Auditor::try_again() {
  audit::Record again;
  again.who = "fulcrum";
  again.face = "control";
  again.source = "local";
  again.action = "resume";
  again.object = "audit log";
  again.result = "done";
  again.note = "records before this one may be missing: " + *problem_;
  record(again, [] {});
}

audit::Record record_of(const access::Identity& who) {
  audit::Record record;
  record.who = who.words();
  record.face = access::word(who.face);
  record.source = who.source;
  return record;
}

}  // namespace fulcrum::api
