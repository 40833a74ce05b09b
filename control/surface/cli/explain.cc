#include "control/surface/cli/explain.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

#include "control/surface/cli/answer_parts.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

// "farms.shop.scheduler (revision 12)"
std::string setting_text(const std::string& path, const json& revisions) {
  const std::string revision = text_in(revisions, path.c_str(), "");
  return revision.empty() ? path : fmt::format("{} (revision {})", path, revision);
}

std::string stages_text(const json& stages, const json& revisions, std::size_t width) {
  Table table{{{.title = "STAGE"}, {.title = "WHAT IT FOUND", .wrap = Wrap::first}}};
  for (const json& stage : stages) {
    std::string words;
    for (const json& sentence : part_in(stage, "text")) {
      if (sentence.is_string()) words += (words.empty() ? "" : " ") + sentence.get<std::string>();
    }
    std::string paths;
    for (const json& path : part_in(stage, "because")) {
      if (path.is_string()) paths += (paths.empty() ? " [" : ", ") + setting_text(path.get<std::string>(), revisions);
    }
    table.add({text_in(stage, "stage"), words + (paths.empty() ? "" : paths + "]")});
  }
  return table.text(width);
}

// Who has taken the server out of its configured state, and until when.
std::string said_text(const json& server) {
  const json& said = part_in(part_in(server, "operator"), "state");
  if (said.is_null()) return {};
  const std::string until = text_in(said, "until", "");
  return fmt::format("{} by {}{}", text_in(said, "value"), text_in(said, "who"),
                     until.empty() ? "" : " until " + until);
}

// What the scheduler compares, where it is one of the three.
struct Measure {
  const char* key = nullptr;
  const char* title = nullptr;
  const char* means = nullptr;
};
constexpr std::array<Measure, 3> kMeasures{
    {{"turn", "TURN", "TURN: new connections that come before the server's next one on this worker.\n"},
     {"score", "SCORE", "SCORE: how busy the server would be with one connection more; the lowest is chosen.\n"},
     {"slots", "SLOTS", "SLOTS: of the table that clients are looked up in, how many lead to the server.\n"}}};

Measure measure_of(const json& servers) {
  for (const Measure& measure : kMeasures) {
    for (const json& server : servers) {
      if (!part_in(server, measure.key).is_null()) return measure;
    }
  }
  return {};
}

std::string measured_text(const json& server, const Measure& measure) {
  const json& value = part_in(server, measure.key);
  return value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : text_in(server, measure.key);
}

std::string servers_text(const json& answer, std::size_t width) {
  const json& servers = part_in(answer, "servers");
  const Measure measure = measure_of(servers);
  std::vector<Column> columns{{.title = "SERVER", .wrap = Wrap::when_needed},
                              {.title = "ADDRESS", .wrap = Wrap::when_needed},
                              {.title = "STATE"},
                              {.title = "WEIGHT", .align = Align::right},
                              {.title = "ACTIVE", .align = Align::right}};
  if (measure.key != nullptr) columns.push_back({.title = measure.title, .align = Align::right});
  columns.push_back({.title = "", .wrap = Wrap::first});
  Table table{columns};
  for (const json& server : servers) {
    const std::string remark =
        flag_in(server, "chosen") ? "<- this one" : text_in(server, "reason", said_text(server).c_str());
    std::vector<std::string> row{text_in(server, "name"), text_in(server, "address"), text_in(server, "state"),
                                 text_in(server, "weight"), text_in(server, "active_connections")};
    if (measure.key != nullptr) row.push_back(measured_text(server, measure));
    row.push_back(remark);
    table.add(row);
  }
  if (table.empty()) return {};
  return "\n" + table.text(width) + "ACTIVE: connections as the schedulers count them, those that are closing too.\n" +
         (measure.key == nullptr ? "" : measure.means);
}

}  // namespace

std::string explain_page(const json& answer, std::size_t width) {
  const json& packet = part_in(answer, "packet");
  const json& configuration = part_in(answer, "configuration");
  const json& force = part_in(configuration, "in_force");
  const bool in_force = !force.is_boolean() || force.get<bool>();
  std::string page =
      fmt::format("{} {} -> {}, in by port {}, worker {}\n", text_in(packet, "protocol"), text_in(packet, "source"),
                  text_in(packet, "destination"), text_in(packet, "port"), text_in(packet, "worker"));
  if (in_force) {
    page += fmt::format("With revision {}, which is in force (generation {})\n\n", text_in(configuration, "revision"),
                        text_in(configuration, "generation"));
  } else if (text_in(configuration, "candidate") != "-") {
    page += fmt::format("With candidate {}, as if it were committed now\n\n", text_in(configuration, "candidate"));
  } else {
    page += fmt::format("With revision {}, as if it were in force again\n\n", text_in(configuration, "revision"));
  }
  return page + folded(text_in(part_in(answer, "outcome"), "text"), width) + "\n" +
         stages_text(part_in(answer, "stages"), part_in(answer, "revisions"), width) + servers_text(answer, width);
}

}  // namespace fulcrum::cli
