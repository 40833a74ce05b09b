// Assertions for programmer errors. A hostile packet must never reach one: packets get a verdict.
// They stay on in release builds, because a worker that goes on with a broken invariant corrupts connections.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fulcrum {

[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "fulcrum: broken invariant: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace fulcrum

#define FULCRUM_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::fulcrum::assertion_failed(#condition, __FILE__, __LINE__))
