#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <span>
#include <vector>

#include "control/surface/local/answers.h"
#include "control/surface/local/explain.h"
#include "control/surface/local/words.h"
#include "dataplane/base/clock.h"

namespace fulcrum::surface {
namespace {

using nlohmann::json;
using Found = ExplainAnswer::Found;
using Bound = ExplainAnswer::Bound;
using Outcome = ExplainAnswer::Outcome;

constexpr std::array<std::string_view, kStages> kStageWords{"parse",    "classify", "lookup",
                                                            "schedule", "track",    "rewrite"};

std::string_view verdict(Outcome outcome) {
  return outcome == Outcome::send ? "send" : outcome == Outcome::punt ? "punt" : "drop";
}

// Sentences and paths of one stage, and which stage it is.
struct Chapter {
  Stage stage;
  json text = json::array();
  json because = json::array();
};

class Report {
 public:
  Report(const View& view, const ExplainRequest& request, const ExplainQuestion& question, const ExplainAnswer& answer,
         const Snapshot& snapshot)
      : view_{view}, request_{request}, question_{question}, answer_{answer}, snapshot_{snapshot} {}

  [[nodiscard]] json write() const {
    json report{{"dataplane", dataplane_part(view_)},
                {"configuration", configuration()},
                {"packet", packet()},
                {"outcome",
                 {{"action", verdict(answer_.outcome)},
                  {"drop", answer_.outcome == Outcome::drop ? json(name(answer_.drop)) : json()},
                  {"ended_at", kStageWords[static_cast<std::size_t>(answer_.ended_at)]},
                  {"text", outcome_text()}}}};
    report["service"] = service_part();
    report["connection"] = connection_part();
    report["persistence"] = persistence_part();
    report["servers"] = servers_part();
    report["servers_total"] = answer_.servers_total;
    report["rewrite"] = rewrite_part();
    report["stages"] = stages();
    report["revisions"] = revisions(report);
    return report;
  }

 private:
  [[nodiscard]] const ServiceRow* service() const {
    return answer_.service < kServicesMax ? &snapshot_.services[answer_.service] : nullptr;
  }
  [[nodiscard]] std::string farm() const {
    const ServiceRow* row = service();
    return row == nullptr || row->farm.value >= kFarmsMax ? ""
                                                          : std::string{snapshot_.farms[row->farm.value].name.view()};
  }
  [[nodiscard]] std::string server_name(std::size_t row) const {
    return row < kServersMax ? std::string{snapshot_.server_names[row].view()} : "?";
  }
  [[nodiscard]] std::string farm_path() const { return "farms." + farm(); }
  [[nodiscard]] std::string server_path(std::size_t row) const { return farm_path() + ".servers." + server_name(row); }
  [[nodiscard]] std::string port_name(PortId port) const {
    return port.value < kPortsMax ? std::string{view_.region->header().ports[port.value].name.view()} : "?";
  }
  [[nodiscard]] bool ended_before(Stage stage) const { return answer_.ended_at < stage; }
  [[nodiscard]] std::string drop_text() const {
    return std::string{kDropReasonTable[static_cast<std::size_t>(answer_.drop) % kDropReasons].means};
  }
  [[nodiscard]] std::uint32_t idle_s(Tick since) const { return elapsed(since, answer_.now) / kTicksPerSecond; }

  [[nodiscard]] json configuration() const {
    const bool draft = (answer_.generation & kDraftMark) != 0;
    const auto revision = view_.revision_of ? view_.revision_of(answer_.model_hash) : std::nullopt;
    return {{"generation", draft ? json() : json(answer_.generation)},
            {"model_hash", fmt::format("{:016x}", answer_.model_hash)},
            {"in_force", !draft},
            {"candidate", request_.candidate.empty() ? json() : json(request_.candidate)},
            {"revision", request_.revision != 0 ? json(request_.revision)
                         : revision             ? json(*revision)
                                                : json()}};
  }

  [[nodiscard]] json packet() const {
    json part{{"protocol", word_of(question_.protocol)},
              {"source", endpoint(question_.source, question_.source_port.host())},
              {"destination", endpoint(question_.destination, question_.destination_port.host())},
              {"ttl", question_.ttl},
              {"bytes", answer_.before.length},
              {"port", port_name(question_.port)},
              {"worker", question_.worker.value}};
    part["flags"] = question_.protocol == Protocol::tcp ? json(question_.tcp_flags) : json();
    return part;
  }
  [[nodiscard]] static std::string_view word_of(Protocol protocol) { return surface::word(protocol); }

