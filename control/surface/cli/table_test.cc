#include "control/surface/cli/table.h"

#include <algorithm>
#include <sstream>

#include "tests/support/gtest.h"

namespace fulcrum::cli {
namespace {

std::size_t widest_line(const std::string& text) {
  std::istringstream lines{text};
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

// All that stands in the column that begins at `from`, without line breaks and spaces.
std::string joined(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }), text.end());
  return text;
}

TEST(Table, AlignsNumbersToTheRight) {
  Table table{{{.title = "NAME"}, {.title = "COUNT", .align = Align::right}}};
  table.add({"web1", "7"});
  table.add({"a-longer-name", "1234567"});
  EXPECT_EQ(table.text(),
            "NAME             COUNT\n"
            "web1                 7\n"
            "a-longer-name  1234567\n");
}

TEST(Table, FitsTheTerminalAndLosesNothing) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "SERVER", .wrap = Wrap::when_needed},
               {.title = "PACKETS", .align = Align::right},
               {.title = "REASON", .wrap = Wrap::first}}};
  const std::string client = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535";
  const std::string server = "a-server-with-a-name-as-long-as-the-model-lets-it-be-which-is-63";
  table.add({client, server, "999999", "no answer within 2000 ms (the last 2: connection refused)"});
  const std::string text = table.text();
  EXPECT_LE(widest_line(text), Table::width_usual) << text;
  std::vector<std::string> columns(4);
  // Letters of each cell must all be there, in order, somewhere down its column.
  Table alone{{{.title = "CLIENT", .wrap = Wrap::when_needed}}};
  alone.add({client + client});
  EXPECT_EQ(joined(alone.text()), "CLIENT" + client + client);
}

TEST(Table, WrapsTextsBeforeAddresses) {
  Table table{{{.title = "ADDRESS", .wrap = Wrap::when_needed}, {.title = "REASON", .wrap = Wrap::first}}};
  table.add({"[2001:db8::1234]:8080", std::string(30, 'a') + " " + std::string(30, 'b') + " " + std::string(30, 'c')});
  EXPECT_NE(table.text().find("[2001:db8::1234]:8080"), std::string::npos) << table.text();
}

TEST(Table, BreaksAtSpaces) {
  Table table{{{.title = "A", .wrap = Wrap::first}, {.title = std::string(64, 'x')}}};
  table.add({"connection refused", ""});
  EXPECT_NE(table.text().find("\nconnection\nrefused\n"), std::string::npos) << table.text();
}

TEST(Table, BreaksWordsLast) {
  Table table{
      {{.title = "CLIENT", .wrap = Wrap::when_needed}, {.title = "STATE", .wrap = Wrap::first}, {.title = "NOTES"}}};
  table.add({"[2001:db8::1]:40000", "client_closing", std::string(52, 'n')});
  EXPECT_NE(table.text().find("client_closing"), std::string::npos) << table.text();
  EXPECT_LE(widest_line(table.text()), Table::width_usual) << table.text();
}

TEST(Table, KeepsWordsWholeAndGoesOnInASecondLine) {
  Table table{{{.title = "CLIENT", .wrap = Wrap::when_needed},
               {.title = "SERVICE", .wrap = Wrap::first},
               {.title = "WHY", .wrap = Wrap::first},
               {.title = "N", .align = Align::right}}};
  table.add({"[2001:db8:1234:5678:9abc:def0:1234:5678]:65535", "[2001:db8::1]:443", "weighted_round_robin", "7"});
  EXPECT_EQ(table.text(),
            "CLIENT                                          SERVICE\n"
            "    WHY                   N\n"
            "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535  [2001:db8::1]:443\n"
            "    weighted_round_robin  7\n");
  EXPECT_EQ(table.text(Table::unbounded),
            "CLIENT                                          SERVICE            WHY                   N\n"
            "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535  [2001:db8::1]:443  weighted_round_robin  7\n");
}

TEST(Table, IsCountedByItsRows) {
  Table table{{{.title = "A"}, {.title = "REASON", .wrap = Wrap::below}}};
  EXPECT_EQ(rows_of(table.text_or("There are none.\n", Table::counted) + "\n2 of 9 places in use\n"), "");
  EXPECT_EQ(table.text_or("There are none.\n", 80), "There are none.\n");
  table.add({"x", "a sentence"});
  table.add({"y\x1e", "-"});
  EXPECT_EQ(rows_of("Two:\n" + table.text_or("none", Table::counted) + "\nIn all 2.\n"),
            "x      a sentence\ny\\x1e  -\n");
  EXPECT_EQ(rows_of("set a 1\nset b 2\n"), "set a 1\nset b 2\n") << "what is no table is all rows";
}

