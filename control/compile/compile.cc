#include "control/compile/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "control/compile/bind_ports.h"
#include "control/compile/enter.h"
#include "control/compile/fill_limits.h"
#include "control/compile/fill_routes.h"
#include "control/compile/leaving.h"
#include "control/compile/members.h"
#include "control/compile/plan.h"
#include "control/compile/ranges.h"
#include "control/compile/rows.h"
#include "control/compile/schedules.h"
#include "dataplane/base/checksum.h"

namespace fulcrum {
namespace {

std::uint32_t persistence_s(const model::Farm& farm) {
  if (farm.persistence.type == model::PersistenceType::none) return 0;
  return static_cast<std::uint32_t>(farm.persistence.timeout.count());
}

tl::unexpected<Error> too_many(std::string_view what, std::size_t room) {
  return fail(Error::Code::limit, "farms",
              fmt::format("more than {} {}, which is what the box has room for", room, what));
}

class Compiler {
 public:
  Compiler(const CompileInput& input, Snapshot& into) : input_{input}, into_{into}, previous_{input.previous} {}

  Result<std::vector<CompiledServer>> run() {
    into_.generation = input_.generation;
    into_.model_hash = input_.model_hash;
    plan();
    if (services_.size() > kServicesMax) return too_many("services", kServicesMax);
    if (servers_.size() > kServersMax) return too_many("servers of services", kServersMax);
    if (input_.model.farms.size() > kFarmsMax) return too_many("farms", kFarmsMax);
    bind_ports(services_, servers_);
    give_service_ids();
    give_farm_ids();
    give_server_ids();
    give_duties();
    give_members(input_.model, previous_, services_, farm_ids_, servers_, into_);
    if (const auto done = fill_routes(input_, services_, leaving_services_, into_.routes); !done)
      return tl::unexpected<Error>{done.error()};
    fill_services();
    fill_servers();
    fill_leaving();
    fill_wide(std::move(wide_), into_);
    fill_limits(input_.model, services_, servers_, leaving_, into_);
    if (const auto done = fill_schedules(); !done) return tl::unexpected<Error>{done.error()};
    return compiled();
  }

 private:
  // What rows there will be, in the order of the model. Gives up once there are too many.
  void plan() {
    const auto& farms = input_.model.farms;
    for (std::size_t f = 0; f < farms.size(); ++f) {
      for (const Address& address : farms[f].addresses) {
        for (std::uint16_t p = 0; p < farms[f].ports.size(); ++p) {
          if (services_.size() > kServicesMax || servers_.size() > kServersMax) return;
          const model::ServicePort& port = farms[f].ports[p];
          services_.push_back({&farms[f], static_cast<std::uint32_t>(f), &port, p,
                               ServiceKey{address, Be16{port.port}, port.protocol}, std::nullopt});
          plan_servers(farms[f], services_.back());
        }
      }
    }
  }

  void plan_servers(const model::Farm& farm, const PlannedService& service) {
    const Be16 port{farm.server_port_of(*service.port)};
    for (std::size_t s = 0; s < farm.servers.size(); ++s) {
      const model::Server& server = farm.servers[s];
      const Address* address = server.address_of(service.key.address.family());
      if (address == nullptr) continue;
      PlannedServer planned{.service = static_cast<std::uint32_t>(services_.size() - 1),
                            .server_index = static_cast<std::uint32_t>(s),
                            .server = &server,
                            .address = *address,
                            .port = port,
                            .next_bound = static_cast<std::uint32_t>(servers_.size())};
      const auto& key = service.key;
      if (input_.state) planned.health = input_.state({farm, server, *address, port, key.protocol, *service.port});
      planned.standing = {planned.health};
      servers_.push_back(planned);
    }
  }

