// Limits on the whole: no field alone can exceed them.
#include <algorithm>
#include <numeric>

#include "control/model/slots_needed.h"
#include "control/validate/farms.h"
#include "dataplane/contract/capacities.h"

namespace fulcrum::validation {
namespace {

struct Sums {
  std::uint64_t services = 0;
  std::uint64_t servers = 0;  // one for each service
  std::uint64_t turns = 0;    // of all schedules
};

Sums sums_of(const model::Farm& farm) {
  Sums sums;
  sums.services = std::uint64_t{farm.addresses.size()} * farm.ports.size();
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::uint64_t servers = 0;
    std::uint64_t weights = 0;
    std::uint64_t divisor = 0;
    SlotsNeeded slots;
    for (const model::Server& server : farm.servers) {
      if (server.address_of(family) == nullptr) continue;
      ++servers;
      weights += server.weight;
      divisor = std::gcd(divisor, std::uint64_t{server.weight});
      slots.add(server.weight);
    }
    const auto addresses = std::count_if(farm.addresses.begin(), farm.addresses.end(),
                                         [&](const Address& address) { return address.family() == family; });
    const std::uint64_t services = static_cast<std::uint64_t>(addresses) * farm.ports.size();
    sums.servers += services * servers;
    if (is_by_client(farm.scheduler)) {
      // All and then the usable ones; the services share a table of slots.
      sums.turns += 2 * services * servers + (services != 0 && slots.has_weight() ? slots.count() : 0);
    } else {
      // More than enough for a scheduler that takes turns by weight only while many servers are usable.
      sums.turns += services * (is_weighted(farm.scheduler) ? weights / std::max<std::uint64_t>(divisor, 1) : servers);
    }
  }
  return sums;
}

}  // namespace

bool check_sums(const model::Model& model, Findings& findings) {
  Sums all;
  for (const model::Farm& farm : model.farms) {
    const Sums one = sums_of(farm);
    all.services += one.services;
    all.servers += one.servers;
    all.turns += one.turns;
  }
  if (model.farms.size() > kFarmsMax) {
    findings.add("farms", "{} farms, the box has room for {}", model.farms.size(), kFarmsMax);
  } else if (all.services > kServicesMax) {
    findings.add("farms", "the farms make {} services (addresses times ports), the box has room for {}", all.services,
                 kServicesMax);
  } else if (all.servers > kServersMax) {
    findings.add("farms",
                 "the farms make {} servers (each counts once for every address and port), the box has room for {}",
                 all.servers, kServersMax);
  } else if (all.turns > kScheduleMax) {
    findings.add(
        "farms",
        "the weights make {} turns (for every address and port their sum, divided by what they have in common; with "
        "source_hash and maglev up to 65,537 for the farm), the box has room for {}",
        all.turns, kScheduleMax);
  } else {
    return true;
  }
  return false;
}

}  // namespace fulcrum::validation
