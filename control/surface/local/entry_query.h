// Which entries of the connection or persistence table a question is about, as people say it, and what that is in ids.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/model/model.h"
#include "dataplane/contract/filter.h"

namespace fulcrum::surface {

struct EntryQuery {
  Table table = Table::connections;
  std::string farm, server;  // names; empty: all
  std::optional<Prefix> client;
  std::uint8_t states = EntryFilter::any_state;
  // Show: a page of at most `limit` entries from place `offset` of the table on.
  std::uint64_t offset = 0;
  std::size_t limit = 100;
  bool everything = false;  // clear: said on purpose

  static constexpr std::size_t limit_max = 1000;
  [[nodiscard]] bool is_narrow() const {
    return !farm.empty() || !server.empty() || client || states != EntryFilter::any_state;
  }
};

// Reads {"show" or "clear": ..., "farm", "server", "client", "state", ...}. `verb` is the key that was there. Errors:
// invalid, not_found (a name that is not in the configuration).
Result<EntryQuery> read_entry_query(const nlohmann::json& question, const std::string& verb, const model::Model& model);

// What the query's names stand for in the snapshot: entries that match one of the filters are meant. One filter, or as
// many as there are farms with a server of that name; none when nothing of the snapshot has the name.
std::vector<EntryFilter> filters_of(const EntryQuery& query, const Snapshot& snapshot);

}  // namespace fulcrum::surface
