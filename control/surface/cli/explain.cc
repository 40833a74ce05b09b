#include "control/surface/cli/explain.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

std::string servers_text(const json& answer, std::size_t width) {
  Table table{{{.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "ADDRESS", .wrap = Wrap::when_needed},
               {.title = "STATE"},
               {.title = "WEIGHT", .align = Align::right},
               {.title = "ACTIVE", .align = Align::right},
               {.title = "TURN", .align = Align::right},
               {.title = "", .wrap = Wrap::first}}};
  for (const json& server : part_in(answer, "servers")) {
    const json& chosen = part_in(server, "chosen");
    const bool is_chosen = chosen.is_boolean() && chosen.get<bool>();
    const std::string remark = is_chosen ? "<- this one" : text_in(server, "reason", said_text(server).c_str());
    table.add({text_in(server, "name"), text_in(server, "address"), text_in(server, "state"), text_in(server, "weight"),
               text_in(server, "active_connections"), text_in(server, "turn"), remark});
  }
  if (table.empty()) return {};
  return "\n" + table.text(width) +
         "ACTIVE: connections as the schedulers count them, those that are closing too.\n"
         "TURN: new connections that come before the server's next one on this worker.\n";
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
