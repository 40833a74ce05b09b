// The audit log as the API's thread sees it: records are written by another thread, in order, and the answer to the
// client waits for its record. When a record cannot be written (the disk is full), changes over the network are refused
// until one can: nobody does something that is not on record. The console stays free to mend it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/access/role.h"
#include "control/access/worker.h"
#include "control/audit/audit_log.h"

namespace fulcrum::api {

class Auditor {
 public:
  using Post = std::function<void(std::function<void()>)>;
  // `post` runs a job on the API's thread. The worker outlives this and every job of it.
  Auditor(audit::AuditLog log, access::Worker& worker, Post post);

  // `done` when it is on the disk, or cannot be.
  void record(audit::Record record, std::function<void()> done);
  void verify(std::function<void(audit::Verdict)> done);
  void read(std::uint64_t before, std::size_t limit, std::function<void(Result<std::vector<std::string>>)> done);

  // Why the last record could not be written; empty: it could.
  [[nodiscard]] const std::string& problem() const { return *problem_; }
  // Writes a record of its own, to see whether it works again.
  void try_again();

 private:
  std::shared_ptr<audit::AuditLog> log_;
  access::Worker& worker_;
  Post post_;
  std::shared_ptr<std::string> problem_ = std::make_shared<std::string>();
};

audit::Record record_of(const access::Identity& who);

}  // namespace fulcrum::api
