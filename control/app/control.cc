#include "control/app/control.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <utility>

#include "control/app/blast_radius.h"
#include "control/app/reloads.h"
#include "control/surface/local/words.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kTick{10};
constexpr milliseconds kBusyTick{1};
constexpr milliseconds kStaysBusy{100};   // after the last event
constexpr milliseconds kLookPeriod{50};   // at the region
constexpr milliseconds kTryPeriod{1000};  // to take up Linux's side when it is not there
constexpr int kEventsPerRing = 128;
constexpr std::chrono::seconds kTableFullPeriod{10};
// Probes keep this much apart from their interval, so that those of many targets do not fall into step.
constexpr double kJitter = 0.05;

}  // namespace

Control::Control(std::string config_file, Booted booted)
    : config_file_{std::move(config_file)},
      configuration_{std::move(booted.configuration)},
      model_{configuration_.model()},
      file_{std::move(booted.file)},
      loaded_at_{configuration_.history().newest().when},
      rejected_{std::move(booted.rejected)},
      made_at_boot_{std::move(booted.made)},
      loop_{1},
      signals_{loop_},
      tick_timer_{loop_},
      publish_timer_{loop_},
      file_timer_{loop_},
      confirm_timer_{loop_},
      schedule_timer_{loop_},
      verb_timer_{loop_},
      lock_{std::move(booted.lock)},
      watch_{model().runtime_dir},
      network_{loop_,
               {.on_routes_changed = [this] { publish_soon(milliseconds{0}); },
                .on_twins_lost = [this] { settle_health_checks(); }}},
      random_{std::random_device{}()},
      checker_{loop_, [this](Family family) { return network_.open_tcp(family); },
               [this](const CheckTarget& target, const TargetHealth& now) { on_health(target, now); },
               [this] {
                 return std::uniform_real_distribution{1 - kJitter, 1 + kJitter}(random_);
               },
               [this](std::chrono::steady_clock::time_point since) { return stood_still(since.time_since_epoch()); }},
      trail_{configuration_.history().directory() + "/events.jsonl"},
      dispatcher_{
          loop_,
          [this] { return look(); },
          [this](Table table, std::vector<EntryFilter> filters, Clearer::Done done) {
            clear(table, std::move(filters), std::move(done));
          },
          [this](const surface::ExplainRequest& request, Questioner::Done done) { explain(request, std::move(done)); },
          [this](const telemetry::HistoryQuery& query, telemetry::Recorder::Done done) {
            past_rates(query, std::move(done));
          },
          [this](const std::string& line, const access::Peer& peer, const auto& done) {
            forward_to_api(line, peer, done);
          }},
      desk_{configuration_,
            {.now = [] { return std::chrono::system_clock::now(); },
             .when_acknowledged = [this](auto answer) { wait_for_acknowledgement(std::move(answer)); },
             .radius = [this](const model::Model& planned, const auto& changes) { return radius_of(planned, changes); },
             .hidden = [this](const model::Model& planned, const auto& changes) { return hidden(planned, changes); },
             .confirmed = [this](const store::Revision& revision, const auto& who) { confirmed(revision, who); },
             .scheduled = [this](const store::Candidate& candidate) { scheduled(candidate); }}},
      server_{loop_, {}, [this](const std::string& line, const auto& reply) { dispatcher_.answer(line, reply); }} {
  load_verbs();
  checker_.pause();
  watch_servers();
  wire_configuration();
}

Result<void> Control::start() {
  // A region that this program cannot use is told now and not only waited for.
  auto region = Region::attach(model().runtime_dir);
  if (!region && region.error().code == Error::Code::invalid) return tl::unexpected<Error>{region.error()};
  start_api();
  return server_.listen(model().runtime_dir + "/control.sock");
}

// Traffic does not depend on the API: when its files are broken the box goes on without it.
void Control::start_api() {
  api::ControlLoop self;
  self.ask = [this](nlohmann::json question, auto done) {
    asio::post(loop_, [this, question = std::move(question), done = std::move(done)] {
      dispatcher_.ask(question, done, [] { return true; });
    });
  };
  self.job = [this](auto job, auto done) {
    asio::post(loop_, [this, job = std::move(job), done = std::move(done)] {
      job(configuration_);
      done();
    });
  };
  auto started = api::ApiServer::start(configuration_.history().directory(), std::move(self), current());
  if (!started) {
    api_problem_ = started.error().words();
    return log(Level::error, "no REST API: {}", api_problem_);
  }
  api_ = std::move(*started);
  api_->configure(model().management);
  for (const store::Revision& revision : made_at_boot_) record_revision(revision);
}

