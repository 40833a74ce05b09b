#include "dataplane/explain/explainer.h"

#include <algorithm>

#include "dataplane/base/fixed_vector.h"
#include "dataplane/explain/made_packet.h"
#include "dataplane/explain/shadow.h"
#include "dataplane/pipeline/answering.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/tcp_state.h"
#include "dataplane/schedule/least.h"

namespace fulcrum {
namespace {

using Status = ExplainAnswer::Status;
using Found = ExplainAnswer::Found;
using Bound = ExplainAnswer::Bound;

// Where a shadow table keeps the copy.
constexpr ConnectionId kCopy{0};

bool server_is_there(const Snapshot& snapshot, ServerId server) noexcept {
  const ServerRow& row = snapshot.servers[server.index];
  return row.generation == server.generation && row.state != ServerState::unused;
}

ExplainedHead head_of(const Frame& frame) noexcept {
  ExplainedHead head{.length = frame.length};
  const auto bytes = frame.bytes().first(std::min<std::size_t>(frame.length, kExplainHeadMax));
  std::copy(bytes.begin(), bytes.end(), head.bytes.begin());
  return head;
}

// What the packet meets in the live tables.
struct Met {
  std::optional<ConnectionEntry> connection, binding;
  bool has_room = true, binding_has_room = true;
  // Of the client's port, through services with which this one shares servers.
  FixedVector<ConnectionEntry, kShadowOthersMax> others;
};

}  // namespace

struct Explainer::Shadow {
  explicit Shadow(std::uint32_t workers) : rows{workers} {}

  ShadowTable<ConnectionTable> connections;
  ShadowTable<PersistenceTable> bindings;
  ShadowRows rows;
  Batch batch;
  MadePacket packet;
  std::array<std::uint16_t, kServersMax> place;  // of a server row in the answer's list, if it is there
};

// One question on its way to its answer.
class Explainer::Run {
 public:
  Run(Explainer& explainer, const ExplainQuestion& question, Tick now, ExplainAnswer& answer)
      : region_{explainer.region_},
        tables_{explainer.tables_},
        shadow_{*explainer.shadow_},
        live_cursors_{*explainer.cursors_[question.worker.value]},
        snapshot_{region_.snapshot(question.slot)},
        worker_{question.worker},
        now_{now},
        answer_{answer} {}

  void explain(const Frame& frame) noexcept {
    shadow_.batch.frames[0] = frame;
    shadow_.batch.count = 1;
    answer_.generation = snapshot_.generation;
    answer_.model_hash = snapshot_.model_hash;
    answer_.now = now_;
    answer_.in = frame.port;
    answer_.before = head_of(frame);
    const Met met = meet();
    take_over(met);
    run(met);
    answer_.after = head_of(shadow_.batch.frames[0]);
  }

 private:
  [[nodiscard]] Context context(ConnectionTable& connections, PersistenceTable& bindings, WorkerId worker) const {
    return {.snapshot = snapshot_,
            .connections = connections,
            .bindings = bindings,
            .neighbours = region_.neighbours(),
            .ports = region_.header().ports,
            .servers = shadow_.rows.servers,
            .status = shadow_.rows.status,
            .cursors = shadow_.rows.cursors,
            .budget = shadow_.rows.budget,
            .worker = worker,
            .now = now_,
            .is_urgent = true};  // costs time where nobody is usable, and finds the same
  }
  [[nodiscard]] const Passage& passage() const { return shadow_.batch.passages[0]; }
  [[nodiscard]] const Facts& facts() const { return shadow_.batch.facts[0]; }
  [[nodiscard]] const ServiceRow* service() const {
    return passage().service == kNoIndex ? nullptr : &snapshot_.services[passage().service];
  }

  // The first pass. The stages up to lookup write nothing but the batch.
  [[nodiscard]] Met meet() noexcept {
    tables_.connections.begin_reading();
    tables_.bindings.table().begin_reading();
    const Context live = context(tables_.connections, tables_.bindings, worker_);
    constexpr Part kOne{0, 1};
    shadow_.batch.begin();
    parse_stage(shadow_.batch, kOne);
    classify_stage(shadow_.batch, kOne, live);
    lookup_stage(shadow_.batch, kOne, live);
    Met met;
    if (passage().connection != kNoConnection)
      met.connection = read_entry(region_.entries()[passage().connection.value]);
    if (shadow_.batch.pending(0) && !is_reply()) {
      look_for_room(met);
      look_for_others(met);
    }
    tables_.bindings.table().end_reading();
    tables_.connections.end_reading();
    return met;
  }

