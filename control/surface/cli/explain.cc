#include "control/surface/cli/explain.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/surface/cli/table.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

std::string text(const json& row, const char* key) {
  const auto found = row.is_object() ? row.find(key) : row.end();
  if (!row.is_object() || found == row.end() || found->is_null()) return "-";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

const json& part(const json& row, const char* key) {
  static const json nothing;
  if (!row.is_object()) return nothing;
  const auto found = row.find(key);
  return found == row.end() ? nothing : *found;
}

std::string stages_text(const json& stages) {
  Table table{{{.title = "STAGE"}, {.title = "WHAT IT FOUND", .wrap = Wrap::first}}};
  for (const json& stage : stages) {
    std::string words;
    for (const json& sentence : part(stage, "text")) {
      if (sentence.is_string()) words += (words.empty() ? "" : " ") + sentence.get<std::string>();
    }
    std::string paths;
    for (const json& path : part(stage, "because")) {
      if (path.is_string()) paths += (paths.empty() ? " [" : ", ") + path.get<std::string>();
    }
    table.add({text(stage, "stage"), words + (paths.empty() ? "" : paths + "]")});
  }
  return table.text();
}

std::string servers_text(const json& answer) {
  Table table{{{.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "ADDRESS", .wrap = Wrap::when_needed},
               {.title = "STATE"},
               {.title = "WEIGHT", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "TURN", .align = Align::right},
               {.title = ""}}};
  for (const json& server : part(answer, "servers")) {
    const json& chosen = part(server, "chosen");
    table.add({text(server, "name"), text(server, "address"), text(server, "state"), text(server, "weight"),
               text(server, "active_connections"), text(server, "turn"),
               chosen.is_boolean() && chosen.get<bool>() ? "<- this one" : ""});
  }
  if (table.empty()) return {};
  return "\n" + table.text() + "TURN: new connections that come before the server's next one on this worker.\n";
}

}  // namespace

std::string explain_page(const json& answer) {
  const json& packet = part(answer, "packet");
  const json& configuration = part(answer, "configuration");
  const json& force = part(configuration, "in_force");
  const bool in_force = !force.is_boolean() || force.get<bool>();
  std::string page =
      fmt::format("{} {} -> {}, in by port {}, worker {}\n", text(packet, "protocol"), text(packet, "source"),
                  text(packet, "destination"), text(packet, "port"), text(packet, "worker"));
  if (in_force) {
    page += fmt::format("With revision {}, which is in force (generation {})\n\n", text(configuration, "revision"),
                        text(configuration, "generation"));
  } else if (text(configuration, "candidate") != "-") {
    page += fmt::format("With candidate {}, as if it were committed now\n\n", text(configuration, "candidate"));
  } else {
    page += fmt::format("With revision {}, as if it were in force again\n\n", text(configuration, "revision"));
  }
  return page + text(part(answer, "outcome"), "text") + "\n\n" + stages_text(part(answer, "stages")) +
         servers_text(answer);
}

}  // namespace fulcrum::cli
