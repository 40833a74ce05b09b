#include "control/surface/cli/health.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "control/surface/cli/answer_parts.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

std::string place_of(const json& row) {
  const std::string address = text_in(row, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "", text_in(row, "port"));
}

std::string since_text(const json& row) {
  if (!part_in(row, "for_s").is_number()) return "-";
  return (flag_in(row, "began_earlier") ? ">" : "") + short_span_text(signed_in(row, "for_s"));
}

// "57 good", or, where they say otherwise than the state, out of how many that takes: "2/3 bad".
std::string row_text(const json& row) {
  const std::uint64_t good = count_in(row, "successes_in_a_row"), bad = count_in(row, "failures_in_a_row");
  if (good + bad == 0) return "-";
  const char* what = good != 0 ? "good" : "bad";
  if (count_in(row, "contradictions") == 0) return fmt::format("{} {}", count_text(good + bad), what);
  return fmt::format("{}/{} {}", count_in(row, "contradictions"), text_in(row, good != 0 ? "rise" : "fall"), what);
}

std::string next_text(const json& row) {
  if (part_in(row, "next_in_ms").is_number()) return fmt::format("{} ms", count_in(row, "next_in_ms"));
  const std::string activity = text_in(row, "activity");
  return activity == "under_way" ? "now" : activity;
}

// Why it is as it is, and what the newest result was where that is another one; how it is checked.
std::string why_text(const json& row) {
  std::string words = text_in(row, "reason");
  const json& last = part_in(row, "last");
  if (const std::string reason = text_in(last, "reason", ""); !reason.empty() && reason != words) {
    words += "; last: " + reason;
  }
  std::string ports;
  for (const json& port : part_in(row, "ports")) ports += (ports.empty() ? "" : ", ") + port.get<std::string>();
  if (!part_in(row, "rise").is_number()) return fmt::format("{} ({})", words, ports);
  return fmt::format("{} ({}; every {} ms within {} ms, rise {}, fall {})", words, ports, text_in(row, "interval_ms"),
                     text_in(row, "timeout_ms"), text_in(row, "rise"), text_in(row, "fall"));
}

}  // namespace

std::string health_page(const json& answer, std::size_t width) {
  Table table{{{.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "CHECKED AT", .wrap = Wrap::when_needed},
               {.title = "STATE"},
               {.title = "SINCE", .align = Align::right},
               {.title = "IN A ROW", .align = Align::right},
               {.title = "TOOK", .align = Align::right},
               {.title = "NEXT", .align = Align::right},
               {.title = "REASON", .wrap = Wrap::below}}};
  for (const json& row : part_in(answer, "health")) {
    const json& last = part_in(row, "last");
    table.add({text_in(row, "farm") + "/" + text_in(row, "name"), place_of(row), text_in(row, "state"), since_text(row),
               row_text(row), last.is_object() ? fmt::format("{} us", count_in(last, "took_us")) : "-", next_text(row),
               why_text(row)});
  }
  return table.text_or("There is no server that could be checked.\n", width);
}

}  // namespace fulcrum::cli
