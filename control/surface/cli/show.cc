#include "control/surface/cli/show.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/surface/cli/answer_parts.h"
#include "control/surface/cli/health.h"
#include "control/surface/cli/rates.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

// "80", or "8000-8099".
std::string ports_of(const json& row) {
  const std::string first = text_in(row, "port");
  const std::string last = text_in(row, "last_port", "");
  return last.empty() || last == first ? first : first + "-" + last;
}

std::string endpoint(const json& row) {
  const std::string address = text_in(row, "address");
  return address.find(':') == std::string::npos ? address + ":" + ports_of(row) : "[" + address + "]:" + ports_of(row);
}

// What stands above a page whose numbers are not of a running box.
std::string notice(const json& answer, std::size_t width) {
  const json& dataplane = part_in(answer, "dataplane");
  std::string lines;
  for (const json& alarm : part_in(dataplane, "alarms")) {
    if (alarm.is_string()) lines += folded("ALARM: " + settings::printable(alarm.get<std::string>()), width);
  }
  if (!flag_in(dataplane, "alive")) lines += "The dataplane is not running.\n";
  if (const std::string waiting = text_in(dataplane, "waiting_for"); waiting != "-") lines += folded(waiting, width);
  return lines.empty() ? lines : lines + "\n";
}

// "80 of 100 connections"; empty: there is no limit.
std::string limit_text(const json& row) {
  const json& limit = part_in(row, "limit");
  if (!limit.is_object() || limit.empty()) return {};
  return fmt::format("{} of {} connections", count_in(limit, "connections"), count_in(limit, "max"));
}

std::string farms_page(const json& answer, std::size_t width) {
  Table table{{{.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "STATE"},
               {.title = "SERVING", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "CLOSING", .align = Align::right},
               {.title = "TOTAL", .align = Align::right},
               {.title = "PACKETS", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "SERVICES", .wrap = Wrap::first}}};
  for (const json& farm : part_in(answer, "farms")) {
    std::string services;
    for (const json& service : part_in(farm, "services")) {
      if (!services.empty()) services += ' ';
      services += endpoint(service) + "/" + text_in(service, "protocol");
    }
    table.add({text_in(farm, "name"), flag_in(part_in(farm, "limit"), "is_full") ? "full" : text_in(farm, "state"),
               fmt::format("{}/{}", count_in(farm, "servers_serving"), count_in(farm, "servers_total")),
               count_text(count_in(farm, "active_connections")), count_text(count_in(farm, "closing_connections")),
               count_text(count_in(farm, "total_connections")),
               count_text(count_in(farm, "packets_in") + count_in(farm, "packets_out")),
               bytes_text(count_in(farm, "bytes_in") + count_in(farm, "bytes_out")), services});
  }
  if (table.empty()) return table.text_or("There are no farms in the configuration.\n", width);
  std::string notes;
  for (const json& farm : part_in(answer, "farms")) {
    if (const std::string reason = text_in(farm, "reason", ""); !reason.empty())
      notes += folded(fmt::format("Farm {}: {}.", text_in(farm, "name"), reason), width);
    if (const std::string limit = limit_text(farm); !limit.empty())
      notes += folded(fmt::format("Farm {} has {}.", text_in(farm, "name"), limit), width);
    if (const std::uint64_t full = count_in(farm, "servers_full"); full != 0)
      notes += folded(fmt::format("Farm {}: {} of {} servers are full.", text_in(farm, "name"), full,
                                  count_in(farm, "servers_total")),
                      width);
  }
  return table.text(width) + (notes.empty() ? notes : "\n" + notes);
}

