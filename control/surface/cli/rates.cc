#include "control/surface/cli/rates.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

#include "control/surface/cli/answer_parts.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 5> kRates{"connections_s", "packets_in_s", "packets_out_s", "bits_in_s",
                                            "bits_out_s"};

const json& rows_of(const json& answer, const char* key) {
  static const json none = json::array();
  const auto found = answer.find(key);
  return found != answer.end() && found->is_array() ? *found : none;
}

Table rates_table(const char* first) {
  return Table{{{.title = first, .wrap = Wrap::first},
                {.title = "CONN/s", .align = Align::right},
                {.title = "PKT/s IN", .align = Align::right},
                {.title = "PKT/s OUT", .align = Align::right},
                {.title = "BIT/s IN", .align = Align::right},
                {.title = "BIT/s OUT", .align = Align::right}}};
}

void add(Table& table, const std::string& first, const json& row) {
  std::vector<std::string> cells{first};
  for (const char* key : kRates) {
    const auto found = row.find(key);
    cells.push_back(found != row.end() && found->is_number() ? rate_text(found->get<double>()) : "-");
  }
  table.add(std::move(cells));
}

}  // namespace

std::string rate_text(double rate) {
  constexpr std::array<const char*, 5> kUnits{"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (rate >= 999.5 && unit + 1 < kUnits.size()) {
    rate /= 1000;
    ++unit;
  }
  const double rounded = static_cast<double>(static_cast<std::uint64_t>(rate + 0.5));
  if (unit == 0 && rate == rounded) return fmt::format("{:.0f}", rate);
  if (unit == 0 && rate < 0.005) return "<0.01";
  return rate < 9.95 ? fmt::format("{:.{}f}{}", rate, unit == 0 ? 2 : 1, kUnits[unit])
                     : fmt::format("{:.0f}{}", rate, kUnits[unit]);
}

std::string rates_page(const json& answer, std::size_t width) {
  if (answer.contains("points")) {
    Table table = rates_table("TIME");
    for (const json& point : rows_of(answer, "points")) add(table, text_in(point, "time"), point);
    const std::string head = fmt::format("{} {}, {} of each {} s\n\n", text_in(answer, "of"), text_in(answer, "name"),
                                         text_in(answer, "function"), text_in(answer, "step_s"));
    return head + table.text_or("Nothing was recorded in this time.\n", width);
  }
  const std::string of = text_in(answer, "of");
  if (text_in(answer, "time") == "-") return "Nothing has been measured yet.\n";
  Table table = rates_table(of == "farms"     ? "FARM"
                            : of == "servers" ? "SERVER"
                            : of == "ports"   ? "PORT"
                            : of == "workers" ? "WORKER"
                                              : "DROPPED BECAUSE");
  for (const json& row : rows_of(answer, "rates")) add(table, text_in(row, "name"), row);
  return table.text_or("There is nothing to measure.\n", width);
}

std::string events_page(const json& answer, std::size_t width) {
  Table table{{{.title = "TIME"},
               {.title = "WHAT"},
               {.title = "WHO", .wrap = Wrap::when_needed},
               {.title = "WHAT HAPPENED, AND WHY", .wrap = Wrap::first}}};
  for (const json& event : rows_of(answer, "events")) {
    table.add({text_in(event, "time"), text_in(event, "kind"), text_in(event, "object"), text_in(event, "text")});
  }
  return table.text_or("Nothing has happened yet.\n", width);
}

}  // namespace fulcrum::cli
