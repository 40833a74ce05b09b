#include "control/surface/local/answers.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "control/surface/local/counter_sums.h"
#include "control/surface/local/farm_standing.h"
#include "control/surface/local/words.h"
#include "dataplane/base/version.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;

std::int64_t age_s(std::chrono::system_clock::time_point since) {
  const auto age = std::chrono::system_clock::now() - since;
  return std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(age).count(), 0);
}

void put_sums(json& into, const ServerSums& sums) {
  into["active_connections"] = sums.active - sums.closing;
  into["closing_connections"] = sums.closing;
  into["total_connections"] = sums.connections;
  into["packets_in"] = sums.packets_in;
  into["packets_out"] = sums.packets_out;
  into["bytes_in"] = sums.bytes_in;
  into["bytes_out"] = sums.bytes_out;
}

// Connections against what may be; null: there is no limit, or no dataplane that counts.
json limit_part(const View& view, std::uint16_t limit) {
  if (view.region == nullptr || limit >= kLimitsMax) return nullptr;
  const LimitRow& row = view.snapshot->limits[limit];
  if (row.high == 0) return nullptr;
  return {{"connections", held_of(*view.region, limit)},
          {"max", row.high},
          {"low", row.low},
          {"is_full", view.region->shared_loads().full[limit].load(std::memory_order_relaxed) != 0}};
}

// Of servers that have a limit of their own, by farm and server.
std::map<std::pair<std::uint32_t, std::uint32_t>, json> server_limits(const View& view) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, json> limits;
  if (view.snapshot == nullptr || view.snapshot->has_limits == 0) return limits;
  for (const CompiledServer& server : view.compiled) {
    const std::uint16_t limit = view.snapshot->servers[server.id.index].limit;
    if (limit == server.id.index) limits.emplace(std::pair{server.farm, server.server}, limit_part(view, limit));
  }
  return limits;
}

json farm_limit(const View& view, const model::Farm& farm) {
  if (view.snapshot == nullptr || view.snapshot->has_limits == 0) return nullptr;
  for (std::uint16_t i = 0; i < view.snapshot->farm_count && i < kFarmsMax; ++i) {
    if (view.snapshot->farms[i].name.view() == farm.name) return limit_part(view, limit_of(FarmId{i}));
  }
  return nullptr;
}

std::map<RowName, ServerSums> row_sums(const View& view) {
  if (view.region == nullptr || view.snapshot == nullptr) return {};
  return sums_by_row(*view.region, *view.snapshot);
}

// Well by their checks, on all of their endpoints.
std::size_t servers_up(const View& view, const model::Farm& farm) {
  const auto is_up = [&](const model::Server& server) {
    bool all = true;
    for_each_endpoint(farm, server, [&](const Address& address, const model::ServicePort& port) {
      all = all && standing_of(view, farm, address, port).health == Health::up;
    });
    return all;
  };
  return static_cast<std::size_t>(std::count_if(farm.servers.begin(), farm.servers.end(), is_up));
}

json farm_row(const View& view, const model::Farm& farm, const FarmStanding& standing,
              const std::map<std::string, ServerSums>& by_farm) {
  json row{{"name", farm.name}, {"mode", word(farm.mode)}, {"scheduler", word(farm.scheduler)}};
  row["state"] = standing.state();
  row["reason"] = standing.state() == "up" ? "" : standing.words();
  row["servers_serving"] = standing.serving;
  row["servers_up"] = servers_up(view, farm);
  row["servers_total"] = farm.servers.size();
  row["unserved"] = standing.unserved;
  json& others = row["not_serving"] = json::object();
  for (const auto& [word, names] : standing.others) others[std::string{word}] = names.size();
  row["limit"] = farm_limit(view, farm);
  const auto sums = by_farm.find(farm.name);
  put_sums(row, sums == by_farm.end() ? ServerSums{} : sums->second);
  json& services = row["services"] = json::array();
  for (const Address& address : farm.addresses) {
    for (const model::ServicePort& port : farm.ports) {
      services.push_back({{"address", address.text()},
                          {"protocol", word(port.protocol)},
                          {"port", port.port},
                          {"last_port", port.last()},
                          {"one_packet", port.one_packet}});
    }
  }
  return row;
}

