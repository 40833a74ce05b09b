#include "control/surface/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

namespace fulcrum::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kComfortable = 16;
constexpr std::size_t kNarrowest = 6;

// Characters, not bytes: names may be UTF-8.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

// Bytes of the first `width` characters.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
    if (width-- == 0) break;
  }
  return at;
}

// The cell in pieces of at most `width` characters, broken at a space or after a colon where there is one late enough.
std::vector<std::string> pieces_of(std::string_view cell, std::size_t width) {
  std::vector<std::string> pieces;
  while (width_of(cell) > width) {
    const std::size_t most = bytes_of(cell, width);
    std::size_t end = most;
    if (cell[most] != ' ') {
      const std::size_t gap = cell.find_last_of(" :", most - 1);
      if (gap != std::string_view::npos && gap >= most / 2) end = gap + 1;
    }
    std::string_view piece = cell.substr(0, end);
    piece = piece.substr(0, piece.find_last_not_of(' ') + 1);
    pieces.emplace_back(piece);
    cell.remove_prefix(end);
    cell.remove_prefix(std::min(cell.find_first_not_of(' '), cell.size()));
  }
  pieces.emplace_back(cell);
  return pieces;
}

// Three digits and a unit.
std::string scaled(double value, std::string_view unit) {
  const int digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, digits, unit);
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width_of(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[i]));
    widths.push_back(widest);
  }
  const auto total = [&] { return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1)); };
  for (const std::size_t least : {kComfortable, kNarrowest}) {
    for (const Wrap which : {Wrap::first, Wrap::when_needed}) {
      while (total() > width_max && narrow(widths, which, least)) {
      }
    }
  }
  return widths;
}

// Takes a character from the widest of these columns; false when none is wider than `least` and its title.
bool Table::narrow(std::vector<std::size_t>& widths, Wrap which, std::size_t least) const {
  std::size_t* widest = nullptr;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::size_t floor = std::max(least, width_of(columns_[i].title));
    if (columns_[i].wrap == which && widths[i] > floor && (widest == nullptr || widths[i] > *widest)) {
      widest = &widths[i];
    }
  }
  if (widest == nullptr) return false;
  --*widest;
  return true;
}

std::string Table::text() const {
  const auto widths_now = widths();
  std::string text;
  const auto put_line = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths_now[i] - std::min(width_of(cells[i]), widths_now[i]), ' ');
      if (i != 0) line.append(kGap, ' ');
      line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  put_line(titles);
  for (const auto& row : rows_) {
    std::vector<std::vector<std::string>> columns;
    std::size_t lines = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      columns.push_back(pieces_of(row[i], widths_now[i]));
      lines = std::max(lines, columns.back().size());
    }
    for (std::size_t line = 0; line < lines; ++line) {
      std::vector<std::string> cells;
      for (const auto& pieces : columns) cells.push_back(line < pieces.size() ? pieces[line] : std::string{});
      put_line(cells);
    }
  }
  return text;
}

std::string count_text(std::uint64_t count) {
  if (count < 1'000'000) return fmt::format("{}", count);
  constexpr std::array<char, 5> kUnits{'M', 'G', 'T', 'P', 'E'};
  double value = static_cast<double>(count) / 1e6;
  std::size_t unit = 0;
  // Not 1000: 999.6 would be shown as 1000.
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1e3;
  return scaled(value, {&kUnits[unit], 1});
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> kUnits{" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return scaled(value, kUnits[unit]);
}

std::string span_text(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string short_span_text(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{}s", seconds / 60, seconds % 60);
  if (seconds < 86400) return fmt::format("{}h{}m", seconds / 3600, seconds % 3600 / 60);
  if (seconds < 100 * 86400) return fmt::format("{}d{}h", seconds / 86400, seconds % 86400 / 3600);
  return fmt::format("{}d", seconds / 86400);
}

}  // namespace fulcrum::cli