  [[nodiscard]] json service_part() const {
    const ServiceRow* row = service();
    if (row == nullptr) return nullptr;
    return {{"farm", farm()},
            {"address", endpoint(row->address, row->port.host())},
            {"last_port", (is_range(*row) ? row->last_port : row->port).host()},
            {"protocol", word(row->protocol)},
            {"mode", word(row->mode)},
            {"one_packet", row->one_packet != 0},
            {"scheduler", word(row->scheduler)},
            {"scheduler_goes_by", goes_by(*row)},
            {"direction", answer_.to_client != 0 ? "to_client" : "to_server"},
            {"path", farm_path()}};
  }

  [[nodiscard]] static std::string goes_by(const ServiceRow& row) {
    return surface::goes_by(row.scheduler, draws_always(row.scheduler) || row.schedule_length > kScannedMax);
  }

  [[nodiscard]] json connection_part() const {
    json part{{"found", answer_.found != Found::none}, {"opens", answer_.opens != 0}};
    if (answer_.found != Found::none) {
      const ConnectionEntry& entry = answer_.connection;
      part["server"] = server_name(entry.server.index);
      part["state"] = word(entry.state);
      part["reason"] = word(entry.reason);
      part["idle_s"] = idle_s(entry.last_seen);
      part["used"] = answer_.found == Found::used;
    }
    if (answer_.found == Found::used || answer_.opens != 0) part["state_after"] = word(answer_.state);
    return part;
  }

  [[nodiscard]] json persistence_part() const {
    constexpr std::array<std::string_view, 5> kWords{"not_asked", "nothing", "expired", "used", "unusable"};
    json part{{"result", kWords[static_cast<std::size_t>(answer_.bound) % kWords.size()]}};
    if (answer_.bound >= Bound::expired) {
      part["server"] = member_name(answer_.bound_member);
      part["idle_s"] = answer_.bound_idle / kTicksPerSecond;
    }
    return part;
  }
  [[nodiscard]] std::string member_name(MemberId member) const {
    const std::uint16_t row = find_member(snapshot_, ServiceId{answer_.service}, member);
    return row == kNoIndex ? "one that is no longer in the farm" : server_name(row);
  }

  [[nodiscard]] json servers_part() const {
    json servers = json::array();
    const std::size_t count = std::min<std::size_t>(answer_.servers_count, kExplainServersMax);
    for (const ExplainedServer& server : std::span{answer_.servers}.first(count)) {
      const ServerRow& row = snapshot_.servers[server.id.index % kServersMax];
      json part{{"name", server_name(server.id.index)},
                {"address", endpoint(row.address, row.port.host())},
                {"state", word(server.state)},
                {"weight", server.weight},
                {"active_connections", server.active},
                {"is_full", server.is_full != 0},
                {"chosen", server.id.index == answer_.server},
                {"path", server_path(server.id.index)}};
      part["connections_max"] = server.limit != 0 ? json(server.limit) : json();
      part["reason"] = failed_port(row);
      part["operator"] = operator_part(view_, farm(), server_name(server.id.index));
      part["turn"] = server.turn == ExplainedServer::no_turn ? json() : json(server.turn);
      part["score"] = server.score == ExplainedServer::no_score ? json() : json(server.score);
      part["slots"] = slots(server.id.index);
      servers.push_back(std::move(part));
    }
    return servers;
  }

  // How many slots of the service's table lead to the server, where the client decides.
  [[nodiscard]] json slots(std::uint16_t server) const {
    const ServiceRow& row = *service();
    if (!is_by_client(row.scheduler) || row.slots >= kSlotTablesMax) return nullptr;
    const SlotTable& table = snapshot_.slot_tables[row.slots];
    const auto schedule = std::span{snapshot_.schedule};
    const auto positions = schedule.subspan(table.offset, table.length);
    return std::count_if(positions.begin(), positions.end(),
                         [&](std::uint16_t position) { return schedule[row.schedule_offset + position] == server; });
  }

  // Which port the server failed on, where it is another one that this is bound to.
  [[nodiscard]] json failed_port(const ServerRow& row) const {
    if (row.failed_service.value >= kServicesMax) return nullptr;
    const ServiceRow& failed = snapshot_.services[row.failed_service.value];
    return fmt::format("{} port {} is not up, and the farm's ports are bound", word_of(failed.protocol),
                       failed.port.host());
  }

