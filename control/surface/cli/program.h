// What `fulcrum` does with its options: one command, lines of -c, a script, or a conversation.
#pragma once

#include "control/surface/cli/options.h"
#include "control/surface/cli/trouble.h"

namespace fulcrum::cli {

// The exit status.
Status run_program(const Options& options);

}  // namespace fulcrum::cli
