// A golden case as tests/golden/generate.py writes it: FOLDER/case.txt, one word and its arguments a line.
//
//   connections N                    port NAME MAC MTU (ids in this order)
//   neighbour PORT ADDRESS MAC       down N FARM/SERVER [PORT], or untested (in configuration N)
//   config N                         in PORT HEX, then one of: out PORT HEX, punt PORT HEX, drop REASON,
//                                    answer REASON PORT HEX
//   counter FARM/SERVER NAME VALUE
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"
#include "dataplane/contract/region.h"
#include "dataplane/contract/verdict.h"

namespace fulcrum::golden {

using Bytes = std::vector<std::byte>;

struct Port {
  std::string name;
  Mac mac;
  std::uint16_t mtu = 0;
};

struct Neighbour {
  PortId port{};
  Address address;
  Mac mac;
};

struct Unwell {
  ServerState state = ServerState::down;  // or untested
  unsigned config = 0;
  std::string server;      // farm/server
  std::uint16_t port = 0;  // of the server; 0: all
};

struct Step {
  enum class Kind : std::uint8_t { config, in, out, punt, drop, answer } kind{};
  unsigned config = 0;
  PortId port{};
  Bytes frame{};
  Drop reason = Drop::none;
};

struct ExpectedCounter {
  std::string server;  // farm/server
  std::string name;
  std::int64_t value = 0;
};

struct Case {
  std::filesystem::path folder;
  std::uint32_t connections = 0;
  std::vector<Port> ports;
  std::vector<Neighbour> neighbours;
  std::vector<Unwell> unwell;
  std::vector<Step> steps;
  std::vector<ExpectedCounter> counters;

  // The shape of a region that a dataplane with this case's configuration makes.
  [[nodiscard]] RegionShape shape() const;
};

Result<Case> read_case(const std::filesystem::path& folder);

// Compiles configuration `number` of the case as control would, neighbours resolved, and tells worker 0.
Result<void> publish(Region& region, const Case& golden, unsigned number);

// What all rows of a region's packet counters add up to.
struct Totals {
  std::uint64_t received = 0, from_linux = 0, sent = 0, punted = 0;
  std::array<std::uint64_t, kDropReasons> drops{};

  [[nodiscard]] std::uint64_t dropped() const;
  // True when nothing is between in and out.
  [[nodiscard]] bool at_rest() const { return received + from_linux == sent + punted + dropped(); }
};
Totals totals(const Region& region);

// Worker 0's counter of a server, over the rows of all services it serves. Error: no such server or counter.
Result<std::int64_t> server_counter(const Region& region, const std::string& server, const std::string& name);

}  // namespace fulcrum::golden
