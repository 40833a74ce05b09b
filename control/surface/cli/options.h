// The words that the shell hands over: options of the program, and a command.
#pragma once

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fulcrum::cli {

struct Options {
  std::string runtime_dir = "/run/fulcrum";
  bool as_json = false;
  bool colour = true;
  bool login = false;               // started as a login shell
  std::vector<std::string> lines;   // of -c, or the words of the command line as one; empty: read them
  bool complete = false;            // print how the last of `lines` may go on
  bool manual = false;              // print fulcrum(1)
  std::optional<std::string> text;  // to print instead
};

// `words` as main has them: the first, the program's name, begins with a dash in a login shell. Errors: what is wrong,
// in words.
//
// `--farm shop` and `farm shop` mean the same, so that commands look right in a shell's script too.
tl::expected<Options, std::string> parse_options(int count, char** words);

}  // namespace fulcrum::cli
