#include "control/network/twin_plan.h"

#include <algorithm>

namespace fulcrum {
namespace {

constexpr const char* kLoopback = "lo";

std::uint8_t full_length(const Address& address) { return address.is_v4() ? 32 : 128; }

const TwinLink* find(std::span<const TwinLink> twins, const std::string& port) {
  const auto found = std::find_if(twins.begin(), twins.end(), [&](const TwinLink& twin) { return twin.name == port; });
  return found == twins.end() ? nullptr : &*found;
}

bool has(const TwinPlan& plan, const Address& address) {
  return std::any_of(plan.addresses.begin(), plan.addresses.end(),
                     [&](const TwinPlan::LinkAddress& planned) { return planned.prefix.address == address; });
}

// The port whose connected prefix contains the address; the longest one if several do.
std::string link_of(const model::Model& model, std::span<const TwinLink> twins, const Address& address) {
  std::string link = kLoopback;
  int longest = -1;
  for (const model::Port& port : model.ports) {
    const TwinLink* twin = find(twins, port.name);
    if (twin == nullptr) continue;
    for (const Prefix& own : port.addresses) {
      if (own.length <= longest || !own.contains(address)) continue;
      longest = own.length;
      link = twin->link;
    }
  }
  return link;
}

}  // namespace

std::vector<TwinLink> twin_links(const RegionHeader& header) {
  std::vector<TwinLink> links;
  for (std::size_t i = 0; i < kPortsMax; ++i) {
    const PortInfo& port = header.ports[i];
    if (port.in_use == 0) continue;
    const auto end = std::find(port.twin.begin(), port.twin.end(), '\0');
    links.push_back({.port = PortId{static_cast<std::uint8_t>(i)},
                     .name = std::string{port.name.view()},
                     .link = std::string{port.twin.begin(), end}});
  }
  return links;
}

TwinPlan plan_twins(const model::Model& model, std::span<const TwinLink> twins) {
  TwinPlan plan;
  for (const model::Port& port : model.ports) {
    const TwinLink* twin = find(twins, port.name);
    if (twin == nullptr) {
      plan.ports_missing.push_back(port.name);
      continue;
    }
    for (const Prefix& own : port.addresses) {
      if (!has(plan, own.address)) plan.addresses.push_back({.link = twin->link, .prefix = own});
    }
  }
  for (const model::Farm& farm : model.farms) {
    for (const Address& vip : farm.addresses) {
      if (has(plan, vip)) continue;  // two farms may share it on different ports, and it may be the box's own
      plan.addresses.push_back(
          {.link = link_of(model, twins, vip), .prefix = {.address = vip, .length = full_length(vip)}, .is_vip = true});
    }
  }
  plan.routes = model.routes;
  return plan;
}

}  // namespace fulcrum