  [[nodiscard]] bool is_reply() const { return passage().direction == ConnectionTable::Direction::to_client; }

  void look_for_room(Met& met) const noexcept {
    const FlowKey key{.client = facts().source,
                      .client_port = facts().source_port,
                      .service = ServiceId{passage().service},
                      .service_port = facts().destination_port};
    const auto evictable = [](const ConnectionEntry& entry) { return may_be_evicted(entry.state); };
    // A connection that is found leaves its slot to the one that takes its place, but not its entry.
    met.has_room = tables_.connections.has_entry(worker_) &&
                   (met.connection.has_value() || tables_.connections.has_slot(key, evictable));
    if (service()->persistence_s == 0) return;
    const FlowKey client = binding_key(service()->farm, facts().source, service()->persistence_length);
    const ConnectionTable& bindings = tables_.bindings.table();
    if (const auto bound = tables_.bindings.find(client)) {
      met.binding = read_entry(region_.persistence_entries()[bound->id.value]);
    }
    met.binding_has_room =
        bindings.has_entry(worker_) && bindings.has_slot(client, [](const ConnectionEntry&) { return false; });
  }

  // What schedule_stage() looks for at the server that it chooses.
  void look_for_others(Met& met) const noexcept {
    if (service()->mode != Mode::nat || service()->one_packet != 0) return;
    const Asking asking{facts().source, facts().source_port, facts().destination_port};
    const auto keep = [&](std::uint16_t row, const FlowKey& key) {
      const ConnectionId found = tables_.connections.lookup(key);
      if (found == kNoConnection) return false;
      auto entry = read_entry(region_.entries()[found.value]);
      if (!entry || !(entry->server == ServerId{row, snapshot_.servers[row].generation})) return false;
      if (facts().kind == PacketKind::tcp && gives_way(entry->state, Mode::nat)) return false;
      // So that the copy is not given up to make room: in the live table it may lie where that does not help.
      entry->state = ConnectionState::established;
      return !met.others.push(*entry);
    };
    for (std::uint16_t row = service()->first_server; row != kNoIndex; row = snapshot_.servers[row].next_of_service) {
      if (for_each_answerable(snapshot_, row, asking, keep)) return;
    }
  }

  void take_over(const Met& met) noexcept {
    // Every server that the stages can come to is a row in use, and those lie below the count.
    shadow_.rows.fill(region_, worker_, std::min<std::size_t>(snapshot_.server_count, kServersMax), live_cursors_,
                      passage().service, service() == nullptr ? FarmId{kNoIndex} : service()->farm);
    if (met.connection) answer_.connection = *met.connection;
    answer_.table_full = met.has_room ? 0 : 1;
    if (facts().is_ip() && snapshot_.generation != 0) answer_.route = find_route(snapshot_, facts().destination);
    if (service() == nullptr) return;
    answer_.service = passage().service;
    answer_.to_client = is_reply() ? 1 : 0;
    list_servers(*service());
    find_turns(*service());
    find_scores(*service());
  }

  void list_servers(const ServiceRow& service) noexcept {
    for (std::uint16_t row = service.first_server; row != kNoIndex && answer_.servers_total < kServersMax;
         row = snapshot_.servers[row].next_of_service) {
      if (answer_.servers_total++ >= kExplainServersMax) continue;
      const ServerRow& server = snapshot_.servers[row];
      const ServerId id{row, server.generation};
      shadow_.place[row] = static_cast<std::uint16_t>(answer_.servers_count);
      answer_.servers[answer_.servers_count++] = {
          .id = id,
          .member = server.member,
          .weight = server.weight,
          .state = state_now(snapshot_, row, shadow_.rows.servers[row]),
          .is_usable = is_usable(snapshot_, row, shadow_.rows.servers) ? std::uint8_t{1} : std::uint8_t{0},
          .active = active(id),
          .limit = server.limit < kServersMax ? snapshot_.limits[server.limit].high : 0,
          .is_full = is_full(snapshot_, row, shadow_.rows.servers) ? 1U : 0U};
    }
  }

