// A worker's own counters of each server (contract/counters.h). A row belongs to one generation of its server; a worker
// that meets a newer one starts the row anew.
#pragma once

#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/contract/counters.h"
#include "dataplane/contract/snapshot.h"

namespace fulcrum {

// The row of `server`, zeroed first if it was another generation's. Calling worker only: the rows are its own.
ServerCounters& counters_of(std::span<ServerCounters> servers, ServerId server) noexcept;

// Takes a removed connection off its server's count, unless the server itself has left the snapshot. Whoever removed
// the connection calls this once; that need not be the worker that opened it.
void count_removed(const Snapshot& snapshot, std::span<ServerCounters> servers, ServerId server) noexcept;

}  // namespace fulcrum
