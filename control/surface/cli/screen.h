// Where answers go and where a person is asked: a terminal, or files of a script. Sessions know no more of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace fulcrum::cli {

class Screen {
 public:
  virtual ~Screen() = default;
  // An answer. `paged`: may stop at the end of the screen. False: nobody wants the rest.
  virtual bool print(std::string_view text, bool paged) = 0;
  // What went wrong.
  virtual void complain(std::string_view text) = 0;
  // Yes or no; nothing: there is nobody to ask, or who is there gives up.
  virtual std::optional<bool> ask(std::string_view question, bool otherwise) = 0;
  // A line of whoever is there; `hidden`: not shown. Nothing: given up, or at the end.
  virtual std::optional<std::string> read_line(std::string_view question, bool hidden) = 0;
  // Waits; true: it was ended by a key or an interrupt.
  virtual bool pause(std::chrono::seconds time) = 0;
  // Whether a person types: who is asked things twice.
  [[nodiscard]] virtual bool has_person() const = 0;
  // Whether a person looks: colours, and pages drawn over the one before.
  [[nodiscard]] virtual bool is_terminal() const = 0;
  // Of a terminal: it has no cursor that could be moved, as a printer or a file.
  [[nodiscard]] virtual bool only_prints() const { return true; }
  [[nodiscard]] virtual bool has_colour() const = 0;
  [[nodiscard]] virtual std::size_t rows() const = 0;
  // How wide answers may be; Table::unbounded where nobody looks at them.
  [[nodiscard]] virtual std::size_t columns() const = 0;
};

// Standard input, output and error of a script, or of one command that a person gave to a shell.
class PlainScreen final : public Screen {
 public:
  bool print(std::string_view text, bool paged) override;
  void complain(std::string_view text) override;
  std::optional<bool> ask(std::string_view question, bool otherwise) override;
  std::optional<std::string> read_line(std::string_view question, bool hidden) override;
  bool pause(std::chrono::seconds time) override;
  [[nodiscard]] bool has_person() const override;
  [[nodiscard]] bool is_terminal() const override { return false; }
  [[nodiscard]] bool has_colour() const override { return false; }
  [[nodiscard]] std::size_t rows() const override { return 0; }
  [[nodiscard]] std::size_t columns() const override;
};

// One line of a file, without its end; nothing at its end. One that is longer than a line may be is cut there, so that
// it is refused for its length.
std::optional<std::string> read_line(std::FILE* file);

}  // namespace fulcrum::cli