  [[nodiscard]] std::int64_t active(ServerId server) const noexcept {
    std::int64_t sum = 0;
    for (std::size_t worker = 0; worker < region_.workers(); ++worker) {
      const ServerCounters& row = region_.server_counters(worker)[server.index];
      if (row.server_generation.load(std::memory_order_acquire) != server.generation) continue;
      sum += row.active.load(std::memory_order_relaxed);
    }
    return std::max<std::int64_t>(sum, 0);
  }

  // One round of the sequence, from where the worker stands. Nobody has a turn where load or client decides.
  void find_turns(const ServiceRow& service) noexcept {
    if (!is_by_turn(service.scheduler)) return;
    const std::uint32_t cursor = shadow_.rows.cursors.at[answer_.service];
    const std::uint32_t begin = cursor >= service.schedule_length ? 0 : cursor;
    std::uint32_t turn = 0;
    std::uint32_t missing = answer_.servers_count;
    for (std::uint32_t step = 0; step < service.schedule_length && missing != 0; ++step) {
      const std::uint32_t at = (begin + step) % service.schedule_length;
      const std::uint16_t row = snapshot_.schedule[service.schedule_offset + at];
      if (!is_usable(snapshot_, row, shadow_.rows.servers)) continue;
      const std::uint16_t place = shadow_.place[row];
      if (place < answer_.servers_count && answer_.servers[place].id.index == row &&
          answer_.servers[place].turn == ExplainedServer::no_turn) {
        answer_.servers[place].turn = turn;
        --missing;
      }
      ++turn;
    }
  }

  void find_scores(const ServiceRow& service) noexcept {
    if (!is_by_load(service.scheduler)) return;
    std::array<std::uint16_t, kExplainServersMax> rows;
    std::array<double, kExplainServersMax> scores;
    const std::size_t count = answer_.servers_count;
    for (std::size_t i = 0; i < count; ++i) rows[i] = answer_.servers[i].id.index;
    busy_scores(snapshot_, ServiceId{answer_.service}, shadow_.rows.servers, now_, std::span{rows}.first(count),
                scores);
    for (std::size_t i = 0; i < count; ++i) {
      if (answer_.servers[i].is_usable != 0) answer_.servers[i].score = scores[i];
    }
  }

  void run(const Met& met) noexcept {
    const auto& key = region_.header().hash_key;
    ConnectionTable& connections = shadow_.connections.fill(met.connection, met.has_room, key, met.others.view());
    PersistenceTable& bindings = shadow_.bindings.fill(met.binding, met.binding_has_room, key);
    bool ended = false;
    run_stages(shadow_.batch, context(connections, bindings, WorkerId{0}), [&](Stage stage) {
      if (stage == Stage::schedule) tell_connection(met);
      if (std::exchange(ended, !shadow_.batch.pending(0)) || !ended) return;
      answer_.ended_at = stage;
    });
    tell_outcome();
  }

  void tell_connection(const Met& met) noexcept {
    const bool is_found = met.connection && passage().connection == kCopy;
    answer_.opens = passage().connection != kNoConnection && !is_found ? 1 : 0;
    if (met.connection) answer_.found = is_found ? Found::used : why_forgotten(*met.connection);
    if (passage().drop == Drop::connection_reset) answer_.found = Found::resets;
    const auto carries = shadow_.connections.entry(passage().connection);
    if (carries) answer_.reason = carries->reason;
    if (service() != nullptr && service()->one_packet != 0 && !is_reply() && shadow_.batch.pending(0)) {
      answer_.alone = 1;
      answer_.reason = passage().reason;
    }
    const Drop drop = passage().drop;
    const bool chose = answer_.opens != 0 || answer_.alone != 0 || drop == Drop::no_server ||
                       drop == Drop::servers_full || drop == Drop::port_taken || drop == Drop::table_full;
    if (chose && service()->persistence_s != 0) tell_binding(met);
  }

  [[nodiscard]] Found why_forgotten(const ConnectionEntry& entry) const noexcept {
    if (!server_is_there(snapshot_, entry.server)) return Found::server_left;
    return gives_way(entry.state, service()->mode) ? Found::over : Found::server_down;
  }

