// The networks that a model's ports and routes make, and the rules about them. Private to validate.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/model/model.h"
#include "control/validate/findings.h"
#include "dataplane/base/address.h"

namespace fulcrum::validation {

// A subnet with the port that is in it.
struct Network {
  Address first, last;
  std::uint8_t length = 0;
  Family family = Family::ipv4;
  std::size_t port = 0;
  std::string path;  // of the port's address

  [[nodiscard]] bool contains(const Address& address) const {
    return address.family() == family && !(address < first) && !(last < address);
  }
};

class Networks {
 public:
  // Checks ports and routes of the model on the way.
  Networks(const model::Model& model, Findings& findings);

  // The smallest subnet around the address; null when there is none.
  [[nodiscard]] const Network* connected(const Address& address) const;
  // In a subnet, or behind a gateway that is.
  [[nodiscard]] bool reachable(const Address& address) const;
  // The path of the port address that is this address; null when the box has no such address.
  [[nodiscard]] const std::string* own(const Address& address) const;
  // Why no host can have this address, in words that follow it: "is a multicast address". Empty when one can.
  [[nodiscard]] std::string not_a_host(const Address& address) const;
  // Some port address or route could not be read, so what can be reached is not known.
  [[nodiscard]] bool incomplete() const { return incomplete_; }

 private:
  void read_port(const model::Port& port, std::size_t index, Findings& findings);
  void check_overlaps(Findings& findings) const;
  void read_route(const model::Route& route, const std::string& path, Findings& findings);
  void check_destination(const model::Route& route, const std::string& path, Findings& findings);

  std::vector<Network> networks_;
  std::vector<Prefix> routed_;
  std::map<Address, std::string> own_;
  std::map<std::pair<Address, std::uint8_t>, std::string> destinations_;
  bool incomplete_ = false;
};

}  // namespace fulcrum::validation
