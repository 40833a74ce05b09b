#include "dataplane/contract/connections.h"

#include <utility>

namespace fulcrum {

std::optional<ConnectionEntry> read_entry(const ConnectionEntry& entry) noexcept {
  std::optional<ConnectionEntry> copy{std::in_place};
  if (!read_entry(entry, *copy)) copy.reset();
  return copy;
}

}  // namespace fulcrum
