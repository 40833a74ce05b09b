// Prefixes to disjoint ranges. The prefixes of one family, sorted by first address and then by length, are nested or
// disjoint; one sweep with a stack of those that are open gives each address the longest one around it.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

struct FlatRoute {
  Prefix to;
  std::uint16_t hop = 0;   // index into RouteTable::hops
  std::uint64_t rank = 0;  // among equal prefixes the lowest counts, then the first
};

// Fills the ranges of both families in `table`; hop 0 must mean "no route". Errors: more than kRoutesMax ranges.
Result<void> flatten(std::vector<FlatRoute> routes, RouteTable& table);

}  // namespace fulcrum
