#include "control/health/trials.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <utility>

namespace fulcrum {
namespace {

// The places of one question.
struct Round {
  std::vector<Observation> seen;
  std::size_t left = 0;
  Trials::Done done;
};

}  // namespace

Trials::~Trials() {
  for (auto& [number, probe] : under_way_) probe->cancel();
}

Result<void> Trials::start(const std::vector<Trial>& trials, Done done) {
  if (trials.size() + under_way_.size() > most) {
    return fail(
        Error::Code::limit, "",
        trials.size() > most
            ? fmt::format("{} places are too many to test at once ({} at most): name a server", trials.size(), most)
            : fmt::format("{} places are being tested already ({} at most): ask again", under_way_.size(), most));
  }
  auto round = std::make_shared<Round>(Round{std::vector<Observation>(trials.size()), trials.size(), std::move(done)});
  if (trials.empty()) boost::asio::post(loop_, [round] { round->done(round->seen); });
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const std::uint64_t number = started_++;
    const auto heard = [this, number, round, i](const Observation& observation) {
      under_way_.erase(number);
      round->seen[i] = observation;
      if (--round->left == 0) round->done(round->seen);
    };
    under_way_.emplace(number,
                       TcpProbe::start(loop_, open_, trials[i].address, trials[i].port, trials[i].timeout, heard));
  }
  return {};
}

}  // namespace fulcrum
