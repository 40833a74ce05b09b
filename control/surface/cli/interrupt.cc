#include "control/surface/cli/interrupt.h"

#include <csignal>

namespace fulcrum::cli {
namespace {

// A signal's handler has nothing else to reach.
volatile std::sig_atomic_t interrupted = 0;

void remember(int) { interrupted = 1; }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember;  // without SA_RESTART: waiting calls return
  sigaction(SIGINT, &action, nullptr);
  std::signal(SIGQUIT, SIG_IGN);
}

bool is_interrupted() { return interrupted != 0; }

void forget_interrupt() { interrupted = 0; }

}  // namespace fulcrum::cli
