// Filling the indexes of a snapshot. Private to control/compile.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/contract/snapshot.h"

namespace fulcrum {

template <std::size_t kRows>
void enter(RowIndex<kRows>& index, std::size_t home, std::uint16_t row) {
  while (index.rows[home] != kNoIndex) home = (home + 1) % RowIndex<kRows>::kSlots;
  index.rows[home] = row;
}

}  // namespace fulcrum