  void give_farm_ids() {
    const auto& farms = input_.model.farms;
    std::unordered_map<std::string_view, std::uint16_t> before;
    for (std::size_t i = 0; previous_ != nullptr && i < kFarmsMax; ++i) {
      const std::string_view name = previous_->farms[i].name.view();
      if (!name.empty()) before.emplace(name, static_cast<std::uint16_t>(i));
    }
    into_.farms.fill(FarmRow{});
    farm_ids_.assign(farms.size(), kNoIndex);
    const auto named = [&](std::size_t f) {
      const auto found = before.find(farms[f].name);
      return found == before.end() ? kNoIndex : found->second;
    };
    keep_farms([&](std::size_t f, std::uint16_t id) { return id == named(f); });
    keep_farms([](std::size_t, std::uint16_t) { return true; });
    for (std::size_t f = 0; f < farms.size(); ++f) {
      const std::uint16_t id = named(f);
      if (farm_ids_[f] == kNoIndex && id != kNoIndex && is_free_farm(id)) take_farm(f, id);
    }
    keep_farms_by_address();
    keep_leaving_farms();
    std::uint16_t free = 0;
    for (std::size_t f = 0; f < farms.size(); ++f) {
      if (farm_ids_[f] != kNoIndex) continue;
      while (!into_.farms[free].name.view().empty()) ++free;
      take_farm(f, free);
    }
    into_.farm_count = 0;
    for (std::uint16_t id = 0; id < kFarmsMax; ++id) {
      if (!into_.farms[id].name.view().empty()) into_.farm_count = id + 1U;
    }
  }
  [[nodiscard]] bool is_free_farm(std::uint16_t id) const {
    return id < kFarmsMax && into_.farms[id].name.view().empty();
  }
  // A farm goes on with the id of one whose services it has, if that `may` be.
  template <class May>
  void keep_farms(May may) {
    for (std::size_t s = 0; s < services_.size(); ++s) {
      const std::uint32_t farm = services_[s].farm_index;
      if (!service_is_kept_[s] || farm_ids_[farm] != kNoIndex) continue;
      const std::uint16_t id = previous_->services[*services_[s].row].farm.value;
      if (is_free_farm(id) && may(farm, id)) take_farm(farm, id);
    }
  }
  // Those that got another name and other ports.
  void keep_farms_by_address() {
    if (previous_ == nullptr || std::count(farm_ids_.begin(), farm_ids_.end(), kNoIndex) == 0) return;
    std::unordered_map<ServiceKey, std::uint16_t, KeyHash> before;
    for (const ServiceRow& row : previous_->services) {
      if (row.in_use == kServes) before.emplace(ServiceKey{row.address, Be16{0}, Protocol{}}, row.farm.value);
    }
    for (const PlannedService& service : services_) {
      if (farm_ids_[service.farm_index] != kNoIndex) continue;
      const auto found = before.find(ServiceKey{service.key.address, Be16{0}, Protocol{}});
      if (found != before.end() && is_free_farm(found->second)) take_farm(service.farm_index, found->second);
    }
  }
  // Whose addresses and ports are leaving, all of them or some.
  void keep_leaving_farms() {
    std::size_t room = kFarmsMax - farm_ids_.size();
    for (const std::uint16_t service : leaving_services_) {
      const std::uint16_t farm = previous_->services[service].farm.value;
      if (room == 0 || !into_.farms[farm].name.view().empty()) continue;
      --room;
      into_.farms[farm] = previous_->farms[farm];
    }
  }
  void take_farm(std::size_t farm, std::uint16_t id) {
    farm_ids_[farm] = id;
    into_.farms[id].name = Name{input_.model.farms[farm].name};
    into_.farms[id].persistence_s = persistence_s(input_.model.farms[farm]);
    into_.farms[id].slow_start_s = static_cast<std::uint32_t>(input_.model.farms[farm].slow_start.count());
    into_.farms[id].drain_time_s = static_cast<std::uint32_t>(input_.model.farms[farm].drain_time.count());
    into_.farms[id].removed_flows = removed_flows(input_.model.farms[farm]);
  }

  void give_service_ids() {
    std::unordered_map<ServiceKey, std::uint16_t, KeyHash> before;
    for (std::size_t i = 0; previous_ != nullptr && i < kServicesMax; ++i) {
      const ServiceRow& row = previous_->services[i];
      if (row.in_use != 0)
        before.emplace(ServiceKey{row.address, row.port, row.protocol}, static_cast<std::uint16_t>(i));
    }
    std::vector<bool> kept(kServicesMax);
    for (PlannedService& service : services_) {
      const auto found = before.find(service.key);
      if (found == before.end() || kept[found->second]) continue;
      service.row = found->second;
      kept[found->second] = true;
    }
    keep_overlapping(previous_, services_, kept);
    leaving_services_ = leaving_services(input_, services_, kept);
    service_stays_ = kept;
    FreeRows free = free_services(previous_, kept, input_.generation, into_);
    for (PlannedService& service : services_) {
      service_is_kept_.push_back(service.row.has_value());
      if (!service.row) service.row = free.take();
    }
  }

