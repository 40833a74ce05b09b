#include "dataplane/schedule/spare.h"

namespace fulcrum {
namespace {

const Reopened& reopened_of(const Snapshot& snapshot, ServiceId service, const ServerRows& servers) noexcept {
  return servers.shared().reopened[snapshot.services[service.value].farm.value % kFarmsMax];
}

class Searcher {
 public:
  Searcher(const Snapshot& snapshot, ServiceId service, const ServerRows& servers, Search& search) noexcept
      : snapshot_{snapshot},
        service_{service},
        servers_{servers},
        reopened_{reopened_of(snapshot, service, servers)},
        search_{search} {}

  void begin(std::uint32_t news) noexcept {
    search_ = {.news = news,
               // Before anything is looked at: what reopens behind the walk shall be among what came since.
               .reopened = reopened_.count.load(std::memory_order_acquire),
               .next = snapshot_.services[service_.value].first_server};
  }

  // Who has room, or kNoIndex. Begins anew if it has to, once: then all were full a moment ago.
  std::uint16_t find() noexcept {
    std::uint16_t found = walk();
    if (found != kNoIndex || look_at_reopened(found)) return found;
    begin(search_.news);
    found = walk();
    if (found == kNoIndex) static_cast<void>(look_at_reopened(found));
    return found;
  }

  // The first of the reserve that has room.
  std::uint16_t find_reserve() noexcept {
    if (search_.reserve == kNoIndex || is_ready_reserve(search_.reserve)) return search_.reserve;
    search_.reserve = kNoIndex;
    if (!search_.has_more_reserve) return kNoIndex;
    search_.has_more_reserve = false;
    for (std::uint16_t row = snapshot_.services[service_.value].first_server; row != kNoIndex;
         row = snapshot_.servers[row].next_of_service) {
      if (is_ready_reserve(row)) remember_reserve(row);
    }
    return search_.reserve;
  }

 private:
  std::uint16_t walk() noexcept {
    while (search_.next != kNoIndex && !look_at(search_.next)) {
      search_.next = snapshot_.servers[search_.next].next_of_service;
    }
    return search_.next;
  }

  // False when not all that came since can be read. Stops at the one that is found, too.
  bool look_at_reopened(std::uint16_t& found) noexcept {
    const std::uint32_t count = reopened_.count.load(std::memory_order_acquire);
    for (; search_.reopened != count; ++search_.reopened) {
      std::uint16_t limit = kNoIndex;
      if (!reopened_.read(search_.reopened, count, limit)) return false;
      const std::uint16_t row = row_of(limit);
      if (row == kNoIndex || !look_at(row)) continue;
      found = row;
      break;
    }
    return true;
  }

  // The server's row in this service; its limit is named by another one of its rows, perhaps.
  [[nodiscard]] std::uint16_t row_of(std::uint16_t limit) const noexcept {
    const ServerRow& server = snapshot_.servers[limit];
    return server.service == service_ ? limit : find_member(snapshot_, service_, server.member);
  }

  // Whether the server can have the connection. If not, what it can do instead is remembered.
  bool look_at(std::uint16_t row) noexcept {
    if (takes_new(state_now(snapshot_, row, servers_[row]))) {
      if (server_has_room(snapshot_, row, servers_)) return true;
      search_.is_full = true;
    } else if (is_ready_reserve(row)) {
      remember_reserve(row);
    }
    return false;
  }

  // One that control has sent something newer about is no reserve.
  [[nodiscard]] bool is_ready_reserve(std::uint16_t row) const noexcept {
    const ServerRow& server = snapshot_.servers[row];
    return server.reserve_rank != 0 && state_now(snapshot_, row, servers_[row]) == server.state &&
           server_has_room(snapshot_, row, servers_);
  }

  void remember_reserve(std::uint16_t row) noexcept {
    if (row == search_.reserve) return;
    const std::uint16_t before = search_.reserve;
    search_.has_more_reserve |= before != kNoIndex;
    if (before == kNoIndex || snapshot_.servers[row].reserve_rank < snapshot_.servers[before].reserve_rank)
      search_.reserve = row;
  }

  const Snapshot& snapshot_;
  ServiceId service_;
  const ServerRows& servers_;
  const Reopened& reopened_;
  Search& search_;
};

}  // namespace

Spare spare_server(const Snapshot& snapshot, ServiceId service, ScheduleCursors& cursors,
                   const ServerRows& servers) noexcept {
  Search search = read_search(cursors.searches[service.value]);
  Searcher searcher{snapshot, service, servers, search};
  if (search.news != cursors.news) searcher.begin(cursors.news);
  Spare spare{.server = searcher.find()};
  if (spare.server == kNoIndex) {
    spare.is_full = search.is_full;
    // The reserve is for those who find all others full, and for nobody who finds them down: that is control's to
    // judge.
    if (spare.is_full) spare.server = searcher.find_reserve();
    spare.is_reserve = spare.server != kNoIndex;
  }
  keep_search(search, cursors.searches[service.value]);
  return spare;
}

bool is_nobody_left(const Snapshot& snapshot, ServiceId service, const ScheduleCursors& cursors,
                    const ServerRows& servers, bool& is_full) noexcept {
  const Search& search = cursors.searches[service.value];
  is_full = search.is_full;
  return search.news == cursors.news && search.next == kNoIndex && (search.reserve == kNoIndex || !search.is_full) &&
         search.reopened == reopened_of(snapshot, service, servers).count.load(std::memory_order_relaxed);
}

}  // namespace fulcrum
