#include "control/surface/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

constexpr char kRowMark = '\x1e';  // no cell has one: it would be shown as \x1e
constexpr std::size_t kGap = 2;
constexpr std::size_t kComfortable = 16;
constexpr std::size_t kNarrowest = 6;
constexpr std::size_t kIndent = 4;

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

// The cell in pieces of at most `width` characters, broken at spaces; words that are longer, where they must.
std::vector<std::string> pieces_of(std::string_view cell, std::size_t width) {
  std::vector<std::string> pieces;
  while (width_of(cell) > width) {
    const std::size_t most = bytes_of(cell, width);
    const std::size_t gap = cell[most] == ' ' ? most : cell.rfind(' ', most);
    const std::size_t end = gap == cell.npos || cell.find_first_not_of(' ') > gap ? most : gap;
    const std::string_view piece = cell.substr(0, end);
    pieces.emplace_back(piece.substr(0, piece.find_last_not_of(' ') + 1));
    cell.remove_prefix(end);
    cell.remove_prefix(std::min(cell.find_first_not_of(' '), cell.size()));
  }
  pieces.emplace_back(cell);
  return pieces;
}

std::size_t total_of(const std::vector<std::size_t>& widths, std::size_t begin, std::size_t end) {
  const auto at = [&](std::size_t column) { return widths.begin() + static_cast<std::ptrdiff_t>(column); };
  return std::accumulate(at(begin), at(end), kGap * (end - begin - 1));
}

// Three digits and a unit.
std::string scaled(double value, std::string_view unit) {
  const int digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, digits, unit);
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = settings::printable(cell);
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

Table::Layout Table::layout(std::size_t width) const {
  Layout result{.widths = natural_widths(), .spans = {{0, columns_.size(), 0}}};
  if (total_of(result.widths, 0, columns_.size()) <= width) return result;
  // As many columns in a line as have room when they are as narrow as they can be.
  std::size_t used = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Span& span = result.spans.back();
    const std::size_t room = width - span.indent;
    const std::size_t least =
        columns_[i].wrap == Wrap::never ? result.widths[i] : std::max(width_of(columns_[i].title), longest_word(i));
    if (i != span.begin && used + kGap + least > room) {
      span.end = i;
      result.spans.push_back({i, columns_.size(), kIndent});
      used = 0;
    }
    used += (used == 0 ? 0 : kGap) + least;
    result.widths[i] = std::min(result.widths[i], width - result.spans.back().indent);
  }
  for (const Span& span : result.spans) {
    for (const std::size_t least : {kComfortable, kNarrowest, std::size_t{1}}) {
      for (const Wrap which : {Wrap::first, Wrap::when_needed}) {
        while (total_of(result.widths, span.begin, span.end) > width - span.indent &&
               narrow(result.widths, span, which, least)) {
        }
      }
    }
  }
  return result;
}

// Takes a character from the widest of these columns; false when none is wider than `least`, its title and its longest
// word.
bool Table::narrow(std::vector<std::size_t>& widths, const Span& span, Wrap which, std::size_t least) const {
  std::size_t* widest = nullptr;
  for (std::size_t i = span.begin; i < span.end; ++i) {
    if (columns_[i].wrap != which) continue;
    const std::size_t floor = std::max({least, width_of(columns_[i].title), longest_word(i)});
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
      const std::string_view word = cell.substr(0, cell.find(' '));
      cell.remove_prefix(std::min(word.size() + 1, cell.size()));
      longest = std::max(longest, width_of(word));
    }
  }
  return longest;
}

std::string Table::text(std::size_t width) const {
  const auto below =
      std::find_if(columns_.begin(), columns_.end(), [](const Column& column) { return column.wrap == Wrap::below; });
  if (below != columns_.end() && total_of(natural_widths(), 0, columns_.size()) > width) {
    return without(static_cast<std::size_t>(below - columns_.begin()), width);
  }
  const Layout lines = layout(width);
  std::string text;
  put_titles(lines, text);
  for (const Row& row : rows_) {
    put_row(row, lines, text);
    if (width == counted) text.insert(text.size() - 1, 1, kRowMark);
  }
  return text;
}

std::string Table::text_or(std::string_view sentence, std::size_t width) const {
  if (!empty()) return text(width);
  return (width == counted ? std::string{kRowMark} : std::string{}) + std::string{sentence};
}

std::string rows_of(std::string_view text) {
  if (text.find(kRowMark) == text.npos) return std::string{text};
  std::string rows;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    if (const std::string_view line = text.substr(0, end); line.ends_with(kRowMark)) {
      rows += line.substr(0, line.size() - 1);
      rows += '\n';
    }
    text.remove_prefix(end + 1);
  }
  return rows;
}

// The table without that column, whose cells stand below their rows instead.
std::string Table::without(std::size_t column, std::size_t width) const {
  const auto at = static_cast<std::ptrdiff_t>(column);
  Table narrower{columns_};
  narrower.columns_.erase(narrower.columns_.begin() + at);
  for (Row row : rows_) {
    row.erase(row.begin() + at);
    narrower.rows_.push_back(std::move(row));
  }
  const Layout lines = narrower.layout(width);
  std::string text;
  narrower.put_titles(lines, text);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    narrower.put_row(narrower.rows_[i], lines, text);
    const std::string& sentence = rows_[i][column];
    if (sentence.empty() || sentence == "-") continue;
    for (const auto& piece : pieces_of(sentence, width - kIndent)) {
      text += std::string(kIndent, ' ') + piece + '\n';
    }
  }
  return text;
}

void Table::put_titles(const Layout& layout, std::string& text) const {
  Row titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  for (const Span& span : layout.spans) put_line(titles, layout, span, text);
}

void Table::put_row(const Row& row, const Layout& layout, std::string& text) const {
  std::vector<Row> columns;
  for (std::size_t i = 0; i < row.size(); ++i) columns.push_back(pieces_of(row[i], layout.widths[i]));
  for (const Span& span : layout.spans) {
    std::size_t lines = 1;
    for (std::size_t i = span.begin; i < span.end; ++i) lines = std::max(lines, columns[i].size());
    for (std::size_t line = 0; line < lines; ++line) {
      Row cells;
      for (const Row& pieces : columns) cells.push_back(line < pieces.size() ? pieces[line] : std::string{});
      put_line(cells, layout, span, text);
    }
  }
}

void Table::put_line(const Row& cells, const Layout& layout, const Span& span, std::string& text) const {
  std::string line(span.indent, ' ');
  for (std::size_t i = span.begin; i < span.end; ++i) {
    const std::string padding(layout.widths[i] - std::min(width_of(cells[i]), layout.widths[i]), ' ');
    if (i != span.begin) line.append(kGap, ' ');
    line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

std::string folded(std::string_view lines, std::size_t width, std::size_t indent) {
  std::string text;
  while (!lines.empty()) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    for (std::size_t room = width; width_of(line) > room; room = width - indent) {
      const std::size_t last = line.rfind(' ', bytes_of(line, room));
      const bool has_words_before = last != line.npos && line.find_first_not_of(' ') < last;
      const std::size_t end = has_words_before ? last : line.find(' ', bytes_of(line, room));
      if (end == line.npos) break;
      text += line.substr(0, line.find_last_not_of(' ', end) + 1);
      text += '\n' + std::string(indent, ' ');
      line.remove_prefix(end);
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    }
    text += line;
    text += '\n';
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