  [[nodiscard]] json rewrite_part() const {
    if (answer_.outcome == Outcome::drop) return nullptr;
    json part{{"port", port_name(answer_.out)}, {"to", answer_.outcome == Outcome::send ? "wire" : "linux"}};
    if (answer_.ended_at != Stage::rewrite) return part;
    Mac mac;
    std::memcpy(mac.bytes.data(), answer_.after.bytes.data(), sizeof mac);
    part["next_hop"] = answer_.next_hop.text();
    part["next_hop_mac"] = answer_.outcome == Outcome::send ? json(mac.text()) : json();
    if (const auto [from, to] = changed_endpoint(); from != to) part["readdressed"] = {{"from", from}, {"to", to}};
    return part;
  }
  // The endpoint of the packet that NAT replaces, and by what.
  [[nodiscard]] std::pair<std::string, std::string> changed_endpoint() const {
    const ServiceRow* row = service();
    if (row == nullptr || row->mode == Mode::dsr || answer_.server >= kServersMax) return {};
    const ServerRow& server = snapshot_.servers[answer_.server];
    const auto offset = answer_.to_client != 0
                            ? port_offset(server, question_.source_port)
                            : static_cast<std::uint16_t>(question_.destination_port.host() - row->port.host());
    const std::string outside = endpoint(row->address, port_behind(row->port, offset).host());
    const std::string inside = endpoint(server.address, port_behind(server.port, offset).host());
    return answer_.to_client != 0 ? std::pair{inside, outside} : std::pair{outside, inside};
  }

  [[nodiscard]] std::string outcome_text() const {
    switch (answer_.outcome) {
      case Outcome::drop:
        if (answer_.answer == fulcrum::Answer::none) return "Dropped: " + drop_text() + ".";
        return fmt::format("Dropped: {}. The sender gets: {}.", drop_text(),
                           kAnswerTable[static_cast<std::size_t>(answer_.answer) % kAnswers].means);
      case Outcome::punt:
        return answer_.neighbour_wanted != 0
                   ? fmt::format("Sent by way of Linux, by port {}: the MAC address of {} is not known yet.",
                                 port_name(answer_.out), answer_.next_hop.text())
                   : fmt::format("Given to Linux, as received on port {}.", port_name(answer_.out));
      case Outcome::send:
        break;
    }
    return answer_.to_client != 0 ? fmt::format("Sent to the client by port {}.", port_name(answer_.out))
                                  : fmt::format("Sent to server {} of farm {} by port {}.", server_name(answer_.server),
                                                farm(), port_name(answer_.out));
  }

  [[nodiscard]] json stages() const {
    json all = json::array();
    for (std::size_t i = 0; i < kStages; ++i) {
      const auto stage = static_cast<Stage>(i);
      if (ended_before(stage)) break;
      Chapter chapter{.stage = stage};
      tell(chapter);
      if (answer_.ended_at == stage) chapter.text.push_back(outcome_text());
      all.push_back({{"stage", kStageWords[i]}, {"text", chapter.text}, {"because", chapter.because}});
    }
    return all;
  }

  // Which revision brought each of the settings that the report names; of a candidate's own changes none.
  [[nodiscard]] json revisions(const json& report) const {
    json found = json::object();
    const std::uint64_t upto = request_.revision != 0 ? request_.revision : UINT64_MAX;
    const auto add = [&](const json& path) {
      if (!path.is_string() || !view_.changed_by || found.contains(path.get<std::string>())) return;
      const auto revision = view_.changed_by(path.get<std::string>(), upto);
      found[path.get<std::string>()] = revision ? json(*revision) : json();
    };
    for (const json& stage : report["stages"]) {
      for (const json& path : stage["because"]) add(path);
    }
    for (const json& server : report["servers"]) add(server["path"]);
    return found;
  }

  void tell(Chapter& chapter) const {
    switch (chapter.stage) {
      case Stage::parse:
        if (ended_before(Stage::classify)) return;
        chapter.text.push_back(
            fmt::format("The packet is whole: {} bytes, checksums are right.", answer_.before.length));
        return;
      case Stage::classify:
        return tell_classify(chapter);
      case Stage::lookup:
        return tell_lookup(chapter);
      case Stage::schedule:
        return tell_schedule(chapter);
      case Stage::track:
        if (keeps_none()) return chapter.text.push_back("The packet is counted for its server.");
        chapter.text.push_back(fmt::format("The connection is {} after this packet.", word(answer_.state)));
        chapter.because.push_back(farm_path() + ".timeouts");
        return;
      case Stage::rewrite:
        return tell_rewrite(chapter);
    }
  }

