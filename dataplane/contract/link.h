// Whether anything can come and go by a data port.
#pragma once

#include <cstdint>

namespace fulcrum {

// Stored by value: append, never reorder.
enum class LinkState : std::uint32_t {
  unknown,  // the port's kind does not tell
  up,
  down,
  gone,  // the interface was removed
};

}  // namespace fulcrum
