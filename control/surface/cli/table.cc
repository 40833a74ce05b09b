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
constexpr std::size_t kIndent = 4;
constexpr std::string_view kBreaks = " :";  // a cell may go on in the next line after these

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
      const std::size_t gap = cell.find_last_of(kBreaks, most - 1);
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

std::size_t total_of(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
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

std::vector<std::size_t> Table::natural_widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width_of(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, width_of(row[i]));
    widths.push_back(widest);
  }
  return widths;
}

std::vector<std::size_t> Table::widths() const {
  struct Step {
    std::size_t least;
    bool whole_words;
  };
  std::vector<std::size_t> widths = natural_widths();
  for (const Step step : {Step{kComfortable, true}, Step{kNarrowest, true}, Step{kNarrowest, false}}) {
    for (const Wrap which : {Wrap::first, Wrap::when_needed}) {
      while (total_of(widths) > width_max && narrow(widths, which, step.least, step.whole_words)) {
      }
    }
  }
  return widths;
}

// Takes a character from the widest of these columns; false when none is wider than `least`, its title and, where
// `whole_words`, its longest word.
bool Table::narrow(std::vector<std::size_t>& widths, Wrap which, std::size_t least, bool whole_words) const {
  std::size_t* widest = nullptr;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (columns_[i].wrap != which) continue;
    const std::size_t floor = std::max({least, width_of(columns_[i].title), whole_words ? longest_word(i) : 0});
    if (widths[i] > floor && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
  }
  if (widest == nullptr) return false;
  --*widest;
  return true;
}

std::size_t Table::longest_word(std::size_t column) const {
  std::size_t longest = 0;
  for (const Row& row : rows_) {
    std::string_view cell = row[column];
    while (!cell.empty()) {
      const std::string_view word = cell.substr(0, cell.find_first_of(kBreaks));
      cell.remove_prefix(std::min(word.size() + 1, cell.size()));
      longest = std::max(longest, width_of(word) + (cell.empty() ? 0 : 1));
    }
  }
  return longest;
}

std::string Table::text() const {
  const auto below =
      std::find_if(columns_.begin(), columns_.end(), [](const Column& column) { return column.wrap == Wrap::below; });
  if (below != columns_.end() && total_of(natural_widths()) > width_max) {
    return without(static_cast<std::size_t>(below - columns_.begin()));
  }
  const auto widths_now = widths();
  std::string text;
  Row titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  put_line(titles, widths_now, text);
  for (const Row& row : rows_) put_row(row, widths_now, text);
  return text;
}

// The table without that column, whose cells stand below their rows instead.
std::string Table::without(std::size_t column) const {
  const auto at = static_cast<std::ptrdiff_t>(column);
  Table narrower{columns_};
  narrower.columns_.erase(narrower.columns_.begin() + at);
  for (Row row : rows_) {
    row.erase(row.begin() + at);
    narrower.add(std::move(row));
  }
  const auto widths_now = narrower.widths();
  std::string text;
  Row titles;
  for (const Column& other : narrower.columns_) titles.push_back(other.title);
  narrower.put_line(titles, widths_now, text);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    narrower.put_row(narrower.rows_[i], widths_now, text);
    const std::string& sentence = rows_[i][column];
    if (sentence.empty() || sentence == "-") continue;
    for (const auto& piece : pieces_of(sentence, width_max - kIndent)) {
      text += std::string(kIndent, ' ') + piece + '\n';
    }
  }
  return text;
}

void Table::put_row(const Row& row, const std::vector<std::size_t>& widths, std::string& text) const {
  std::vector<Row> columns;
  std::size_t lines = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    columns.push_back(pieces_of(row[i], widths[i]));
    lines = std::max(lines, columns.back().size());
  }
  for (std::size_t line = 0; line < lines; ++line) {
    Row cells;
    for (const Row& pieces : columns) cells.push_back(line < pieces.size() ? pieces[line] : std::string{});
    put_line(cells, widths, text);
  }
}

void Table::put_line(const Row& cells, const std::vector<std::size_t>& widths, std::string& text) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - std::min(width_of(cells[i]), widths[i]), ' ');
    if (i != 0) line.append(kGap, ' ');
    line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

std::string folded(std::string_view sentence) {
  std::string text;
  while (sentence.size() > Table::width_max) {
    const std::size_t last = sentence.rfind(' ', Table::width_max);
    const std::size_t end = last != sentence.npos ? last : sentence.find(' ');
    if (end == sentence.npos) break;
    text += std::string{sentence.substr(0, end)} + '\n';
    sentence.remove_prefix(end + 1);
  }
  return text + std::string{sentence} + '\n';
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
