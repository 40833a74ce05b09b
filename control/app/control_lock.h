// One control process per region: two would both be the one writer of the neighbour table and the command rings.
#pragma once

#include <string>

#include "dataplane/base/owned_fd.h"
#include "dataplane/base/result.h"

namespace fulcrum {

class ControlLock {
 public:
  // Makes `runtime_dir` when it is missing and locks <runtime_dir>/control.lock until the process ends, however it
  // ends. Errors: another one holds it (conflict; the text names the process), the directory cannot be used.
  static Result<ControlLock> take(const std::string& runtime_dir);

 private:
  explicit ControlLock(OwnedFd file) : file_{std::move(file)} {}
  OwnedFd file_;
};

}  // namespace fulcrum
