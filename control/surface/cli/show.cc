#include "control/surface/cli/show.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/surface/cli/rates.h"
#include "control/surface/cli/table.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

std::string text(const json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t signed_number(const json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::uint64_t number(const json& row, const char* key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(signed_number(row, key), 0));
}

bool flag(const json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_boolean() && found->get<bool>();
}

const json& part(const json& row, const char* key) {
  static const json empty = json::object();
  const auto found = row.find(key);
  return found != row.end() ? *found : empty;
}

std::string endpoint(const json& row) {
  const std::string address = text(row, "address");
  return address.find(':') == std::string::npos ? address + ":" + text(row, "port")
                                                : "[" + address + "]:" + text(row, "port");
}

// What stands above a page whose numbers are not of a running box.
std::string notice(const json& answer) {
  const json& dataplane = part(answer, "dataplane");
  std::string lines;
  for (const json& alarm : part(dataplane, "alarms")) {
    if (alarm.is_string()) lines += folded("ALARM: " + alarm.get<std::string>());
  }
  if (!flag(dataplane, "alive")) lines += "The dataplane is not running.\n";
  if (const std::string waiting = text(dataplane, "waiting_for"); waiting != "-") lines += folded(waiting);
  return lines.empty() ? lines : lines + "\n";
}

std::string farms_page(const json& answer) {
  Table table{{{.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "STATE"},
               {.title = "SERVERS", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "TOTAL", .align = Align::right},
               {.title = "PACKETS", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "SERVICES", .wrap = Wrap::first}}};
  for (const json& farm : part(answer, "farms")) {
    std::string services;
    for (const json& service : part(farm, "services")) {
      if (!services.empty()) services += ' ';
      services += endpoint(service) + "/" + text(service, "protocol");
    }
    table.add({text(farm, "name"), text(farm, "state"),
               fmt::format("{}/{}", number(farm, "servers_up"), number(farm, "servers_total")),
               count_text(number(farm, "active_connections")), count_text(number(farm, "total_connections")),
               count_text(number(farm, "packets_in") + number(farm, "packets_out")),
               bytes_text(number(farm, "bytes_in") + number(farm, "bytes_out")), services});
  }
  return table.empty() ? "There are no farms in the configuration.\n" : table.text();
}

// Health where that is what keeps it from serving; else what it does in its farm.
std::string server_state(const json& server) {
  const std::string duty = text(server, "duty");
  return text(server, "state") == "up" && duty != "-" ? duty : text(server, "state");
}
// " (anna until 2026-07-24T11:57:03Z)", where an operator said so.
std::string said_by(const json& server, const char* what) {
  const json& said = part(part(server, "operator"), what);
  if (!said.is_object()) return {};
  const std::string until = text(said, "until");
  return fmt::format("; by {}{}", text(said, "who"), until == "-" ? std::string{} : " until " + until);
}
std::string server_reason(const json& server) {
  const std::string reason = text(server, "duty_reason");
  return text(server, "state") == "up" && reason != "-" && !reason.empty() ? reason : text(server, "reason");
}

std::string servers_page(const json& answer) {
  Table table{{{.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "ADDRESS", .wrap = Wrap::when_needed},
               {.title = "PORT", .align = Align::right},
               {.title = "STATE"},
               {.title = "SINCE", .wrap = Wrap::when_needed},
               {.title = "WEIGHT", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "TOTAL", .align = Align::right},
               {.title = "REASON", .wrap = Wrap::below}}};
  for (const json& server : part(answer, "servers")) {
    const std::string since = text(server, "for_s") == "-" ? "-" : span_text(signed_number(server, "for_s"));
    table.add({text(server, "farm"), text(server, "name"), text(server, "address"), text(server, "port"),
               server_state(server), since, text(server, "weight"), count_text(number(server, "active_connections")),
               count_text(number(server, "total_connections")),
               server_reason(server) + said_by(server, "state") + said_by(server, "weight")});
  }
  std::string page = table.empty() ? "There are no servers in the configuration.\n" : table.text();
  Table leaving{{{.title = "LEAVING FARM", .wrap = Wrap::when_needed},
                 {.title = "SERVER", .wrap = Wrap::when_needed},
                 {.title = "ADDRESS", .wrap = Wrap::when_needed},
                 {.title = "PORT", .align = Align::right},
                 {.title = "SINCE", .wrap = Wrap::when_needed},
                 {.title = "ACTIVE", .align = Align::right},
                 {.title = "CONNECTIONS", .wrap = Wrap::first}}};
  for (const json& server : part(answer, "leaving")) {
    leaving.add({text(server, "farm"), text(server, "name"), text(server, "address"), text(server, "port"),
                 text(server, "since"), count_text(number(server, "active_connections")),
                 flag(server, "resets") ? "are reset" : "go on"});
  }
  if (!leaving.empty()) page += "\n" + leaving.text();
  return page;
}

// Below a page of a table: how full it is, and how to go on.
std::string table_foot(const json& answer) {
  const json& table = part(answer, "table");
  std::string foot = fmt::format("\n{} of {} places in use", number(table, "live"), number(table, "capacity"));
  if (number(table, "evicted") != 0) foot += fmt::format(", {} ended to make room", number(table, "evicted"));
  if (number(table, "refused") != 0) foot += fmt::format(", {} refused since the start", number(table, "refused"));
  foot += '\n';
  if (text(answer, "next") != "-") foot += fmt::format("There are more: offset {}, or all\n", number(answer, "next"));
  return foot;
}

std::string connections_page(const json& answer) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "SERVICE", .wrap = Wrap::first},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "STATE", .wrap = Wrap::first},
               {.title = "WHY", .wrap = Wrap::first},
               {.title = "AGE", .align = Align::right},
               {.title = "IDLE", .align = Align::right},
               {.title = "BYTES", .align = Align::right}}};
  for (const json& row : part(answer, "connections")) {
    table.add({text(row, "client"), text(row, "service"), text(row, "server"), text(row, "state"), text(row, "reason"),
               short_span_text(signed_number(row, "age_s")), short_span_text(signed_number(row, "idle_s")),
               bytes_text(number(row, "bytes_in") + number(row, "bytes_out"))});
  }
  return (table.empty() ? "There are no connections.\n" : table.text()) + table_foot(answer);
}