  // First by everything, so that of several servers at one endpoint each goes on with its own row; then without the
  // name, for those that were renamed.
  void give_server_ids() {
    std::vector<bool> kept(kServersMax);
    keep_rows(true, kept);
    const auto has_none = [](const PlannedServer& server) { return !server.row; };
    if (std::any_of(servers_.begin(), servers_.end(), has_none)) keep_rows(false, kept);
    leaving_ = leaving_servers(input_, service_stays_, servers_.size(), kept);
    FreeRows free = free_servers(previous_, kept, input_.generation, into_);
    for (PlannedServer& server : servers_) {
      server.is_kept = server.row.has_value();
      if (server.row) continue;
      server.row = free.take();
      ServerRow& row = into_.servers[*server.row];
      row.generation = next_generation(row.generation);
    }
  }
  void keep_rows(bool by_name, std::vector<bool>& kept) {
    std::unordered_map<ServerKey, std::uint16_t, KeyHash> before;
    before.reserve(servers_.size() * 2);
    for (std::uint16_t i = 0; previous_ != nullptr && i < kServersMax; ++i) {
      const ServerRow& row = previous_->servers[i];
      if (kept[i] || !is_row_of_server(row) || row.service.value >= kServicesMax) continue;
      const auto name = by_name ? previous_->server_names[i].view() : std::string_view{};
      const Be16 offset = offset_of(row.port, previous_->services[row.service.value].port);
      const auto [same, is_first] = before.try_emplace(ServerKey{row.service.value, row.address, offset, name}, i);
      // One of them may have left when the farm's mode changed.
      if (!is_first && previous_->servers[same->second].state == ServerState::leaving) same->second = i;
    }
    for (PlannedServer& server : servers_) {
      if (server.row || !service_is_kept_[server.service] || works_otherwise(services_[server.service])) continue;
      const auto name = by_name ? std::string_view{server.server->name} : std::string_view{};
      const Be16 offset = offset_of(server.port, services_[server.service].key.port);
      const auto found = before.find({*services_[server.service].row, server.address, offset, name});
      if (found == before.end() || kept[found->second]) continue;
      server.row = found->second;
      kept[found->second] = true;
    }
  }
  // A connection was set up the way its service worked, readdressed or not, and cannot go on the other way: the rows
  // that have such connections leave, whoever they were, and other rows take the new ones.
  [[nodiscard]] bool works_otherwise(const PlannedService& service) const {
    return previous_->services[*service.row].mode != service.farm->mode;
  }
  // A server is who it was as long as each port of the service leads to the same of its ports.
  static Be16 offset_of(Be16 server, Be16 service) {
    return Be16{static_cast<std::uint16_t>(server.host() - service.host())};
  }

  // By service, from what is in force.
  void give_duties() {
    std::vector<roster::Member> members;
    for (std::size_t first = 0; first < servers_.size(); first += members.size()) {
      const std::uint32_t service = servers_[first].service;
      members.clear();
      for (std::size_t i = first; i < servers_.size() && servers_[i].service == service; ++i) {
        PlannedServer& planned = servers_[i];
        const ServerState before = planned.is_kept ? previous_->servers[*planned.row].state : ServerState::unused;
        const std::uint16_t limit = planned.is_kept ? previous_->servers[*planned.row].limit : kNoIndex;
        planned.is_full =
            planned.server->connections_max != 0 && limit < kServersMax && input_.is_full && input_.is_full(limit);
        members.push_back({planned.server->role, planned.server->state, planned.server->weight, planned.standing.health,
                           before, planned.standing.because_of, planned.is_full,
                           input_.is_called_back && input_.is_called_back(*services_[service].farm, *planned.server)});
      }
      const auto duties = roster::duties(members, services_[service].farm->standbys);
      for (std::size_t i = 0; i < duties.size(); ++i) servers_[first + i].duty = duties[i];
    }
  }

