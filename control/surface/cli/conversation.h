// A person at a terminal: prompts, keys, completion and help, line after line.
#pragma once

#include <string>

#include "control/surface/cli/history_file.h"
#include "control/surface/cli/session.h"
#include "control/surface/cli/terminal.h"

namespace fulcrum::cli {

// Interrupts must be caught (interrupt.h). Until the person leaves or the terminal is gone. The exit status is that of
// leaving, not of the last command.
Status converse(Session& session, Terminal& terminal, const HistoryFile& history);

}  // namespace fulcrum::cli
