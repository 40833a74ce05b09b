#include "dataplane/contract/connections.h"

#include <bit>

namespace fulcrum {

std::optional<ConnectionEntry> read_entry(const ConnectionEntry& entry) noexcept {
  using Words = std::array<std::uint64_t, sizeof(ConnectionEntry) / 8>;
  const std::uint32_t before = __atomic_load_n(&entry.word, __ATOMIC_ACQUIRE);
  if (life_of(before) != Life::live) return std::nullopt;
  Words words;
  const auto* line = reinterpret_cast<const std::uint64_t*>(&entry);
  // A word of a later life was stored with release after the life was changed: having acquired it, we see that change.
  // (A fence would say the same, but ThreadSanitizer does not know fences.)
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = __atomic_load_n(line + i, __ATOMIC_ACQUIRE);
  if (__atomic_load_n(&entry.word, __ATOMIC_RELAXED) != before) return std::nullopt;
  return std::bit_cast<ConnectionEntry>(words);
}

}  // namespace fulcrum