// Without an API there is no audit log either; api_problem_ says so above every page.
void Control::record(audit::Record record, std::function<void()> done) {
  if (api_ == nullptr) return done();
  api_->record(std::move(record), [this, done = std::move(done)] { asio::post(loop_, done); });
}

void Control::record_refused_file() {
  record({.who = "root",
          .face = "file",
          .source = "local",
          .action = "read-file",
          .object = config_file_,
          .result = "refused (invalid)",
          .note = rejected_.empty() ? "" : rejected_.front()},
         [] {});
}

// What came by no face that keeps its own record.
void Control::record_revision(const store::Revision& revision) {
  const store::Author& author = revision.author;
  if (author.face != "file" && author.face != "timer") return;
  record({.who = author.who,
          .face = author.face,
          .source = "local",
          .action = author.face == "file" ? "read-file" : "rollback",
          .object =
              fmt::format("{} (revision {})", author.face == "file" ? config_file_ : "configuration", revision.number),
          .result = "done",
          .note = author.why},
         [] {});
}

api::Current Control::current() const {
  return {.document = configuration_.current(), .revision = configuration_.history().newest().number};
}

void Control::forward_to_api(const std::string& line, const access::Peer& peer,
                             const std::function<void(std::string)>& done) {
  if (api_ != nullptr) return api_->ask_as_console(line, peer, done);
  const nlohmann::json answer{{"status", 503}, {"body", {{"title", "Not now"}, {"detail", api_problem_}}}};
  done(answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Control::run() {
  take_signals();
  hold_reloads(SIG_UNBLOCK);
  start_recorder();
  log(Level::notice, "running with {}: {} farms", config_file_, model().farms.size());
  tell_rejected();
  tick();
  loop_.run();
  api_.reset();
  server_.close();
  write_file();
  log(Level::notice, "stopped; the dataplane goes on with what it has");
}

void Control::take_signals() {
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) signals_.add(signal);
  signals_.async_wait([this](const error_code& error, int signal) {
    if (error) return;
    if (signal != SIGHUP) return loop_.stop();
    reload();
    take_signals();
  });
}

void Control::tell_rejected() {
  if (rejected_.empty()) return;
  for (const std::string& line : rejected_) log(Level::error, "{}", line);
  tell(true, "configuration", config_file_, "rejected: " + rejected_.front());
  log(Level::error, "{} is rejected: revision {} of {} stays in force", config_file_,
      configuration_.history().newest().number, surface::iso_time(loaded_at_));
}

void Control::reload() {
  const auto news = file_.read(configuration_, std::chrono::system_clock::now(), "edited by hand");
  rejected_ = settings::report(news.problems);
  tell_rejected();
  if (news.kind == store::FileLink::News::Kind::refused) record_refused_file();
  if (news.kind == store::FileLink::News::Kind::unchanged) {
    log(Level::notice, "reloaded {}: nothing to do, revision {} is in force", config_file_,
        configuration_.history().newest().number);
  }
}

void Control::tick() {
  const std::chrono::nanoseconds now = monotonic_now();
  if (now - looked_at_ >= kLookPeriod) {
    looked_at_ = now;
    look_at_dataplane();
  }
  if (drain_events() != 0) events_seen_at_ = now;
  sample_rates();
  if (publisher_.attached()) {
    publisher_.turn();
    clearer_.turn(now);
    questioner_.turn(now);
    if (slots_full_) publish();
    watch_leaving();
    watch_limits();
    if (release_due_ && publisher_.acknowledged()) {
      release_due_ = false;
      network_.neighbours().release_others();
    }
  }
  answer_acknowledged();
  const bool busy = now - events_seen_at_ < kStaysBusy || slots_full_ || publisher_.has_waiting() ||
                    clearer_.is_busy() || questioner_.is_busy() || !waiting_.empty();
  tick_timer_.expires_after(busy && alive_ ? kBusyTick : kTick);
  tick_timer_.async_wait([this](const error_code& error) {
    if (!error) tick();
  });
}

void Control::look_at_dataplane() {
  switch (watch_.look()) {
    case RegionWatch::News::none:
      break;
    case RegionWatch::News::lost:
      let_go_of_dataplane();
      break;
    case RegionWatch::News::restarted:
      log(Level::notice, "the dataplane has been started anew");
      tell(false, "dataplane", "", "the dataplane has been started anew" + dataplane_life());
      take_up_dataplane();
      break;
    case RegionWatch::News::attached:
      take_up_dataplane();
      break;
  }
  const bool alive = watch_.alive(monotonic_now());
  if (std::exchange(alive_, alive) != alive) {
    const char* news = alive ? "the dataplane is running" : "the dataplane is silent: health checks are paused";
    log(Level::notice, "{}", news);
    if (!alive || !is_told_running()) tell(!alive, "dataplane", "", news + (alive ? dataplane_life() : ""));
  }
  stood_still(monotonic_now());
  watch_links();
  if (watch_.region() != nullptr && !network_.ready()) try_network();
  network_.look();
  settle_health_checks();
  if (std::string waiting = waiting_for(); waiting != waiting_told_) {
    log(Level::notice, "{}", waiting.empty() ? "nothing is waited for any more" : waiting);
    waiting_told_ = std::move(waiting);
  }
}

void Control::take_up_dataplane() {
  publisher_.attach(*watch_.region());
  clearer_.attach(*watch_.region());
  questioner_.attach(*watch_.region());
  network_tried_at_ = std::chrono::nanoseconds{0};
  network_.detach();
  network_.neighbours().attach(watch_.region()->neighbours());
  try_network();
  watch_servers();
  publish();
}

void Control::let_go_of_dataplane() {
  log(Level::notice, "the dataplane's region is gone or was laid out anew");
  tell(true, "dataplane", "", "its region is gone or was laid out anew");
  publisher_.detach();
  clearer_.detach();
  questioner_.detach();
  network_.detach();
  slots_full_ = false;
  rows_.clear();
}

void Control::try_network() {
  const std::chrono::nanoseconds now = monotonic_now();
  if (network_.attached() || now - network_tried_at_ < kTryPeriod) return;
  network_tried_at_ = now;
  if (auto done = network_.attach(*watch_.region()); !done) {
    publish_problem_ = done.error().words();
    return;
  }
  publish_problem_.clear();
  configure_network();
}

namespace {

// Farms' addresses that workers go by and the model does not have, or not as such.
std::set<Address> leaving_addresses(const Snapshot* newest, const model::Model& model) {
  std::set<Address> all;
  const std::size_t count = newest != nullptr ? std::min<std::size_t>(newest->service_count, kServicesMax) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (newest->services[i].in_use != 0) all.insert(newest->services[i].address);
  }
  for (const model::Farm& farm : model.farms) {
    for (const Address& address : farm.addresses) all.erase(address);
    for (const model::Server& server : farm.servers) {
      for (const Address& address : server.addresses) all.erase(address);
    }
  }
  return all;
}

}  // namespace

