// Probes places now, because somebody asks, with the probe that the checks use. What comes of it is told and nothing
// else: the checks' own judgement, streaks and times do not hear of it.
//
// All places of one question are probed at the same time, and no more than `most` of all questions, so that nobody
// makes a flood of SYNs or takes the descriptors that the checks need.
//
// One thread, the loop's.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "control/health/tcp_probe.h"
#include "dataplane/base/address.h"
#include "dataplane/base/result.h"

namespace fulcrum {

struct Trial {
  Address address;
  std::uint16_t port = 0;
  std::chrono::milliseconds timeout{2000};
};

class Trials {
 public:
  static constexpr std::size_t most = 256;

  // Takes what was observed, in the order of the places.
  using Done = std::function<void(const std::vector<Observation>&)>;

  Trials(boost::asio::io_context& loop, OpenTcp open) : loop_{loop}, open_{std::move(open)} {}
  ~Trials();
  Trials(const Trials&) = delete;
  Trials& operator=(const Trials&) = delete;

  // Calls `done` once, from the loop, never from within this call. Errors: limit, and nothing is probed.
  Result<void> start(const std::vector<Trial>& trials, Done done);

 private:
  boost::asio::io_context& loop_;
  OpenTcp open_;
  std::uint64_t started_ = 0;
  std::map<std::uint64_t, std::shared_ptr<TcpProbe>> under_way_;
};

}  // namespace fulcrum