// Health where that is what keeps it from serving; else what it does in its farm. Who is in maintenance is often
// switched off, too, and that is no failure.
bool goes_by_duty(const json& server) {
  const std::string duty = text_in(server, "duty");
  return duty == "maintenance" || (text_in(server, "state") == "up" && duty != "-");
}
std::string server_state(const json& server) { return text_in(server, goes_by_duty(server) ? "duty" : "state"); }
// What knows since when that is so: the server's health; of a duty, what an operator said, if that is why.
const json& since_part(const json& server) {
  const bool by_health = server_state(server) == text_in(server, "state");
  return by_health ? server : part_in(part_in(server, "operator"), "state");
}
// "; weight 7 by anna until 2026-07-24T11:57:03Z, configured 50", where an operator said so.
std::string said_by(const json& server, const char* what) {
  const json& said = part_in(part_in(server, "operator"), what);
  if (!said.is_object()) return {};
  const std::string value = text_in(said, "value", ""), until = text_in(said, "until"),
                    configured = text_in(said, "configured", "enabled");
  return fmt::format("; {}{} by {}{}{}", std::string_view{what} == "weight" ? "weight " : "", value,
                     text_in(said, "who"), until == "-" ? std::string{} : " until " + until,
                     configured == "enabled" || configured == value ? std::string{} : ", configured " + configured);
}
std::string server_reason(const json& server) {
  const std::string reason = text_in(server, "duty_reason");
  const std::string limit = limit_text(server);
  const bool has_duty = goes_by_duty(server) && reason != "-" && !reason.empty();
  const std::string check = has_duty && text_in(server, "state") == "down" ? "; " + text_in(server, "reason") : "";
  return (has_duty ? reason + check : text_in(server, "reason")) + (limit.empty() ? limit : "; " + limit);
}

std::string servers_page(const json& answer, std::size_t width) {
  Table table{{{.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "ADDRESS", .wrap = Wrap::when_needed},
               {.title = "PORT", .align = Align::right},
               {.title = "STATE"},
               {.title = "SINCE", .wrap = Wrap::when_needed},
               {.title = "WEIGHT", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "CLOSING", .align = Align::right},
               {.title = "TOTAL", .align = Align::right},
               {.title = "REASON", .wrap = Wrap::below}}};
  for (const json& server : part_in(answer, "servers")) {
    const json& age = part_in(since_part(server), "for_s");
    std::string since = age.is_number() ? span_text(signed_in(since_part(server), "for_s")) : "-";
    if (flag_in(since_part(server), "began_earlier")) since = "> " + since;
    table.add({text_in(server, "farm"), text_in(server, "name"), text_in(server, "address"), ports_of(server),
               server_state(server), since, text_in(server, "weight"),
               count_text(count_in(server, "active_connections")), count_text(count_in(server, "closing_connections")),
               count_text(count_in(server, "total_connections")),
               server_reason(server) + said_by(server, "state") + said_by(server, "weight")});
  }
  std::string page = table.text_or("There are no servers in the configuration.\n", width);
  Table leaving{{{.title = "LEAVING FARM", .wrap = Wrap::when_needed},
                 {.title = "SERVER", .wrap = Wrap::when_needed},
                 {.title = "ADDRESS", .wrap = Wrap::when_needed},
                 {.title = "PORT", .align = Align::right},
                 {.title = "SINCE", .wrap = Wrap::when_needed},
                 {.title = "ACTIVE", .align = Align::right},
                 {.title = "CLOSING", .align = Align::right},
                 {.title = "CONNECTIONS", .wrap = Wrap::first}}};
  for (const json& server : part_in(answer, "leaving")) {
    leaving.add({text_in(server, "farm"), text_in(server, "name"), text_in(server, "address"), text_in(server, "port"),
                 text_in(server, "since"), count_text(count_in(server, "active_connections")),
                 count_text(count_in(server, "closing_connections")),
                 flag_in(server, "resets") ? "are reset" : "go on"});
  }
  if (!leaving.empty()) page += "\n" + leaving.text(width);
  return page;
}

// Below a page of a table: how full it is, and how to go on.
std::string table_foot(const json& answer) {
  const json& table = part_in(answer, "table");
  std::string foot =
      fmt::format("\nThe whole table: {} of {} places in use", count_in(table, "live"), count_in(table, "capacity"));
  if (count_in(table, "evicted") != 0) foot += fmt::format(", {} ended to make room", count_in(table, "evicted"));
  if (count_in(table, "refused") != 0) foot += fmt::format(", {} refused since the start", count_in(table, "refused"));
  foot += '\n';
  if (text_in(answer, "next") != "-")
    foot += fmt::format("There are more: offset {}, or all\n", count_in(answer, "next"));
  return foot;
}