  void fill_services() {
    into_.service_index.rows.fill(kNoIndex);
    into_.service_count = 0;
    std::vector<std::uint16_t> ranges;
    for (const PlannedService& planned : services_) {
      ServiceRow& row = into_.services[*planned.row];
      row = ServiceRow{};
      row.address = planned.key.address;
      row.port = planned.key.port;
      row.protocol = planned.key.protocol;
      row.mode = planned.farm->mode;
      row.scheduler = planned.farm->scheduler;
      row.in_use = kServes;
      row.farm = FarmId{farm_ids_[planned.farm_index]};
      const model::Timeouts& timeouts = planned.farm->timeouts;
      row.established_s = static_cast<std::uint32_t>(timeouts.established.count());
      row.embryonic_s = static_cast<std::uint16_t>(timeouts.embryonic.count());
      row.closing_s = static_cast<std::uint16_t>(timeouts.closing.count());
      row.udp_s = static_cast<std::uint16_t>(timeouts.udp.count());
      row.time_wait_s = static_cast<std::uint16_t>(timeouts.time_wait.count());
      const model::Persistence& persistence = planned.farm->persistence;
      row.no_server = planned.farm->no_server;
      row.persistence_s = persistence_s(*planned.farm);
      row.persistence_length = row.address.is_v4() ? persistence.mask_v4 : persistence.mask_v6;
      row.one_packet = planned.port->one_packet ? 1 : 0;
      if (planned.port->is_range()) {
        row.last_port = Be16{planned.port->last_port};
        ranges.push_back(*planned.row);
      } else {
        enter(into_.service_index, endpoint_home(row.address, row.port, row.protocol, into_.service_index.kSlots),
              *planned.row);
      }
      into_.service_count = std::max(into_.service_count, *planned.row + 1U);
    }
    for (const std::uint16_t leaving : leaving_services_) {
      ServiceRow& row = into_.services[leaving];
      row = previous_->services[leaving];
      row.in_use = kLeaves;
      row.server_count = 0;
      row.first_server = row.slots = kNoIndex;
      row.schedule_offset = row.schedule_length = row.usable_length = 0;
      if (is_range(row)) {
        ranges.push_back(leaving);
      } else {
        enter(into_.service_index, endpoint_home(row.address, row.port, row.protocol, into_.service_index.kSlots),
              leaving);
      }
      into_.service_count = std::max(into_.service_count, leaving + 1U);
    }
    fill_ranges(std::move(ranges), into_);
  }

  void fill_servers() {
    into_.endpoint_index.rows.fill(kNoIndex);
    into_.member_index.rows.fill(kNoIndex);
    into_.server_count = 0;
    MemberRows rows_of;
    rows_of.reserve(servers_.size());
    // From the last to the first, so that each chain begins with its first.
    for (std::size_t i = servers_.size(); i-- > 0;) {
      const PlannedServer& planned = servers_[i];
      ServiceRow& service = into_.services[*services_[planned.service].row];
      fill_server(planned, service);
      into_.servers[*planned.row].next_of_service = std::exchange(service.first_server, *planned.row);
      ++service.server_count;
      join_ring(into_, rows_of, *planned.row);
      enter(into_.member_index,
            member_home(into_.servers[*planned.row].service, planned.member, into_.member_index.kSlots), *planned.row);
      if (service.mode == Mode::nat) enter_endpoint(*planned.row, service);
      into_.server_count = std::max(into_.server_count, *planned.row + 1U);
    }
  }

  void fill_leaving() {
    for (const LeavingServer& server : leaving_) {
      ServerRow& row = into_.servers[server.row];
      row = previous_->servers[server.row];
      const ServiceRow& service = into_.services[row.service.value];
      // The service may be a range by now that begins with another port.
      row.port = port_behind(service.port, offset_of(row.port, previous_->services[row.service.value].port).host());
      set_deltas(row, service);
      row.next_of_service = row.next_same_endpoint = row.next_of_member = kNoIndex;
      row.state = ServerState::leaving;
      row.reserve_rank = 0;
      row.failed_service = ServiceId{kNoIndex};
      row.left_at = server.left_at;
      const bool must_end = previous_->services[row.service.value].mode != service.mode || row.flows == Flows::reset;
      row.flows = must_end       ? Flows::reset
                  : goes_on(row) ? Flows::go_on
                                 : flows_of(into_.farms[service.farm.value], server.left_at, input_.now_s);
      find_way(row);
      into_.server_names[server.row] = previous_->server_names[server.row];
      if (service.mode == Mode::nat) enter_endpoint(server.row, service);
      into_.server_count = std::max(into_.server_count, server.row + 1U);
    }
  }

  // Whether the port of a service that leaves is part of a range now that leads to the same server and port.
  [[nodiscard]] bool goes_on(const ServerRow& left) const {
    const ServiceRow& service = into_.services[left.service.value];
    const std::uint16_t heir = find_heir(into_, left.service.value, service.port);
    if (heir == kNoIndex || into_.services[heir].mode != service.mode) return false;
    const auto offset = static_cast<std::uint16_t>(service.port.host() - into_.services[heir].port.host());
    for (std::uint16_t row = into_.services[heir].first_server; row != kNoIndex;
         row = into_.servers[row].next_of_service) {
      const ServerRow& server = into_.servers[row];
      if (server.address == left.address && port_behind(server.port, offset) == left.port) return true;
    }
    return false;
  }