TEST(Table, ShowsWhatWouldSteerATerminal) {
  Table table{{{.title = "A"}}};
  table.add({"x\033[2Jy\nz\xc2\x9b"});
  EXPECT_EQ(table.text(), "A\nx\\x1b[2Jy\\x0az\\xc2\\x9b\n");
}

TEST(Table, PutsSentencesBelowTheirRowsWhenTheyDoNotFit) {
  Table table{{{.title = "SERVER"}, {.title = "REASON", .wrap = Wrap::below}, {.title = "N", .align = Align::right}}};
  table.add({"web1", "-", "1"});
  EXPECT_EQ(table.text(), "SERVER  REASON  N\nweb1    -       1\n");
  table.add({"web2", "no answer within 2000 ms to three probes in a row, and before that a refused connection", "22"});
  EXPECT_EQ(table.text(),
            "SERVER   N\n"
            "web1     1\n"
            "web2    22\n"
            "    no answer within 2000 ms to three probes in a row, and before that a refused\n"
            "    connection\n");
}

TEST(Table, CountsLettersNotBytes) {
  Table table{{{.title = "NAME"}, {.title = "N", .align = Align::right}}};
  table.add({"K\xC3\xB6ln", "1"});
  table.add({"Bonn", "2"});
  EXPECT_EQ(table.text(), "NAME  N\nK\xC3\xB6ln  1\nBonn  2\n");
}

TEST(Table, NoColumnIsTooNarrowToShowAnything) {
  std::vector<Column> columns;
  for (int i = 0; i < 12; ++i) columns.push_back({.title = "C", .wrap = Wrap::first});
  Table table{columns};
  table.add(std::vector<std::string>(12, "some words that wrap"));
  EXPECT_FALSE(table.text().empty());
}

struct NumberCase {
  std::uint64_t number;
  const char* text;
};

TEST(Numbers, CountsInSixCharacters) {
  constexpr NumberCase kCases[]{{0, "0"},
                                {999'999, "999999"},
                                {1'000'000, "1.00M"},
                                {12'345'678, "12.3M"},
                                {999'600'000, "1.00G"},
                                {UINT64_MAX, "18.4E"}};
  for (const NumberCase& c : kCases) {
    EXPECT_EQ(count_text(c.number), c.text);
    EXPECT_LE(count_text(c.number).size(), 6U);
  }
}

TEST(Numbers, BytesInEightCharacters) {
  constexpr NumberCase kCases[]{{0, "0 B"},
                                {1023, "1023 B"},
                                {1024, "1.00 KiB"},
                                {1024 * 1024 - 1, "1.00 MiB"},
                                {123'456'789, "118 MiB"},
                                {UINT64_MAX, "16.0 EiB"}};
  for (const NumberCase& c : kCases) {
    EXPECT_EQ(bytes_text(c.number), c.text);
    EXPECT_LE(bytes_text(c.number).size(), 8U);
  }
}

TEST(Numbers, Spans) {
  EXPECT_EQ(span_text(59), "59 s");
  EXPECT_EQ(span_text(200), "3 min 20 s");
  EXPECT_EQ(span_text(7500), "2 h 5 min");
  EXPECT_EQ(span_text(371'000), "4 d 7 h");
  EXPECT_EQ(short_span_text(59), "59s");
  EXPECT_EQ(short_span_text(3599), "59m59s");
  EXPECT_EQ(short_span_text(86399), "23h59m");
  EXPECT_EQ(short_span_text(99 * 86400 + 86399), "99d23h");
  EXPECT_EQ(short_span_text(999'999'999), "11574d");
}

TEST(Sentences, AreFoldedBetweenWords) {
  EXPECT_EQ(folded("short"), "short\n");
  EXPECT_EQ(folded(std::string(79, 'x') + " yy zz"), std::string(79, 'x') + "\nyy zz\n");
  EXPECT_EQ(folded(std::string(80, 'x') + " y"), std::string(80, 'x') + "\ny\n");
  EXPECT_EQ(folded(std::string(90, 'x') + " y"), std::string(90, 'x') + "\ny\n");
  EXPECT_EQ(folded(std::string(90, 'x')), std::string(90, 'x') + "\n");
}

}  // namespace
}  // namespace fulcrum::cli