  void tell_binding(const Met& met) noexcept {
    if (!met.binding) {
      answer_.bound = Bound::nothing;
      return;
    }
    answer_.bound_member = binding_of(*met.binding).member;
    answer_.bound_idle = elapsed(met.binding->last_seen, now_);
    if (answer_.bound_idle >= ticks(std::chrono::seconds{service()->persistence_s})) {
      answer_.bound = Bound::expired;
    } else {
      answer_.bound =
          (answer_.opens | answer_.alone) != 0 && answer_.reason == Reason::persistence ? Bound::used : Bound::unusable;
    }
  }

  void tell_outcome() noexcept {
    const Batch& batch = shadow_.batch;
    answer_.drop = passage().drop;
    answer_.answer = passage().answer;
    answer_.out = passage().port;
    answer_.server = passage().server;
    if (const auto entry = shadow_.connections.entry(passage().connection)) answer_.state = entry->state;
    for (const Event& event : batch.events.view()) {
      if (event.kind == Event::Kind::neighbour_wanted) answer_.neighbour_wanted = 1;
    }
    switch (passage().outcome) {
      case Outcome::send:
        answer_.outcome = ExplainAnswer::Outcome::send;
        break;
      case Outcome::punt:
        answer_.outcome = ExplainAnswer::Outcome::punt;
        break;
      default:
        answer_.outcome = ExplainAnswer::Outcome::drop;
        break;
    }
    if (answer_.outcome == ExplainAnswer::Outcome::send || answer_.neighbour_wanted != 0) answer_.next_hop = next_hop();
  }

  [[nodiscard]] Address next_hop() const noexcept {
    if (!is_reply()) {
      const ServerRow& server = snapshot_.servers[passage().server];
      return server.neighbour == kNoNeighbour ? server.address : who(server.neighbour);
    }
    return answer_.route.kind == RouteKind::gateway ? who(answer_.route.neighbour) : facts().destination;
  }
  [[nodiscard]] Address who(std::uint32_t neighbour) const noexcept {
    return region_.neighbours().who(NeighbourId{neighbour}).address;
  }

  Region& region_;
  Tables& tables_;
  Shadow& shadow_;
  const ScheduleCursors& live_cursors_;
  const Snapshot& snapshot_;
  WorkerId worker_;
  Tick now_;
  ExplainAnswer& answer_;
};

Explainer::Explainer(Region& region, Tables& tables, std::vector<const ScheduleCursors*> cursors)
    : region_{region},
      tables_{tables},
      cursors_{std::move(cursors)},
      shadow_{std::make_unique<Shadow>(region.workers())} {}

Explainer::~Explainer() = default;

bool Explainer::is_valid(const ExplainQuestion& question) const noexcept {
  const bool known = question.slot < kSnapshotSlots && question.worker.value < cursors_.size() &&
                     question.port.value < kPortsMax && region_.header().ports[question.port.value].in_use != 0;
  const bool can_make = (question.protocol == Protocol::tcp || question.protocol == Protocol::udp) &&
                        question.payload <= kExplainPayloadMax &&
                        question.source.is_v4() == question.destination.is_v4();
  return known && can_make;
}

bool Explainer::turn(Tick now) noexcept {
  ExplainBox& box = region_.explain();
  const std::uint64_t asked = box.asked.load(std::memory_order_acquire);
  if (asked == box.answered.load(std::memory_order_relaxed)) return false;
  const ExplainQuestion question = box.question;
  if (is_valid(question)) {
    const std::span<std::byte> bytes =
        make_packet(question, region_.header().ports[question.port.value].mac, shadow_->packet);
    const Frame frame{.data = bytes.data(),
                      .length = static_cast<std::uint32_t>(bytes.size()),
                      .port = question.port,
                      .checksum = ChecksumFact::verify};
    explain(question, frame, now, box.answer);
  } else {
    box.answer = ExplainAnswer{};
    box.answer.status = Status::invalid;
  }
  box.answered.store(asked, std::memory_order_release);
  return true;
}

void Explainer::explain(const ExplainQuestion& question, const Frame& frame, Tick now, ExplainAnswer& answer) noexcept {
  answer = ExplainAnswer{};
  const std::uint64_t generation = __atomic_load_n(&region_.snapshot(question.slot).generation, __ATOMIC_ACQUIRE);
  if (generation == 0 || generation != question.generation) {
    answer.status = Status::stale;
    return;
  }
  Run{*this, question, now, answer}.explain(frame);
}

}  // namespace fulcrum
