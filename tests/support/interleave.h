// Interrupts one operation by another at a chosen point, in one thread: before the n-th access of the first to shared
// memory, the second runs as a whole. Going through all n shows a lock-free operation every state in which another
// worker could meet it, without luck and without a second core. It works because nothing of ours waits: the second
// operation always comes to its end although the first is stopped.
//
// The shared pages are protected. An access to them traps; the handler counts it, opens the pages, lets the processor
// execute that one instruction with its single-step flag set, and closes them again. Without pages every instruction of
// the first operation is a point. Runs nest: the second operation may itself be interrupted by a third.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstddef>
#include <span>

#include "dataplane/base/invariant.h"

namespace fulcrum::test {

#if defined(__x86_64__)
inline constexpr bool kCanInterleave = true;
#else
inline constexpr bool kCanInterleave = false;
#endif

class Interleaving {
 public:
  // Runs `first` and, before its n-th access (from 1), `second`. False: it has fewer, and `second` did not run.
  template <class First, class Second>
  static bool run(std::span<std::byte> pages, std::size_t n, First first, Second second) {
    struct Both final : Interleaving {
      explicit Both(Second& operation) : second_operation{operation} {}
      void interrupt() override { second_operation(); }
      Second& second_operation;
    };
    Both run{second};
    run.pages_ = pages;
    run.left_ = n;
    run.begin();
    first();
    run.end();
    return run.left_ == 0;
  }

 protected:
  Interleaving() = default;
  ~Interleaving() = default;
  virtual void interrupt() = 0;

 private:
  void begin() {
    struct sigaction action {};
    action.sa_sigaction = &on_signal;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    FULCRUM_ASSERT(sigaction(SIGTRAP, &action, nullptr) == 0 && sigaction(SIGSEGV, &action, nullptr) == 0);
    outer_ = current;
    current = this;
    if (pages_.empty()) {
      FULCRUM_ASSERT(raise(SIGTRAP) == 0);  // its handler returns to stepping
    } else {
      close();
    }
  }
  void end() {
    done_ = true;
    if (pages_.empty()) {
      FULCRUM_ASSERT(raise(SIGTRAP) == 0);
    } else {
      open();
    }
    current = outer_;
  }
  void open() const { FULCRUM_ASSERT(mprotect(pages_.data(), pages_.size(), PROT_READ | PROT_WRITE) == 0); }
  void close() const { FULCRUM_ASSERT(mprotect(pages_.data(), pages_.size(), PROT_NONE) == 0); }
  [[nodiscard]] bool holds(const void* address) const {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= pages_.data() && byte < pages_.data() + pages_.size();
  }

  // True: stop after the next instruction.
  bool on_step() {
    if (done_ || left_ == 0) return false;
    if (!pages_.empty()) {
      close();
      return false;
    }
    if (!started_) {
      started_ = true;
      return true;
    }
    if (--left_ > 0) return true;
    interrupt();
    return false;
  }
  bool on_access() {
    open();
    if (--left_ > 0) return true;
    interrupt();
    return false;
  }

  static void on_signal(int signal, siginfo_t* info, void* context) {
#if defined(__x86_64__)
    constexpr greg_t kSingleStep = 0x100;
    Interleaving& run = *current;
    auto& flags = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
    if (signal == SIGSEGV && (run.left_ == 0 || !run.holds(info->si_addr))) {
      ::signal(SIGSEGV, SIG_DFL);  // a fault of the code under test: meet it again, without us
      return;
    }
    const bool step = signal == SIGSEGV ? run.on_access() : run.on_step();
    flags = step ? flags | kSingleStep : flags & ~kSingleStep;
#else
    static_cast<void>(signal), static_cast<void>(info), static_cast<void>(context);
#endif
  }

  static inline Interleaving* current = nullptr;
  std::span<std::byte> pages_;
  Interleaving* outer_ = nullptr;
  std::size_t left_ = 0;
  bool started_ = false, done_ = false;
};

}  // namespace fulcrum::test
