// What getopt_long(3) found wrong with a command line, in one sentence with the way out, for every program alike. It
// wants `opterr = 0` and an option string that begins with ':', so that getopt itself is silent.
#pragma once

#include <fmt/format.h>
#include <getopt.h>

#include <string>

namespace fulcrum {

// Right after getopt_long returned `found`, which is '?' or ':'. `words` is main's argv.
inline std::string option_problem(int found, char* const* words) {
  constexpr const char* kWayOut = "`--help` lists the options";
  const char* const word = words[optind - 1];
  if (found == ':') return fmt::format("{} needs a value after it; {}", word, kWayOut);
  if (optopt == 0) return fmt::format("\"{}\" is no option; {}", word, kWayOut);
  // Letters stand for themselves; a known long option's number is below them.
  if (optopt >= ' ') return fmt::format("\"-{}\" is no option; {}", static_cast<char>(optopt), kWayOut);
  return fmt::format("\"{}\": this option takes no value; {}", word, kWayOut);
}

}  // namespace fulcrum
