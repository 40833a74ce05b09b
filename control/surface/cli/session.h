// One person's, or one script's, conversation with the box: where they are (mode, place in the configuration), their
// candidate, and the way of a line:
//
//   line -> parse (grammar.h, by the tree of commands.h) -> handler -> Reply -> filters -> screen
//
// A handler asks the box and makes a Reply: the answer as data, for --json and `| json`, and as text. It prints nothing
// itself. So everything that is shown has both forms, and filters work on every answer.
//
// A session's candidate lives in the box. When the session dies it stays there, and the person finds it again. A commit
// is one question: once it is sent the box carries it out, whatever becomes of who asked.
//
// One thread.
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <string_view>

#include "control/surface/cli/box.h"
#include "control/surface/cli/filters.h"
#include "control/surface/cli/grammar.h"
#include "control/surface/cli/screen.h"
#include "control/surface/cli/table.h"

namespace fulcrum::cli {

struct Reply {
  nlohmann::ordered_json data{};
  std::string text{};
  std::string json_lines{};         // instead of `data`, of answers that come in pages: one object a line
  std::function<Outcome()> next{};  // the next page; empty: there is none
  Status status = Status::good;
};

enum class Mode : std::uint8_t { operate, configure };

class Session final : public Names {
 public:
  struct Settings {
    std::string user = "root";
    std::string host = "box";
    bool as_json = false;
    bool colour_errors = false;
  };
  Session(Box& box, Screen& screen, Settings settings);

  // Carries a line out and shows what came of it.
  Status run(std::string_view line);
  // Whether it may be kept in a history file, and whether the session goes on.
  [[nodiscard]] bool last_was_sensitive() const { return sensitive_; }
  [[nodiscard]] bool is_over() const { return over_; }
  [[nodiscard]] Completion complete_line(std::string_view line);
  // Whether it could be carried out as it stands.
  [[nodiscard]] bool is_complete(std::string_view line);
  // "lb1> ", "lb1 [farms.shop]*# ": host, place, changes that are not committed.
  [[nodiscard]] std::string prompt() const;

  // For handlers.
  Box& box() { return box_; }
  Screen& screen() { return screen_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] const std::string& candidate() const { return candidate_; }
  [[nodiscard]] const document::Path& place() const { return place_; }
  [[nodiscard]] std::size_t changes() const { return changes_; }
  // How wide the text of the answer may be. Without a bound where filters pick rows: each is one line then.
  [[nodiscard]] std::size_t columns() const { return columns_; }
  void enter(std::string candidate, std::size_t changes);
  void set_place(document::Path place) { place_ = std::move(place); }
  void set_changes(std::size_t changes) { changes_ = changes; }
  // Back to operational mode; the candidate is gone or left behind.
  void leave_configuration();
  void end() { over_ = true; }
  // Asks with the question {"config": verb, "candidate": ours, ...}.
  Box::Answer ask_config(const std::string& verb, nlohmann::json question = nlohmann::json::object(),
                         bool with_candidate = true);

  std::vector<Hint> elements(const document::Path& path) override;
  std::vector<Hint> farms() override;
  std::vector<Hint> servers(const std::string& farm) override;
  std::vector<Hint> members() override;

 private:
  [[nodiscard]] Grammar grammar();
  Status show(Outcome outcome, const Parsed& parsed);
  Status show_every(const Parsed& parsed, std::int64_t seconds);
  [[nodiscard]] std::optional<Trouble> in_the_other_mode(std::string_view line) const;
  [[nodiscard]] Filter::Kind form_of(const Parsed& parsed) const;
  [[nodiscard]] std::string text_of(const Reply& reply, const Parsed& parsed) const;
  [[nodiscard]] std::string drawn(std::string text, const TextFilters& filters) const;
  Status complain(const Trouble& trouble, std::string_view line);

  Box& box_;
  Screen& screen_;
  Settings settings_;
  Mode mode_ = Mode::operate;
  std::string candidate_;
  document::Path place_;
  std::size_t changes_ = 0;
  std::size_t columns_ = Table::width_usual;
  bool sensitive_ = false, over_ = false;
};

}  // namespace fulcrum::cli
