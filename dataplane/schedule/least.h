// The schedulers that choose by load: the server with the least of it for its weight. Load is the connections; with
// fastest_response the connections times the time that the server takes to answer, because that product is how long a
// new one would wait if the server worked them off in turn; with least_bandwidth the bytes that it moved lately. Both
// are a server's over all addresses and ports of the farm: it is one machine.
//
// Under slow start the weight of a server that has come up grows to its full size over some seconds: it has no
// connections, and would get all new ones until it has as many as the others. A worker counts its own
// connections exactly, knows the others' as of the last millisecond (contract/loads.h) and takes it that they do as it
// does, so each of W workers evens out its part of a difference. While connections only begin, together they keep a
// farm within one connection per worker of the ideal, and one more with unequal weights. Where connections end at
// random nobody can: of 4,000 on eight servers even one worker that knows everything is off by five at times, when
// several end at one server before a new one comes. W workers are then off by one each more at the worst, whether they
// are told every 16th or every 256th change, and by half of that on average (tests/worker/distribution_test.cc). To
// take ends for what they are, not for a sample of what the others saw end, was tried: 12.9 off instead of 5.9 with
// four workers. To read the others' words at each choice would be exact, for a line of another core's per worker and
// eight servers.
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
