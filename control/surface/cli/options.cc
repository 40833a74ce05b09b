#include "control/surface/cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "control/surface/cli/line.h"
#include "dataplane/base/version.h"

namespace fulcrum::cli {
namespace {

constexpr const char* kUsage =
    "usage: fulcrum [OPTIONS]                     talk to the box\n"
    "       fulcrum [OPTIONS] COMMAND WORD...     one command: fulcrum show farms\n"
    "       fulcrum [OPTIONS] -c LINE [-c LINE]   one or more, each as it would be typed\n"
    "       fulcrum [OPTIONS] < FILE              a script; stops at the first error\n"
    "\n"
    "  --json             answers and errors as JSON\n"
    "  --no-color         as does NO_COLOR in the environment\n"
    "  --runtime-dir DIR  where fulcrum-control keeps its socket (default /run/fulcrum)\n"
    "  --complete WORD... how the last of these words may go on, one a line\n"
    "  -l, --login        as a login shell: begins with `setup` while nobody has a password\n"
    "  --manual           print fulcrum(1)\n"
    "  --version, --help\n"
    "\n"
    "`fulcrum help` lists the commands, fulcrum(1) explains them. Words may be shortened.\n"
    "\n"
    "Exit status: 0 good, 1 failed (fulcrum-control not running), 2 no such command,\n"
    "3 a value that is not right, 4 no such object, 5 somebody else has changed or holds\n"
    "it, 6 it went back because nobody confirmed it, 7 nothing was done: say `confirmed`\n"
    "or `now`, 8 committed, but not in force on every worker yet (scripts go on).\n";

constexpr std::array<std::string_view, 7> kFlags{"--json",   "--no-color", "--login", "--complete",
                                                 "--manual", "--version",  "--help"};

bool is_letter_word(std::string_view word) {
  return word.size() > 2 && word.starts_with("--") &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", 2) == std::string_view::npos;
}

class Reader {
 public:
  Reader(int count, char** words) : words_{words + (count > 0 ? 1 : 0), words + count} {
    options_.login = count > 0 && *words[0] == '-';
  }

  tl::expected<Options, std::string> read() {
    for (; at_ < words_.size() && !options_.text && problem_.empty(); ++at_) {
      const std::string& word = words_[at_];
      const bool is_begun = options_.complete && at_ + 1 == words_.size();  // and may be any part of a word
      if (is_begun || !take_option(word)) take_word(word);
    }
    if (!problem_.empty()) return tl::unexpected<std::string>{problem_ + "; `--help` lists the options"};
    if (!command_.empty() && !options_.lines.empty())
      return tl::unexpected<std::string>{"-c goes with no other command"};
    // One word that is a whole line: fulcrum "show farms | count".
    const bool is_line = count_ == 1 && !options_.complete && last_.find(' ') != last_.npos;
    if (!command_.empty() || options_.complete) options_.lines.push_back(is_line ? last_ : command_);
    return options_;
  }

 private:
  bool take_option(const std::string& word) {
    if (word == "--json") return options_.as_json = true;
    if (word == "--no-color") return !(options_.colour = false);
    if (word == "--login" || word == "-l") return options_.login = true;
    if (word == "--manual") return options_.manual = true;
    if (word == "--complete") return options_.complete = true;
    if (word == "--version" && command_.empty()) return take_text(fmt::format("fulcrum {}\n", version()));
    if (word == "--help" || word == "-h") return take_text(kUsage);
    if (word == "--runtime-dir" || word == "-c") {
      if (at_ + 1 == words_.size()) {
        problem_ = fmt::format("{} needs a value after it", word);
      } else if (word == "-c") {
        options_.lines.push_back(words_[++at_]);
      } else {
        options_.runtime_dir = words_[++at_];
      }
      return true;
    }
    if (word.starts_with("--runtime-dir=")) {
      options_.runtime_dir = word.substr(word.find('=') + 1);
      return true;
    }
    if (word.starts_with('-') && command_.empty()) {
      problem_ = option_problem(word);
      return true;
    }
    return false;
  }

  static std::string option_problem(const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    const bool is_known = std::find(kFlags.begin(), kFlags.end(), name) != kFlags.end();
    return is_known ? fmt::format("\"{}\": this option takes no value", word)
                    : fmt::format("\"{}\" is no option", word);
  }

  bool take_text(std::string text) {
    options_.text = std::move(text);
    return true;
  }

  // The shell has taken the quotes away; a '|' that it left is meant as ours.
  void take_word(const std::string& word) {
    ++count_;
    last_ = word;
    if (at_ != 0 && !command_.empty()) command_ += ' ';
    if (options_.complete && at_ + 1 == words_.size()) {
      command_ += word;  // may be empty, or only begun
    } else if (const auto equals = word.find('='); equals != word.npos && is_letter_word(word.substr(0, equals))) {
      command_ += word.substr(2, equals - 2) + " " + typed(word.substr(equals + 1));
    } else if (is_letter_word(word)) {
      command_ += word.substr(2);
    } else {
      command_ += word == "|" ? word : typed(word);
    }
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::string command_, last_, problem_;
  std::size_t count_ = 0;
  Options options_;
};

}  // namespace

tl::expected<Options, std::string> parse_options(int count, char** words) { return Reader{count, words}.read(); }

}  // namespace fulcrum::cli
