// How long a test of random cases runs, and with which seed, is said from outside: the inner loop wants seconds, a
// person after a rare failure wants hours.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace fulcrum::test {

// The number that the environment gives under this name, else `otherwise`.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace fulcrum::test