std::string connections_page(const json& answer, std::size_t width) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "SERVICE", .wrap = Wrap::first},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "STATE", .wrap = Wrap::first},
               {.title = "WHY", .wrap = Wrap::first},
               {.title = "AGE", .align = Align::right},
               {.title = "IDLE", .align = Align::right},
               {.title = "BYTES", .align = Align::right}}};
  for (const json& row : part_in(answer, "connections")) {
    table.add({text_in(row, "client"), text_in(row, "service"), text_in(row, "server"), text_in(row, "state"),
               text_in(row, "why", text_in(row, "reason").c_str()), short_span_text(signed_in(row, "age_s")),
               short_span_text(signed_in(row, "idle_s")),
               bytes_text(count_in(row, "bytes_in") + count_in(row, "bytes_out"))});
  }
  return (table.text_or("There are no connections.\n", width)) + table_foot(answer);
}

std::string persistence_page(const json& answer, std::size_t width) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "FARM", .wrap = Wrap::when_needed},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "AGE", .align = Align::right},
               {.title = "UNUSED", .align = Align::right},
               {.title = "ENDS IN", .align = Align::right},
               {.title = "CONNECTIONS", .align = Align::right}}};
  for (const json& row : part_in(answer, "persistence")) {
    table.add({text_in(row, "client"), text_in(row, "farm"), text_in(row, "server"),
               short_span_text(signed_in(row, "age_s")), short_span_text(signed_in(row, "unused_s")),
               short_span_text(signed_in(row, "expires_s")), count_text(count_in(row, "connections"))});
  }
  return (table.text_or("No client is bound to a server.\n", width)) + table_foot(answer);
}

