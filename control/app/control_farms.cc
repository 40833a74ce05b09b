// Who of the farms' servers may take new connections, from a change of health to the workers.
#include <fmt/format.h>

#include <algorithm>

#include "control/app/blast_radius.h"
#include "control/app/control.h"
#include "control/surface/local/words.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

namespace fulcrum {
namespace {

constexpr std::chrono::milliseconds kHealthSettles{5};
// Where compiling takes long (tens of thousands of servers), it shall not keep the loop from hearing of further
// changes.
constexpr int kPublishShare = 3;
constexpr std::chrono::seconds kLeavingPeriod{1};
// An event for each time that something becomes full would be all that the trail has room for.
constexpr std::chrono::seconds kFullPeriod{60};

}  // namespace

void Control::on_health(const CheckTarget& target, const TargetHealth& now) {
  const bool up = now.judgement.health == Health::up;
  const auto rows = rows_.find(target);
  std::vector<std::string> names;
  if (rows != rows_.end() && publisher_.newest() != nullptr) names = names_of(rows->second, *publisher_.newest());
  tell(!up, "server", fmt::format("{}", fmt::join(names, ", ")),
       fmt::format("{}: {} ({})", up ? "up" : "down", now.reason, surface::endpoint(target.address, target.port)));
  if (!names.empty()) settle(rows->second, up ? ServerState::up : ServerState::down);
  publish_soon(std::max<std::chrono::nanoseconds>(kHealthSettles, publish_took_ * kPublishShare));
  log(up ? Level::notice : Level::warning, "server {} ({}) is {}: {}", fmt::join(names, ", "),
      surface::endpoint(target.address, target.port), up ? "up" : "down", now.reason);
}

// A check says something new about `rows`. First all of them take note of it, then every service in which one of them,
// or a row that it is bound to, takes part.
void Control::settle(const std::vector<ServerId>& rows, ServerState health) {
  const Snapshot& newest = *publisher_.newest();
  std::set<std::size_t> own, concerned;
  for (const ServerId row : rows) {
    const auto crew = crews_.find(newest.servers[row.index].service.value);
    const auto place = crew != crews_.end() ? place_of(row, compiled_, crew->second) : std::nullopt;
    if (!place) continue;
    compiled_[*place].health = health;
    own.insert(*place);
  }
  for (const std::size_t place : own) {
    for (std::size_t at = place; concerned.insert(at).second;) at = compiled_[at].next_bound;
  }
  Told told;
  for (const std::size_t place : concerned) settle_duties(place, own.count(place) == 0, told);
}

// The servers of a service after a change of one: who comes in and who goes is told to every worker at once. `is_news`:
// nobody has heard yet why the one at `changed` does. A server tells the same of many ports once. True when somebody
// did.
bool Control::settle_duties(std::size_t changed, bool is_news, Told& told) {
  const Snapshot& newest = *publisher_.newest();
  const auto found = crews_.find(compiled_[changed].service.value);
  if (found == crews_.end()) return false;
  const bool alone = !found->second.has_reserve;
  std::vector<CompiledServer*> crew;
  std::vector<roster::Member> members;
  for (std::size_t place = found->second.first; place < found->second.first + found->second.count; ++place) {
    if (alone && place != changed) continue;
    crew.push_back(&compiled_[place]);
    members.push_back(member_of(place));
  }
  const model::Farm& farm = compiled_model_->farms[compiled_[changed].farm];
  const auto duties = roster::duties(members, farm.standbys);
  bool has_changed = false;
  for (std::size_t i = 0; i < crew.size(); ++i) {
    const roster::Duty before = std::exchange(crew[i]->duty, duties[i]);
    if (before.state == duties[i].state) continue;
    has_changed = true;
    publisher_.set_server_state(crew[i]->id, duties[i].state);
    const std::string why = sentence(duties[i], farm);
    if ((crew[i] == &compiled_[changed] && !is_news) || why.empty()) continue;
    const std::string whose = names_of({crew[i]->id}, newest).front();
    if (told.emplace(whose, why).second) tell(false, "server", whose, why);
  }
  return has_changed;
}

// Workers find out by themselves who is full. What is left to do here is to bring standbys in, and to tell.
void Control::watch_limits() {
  const Snapshot* newest = publisher_.newest();
  if (newest == nullptr || newest->has_limits == 0) return;
  const std::chrono::nanoseconds now = monotonic_now();
  const auto tell_full = [&](const std::string& who) {
    auto& told_at = full_told_at_[who];
    if (told_at.count() != 0 && now - told_at < kFullPeriod) return;
    told_at = now;
    tell(true, "limit", who, "has as many connections as it may have: new ones are not taken");
  };
  bool has_changed = false;
  Told told;
  for (std::size_t place = 0; place < compiled_.size(); ++place) {
    CompiledServer& server = compiled_[place];
    const std::uint16_t limit = newest->servers[server.id.index].limit;
    const bool full = limit < kServersMax && is_full(*watch_.region(), limit);
    if (std::exchange(server.is_full, full) == full) continue;
    has_changed |= settle_duties(place, false, told);
    if (full) tell_full(names_of({server.id}, *newest).front());
  }
  for (std::uint16_t farm = 0; farm < newest->farm_count && farm < kFarmsMax; ++farm) {
    if (newest->limits[limit_of(FarmId{farm})].high == 0 || !is_full(*watch_.region(), limit_of(FarmId{farm})))
      continue;
    tell_full(fmt::format("farm {}", newest->farms[farm].name.view()));
  }
  if (has_changed) publish_soon(std::max<std::chrono::nanoseconds>(kHealthSettles, publish_took_ * kPublishShare));
}

std::uint32_t Control::unix_seconds() {
  using std::chrono::system_clock;
  return static_cast<std::uint32_t>(system_clock::to_time_t(system_clock::now()));
}

// Servers that have left, or are in maintenance: when the last connection has ended, or the farm's time for them.
void Control::watch_leaving() {
  const std::chrono::nanoseconds now = monotonic_now();
  const Snapshot* newest = publisher_.newest();
  if (newest == nullptr || now - leaving_seen_at_ < kLeavingPeriod) return;
  leaving_seen_at_ = now;
  const std::size_t count = std::min<std::size_t>(newest->server_count, kServersMax);
  for (std::uint16_t i = 0; i < count; ++i) {
    const ServerRow& row = newest->servers[i];
    if (row.state != ServerState::leaving && row.state != ServerState::maintenance) continue;
    const bool is_empty = connections_of(*watch_.region(), {i, row.generation}) == 0;
    const FarmRow& farm = newest->farms[newest->services[row.service.value].farm.value % kFarmsMax];
    const bool is_late = row.flows == Flows::go_on_for_a_time && unix_seconds() - row.left_at >= farm.drain_time_s;
    if (is_late || (is_empty && row.state == ServerState::leaving)) return publish_soon(std::chrono::nanoseconds{0});
  }
}

roster::Member Control::member_of(std::size_t place) const {
  const CompiledServer& server = compiled_[place];
  const model::Server& one = compiled_model_->farms[server.farm].servers[server.server];
  const roster::Standing standing = standing_of(compiled_, place);
  return {one.role,          one.state,           one.weight,     standing.health,
          server.duty.state, standing.because_of, server.is_full, false};
}

ServerState Control::state_of(const ServerEndpoint& endpoint) const {
  const auto target = target_of(endpoint.farm, endpoint.address, endpoint.service_port);
  if (!target) return ServerState::up;
  const TargetHealth* health = checker_.find(*target);
  if (health == nullptr || health->judgement.health == Health::unknown) return ServerState::untested;
  return health->judgement.health == Health::up ? ServerState::up : ServerState::down;
}

}  // namespace fulcrum