std::string persistence_page(const json& answer) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "AGE", .align = Align::right},
               {.title = "UNUSED", .align = Align::right},
               {.title = "ENDS IN", .align = Align::right},
               {.title = "CONNECTIONS", .align = Align::right}}};
  for (const json& row : part(answer, "persistence")) {
    table.add({text(row, "client"), text(row, "farm"), text(row, "server"),
               short_span_text(signed_number(row, "age_s")), short_span_text(signed_number(row, "unused_s")),
               short_span_text(signed_number(row, "expires_s")), count_text(number(row, "connections"))});
  }
  return (table.empty() ? "No client is bound to a server.\n" : table.text()) + table_foot(answer);
}

std::string drops_page(const json& answer) {
  Table sums{{{.title = "PACKETS"}, {.title = "", .align = Align::right}, {.title = "", .wrap = Wrap::first}}};
  constexpr std::array<std::array<const char*, 2>, 6> kRows{{{"received", "from the data ports"},
                                                             {"from_linux", "from Linux, by the kernel twins"},
                                                             {"sent", "to the data ports"},
                                                             {"punted", "to Linux"},
                                                             {"dropped", "see below"},
                                                             {"unaccounted", "in, and in no way out: in flight now"}}};
  for (const auto& [key, means] : kRows) sums.add({key, fmt::format("{}", signed_number(answer, key)), means});
  std::string page = sums.text();
  Table drops{{{.title = "DROPPED BECAUSE"},
               {.title = "PACKETS", .align = Align::right},
               {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part(answer, "drops"))
    drops.add({text(row, "reason"), text(row, "packets"), text(row, "means")});
  if (!drops.empty()) page += "\n" + drops.text();
  Table answers{{{.title = "ANSWERED WITH"},
                 {.title = "PACKETS", .align = Align::right},
                 {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part(answer, "answers"))
    answers.add({text(row, "answer"), text(row, "packets"), text(row, "means")});
  if (!answers.empty()) page += "\n" + answers.text();
  Table lost{{{.title = "LOST BEFORE RECEIVE"},
              {.title = "PORT"},
              {.title = "PACKETS", .align = Align::right},
              {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part(answer, "lost_before_receive"))
    lost.add({text(row, "reason"), text(row, "port"), text(row, "packets"), text(row, "means")});
  if (!lost.empty()) page += "\n" + lost.text();
  Table ports{{{.title = "PORT"},
               {.title = "RECEIVED", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "SENT", .align = Align::right},
               {.title = "BYTES", .align = Align::right}}};
  for (const json& row : part(answer, "ports")) {
    ports.add({text(row, "name"), text(row, "received_packets"), bytes_text(number(row, "received_bytes")),
               text(row, "sent_packets"), bytes_text(number(row, "sent_bytes"))});
  }
  if (!ports.empty()) page += "\n" + ports.text();
  return page;
}

std::string version_page(const json& answer) {
  const json& control = part(answer, "control");
  const json& dataplane = part(answer, "dataplane");
  const json& configuration = part(answer, "configuration");
  std::string page;
  const auto put = [&page](std::string_view key, const std::string& value) {
    page += fmt::format("{:<22}{}\n", key, value);
  };
  put("control", fmt::format("{}, process {}", text(control, "version"), text(control, "pid")));
  put("region layout", text(control, "layout_version"));
  put("dataplane",
      flag(dataplane, "alive") ? fmt::format("running, process {}", text(dataplane, "pid")) : "not running");
  put("configuration", text(configuration, "file"));
  put("  read", text(configuration, "loaded"));
  for (const json& line : part(configuration, "rejected_since")) {
    put("  rejected since", line.is_string() ? line.get<std::string>() : line.dump());
  }
  put("snapshot generation", text(answer, "snapshot_generation"));
  for (const json& worker : part(answer, "workers")) {
    std::string state = "generation " + text(worker, "acknowledged_generation");
    if (number(worker, "commands_unread") != 0)
      state += fmt::format(", {} commands unread", number(worker, "commands_unread"));
    if (number(worker, "commands_waiting") != 0) {
      state += fmt::format(", {} waiting for room", number(worker, "commands_waiting"));
    }
    put("  worker " + text(worker, "worker"), state);
  }
  return page;
}

}  // namespace

std::string page(const std::string& what, const json& answer) {
  const std::string above = what == "version" ? std::string{} : notice(answer);
  if (what == "farms") return above + farms_page(answer);
  if (what == "servers") return above + servers_page(answer);
  if (what == "connections") return above + connections_page(answer);
  if (what == "persistence") return above + persistence_page(answer);
  if (what == "drops") return above + drops_page(answer);
  if (what == "rates") return above + rates_page(answer);
  if (what == "events") return above + events_page(answer);
  return above + version_page(answer);
}

std::string cleared_text(const std::string& what, const json& answer) {
  const std::uint64_t count = number(answer, "cleared");
  const char* one = what == "connections" ? "connection was ended" : "client was let go";
  const char* many = what == "connections" ? "connections were ended" : "clients were let go";
  return notice(answer) + fmt::format("{} {}.\n", count, count == 1 ? one : many);
}

}  // namespace fulcrum::cli