std::string drops_page(const json& answer, std::size_t width) {
  Table sums{{{.title = "PACKETS"}, {.title = "", .align = Align::right}, {.title = "", .wrap = Wrap::first}}};
  constexpr std::array<std::array<const char*, 2>, 6> kRows{{{"received", "from the data ports"},
                                                             {"from_linux", "from Linux, by the kernel twins"},
                                                             {"sent", "to the data ports"},
                                                             {"punted", "to Linux"},
                                                             {"dropped", "see below"},
                                                             {"unaccounted", "in, and in no way out: in flight now"}}};
  for (const auto& [key, means] : kRows) sums.add({key, fmt::format("{}", signed_in(answer, key)), means});
  std::string page = sums.text(width);
  Table drops{{{.title = "DROPPED BECAUSE"},
               {.title = "PACKETS", .align = Align::right},
               {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part_in(answer, "drops"))
    drops.add({text_in(row, "reason"), text_in(row, "packets"), text_in(row, "means")});
  if (!drops.empty()) page += "\n" + drops.text(width);
  Table answers{{{.title = "ANSWERED WITH"},
                 {.title = "PACKETS", .align = Align::right},
                 {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part_in(answer, "answers"))
    answers.add({text_in(row, "answer"), text_in(row, "packets"), text_in(row, "means")});
  if (!answers.empty()) page += "\n" + answers.text(width);
  Table lost{{{.title = "LOST BEFORE RECEIVE"},
              {.title = "PORT"},
              {.title = "PACKETS", .align = Align::right},
              {.title = "MEANS", .wrap = Wrap::first}}};
  for (const json& row : part_in(answer, "lost_before_receive"))
    lost.add({text_in(row, "reason"), text_in(row, "port"), text_in(row, "packets"), text_in(row, "means")});
  if (!lost.empty()) page += "\n" + lost.text(width);
  Table ports{{{.title = "PORT"},
               {.title = "RECEIVED", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "SENT", .align = Align::right},
               {.title = "BYTES", .align = Align::right}}};
  for (const json& row : part_in(answer, "ports")) {
    ports.add({text_in(row, "name"), text_in(row, "received_packets"), bytes_text(count_in(row, "received_bytes")),
               text_in(row, "sent_packets"), bytes_text(count_in(row, "sent_bytes"))});
  }
  if (!ports.empty()) page += "\n" + ports.text(width);
  return page;
}

// The data ports, of the same answer.
std::string interfaces_page(const json& answer, std::size_t width) {
  Table table{{{.title = "INTERFACE"},
               {.title = "MAC"},
               {.title = "LINK"},
               {.title = "RECEIVED", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "SENT", .align = Align::right},
               {.title = "BYTES", .align = Align::right},
               {.title = "LOST", .align = Align::right}}};
  for (const json& port : part_in(answer, "ports")) {
    std::uint64_t lost = 0;
    for (const json& one : part_in(answer, "lost_before_receive")) {
      if (text_in(one, "port") == text_in(port, "name")) lost += count_in(one, "packets");
    }
    table.add({text_in(port, "name"), text_in(port, "mac"), text_in(port, "link"),
               count_text(count_in(port, "received_packets")), bytes_text(count_in(port, "received_bytes")),
               count_text(count_in(port, "sent_packets")), bytes_text(count_in(port, "sent_bytes")), count_text(lost)});
  }
  if (table.empty()) return table.text_or("There is no data port: the dataplane has made none yet.\n", width);
  return table.text(width) + "LOST: before it was received; `show drops` says why.\n";
}

std::string version_page(const json& answer) {
  const json& control = part_in(answer, "control");
  const json& dataplane = part_in(answer, "dataplane");
  const json& configuration = part_in(answer, "configuration");
  std::string page;
  const auto put = [&page](std::string_view key, const std::string& value) {
    page += fmt::format("{:<22}{}\n", key, value);
  };
  put("control", fmt::format("{}, process {}", text_in(control, "version"), text_in(control, "pid")));
  put("region layout", text_in(control, "layout_version"));
  put("dataplane",
      flag_in(dataplane, "alive") ? fmt::format("running, process {}", text_in(dataplane, "pid")) : "not running");
  put("configuration", text_in(configuration, "file"));
  put("  read", text_in(configuration, "loaded"));
  for (const json& line : part_in(configuration, "rejected_since")) {
    put("  rejected since", line.is_string() ? line.get<std::string>() : line.dump());
  }
  put("snapshot generation", text_in(answer, "snapshot_generation"));
  for (const json& worker : part_in(answer, "workers")) {
    std::string state = "generation " + text_in(worker, "acknowledged_generation");
    if (count_in(worker, "commands_unread") != 0)
      state += fmt::format(", {} commands unread", count_in(worker, "commands_unread"));
    if (count_in(worker, "commands_waiting") != 0) {
      state += fmt::format(", {} waiting for room", count_in(worker, "commands_waiting"));
    }
    put("  worker " + text_in(worker, "worker"), state);
  }
  return page;
}

}  // namespace

std::string page(const std::string& what, const json& answer, std::size_t width) {
  const std::string above = what == "version" ? std::string{} : notice(answer, width);
  if (what == "farms") return above + farms_page(answer, width);
  if (what == "servers") return above + servers_page(answer, width);
  if (what == "health") return above + health_page(answer, width);
  if (what == "connections") return above + connections_page(answer, width);
  if (what == "persistence") return above + persistence_page(answer, width);
  if (what == "drops") return above + drops_page(answer, width);
  if (what == "interfaces") return above + interfaces_page(answer, width);
  if (what == "rates") return above + rates_page(answer, width);
  if (what == "events") return above + events_page(answer, width);
  return above + version_page(answer);
}

std::string cleared_text(const std::string& what, const json& answer) {
  const std::uint64_t count = count_in(answer, "cleared");
  const char* one = what == "connections" ? "connection was ended" : "client was let go";
  const char* many = what == "connections" ? "connections were ended" : "clients were let go";
  return notice(answer, Table::width_usual) + fmt::format("{} {}.\n", count, count == 1 ? one : many);
}

}  // namespace fulcrum::cli