// Linux answers for a farm's address as long as connections go there.
void Control::configure_network() {
  leaving_addresses_ = leaving_addresses(publisher_.newest(), model());
  if (leaving_addresses_.empty()) return network_.configure(model());
  model::Model with_leaving = model();
  with_leaving.farms.emplace_back().addresses.assign(leaving_addresses_.begin(), leaving_addresses_.end());
  network_.configure(with_leaving);
}

std::size_t Control::drain_events() {
  Region* region = watch_.region();
  if (region == nullptr) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < region->workers(); ++i) {
    EventRing& events = region->worker(i).events;
    Event event;
    for (int n = 0; n < kEventsPerRing && events.peek(event); ++n, ++count) {
      hear(event);
      events.pop();
    }
  }
  return count;
}

void Control::hear(const Event& event) {
  switch (event.kind) {
    case Event::Kind::none:
      break;
    case Event::Kind::neighbour_wanted:
      network_.want(event.port, event.address);
      break;
    case Event::Kind::table_full: {
      const std::chrono::nanoseconds now = monotonic_now();
      table_full_at_ = now;
      if (now - table_full_told_at_ < kTableFullPeriod) break;
      table_full_told_at_ = now;
      tell(true, "table", event.address.text(), "the connection table is full: new connections are refused");
      log(Level::warning, "the connection table is full: new connections to {} are refused; raise `connections`",
          event.address.text());
      break;
    }
    case Event::Kind::bindings_full: {
      const std::chrono::nanoseconds now = monotonic_now();
      bindings_full_at_ = now;
      if (now - bindings_full_told_at_ < kTableFullPeriod) break;
      bindings_full_told_at_ = now;
      tell(true, "table", event.address.text(), "the persistence table is full: new clients are not bound to a server");
      log(Level::warning,
          "the persistence table is full: new clients of {} are not bound to a server; raise `persistence_entries`",
          event.address.text());
      break;
    }
  }
}