// Servers that are no longer in their farms and still have connections.
json leaving_part(const View& view, const std::map<RowName, ServerSums>& sums) {
  json rows = json::array();
  std::set<RowName> told;
  const std::size_t count =
      view.snapshot != nullptr ? std::min<std::size_t>(view.snapshot->server_count, kServersMax) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ServerRow& server = view.snapshot->servers[i];
    if (server.state != ServerState::leaving || server.service.value >= kServicesMax) continue;
    const ServiceRow& service = view.snapshot->services[server.service.value];
    const std::string farm{view.snapshot->farms[service.farm.value % kFarmsMax].name.view()};
    const std::string name{view.snapshot->server_names[i].view()};
    const RowName key{farm, name, server.address.bytes(), server.port.host(), service.protocol};
    if (!told.insert(key).second) continue;
    json row{{"farm", farm},
             {"name", name},
             {"address", server.address.text()},
             {"port", server.port.host()},
             {"protocol", word(service.protocol)},
             {"since", iso_time(std::chrono::system_clock::from_time_t(server.left_at))},
             {"resets", server.flows == Flows::reset}};
    const auto found = sums.find(key);
    put_sums(row, found == sums.end() ? ServerSums{} : found->second);
    rows.push_back(std::move(row));
  }
  return rows;
}

json said_part(const roster::Said& said) {
  json part{{"who", said.who}, {"since", iso_time(said.since)}, {"for_s", age_s(said.since)}};
  part["until"] = said.until ? json(iso_time(*said.until)) : json();
  return part;
}

const model::Server* configured_server(const View& view, const std::string& farm, const std::string& server) {
  const model::Model& model = view.configured != nullptr ? *view.configured : view.model;
  for (const model::Farm& one : model.farms) {
    if (one.name != farm) continue;
    for (const model::Server& found : one.servers) {
      if (found.name == server) return &found;
    }
  }
  return nullptr;
}

}  // namespace

json operator_part(const View& view, const std::string& farm, const std::string& server) {
  const roster::ServerVerbs* verbs = view.overlay != nullptr ? view.overlay->find(farm, server) : nullptr;
  if (verbs == nullptr) return nullptr;
  const model::Server* configured = configured_server(view, farm, server);
  json part{{"state", nullptr}, {"weight", nullptr}};
  if (verbs->state) {
    part["state"] = said_part(*verbs->state);
    part["state"]["value"] = roster::word(verbs->state->value);
    part["state"]["configured"] = configured != nullptr ? json(roster::word(configured->state)) : json();
  }
  if (verbs->weight) {
    part["weight"] = said_part(*verbs->weight);
    part["weight"]["value"] = verbs->weight->value;
    part["weight"]["configured"] = configured != nullptr ? json(configured->weight) : json();
  }
  return part;
}

json dataplane_part(const View& view) {
  return {{"alive", view.dataplane_alive},
          {"waiting_for", view.waiting_for.empty() ? json{} : json{view.waiting_for}[0]},
          {"alarms", view.alarms}};
}

json error_answer(std::string_view code, std::string_view text) {
  return {{"error", {{"code", code}, {"text", text}}}};
}

json show_farms(const View& view) {
  std::map<std::string, ServerSums> by_farm;
  for (const auto& [name, sums] : row_sums(view)) by_farm[name.farm] += sums;
  json answer{{"dataplane", dataplane_part(view)}, {"farms", json::array()}};
  const auto limits = server_limits(view);
  const Duties duties = duties_to_be(view);
  for (std::uint32_t f = 0; f < view.model.farms.size(); ++f) {
    json row = farm_row(view, view.model.farms[f], farm_standing(view, duties, f), by_farm);
    row["servers_full"] = std::count_if(limits.begin(), limits.end(), [&](const auto& limit) {
      return limit.first.first == f && limit.second.is_object() && limit.second["is_full"] == true;
    });
    answer["farms"].push_back(std::move(row));
  }
  return answer;
}

json show_servers(const View& view) {
  const auto sums = row_sums(view);
  const Duties duties = duties_in_force(view);
  const auto limits = server_limits(view);
  json answer{{"dataplane", dataplane_part(view)}, {"servers", json::array()}};
  for (std::uint32_t f = 0; f < view.model.farms.size(); ++f) {
    const model::Farm& farm = view.model.farms[f];
    for (std::uint32_t s = 0; s < farm.servers.size(); ++s) {
      const model::Server& server = farm.servers[s];
      for_each_endpoint(farm, server, [&](const Address& address, const model::ServicePort& service) {
        const Standing standing = standing_of(view, farm, address, service);
        const std::uint16_t port = farm.server_port_of(service);
        const Protocol protocol = service.protocol;
        json row{{"farm", farm.name},
                 {"name", server.name},
                 {"address", address.text()},
                 {"port", port},
                 {"last_port", port + (service.last() - service.port)},
                 {"protocol", word(protocol)},
                 {"weight", server.weight},
                 {"role", word(server.role)},
                 {"wanted", word(server.state)},
                 {"state", word(standing.health)},
                 {"reason", standing.reason}};
        const auto duty = duties.find({f, s, address.is_v4(), port, protocol});
        row["operator"] = operator_part(view, farm.name, server.name);
        row["duty"] = duty != duties.end() ? json(word(duty->second)) : json();
        row["duty_reason"] = duty != duties.end() ? json(sentence(duty->second, farm)) : json();
        row["since"] = standing.since ? json(iso_time(*standing.since)) : json();
        row["began_earlier"] = standing.began_earlier;
        row["for_s"] = standing.since ? json(age_s(*standing.since)) : json();
        const auto limit = limits.find({f, s});
        row["limit"] = limit != limits.end() ? limit->second : json();
        const auto found = sums.find({farm.name, server.name, address.bytes(), port, protocol});
        put_sums(row, found == sums.end() ? ServerSums{} : found->second);
        answer["servers"].push_back(std::move(row));
      });
    }
  }
  answer["leaving"] = leaving_part(view, sums);
  return answer;
}

