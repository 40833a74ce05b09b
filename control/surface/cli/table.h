// Tables for people, on a terminal of 80 columns. Columns are as wide as their contents if that fits; otherwise a
// column of sentences moves to lines of its own below each row, and those that may wrap get narrower, texts before
// names and addresses, words whole as long as possible. Their cells go on in the lines below: nothing is cut off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fulcrum::cli {

enum class Align : std::uint8_t { left, right };
enum class Wrap : std::uint8_t { never, when_needed, first, below };

struct Column {
  std::string title;
  Align align = Align::left;
  Wrap wrap = Wrap::never;
};

class Table {
 public:
  static constexpr std::size_t width_max = 80;

  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  // As many cells as there are columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Lines, each ended, none wider than width_max unless columns that may not wrap are too wide by themselves.
  [[nodiscard]] std::string text() const;

 private:
  using Row = std::vector<std::string>;
  [[nodiscard]] std::vector<std::size_t> natural_widths() const;
  [[nodiscard]] std::vector<std::size_t> widths() const;
  bool narrow(std::vector<std::size_t>& widths, Wrap which, std::size_t least, bool whole_words) const;
  [[nodiscard]] std::size_t longest_word(std::size_t column) const;
  [[nodiscard]] std::string without(std::size_t column) const;
  void put_row(const Row& row, const std::vector<std::size_t>& widths, std::string& text) const;
  void put_line(const Row& cells, const std::vector<std::size_t>& widths, std::string& text) const;
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// A sentence in lines of at most Table::width_max columns, the last one ended too; only between words.
std::string folded(std::string_view sentence);

// A count in at most six characters: "999999", then "1.00M", "12.3M", "123M", "1.23G".
std::string count_text(std::uint64_t count);
// Bytes in at most eight: "1023 B", "1.00 KiB", "12.3 MiB".
std::string bytes_text(std::uint64_t bytes);
// A span of time in its two largest units: "5 s", "3 min 20 s", "2 h 5 min", "4 d 7 h".
std::string span_text(std::int64_t seconds);
// The same in at most six characters: "5s", "3m20s", "2h5m", "4d7h", "1000d".
std::string short_span_text(std::int64_t seconds);

}  // namespace fulcrum::cli