  void tell_classify(Chapter& chapter) const {
    const ServiceRow* row = service();
    if (row == nullptr) return tell_place(chapter);
    const std::string where = place_of(*row);
    chapter.text.push_back(answer_.to_client != 0
                               ? fmt::format("The source is a server of service {} of farm {}.", where, farm())
                               : fmt::format("The destination is service {} of farm {}.", where, farm()));
    chapter.because.push_back(farm_path() + ".addresses");
    chapter.because.push_back(farm_path() + ".ports");
  }

  [[nodiscard]] static std::string place_of(const ServiceRow& row) {
    return fmt::format("{}{}/{}", endpoint(row.address, row.port.host()),
                       is_range(row) ? fmt::format("-{}", row.last_port.host()) : "", word(row.protocol));
  }

  // Whose address it is on which no service was found.
  void tell_place(Chapter& chapter) const {
    const std::string address = question_.destination.text();
    if (answer_.route.kind == RouteKind::local) {
      chapter.text.push_back(fmt::format("{} is an address of the box itself.", address));
      return chapter.because.push_back("ports");
    }
    constexpr std::size_t kShown = 8;
    std::vector<std::string> places;
    std::set<std::string> farms;
    for (const ServiceRow& row : std::span{snapshot_.services}.first(snapshot_.service_count)) {
      if (row.in_use != kServes || row.address != question_.destination || row.farm.value >= kFarmsMax) continue;
      farms.emplace(snapshot_.farms[row.farm.value].name.view());
      places.push_back(places.size() < kShown ? place_of(row) : "...");
      if (places.size() > kShown) break;
    }
    if (places.empty()) return;
    chapter.text.push_back(fmt::format("{} is an address of farm {}, which serves {}.", address,
                                       fmt::join(farms, " and of farm "), fmt::join(places, ", ")));
    for (const std::string& farm : farms) chapter.because.push_back("farms." + farm + ".ports");
  }

  [[nodiscard]] bool keeps_none() const { return service() != nullptr && service()->one_packet != 0; }

  void tell_lookup(Chapter& chapter) const {
    if (keeps_none()) {
      chapter.text.push_back("The service keeps no connections: each packet is scheduled by itself.");
      chapter.because.push_back(farm_path() + ".ports");
      return;
    }
    if (answer_.found == Found::none) {
      chapter.text.push_back("There is no connection with these addresses and ports.");
      return;
    }
    const ConnectionEntry& entry = answer_.connection;
    chapter.text.push_back(fmt::format("There is a connection, {}, with server {}, idle for {} s.", word(entry.state),
                                       server_name(entry.server.index), idle_s(entry.last_seen)));
    chapter.text.push_back(fmt::format("It went there {}.", why(entry.reason)));
  }

  void tell_schedule(Chapter& chapter) const {
    switch (answer_.found) {
      case Found::used:
        chapter.text.push_back("It goes on with its server; nothing is chosen.");
        return;
      case Found::server_left:
        chapter.text.push_back("The connection is forgotten: its server is no longer in the farm.");
        break;
      case Found::over:
        chapter.text.push_back("The old connection is over: the client begins a new one in its place.");
        break;
      case Found::server_down:
        chapter.text.push_back("The client begins anew, and the connection's server takes no new connection.");
        break;
      case Found::resets:
        chapter.because.push_back(farm_path() + ".removed_flows");
        return;
      case Found::none:
        break;
    }
    if (answer_.drop == Drop::farm_full) {
      chapter.because.push_back(farm_path() + ".connections_max");
    } else {
      tell_full(chapter);
    }
    if (answer_.drop == Drop::no_server || answer_.drop == Drop::servers_full || answer_.drop == Drop::farm_full ||
        answer_.drop == Drop::port_taken)
      chapter.because.push_back(farm_path() + ".no_server");
    tell_persistence(chapter);
    if (keeps_none() && answer_.to_client != 0) {
      chapter.text.push_back("Nothing is chosen: the server's port says which service it answers for.");
    }
    if (answer_.alone != 0 && answer_.server < kServersMax) {
      chapter.text.push_back(
          fmt::format("This packet goes to server {}: {}.", server_name(answer_.server), why(answer_.reason)));
      tell_choice(chapter);
    }
    if (answer_.table_full != 0 && !keeps_none())
      chapter.text.push_back("The connection table has no room for another one.");
    if (answer_.opens == 0 || answer_.server >= kServersMax) return;
    chapter.text.push_back(fmt::format("A new connection is opened with server {}: {}.", server_name(answer_.server),
                                       why(answer_.reason)));
    tell_choice(chapter);
  }

