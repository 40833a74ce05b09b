// fulcrum-control: the wiring of the control plane, on one thread and one loop.
//
//   commit -> model -> compile -> snapshot slots -> workers          (store/, publish/)
//                          ^  ^
//   routes, neighbours  ---+  +--- health of the servers             (network/, health/)
//
// What happens when: a commit (from whichever face, see store/configuration.h) is compiled and announced to the workers
// before the call that made it returns, and answered when all of them have acknowledged; the file fulcrum.cfg is
// written a moment later. A server's change of health goes to every worker's ring at once, in the handler of the probe
// that brought it, and is compiled into a snapshot a moment later. Everything else that changes (routes, the dataplane
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

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "control/app/boot.h"
#include "control/app/control_lock.h"
#include "control/app/targets.h"
#include "control/health/checker.h"
#include "control/health/stalls.h"
#include "control/health/trials.h"
#include "control/network/network.h"
#include "control/publish/clearer.h"
#include "control/publish/publisher.h"
#include "control/publish/questioner.h"
#include "control/publish/region_watch.h"
#include "control/roster/overlay.h"
#include "control/store/configuration.h"
#include "control/store/file_link.h"
#include "control/surface/api/api_server.h"
#include "control/surface/local/configuration_desk.h"
#include "control/surface/local/dispatcher.h"
#include "control/surface/local/line_server.h"
#include "control/telemetry/event_trail.h"
#include "control/telemetry/loss_watch.h"
#include "control/telemetry/recorder.h"
#include "control/telemetry/sampler.h"
#include "control/validate/validate.h"

namespace fulcrum {

class Control {
 public:
  Control(std::string config_file, Booted booted);
  // Opens the local socket. Errors: see LineServer; a region that this program cannot use.
  Result<void> start();
  // Until SIGTERM or SIGINT.
  void run();

 private:
  void start_api();
  [[nodiscard]] api::Current current() const;
  void forward_to_api(const std::string& line, const access::Peer& peer, const std::function<void(std::string)>& done);
  void record(audit::Record record, std::function<void()> done);
  void record_refused_file();
  void record_revision(const store::Revision& revision);
  void take_signals();
  void reload();
  void tell_rejected();

  void wire_configuration();
  void apply(const store::Committed& committed);
  void write_file_soon();
  void write_file();
  void watch_confirmation();
  void confirmed(const store::Revision& revision, const std::string& who);
  void scheduled(const store::Candidate& candidate);
  void watch_schedule();
  void judge_due();
  void commit_due(const store::Configuration::Objection& objection);
  void answer_acknowledged();
  void wait_for_acknowledgement(std::function<void(const std::string& waiting_for)> answer);
  [[nodiscard]] nlohmann::json radius_of(const model::Model& planned, const std::vector<document::Change>& changes);
  [[nodiscard]] const model::Model& model() const { return *model_; }

  void tick();
  void look_at_dataplane();
  void take_up_dataplane();
  void let_go_of_dataplane();
  void try_network();
  void configure_network();
  std::size_t drain_events();
  void hear(const Event& event);

  void clear(Table table, std::vector<EntryFilter> filters, Clearer::Done done);
  void watch_servers();
  void on_health(const CheckTarget& target, const TargetHealth& now);
  // For how much of the time since then the dataplane stood still.
  std::chrono::nanoseconds stood_still(std::chrono::nanoseconds since);
  void settle_health_checks();
  using Told = std::set<std::pair<std::string, std::string>>;  // whose duty changed, and why
  void settle(const std::vector<ServerId>& rows, ServerState health);
  bool settle_duties(std::size_t changed, bool is_news, Told& told);
  void watch_limits();
  void watch_leaving();
  [[nodiscard]] std::string verbs_file() const;
  void load_verbs();
  void follow_boot();
  [[nodiscard]] Result<void> save_verbs() const;
  std::vector<roster::Overlay::Ended> forget_verbs();
  void tell_ended(const std::vector<roster::Overlay::Ended>& ended, const char* when);
  [[nodiscard]] bool calls_back(const surface::VerbRequest& request) const;
  [[nodiscard]] std::vector<std::string> hidden(const model::Model& planned,
                                                const std::vector<document::Change>& changes) const;
  void watch_verbs();
  void operate(const surface::VerbRequest& request, const std::function<void(const Result<surface::VerbDone>&)>& done);
  [[nodiscard]] static std::uint32_t unix_seconds();
  [[nodiscard]] roster::Member member_of(std::size_t place) const;
  [[nodiscard]] ServerState state_of(const ServerEndpoint& endpoint) const;

