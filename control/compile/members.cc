#include "control/compile/members.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace fulcrum {
namespace {

// Members of the previous snapshot; keys with the row of the farm in place of the service.
struct KnownMembers {
  std::unordered_map<ServerKey, MemberId, KeyHash> by_both, by_address;
  std::unordered_map<MemberName, MemberId, MemberHash> by_name;
};

KnownMembers known_members(const Snapshot* previous) {
  KnownMembers known;
  for (std::size_t i = 0; previous != nullptr && i < kServersMax; ++i) {
    const ServerRow& row = previous->servers[i];
    if (row.state == ServerState::unused || row.member == kNoMember || row.service.value >= kServicesMax) continue;
    const FarmId farm = previous->services[row.service.value].farm;
    if (farm.value >= kFarmsMax) continue;
    const auto name = previous->server_names[i].view();
    known.by_both.emplace(ServerKey{farm.value, row.address, Be16{0}, name}, row.member);
    known.by_address.emplace(ServerKey{farm.value, row.address, Be16{0}, {}}, row.member);
    known.by_name.emplace(MemberName{farm.value, name}, row.member);
  }
  return known;
}

class Giver {
 public:
  Giver(const model::Model& model, std::span<const PlannedService> services, const std::vector<std::uint16_t>& farm_ids,
        std::span<PlannedServer> servers)
      : services_{services}, farm_ids_{farm_ids}, servers_{servers} {
    std::size_t count = 0;
    for (const model::Farm& farm : model.farms) {
      first_.push_back(count);
      count += farm.servers.size();
    }
    members_.assign(count, kNoMember);
  }

  void run(const Snapshot* previous, MemberId& newest) {
    for (const PlannedServer& server : servers_) {
      if (server.is_kept && !has_one(server)) place_of(server) = previous->servers[*server.row].member;
    }
    const bool all = std::all_of(servers_.begin(), servers_.end(), [&](const auto& one) { return has_one(one); });
    if (!all) go_on_or_begin(previous, newest);  // seldom
    for (PlannedServer& server : servers_) server.member = place_of(server);
  }

 private:
  [[nodiscard]] MemberId& place_of(const PlannedServer& server) {
    return members_[first_[services_[server.service].farm_index] + server.server_index];
  }
  [[nodiscard]] bool has_one(const PlannedServer& server) { return place_of(server) != kNoMember; }
  [[nodiscard]] std::uint16_t farm_of(const PlannedServer& server) const {
    return farm_ids_[services_[server.service].farm_index];
  }

  // Unless another server went on with it.
  template <class Known, class KeyOf>
  void go_on(const Known& known, KeyOf key_of) {
    for (const PlannedServer& server : servers_) {
      if (has_one(server)) continue;
      const auto before = known.find(key_of(server));
      if (before == known.end() || !taken_.insert(before->second.value).second) continue;
      place_of(server) = before->second;
    }
  }
  void go_on_or_begin(const Snapshot* previous, MemberId& newest) {
    for (const MemberId given : members_) taken_.insert(given.value);
    const KnownMembers known = known_members(previous);
    go_on(known.by_both, [&](const PlannedServer& server) {
      return ServerKey{farm_of(server), server.address, Be16{0}, server.server->name};
    });
    go_on(known.by_address, [&](const PlannedServer& server) {
      return ServerKey{farm_of(server), server.address, Be16{0}, {}};
    });
    go_on(known.by_name, [&](const PlannedServer& server) { return MemberName{farm_of(server), server.server->name}; });
    for (const PlannedServer& server : servers_) {
      if (!has_one(server)) place_of(server) = MemberId{++newest.value};
    }
  }

  std::span<const PlannedService> services_;
  const std::vector<std::uint16_t>& farm_ids_;
  std::span<PlannedServer> servers_;
  std::vector<std::size_t> first_;  // of each farm's servers, among the servers of all farms
  std::vector<MemberId> members_;
  std::unordered_set<std::uint32_t> taken_;
};

}  // namespace

void give_members(const model::Model& model, const Snapshot* previous, std::span<const PlannedService> services,
                  const std::vector<std::uint16_t>& farm_ids, std::span<PlannedServer> servers, Snapshot& into) {
  into.newest_member = previous != nullptr ? previous->newest_member : kNoMember;
  Giver{model, services, farm_ids, servers}.run(previous, into.newest_member);
}

}  // namespace fulcrum
