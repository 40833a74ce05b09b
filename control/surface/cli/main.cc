// fulcrum: the command line of the control plane.
#include <fmt/format.h>
#include <getopt.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "control/surface/cli/client.h"
#include "control/surface/cli/show.h"
#include "dataplane/base/option_problem.h"
#include "dataplane/base/version.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

enum Exit : int { kGood = 0, kFailed = 1, kUsage = 2, kNotFound = 4 };

constexpr const char* kHelp =
    "usage: fulcrum show farms|servers|connections|drops|version [OPTIONS]\n"
    "\n"
    "  --json             print the answer as JSON\n"
    "  --runtime-dir DIR  where fulcrum-control keeps its socket (default /run/fulcrum)\n"
    "  --farm NAME        connections: only of this farm\n"
    "  --server NAME      connections: only of this server\n"
    "  --limit N          connections: at most so many (default 100, at most 1000)\n"
    "  --offset N         connections: go on where an earlier page ended\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 good, 1 failed (fulcrum-control not running), 2 wrong usage, 4 no such object.\n";

constexpr std::array<std::string_view, 5> kShown{"farms", "servers", "connections", "drops", "version"};
constexpr std::chrono::seconds kPatience{20};

struct Options {
  std::string runtime_dir = "/run/fulcrum";
  bool as_json = false;
  json question = json::object();
  std::optional<std::string> text;  // to print instead of asking
};

std::nullopt_t complain(const std::string& line) {
  fmt::print(stderr, "fulcrum: {}\n", line);
  return std::nullopt;
}

bool put_number(json& question, const char* key, std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) {
    complain(fmt::format("--{} takes a number, not \"{}\"", key, word));
    return false;
  }
  question[key] = number;
  return true;
}

// What stands without dashes: "show" and what to show.
bool read_words(Options& options, int count, char** words) {
  const int given = count - optind;
  if (given == 0 || std::string_view{words[optind]} != "show") {
    complain(given == 0 ? "say what to do; `fulcrum --help` tells what there is"
                        : fmt::format("\"{}\" is no command; `fulcrum --help` tells what there is", words[optind]));
    return false;
  }
  if (given != 2 || std::find(kShown.begin(), kShown.end(), words[optind + 1]) == kShown.end()) {
    complain("show what? farms, servers, connections, drops or version");
    return false;
  }
  options.question["show"] = words[optind + 1];
  return true;
}

std::optional<Options> parse_options(int count, char** words) {
  enum : int { as_json = 1, runtime_dir, farm, server, limit, offset, show_version, help };
  const std::array<option, 9> known{{{"json", no_argument, nullptr, as_json},
                                     {"runtime-dir", required_argument, nullptr, runtime_dir},
                                     {"farm", required_argument, nullptr, farm},
                                     {"server", required_argument, nullptr, server},
                                     {"limit", required_argument, nullptr, limit},
                                     {"offset", required_argument, nullptr, offset},
                                     {"version", no_argument, nullptr, show_version},
                                     {"help", no_argument, nullptr, help},
                                     {nullptr, 0, nullptr, 0}}};
  Options options;
  opterr = 0;
  for (int found = 0; (found = getopt_long(count, words, ":", known.data(), nullptr)) != -1;) {
    switch (found) {
      case as_json:
        options.as_json = true;
        break;
      case runtime_dir:
        options.runtime_dir = optarg;
        break;
      case farm:
        options.question["farm"] = optarg;
        break;
      case server:
        options.question["server"] = optarg;
        break;
      case limit:
      case offset:
        if (!put_number(options.question, found == limit ? "limit" : "offset", optarg)) return std::nullopt;
        break;
      case show_version:
        options.text = fmt::format("fulcrum {}\n", version());
        return options;
      case help:
        options.text = kHelp;
        return options;
      default:
        return complain(option_problem(found, words));
    }
  }
  if (!read_words(options, count, words)) return std::nullopt;
  if (options.question["show"] != "connections" && options.question.size() > 1) {
    return complain("--farm, --server, --limit and --offset go with `show connections`");
  }
  return options;
}

int program(int count, char** words) {
  const auto options = parse_options(count, words);
  if (!options) return kUsage;
  if (options->text) {
    std::fputs(options->text->c_str(), stdout);
    return kGood;
  }
  const auto line =
      ask(options->runtime_dir, options->question.dump(-1, ' ', false, json::error_handler_t::replace), kPatience);
  if (!line) {
    complain(line.error().words());
    return kFailed;
  }
  const json answer = json::parse(*line, nullptr, false);
  if (!answer.is_object()) {
    complain("fulcrum-control answered something that is no JSON");
    return kFailed;
  }
  if (const auto error = answer.find("error"); error != answer.end() && error->is_object()) {
    complain(error->value("text", "unknown error"));
    const std::string code = error->value("code", "");
    return code == "not_found" ? kNotFound : code == "invalid" ? kUsage : kFailed;
  }
  const std::string shown =
      options->as_json ? answer.dump(2) + "\n" : page(options->question["show"].get<std::string>(), answer);
  const bool written = std::fputs(shown.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? kGood : kFailed;
}

}  // namespace
}  // namespace fulcrum::cli

int main(int count, char** words) { return fulcrum::cli::program(count, words); }