json show_drops(const View& view) {
  json answer{{"dataplane", dataplane_part(view)}};
  for (const char* list : {"drops", "answers", "lost_before_receive", "ports", "workers"}) answer[list] = json::array();
  const PacketSums sums = view.region != nullptr ? packet_sums(*view.region) : PacketSums{};
  answer["received"] = sums.received;
  answer["from_linux"] = sums.from_linux;
  answer["sent"] = sums.sent;
  answer["punted"] = sums.punted;
  answer["dropped"] = sums.dropped();
  answer["unaccounted"] = sums.unaccounted();
  for (const DropReason& reason : kDropReasonTable) {
    const std::uint64_t packets = sums.drops[static_cast<std::size_t>(reason.drop)];
    if (packets == 0) continue;
    answer["drops"].push_back({{"reason", reason.name}, {"packets", packets}, {"means", reason.means}});
  }
  for (const AnswerKind& kind : kAnswerTable) {
    const std::uint64_t packets = sums.answers[static_cast<std::size_t>(kind.answer)];
    if (packets != 0) answer["answers"].push_back({{"answer", kind.name}, {"packets", packets}, {"means", kind.means}});
  }
  if (view.region == nullptr) return answer;
  for (std::size_t i = 0; i < view.region->workers(); ++i) {
    const PacketSums worker = worker_packet_sums(*view.region, i);
    answer["workers"].push_back({{"worker", i},
                                 {"received", worker.received},
                                 {"from_linux", worker.from_linux},
                                 {"sent", worker.sent},
                                 {"punted", worker.punted},
                                 {"dropped", worker.dropped()}});
  }
  for (std::size_t i = 0; i < kPortsMax; ++i) {
    const PortInfo& port = view.region->header().ports[i];
    if (port.in_use == 0) continue;
    const PortSums counters = port_sums(*view.region, i);
    answer["ports"].push_back({{"name", port.name.view()},
                               {"mac", port.mac.text()},
                               {"link", word(link_of(port))},
                               {"received_packets", counters.received_packets},
                               {"received_bytes", counters.received_bytes},
                               {"sent_packets", counters.sent_packets},
                               {"sent_bytes", counters.sent_bytes}});
    for (const LossReason& reason : kLossTable) {
      const std::uint64_t packets = counters.lost[static_cast<std::size_t>(reason.loss)];
      if (packets == 0) continue;
      answer["lost_before_receive"].push_back(
          {{"port", port.name.view()}, {"reason", reason.name}, {"packets", packets}, {"means", reason.means}});
    }
  }
  return answer;
}

json show_version(const View& view) {
  json answer{{"dataplane", dataplane_part(view)}};
  answer["control"] = {{"version", version()}, {"pid", getpid()}, {"layout_version", kLayoutVersion}};
  answer["configuration"] = {
      {"file", view.config_file}, {"loaded", iso_time(view.config_loaded)}, {"rejected_since", view.config_rejected}};
  answer["snapshot_generation"] = view.snapshot != nullptr ? view.snapshot->generation : 0;
  json& workers = answer["workers"] = json::array();
  for (std::size_t i = 0; i < view.workers.size(); ++i) {
    const Publisher::WorkerView& worker = view.workers[i];
    workers.push_back({{"worker", i},
                       {"acknowledged_generation", worker.acknowledged},
                       {"commands_unread", worker.unread},
                       {"commands_waiting", worker.waiting}});
  }
  if (view.region == nullptr) return answer;
  const RegionHeader& header = view.region->header();
  answer["dataplane"]["pid"] = header.dataplane_pid.load();
  answer["dataplane"]["starts"] = header.dataplane_starts.load();
  const std::chrono::nanoseconds beat{header.dataplane_heartbeat.load()};
  answer["dataplane"]["heartbeat_age_ms"] =
      std::chrono::duration_cast<std::chrono::milliseconds>(view.now - beat).count();
  answer["region"] = {{"layout_version", header.layout_version},     {"bytes", header.total_size},
                      {"on_hugepages", view.region->on_hugepages()}, {"page_bytes", view.region->page_bytes()},
                      {"connections_max", header.shape.connections}, {"workers", header.shape.workers}};
  return answer;
}

}  // namespace fulcrum::surface
