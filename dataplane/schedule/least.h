// The schedulers that choose by load: the server with the least of it for its weight. Load is the connections; with
// fastest_response the connections times the time that the server takes to answer, because that product is how long a
// new one would wait if the server worked them off in turn; with least_bandwidth the bytes that it moved lately. Both
// are a server's over all addresses and ports of the farm: it is one machine.
//
// Under slow start the weight of a server that has come up grows to its full size over some seconds: it has no
// connections, and would get all new ones until it has as many as the others. A worker counts its own
// connections exactly, knows the others' as of the last millisecond (contract/loads.h) and takes it that they do as it
// does, so each of W workers evens out its part of a difference and together they keep a farm within one connection per
// worker of the ideal.
//
// With few usable servers all are looked at, beginning behind the one that was chosen last, so that those equally busy
// take turns. With more than kScannedMax, or with two_choices always, two are drawn at random, each as often as its
// weight says, and the less busy one is taken: the longest queue is then log log n (Mitzenmacher 2001), the cost that
// of two rows, and no news is so old that everybody runs to the same server.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/base/clock.h"
#include "dataplane/base/ids.h"
#include "dataplane/contract/snapshot.h"
#include "dataplane/schedule/sequence.h"
#include "dataplane/schedule/server_rows.h"

namespace fulcrum {

// The least busy server of a service whose scheduler is_by_load(); kNoIndex when none is usable. Calling worker only.
[[nodiscard]] std::uint16_t least_busy(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                                       const ServerRows& servers, Tick now) noexcept;

// For explain: what least_busy() compares, for each of the service's `rows`, written to the same place of `scores`: how
// busy the server would be with one connection more, for its weight. Two servers drawn of many may set what an
// unmeasured one is taken for; here it is always the mean. Any thread that may read `servers`.
void busy_scores(const Snapshot& snapshot, ServiceId service, const ServerRows& servers, Tick now,
                 std::span<const std::uint16_t> rows, std::span<double> scores) noexcept;

}  // namespace fulcrum
