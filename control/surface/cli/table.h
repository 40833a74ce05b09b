// Tables for people. Columns are as wide as their contents if that fits the screen; otherwise a column of sentences
// moves to lines of its own below each row, and those that may wrap get narrower, texts before names and addresses,
// between words only: their cells go on in the lines below. Where even that is too wide, the last columns move to a
// second line of each row. Nothing is cut off, and an address or a name stays in one piece unless it is wider than the
// screen by itself. Without a bound each row is one line: that is what filters and pipes get.
//
// Cells may hold anything: what could steer a terminal or break a line is shown as \x1b and the like.
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
  static constexpr std::size_t width_usual = 80;  // of terminals that do not tell
  static constexpr std::size_t unbounded = static_cast<std::size_t>(-1);
  // Unbounded, and each row ends with a mark: what rows_of() counts by.
  static constexpr std::size_t counted = unbounded - 1;

  explicit Table(std::vector<Column> columns) : columns_{std::move(columns)} {}
  // As many cells as there are columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Lines, each ended, none wider than `width`.
  [[nodiscard]] std::string text(std::size_t width = width_usual) const;
  // The same, or what is said instead of a table without rows.
  [[nodiscard]] std::string text_or(std::string_view sentence, std::size_t width) const;

 private:
  using Row = std::vector<std::string>;
  // Columns that stand beside each other.
  struct Span {
    std::size_t begin = 0, end = 0, indent = 0;
  };
  // How wide each column is, and in how many lines they stand.
  struct Layout {
    std::vector<std::size_t> widths;
    std::vector<Span> spans;
  };
  [[nodiscard]] std::vector<std::size_t> natural_widths() const;
  [[nodiscard]] Layout layout(std::size_t width) const;
  bool narrow(std::vector<std::size_t>& widths, const Span& span, Wrap which, std::size_t least) const;
  [[nodiscard]] std::size_t longest_word(std::size_t column) const;
  [[nodiscard]] std::string without(std::size_t column, std::size_t width) const;
  void put_titles(const Layout& layout, std::string& text) const;
  void put_row(const Row& row, const Layout& layout, std::string& text) const;
  void put_line(const Row& cells, const Layout& layout, const Span& span, std::string& text) const;
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

// The rows of a text that was made to be counted, without titles and what is said beside them; a text without tables is
// all rows.
std::string rows_of(std::string_view text);

// Sentences or rows in lines of at most `width` columns, each ended, broken only between words; what goes on is
// indented by `indent`.
std::string folded(std::string_view lines, std::size_t width = Table::width_usual, std::size_t indent = 0);

// A count in at most six characters: "999999", then "1.00M", "12.3M", "123M", "1.23G".
std::string count_text(std::uint64_t count);
// Bytes in at most eight: "1023 B", "1.00 KiB", "12.3 MiB".
std::string bytes_text(std::uint64_t bytes);
// A span of time in its two largest units: "5 s", "3 min 20 s", "2 h 5 min", "4 d 7 h".
std::string span_text(std::int64_t seconds);
// The same in at most six characters: "5s", "3m20s", "2h5m", "4d7h", "1000d".
std::string short_span_text(std::int64_t seconds);

}  // namespace fulcrum::cli
