// fulcrum-control: the wiring of the control plane, on one thread and one loop.
//
//   the file -> model -> compile -> snapshot slots -> workers        (publish/)
//                          ^  ^
//   routes, neighbours  ---+  +--- health of the servers             (network/, health/)
//
// What happens when: a server's change of health goes to every worker's ring at once, in the handler of the probe that
// brought it, and is compiled into a snapshot a moment later. Everything else that changes (file, routes, the dataplane
// started again) leads to a recompile. The dataplane may come, die and come back at any time; control waits for it,
// keeps answering, and gives it the newest configuration.
//
// The workers' event rings are emptied by a timer: every 10 ms, and every millisecond while there is something. There
// is no descriptor to wait for, since a worker makes no system call. What comes by these rings can wait that long:
// packets whose next hop is unknown take the way through Linux meanwhile.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "control/app/control_lock.h"
#include "control/app/targets.h"
#include "control/health/checker.h"
#include "control/network/network.h"
#include "control/publish/clearer.h"
#include "control/publish/publisher.h"
#include "control/publish/region_watch.h"
#include "control/surface/api/api_server.h"
#include "control/surface/local/dispatcher.h"
#include "control/surface/local/line_server.h"
#include "control/validate/validate.h"

namespace fulcrum {

// Reads, validates and tries to compile. All problems, in words; none: the model may be used.
struct Candidate {
  LoadedModel loaded;
  std::vector<std::string> problems;
};
Candidate read_candidate(const std::string& file, const KnownPorts& known);
// The ports of the region's dataplane; nothing when there is no region.
KnownPorts ports_of(const Region* region);

class Control {
 public:
  // `loaded` has no problems.
  Control(std::string config_file, LoadedModel loaded);
  // Takes the lock and opens the local socket. Errors: see ControlLock and LineServer.
  Result<void> start();
  // Until SIGTERM or SIGINT.
  void run();

 private:
  void start_api();
  void forward_to_api(const std::string& line, const std::function<void(std::string)>& done);
  void take_signals();
  void reload();

  void tick();
  void look_at_dataplane();
  void take_up_dataplane();
  void let_go_of_dataplane();
  void try_network();
  std::size_t drain_events();
  void hear(const Event& event);

  void clear(Table table, std::vector<EntryFilter> filters, Clearer::Done done);
  void watch_servers();
  void on_health(const CheckTarget& target, const TargetHealth& now);
  void settle_health_checks();
  [[nodiscard]] ServerState state_of(const ServerEndpoint& endpoint) const;

  void publish_soon(std::chrono::nanoseconds delay);
  void publish();
  Result<void> compile_into(std::uint64_t generation, const Snapshot* previous, Snapshot& into);
  [[nodiscard]] std::vector<RouteInput> routes() const;

  [[nodiscard]] surface::View look();
  [[nodiscard]] std::string waiting_for();
  [[nodiscard]] std::vector<std::string> alarms() const;

  std::string config_file_;
  LoadedModel loaded_;
  std::chrono::system_clock::time_point loaded_at_;
  std::vector<std::string> rejected_;
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer tick_timer_, publish_timer_;
  std::optional<ControlLock> lock_;
  RegionWatch watch_;
  Publisher publisher_;
  Clearer clearer_;
  Network network_;
  std::minstd_rand random_;
  HealthChecker checker_;
  surface::Dispatcher dispatcher_;
  LineServer server_;
  std::unique_ptr<api::ApiServer> api_;  // null: cannot run; see api_problem_
  std::string api_problem_;

  std::vector<CompiledServer> compiled_;  // of the newest snapshot, if it is ours
  RowsByTarget rows_;
  std::optional<std::chrono::steady_clock::time_point> publish_at_;
  std::string publish_problem_;
  std::chrono::nanoseconds publish_took_{0};
  bool alive_ = false, slots_full_ = false, release_due_ = false;
  std::chrono::nanoseconds looked_at_{0}, network_tried_at_{0}, table_full_told_at_{0}, bindings_full_told_at_{0},
      table_full_at_{0}, bindings_full_at_{0},  // when a worker reported it last; 0: never
      events_seen_at_{0};
  std::string waiting_told_;
};

}  // namespace fulcrum
