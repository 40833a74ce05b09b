// A SIGHUP that comes while the configuration is read, which may take a second, would by default be the end of the
// program. It is held from the start of main() until Control takes signals, and is a reload then. SIGTERM is not held:
// it ends a program that nobody depends on yet.
#pragma once

#include <csignal>

namespace fulcrum {

// `how`: SIG_BLOCK before any thread exists, so that all inherit it; SIG_UNBLOCK by the thread that takes signals.
inline void hold_reloads(int how) {
  sigset_t reloads;
  sigemptyset(&reloads);
  sigaddset(&reloads, SIGHUP);
  pthread_sigmask(how, &reloads, nullptr);
}

}  // namespace fulcrum