void Control::clear(Table table, std::vector<EntryFilter> filters, Clearer::Done done) {
  clearer_.clear(table, std::move(filters),
                 [this, table, done = std::move(done)](const Result<std::uint64_t>& cleared) {
                   const char* what = table == Table::connections ? "connections" : "bindings of clients to servers";
                   if (cleared) {
                     log(Level::notice, "{} {} were cleared by command", *cleared, what);
                     tell(false, "clear", what, fmt::format("{} were cleared by command", *cleared));
                   }
                   done(cleared);
                 });
}

void Control::watch_servers() { checker_.watch(targets_of(model(), watch_.region(), publisher_.newest())); }

// Also notes how late the dataplane is now: a probe may end before the next tick looks.
std::chrono::nanoseconds Control::stood_still(std::chrono::nanoseconds since) {
  if (const auto beat = watch_.last_beat()) stalls_.look(monotonic_now(), *beat);
  return stalls_.after(since);
}

// Without the dataplane every probe would fail, and say nothing about the servers.
void Control::settle_health_checks() {
  if (alive_ && network_.ready()) {
    checker_.resume();
  } else {
    checker_.pause();
  }
}

// Coalesces: the earliest wish counts.
void Control::publish_soon(std::chrono::nanoseconds delay) {
  const auto at = std::chrono::steady_clock::now() + delay;
  if (publish_at_ && *publish_at_ <= at) return;
  publish_at_ = at;
  publish_timer_.expires_at(at);
  publish_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    publish_at_.reset();
    publish();
  });
}

void Control::publish() {
  if (!publisher_.attached()) return;
  const std::chrono::nanoseconds start = monotonic_now();
  const auto outcome = publisher_.publish([this](std::uint64_t generation, const Snapshot* previous, Snapshot& into) {
    return compile_into(generation, previous, into);
  });
  if (!outcome) {
    log(Level::error, "cannot compile the configuration: {}", outcome.error().words());
    publish_problem_ = outcome.error().words();
    slots_full_ = false;
    return;
  }
  slots_full_ = *outcome == Publisher::Outcome::waiting;
  if (slots_full_) return;
  if (network_.attached()) publish_problem_.clear();
  called_back_.clear();
  publish_took_ = monotonic_now() - start;
  rows_ = rows_by_target(model(), compiled_, *publisher_.newest());
  crews_ = crews_of(model(), compiled_);
  if (network_.attached() && leaving_addresses(publisher_.newest(), model()) != leaving_addresses_) configure_network();
  network_.neighbours().commit_keeping();
  network_.ask_for_next_hops();
  release_due_ = true;
}

Result<void> Control::compile_into(std::uint64_t generation, const Snapshot* previous, Snapshot& into) {
  const auto all_routes = routes();
  NeighbourMirror& neighbours = network_.neighbours();
  neighbours.begin_keeping();
  auto compiled =
      compile({.model = model(),
               .routes = all_routes,
               .generation = generation,
               .model_hash = configuration_.current().hash(),
               .now = to_tick(monotonic_now()),
               .now_s = unix_seconds(),
               .previous = previous,
               .state = [this](const ServerEndpoint& endpoint) { return state_of(endpoint); },
               .has_connections = [this](ServerId server) { return connections_of(*watch_.region(), server) != 0; },
               .is_full = [this](std::uint16_t limit) { return is_full(*watch_.region(), limit); },
               .is_called_back =
                   [this](const model::Farm& farm, const model::Server& server) {
                     return called_back_.count({farm.name, server.name}) != 0;
                   },
               .neighbour = [&](PortId port, const Address& address) { return neighbours.keep(port, address); }},
              into);
  if (!compiled) return tl::unexpected<Error>{compiled.error()};
  compiled_ = std::move(*compiled);
  compiled_model_ = model_;
  return {};
}

// What Linux has, once it was asked; before, what the file implies.
std::vector<RouteInput> Control::routes() const {
  std::vector<RouteInput> all;
  for (const Network::PortRoute& route : network_.routes()) {
    all.push_back({.to = route.to,
                   .kind = route.via ? RouteKind::gateway : RouteKind::on_link,
                   .port = route.port,
                   .gateway = route.via.value_or(Address{}),
                   .metric = route.metric});
  }
  if (!all.empty()) return all;
  const std::vector<TwinLink> twins = twin_links(watch_.region()->header());
  std::vector<std::optional<PortId>> ports;
  for (const model::Port& port : model().ports) {
    const auto twin = std::find_if(twins.begin(), twins.end(), [&](const TwinLink& t) { return t.name == port.name; });
    ports.push_back(twin == twins.end() ? std::nullopt : std::optional{twin->port});
  }
  return routes_of(model(), ports);
}

}  // namespace fulcrum
