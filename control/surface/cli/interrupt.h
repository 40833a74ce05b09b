// Ctrl-C while a command runs.
#pragma once

namespace fulcrum::cli {

// From now on SIGINT ends what waits (EINTR) and is remembered, instead of ending the process; SIGQUIT, which noise on
// a serial line may make, does nothing.
void catch_interrupts();
// Whether there was one since the last call of forget_interrupt(). False unless they are caught.
bool is_interrupted();
void forget_interrupt();

}  // namespace fulcrum::cli