  void publish_soon(std::chrono::nanoseconds delay);
  void publish();
  Result<void> compile_into(std::uint64_t generation, const Snapshot* previous, Snapshot& into);
  [[nodiscard]] std::vector<RouteInput> routes() const;

  void explain(const surface::ExplainRequest& request, Questioner::Done done);
  void explain_draft(const surface::ExplainRequest& request, Questioner::Done done);
  [[nodiscard]] Result<document::Document> document_of(const surface::ExplainRequest& request) const;
  void sample_rates();
  void watch_links();
  void watch_losses(std::int64_t second);
  void tell_probe_times();
  void start_recorder();
  void rename_rates(const std::vector<document::Change>& changes);
  void past_rates(const telemetry::HistoryQuery& query, telemetry::Recorder::Done done);
  // For the trail of events.
  void tell(bool is_warning, const char* kind, const std::string& object, const std::string& text);
  [[nodiscard]] std::string dataplane_life() const;
  [[nodiscard]] bool is_told_running() const;
  [[nodiscard]] surface::View look();
  [[nodiscard]] std::string waiting_for();
  [[nodiscard]] std::vector<std::string> alarms() const;
  void tell_damage();

  std::string config_file_;
  store::Configuration configuration_;
  roster::Overlay overlay_;
  std::shared_ptr<const model::Model> model_;    // the configuration's, with what operators said
  std::set<roster::Overlay::Name> called_back_;  // who need not wait any more, until that is in a snapshot
  store::FileLink file_;
  std::chrono::system_clock::time_point loaded_at_;
  std::vector<std::string> rejected_;
  std::vector<std::string> damage_;            // of the history, until somebody commits
  std::vector<store::Revision> made_at_boot_;  // until they are on record
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer tick_timer_, publish_timer_, file_timer_, confirm_timer_, schedule_timer_, verb_timer_;
  ControlLock lock_;
  RegionWatch watch_;
  Publisher publisher_;
  Clearer clearer_;
  Questioner questioner_;
  Network network_;
  std::minstd_rand random_;
  Stalls stalls_;
  HealthChecker checker_;
  Trials trials_{loop_, [this](Family family) { return network_.open_tcp(family); }};
  telemetry::EventTrail trail_;
  telemetry::Sampler sampler_;
  std::optional<telemetry::Sample> rates_;
  std::int64_t sampled_at_ = 0;
  std::array<LinkState, kPortsMax> links_{};  // as told
  std::array<telemetry::LossWatch, kPortsMax> losses_;
  std::optional<telemetry::Recorder> recorder_;  // ends before the sampler, whose names it uses
  surface::Dispatcher dispatcher_;
  surface::ConfigurationDesk desk_;
  LineServer server_;
  std::unique_ptr<api::ApiServer> api_;  // null: cannot run; see api_problem_
  std::string api_problem_;

  std::vector<CompiledServer> compiled_;  // of the newest snapshot, if it is ours; with the duties now in force
  std::shared_ptr<const model::Model> compiled_model_;
  RowsByTarget rows_;
  Crews crews_;
  std::optional<std::chrono::steady_clock::time_point> publish_at_;
  // Who waits until every worker uses the newest configuration, and until when.
  struct Waiting {
    std::function<void(const std::string& waiting_for)> answer;
    std::chrono::nanoseconds until{0};
  };
  std::vector<Waiting> waiting_;
  bool file_due_ = false;
  std::string publish_problem_;
  std::chrono::nanoseconds publish_took_{0};
  std::set<Address> leaving_addresses_;  // as the network was configured last
  bool alive_ = false, slots_full_ = false, release_due_ = false;
  std::chrono::nanoseconds looked_at_{0}, network_tried_at_{0}, table_full_told_at_{0}, bindings_full_told_at_{0},
      table_full_at_{0}, bindings_full_at_{0},  // when a worker reported it last; 0: never
      events_seen_at_{0}, leaving_seen_at_{0};
  std::map<std::string, std::chrono::nanoseconds> full_told_at_;  // by "SERVER of farm FARM", or farm
  std::string waiting_told_;
};

}  // namespace fulcrum