  // What led to the server that was chosen.
  void tell_choice(Chapter& chapter) const {
    chapter.because.push_back(server_path(answer_.server));
    if (answer_.reason == Reason::persistence) return;
    chapter.text.push_back(goes_by(*service()));
    chapter.because.push_back(farm_path() + ".scheduler");
  }

  // Who is passed over because of a limit.
  void tell_full(Chapter& chapter) const {
    const std::size_t count = std::min<std::size_t>(answer_.servers_count, kExplainServersMax);
    for (const ExplainedServer& server : std::span{answer_.servers}.first(count)) {
      if (server.is_full == 0) continue;
      chapter.text.push_back(
          fmt::format("Server {} is full: it may have {} connections.", server_name(server.id.index), server.limit));
      chapter.because.push_back(server_path(server.id.index) + ".connections_max");
    }
  }

  void tell_persistence(Chapter& chapter) const {
    switch (answer_.bound) {
      case Bound::not_asked:
        if (answer_.opens == 0) return;
        chapter.text.push_back("The farm binds no client to a server.");
        break;
      case Bound::nothing:
        chapter.text.push_back("The client is not bound to a server yet.");
        break;
      case Bound::expired:
        chapter.text.push_back(fmt::format("The client's binding to {} has not been used for {} s and is over.",
                                           member_name(answer_.bound_member), answer_.bound_idle / kTicksPerSecond));
        break;
      case Bound::used:
        chapter.text.push_back(fmt::format("The client is bound to {}.", member_name(answer_.bound_member)));
        break;
      case Bound::unusable:
        chapter.text.push_back(fmt::format("The client is bound to {}, which takes no new connection.",
                                           member_name(answer_.bound_member)));
        break;
    }
    chapter.because.push_back(farm_path() + ".persistence");
  }

  [[nodiscard]] std::string why(Reason reason) const {
    const ServiceRow* row = service();
    const std::string scheduler{row == nullptr ? "" : word(row->scheduler)};
    if (names_scheduler(reason)) return fmt::format("by the scheduler, {}", word(scheduler_of(reason)));
    switch (reason) {
      case Reason::scheduler:
        return fmt::format("by the scheduler, {}", scheduler);
      case Reason::persistence:
        return "because an earlier connection of the client went there";
      case Reason::fallback:
        return fmt::format("by the scheduler, {}, because the client's own server could not be used", scheduler);
      case Reason::spare:
        return "because the servers that the scheduler came to are full and it has room";
      case Reason::stand_in:
        return "because nobody else could take it: it comes in from the reserve";
      case Reason::port_taken:
        return "because at the scheduler's choice the client's port has a connection through another service";
      case Reason::by_scheduler:
        break;  // above
    }
    return "for a reason that this release does not know";
  }

  void tell_rewrite(Chapter& chapter) const {
    if (const auto [from, to] = changed_endpoint(); from != to && answer_.outcome != Outcome::drop) {
      chapter.text.push_back(
          fmt::format("{} {} becomes {}.", answer_.to_client != 0 ? "Source" : "Destination", from, to));
    }
    if (service() != nullptr && service()->mode == Mode::dsr) {
      chapter.text.push_back("Addresses stay as they are (direct server return).");
      chapter.because.push_back(farm_path() + ".mode");
    }
    chapter.because.push_back("ports." + port_name(answer_.out));
    if (answer_.outcome != Outcome::send) return;
    Mac mac;
    std::memcpy(mac.bytes.data(), answer_.after.bytes.data(), sizeof mac);
    chapter.text.push_back(fmt::format("The next hop is {} ({}).", answer_.next_hop.text(), mac.text()));
  }

  const View& view_;
  const ExplainRequest& request_;
  const ExplainQuestion& question_;
  const ExplainAnswer& answer_;
  const Snapshot& snapshot_;
};

}  // namespace

json explain_answer(const View& view, const ExplainRequest& request, const ExplainQuestion& question,
                    const ExplainAnswer& answer, const Snapshot& snapshot) {
  if (answer.status != ExplainAnswer::Status::answered) {
    return error_answer("failed", answer.status == ExplainAnswer::Status::stale
                                      ? "the configuration changed in this moment: ask again"
                                      : "the dataplane does not understand the question");
  }
  return Report{view, request, question, answer, snapshot}.write();
}

}  // namespace fulcrum::surface
