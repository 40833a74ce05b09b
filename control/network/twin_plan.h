// What the kernel twins shall look like under a configuration: pure, so that it is tested by cases. configure.h makes
// Linux agree.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "control/model/model.h"
#include "dataplane/base/address.h"
#include "dataplane/contract/region.h"

namespace fulcrum {

// A data port of the running dataplane and its twin.
struct TwinLink {
  PortId port{};
  std::string name;  // of the port, as the model knows it
  std::string link;  // of the interface
  friend bool operator==(const TwinLink&, const TwinLink&) = default;
};
std::vector<TwinLink> twin_links(const RegionHeader& header);

struct TwinPlan {
  struct LinkAddress {
    std::string link;
    Prefix prefix;
    bool is_vip = false;
    friend bool operator==(const LinkAddress&, const LinkAddress&) = default;
  };
  std::vector<LinkAddress>
      addresses;  // each once; the box's own before the farms', so that Linux prefers them as source
  std::vector<model::Route> routes;
  std::vector<std::string> ports_missing;  // of the model, which the dataplane does not have
};

// A farm's address stands alone (/32, /128) on the twin whose connected prefix contains it, so that Linux answers ARP
// and neighbour discovery for it there; outside of all connected prefixes it stands on lo, where it only makes the box
// its owner.
TwinPlan plan_twins(const model::Model& model, std::span<const TwinLink> twins);

}  // namespace fulcrum