  void fill_server(const PlannedServer& planned, const ServiceRow& service) {
    ServerRow& row = into_.servers[*planned.row];
    const std::uint16_t generation = row.generation;
    row = ServerRow{};
    row.generation = generation;
    row.address = planned.address;
    row.port = planned.port;
    row.service = ServiceId{*services_[planned.service].row};
    row.weight = planned.server->weight;
    row.state = planned.duty.state;
    row.reserve_rank = reserve_rank(planned);
    row.is_healthy = planned.health == ServerState::up ? 1 : 0;
    if (planned.standing.because_of != roster::kOwnPort) {
      // The services of an address stand side by side, in the order of the farm's ports.
      const std::size_t other = planned.service - services_[planned.service].port_index + planned.standing.because_of;
      row.failed_service = ServiceId{*services_[other].row};
    }
    if (row.state == ServerState::maintenance) {
      const ServerRow* before = planned.is_kept ? &previous_->servers[*planned.row] : nullptr;
      row.left_at = before != nullptr && before->state == row.state ? before->left_at : input_.now_s;
      row.flows = flows_of(into_.farms[service.farm.value], row.left_at, input_.now_s);
    }
    row.member = planned.member;
    into_.server_freed_in[*planned.row] = 0;
    row.up_since = up_since(previous_, *planned.row, row, input_.now);
    set_deltas(row, service);
    find_way(row);
    into_.server_names[*planned.row] = Name{planned.server->name};
  }

  void find_way(ServerRow& row) const {
    row.egress = PortId{};
    row.neighbour = kNoNeighbour;
    const NextHop hop = find_route(into_, row.address);
    if (hop.kind == RouteKind::on_link || hop.kind == RouteKind::gateway) {
      row.egress = hop.port;
      row.neighbour = hop.kind == RouteKind::gateway ? hop.neighbour : neighbour_of(input_, hop.port, row.address);
    }
  }

  void enter_endpoint(std::uint16_t index, const ServiceRow& service) {
    if (is_wide(service)) return wide_.push_back(index);
    const Protocol protocol = service.protocol;
    ServerRow& row = into_.servers[index];
    const auto [first, is_new] = endpoints_.try_emplace(ServiceKey{row.address, row.port, protocol}, index);
    if (is_new) {
      enter(into_.endpoint_index, endpoint_home(row.address, row.port, protocol, into_.endpoint_index.kSlots), index);
    } else {
      row.next_same_endpoint = std::exchange(into_.servers[first->second].next_same_endpoint, index);
    }
  }

  Result<void> fill_schedules() {
    Schedules schedules{previous_, into_};
    std::size_t server = 0;
    for (std::size_t s = 0; s < services_.size(); ++s) {
      std::vector<ScheduledServer> servers;
      for (; server < servers_.size() && servers_[server].service == s; ++server) {
        const PlannedServer& planned = servers_[server];
        servers.push_back({.row = *planned.row,
                           .weight = planned.server->weight,
                           .is_usable = takes_new(planned.duty.state),
                           .identity = identity_of(planned.server->addresses.front())});
      }
      if (!schedules.add(into_.services[*services_[s].row], servers))
        return too_many("turns and slots of all schedules together", kScheduleMax);
    }
    return {};
  }

  std::vector<CompiledServer> compiled() const {
    std::vector<CompiledServer> result;
    for (const PlannedServer& server : servers_) {
      const PlannedService& service = services_[server.service];
      result.push_back({ServerId{*server.row, into_.servers[*server.row].generation}, ServiceId{*service.row},
                        service.farm_index, server.server_index, server.duty, service.port_index, server.health,
                        server.next_bound, server.is_full});
    }
    return result;
  }

  const CompileInput& input_;
  Snapshot& into_;
  const Snapshot* previous_;
  std::vector<PlannedService> services_;
  std::vector<bool> service_is_kept_;  // by planned service
  std::vector<bool> service_stays_;    // by row, those that are leaving among them
  std::vector<PlannedServer> servers_;
  std::vector<LeavingServer> leaving_;
  std::vector<std::uint16_t> wide_;              // rows of servers that are in no chain of endpoints
  std::vector<std::uint16_t> leaving_services_;  // rows
  std::vector<std::uint16_t> farm_ids_;
  std::unordered_map<ServiceKey, std::uint16_t, KeyHash> endpoints_;  // the first row of each chain
};

}  // namespace

Result<std::vector<CompiledServer>> compile(const CompileInput& input, Snapshot& into) {
  return Compiler{input, into}.run();
}

}  // namespace fulcrum
