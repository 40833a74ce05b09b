// Asks the control plane one question over its local socket and waits for the answer.
#pragma once

#include <chrono>
#include <string>

#include "dataplane/base/result.h"

namespace fulcrum::cli {

// Sends `question` (one line, without its end) to <runtime_dir>/control.sock; returns the answer's line. Errors:
// control does not run or may not be asked (io, with the way out), no answer within `patience`.
Result<std::string> ask(const std::string& runtime_dir, const std::string& question, std::chrono::seconds patience);

}  // namespace fulcrum::cli
