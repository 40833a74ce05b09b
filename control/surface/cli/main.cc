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
#include <vector>

#include "control/surface/cli/access.h"
#include "control/surface/cli/client.h"
#include "control/surface/cli/show.h"
#include "dataplane/base/option_problem.h"
#include "dataplane/base/version.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

enum Exit : int { kGood = 0, kFailed = 1, kUsage = 2, kNotFound = 4 };

constexpr const char* kHelp =
    "usage: fulcrum show farms|servers|connections|persistence|drops|version [OPTIONS]\n"
    "       fulcrum clear connections|persistence [OPTIONS]\n"
    "       fulcrum access setup|unlock|rescue, fulcrum audit verify, fulcrum api METHOD PATH [JSON]\n"
    "\n"
    "  --json             print the answer as JSON\n"
    "  --runtime-dir DIR  where fulcrum-control keeps its socket (default /run/fulcrum)\n"
    "  --version, --help\n"
    "\n"
    "connections and persistence (which clients are bound to which servers):\n"
    "  --farm NAME        only of this farm\n"
    "  --server NAME      only of this server\n"
    "  --client NET       only of clients of this network (192.0.2.0/24) or address\n"
    "  --state STATE,...  connections only in these states: embryonic, answered,\n"
    "                     established, client_closing, server_closing, time_wait,\n"
    "                     reset, udp\n"
    "show:\n"
    "  --limit N          at most so many (default 100, at most 1000)\n"
    "  --offset N         go on where an earlier page ended\n"
    "  --all              page after page to the end; with --json one object a line\n"
    "clear:\n"
    "  --all              every one; else say which ones\n"
    "\n"
    "Exit status: 0 good, 1 failed (fulcrum-control not running), 2 wrong usage, 4 no such object.\n";

constexpr std::array<std::string_view, 6> kShown{"farms", "servers", "connections", "persistence", "drops", "version"};
constexpr std::array<std::string_view, 2> kTables{"connections", "persistence"};
constexpr std::chrono::seconds kPatience{20};

struct Options {
  std::string runtime_dir = "/run/fulcrum";
  bool as_json = false;
  bool all = false;
  json question = json::object();
  std::optional<std::string> text;  // to print instead of asking
  std::vector<std::string> access;  // words of a command about access; empty: show something
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

bool is_table(std::string_view what) { return std::find(kTables.begin(), kTables.end(), what) != kTables.end(); }

// What stands without dashes: what to do, and with what.
bool read_words(Options& options, int count, char** words) {
  const int given = count - optind;
  const std::string_view verb = given == 0 ? "" : words[optind];
  if (verb != "show" && verb != "clear") {
    complain(given == 0 ? "say what to do; `fulcrum --help` tells what there is"
                        : fmt::format("\"{}\" is no command; `fulcrum --help` tells what there is", verb));
    return false;
  }
  const bool show = verb == "show";
  const bool known = given == 2 && (show ? std::find(kShown.begin(), kShown.end(), words[optind + 1]) != kShown.end()
                                         : is_table(words[optind + 1]));
  if (!known) {
    complain(show ? "show what? farms, servers, connections, persistence, drops or version"
                  : "clear what? connections or persistence");
    return false;
  }
  options.question[std::string{verb}] = words[optind + 1];
  return true;
}

// Options that go with the words.
bool check_options(Options& options) {
  const json& question = options.question;
  if (question.contains("clear")) {
    if (question.contains("limit") || question.contains("offset")) {
      complain("--limit and --offset go with `show`");
      return false;
    }
    if (options.all) options.question["all"] = true;
    return true;
  }
  if (is_table(question["show"].get<std::string>()) || (question.size() == 1 && !options.all)) return true;
  complain("filters, --limit, --offset and --all go with `show connections` and `show persistence`");
  return false;
}

std::optional<Options> parse_options(int count, char** words) {
  enum : int { as_json = 1, runtime_dir, all, farm, server, client, state, limit, offset, show_version, help };
  const std::array<option, 12> known{{{"json", no_argument, nullptr, as_json},
                                      {"runtime-dir", required_argument, nullptr, runtime_dir},
                                      {"all", no_argument, nullptr, all},
                                      {"client", required_argument, nullptr, client},
                                      {"state", required_argument, nullptr, state},
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
      case all:
        options.all = true;
        break;
      case farm:
        options.question["farm"] = optarg;
        break;
      case server:
        options.question["server"] = optarg;
        break;
      case client:
        options.question["client"] = optarg;
        break;
      case state:
        options.question["state"] = optarg;
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
  options.access.assign(words + optind, words + count);
  if (is_access_command(options.access)) return options;
  options.access.clear();
  if (!read_words(options, count, words) || !check_options(options)) return std::nullopt;
  return options;
}

// Asks once. The exit status when there is no answer to show.
std::optional<json> ask_once(const Options& options, const json& question, int& status) {
  status = kFailed;
  const auto line = ask(options.runtime_dir, question.dump(-1, ' ', false, json::error_handler_t::replace), kPatience);
  if (!line) return complain(line.error().words());
  json answer = json::parse(*line, nullptr, false);
  if (!answer.is_object()) return complain("fulcrum-control answered something that is no JSON");
  if (const auto error = answer.find("error"); error != answer.end() && error->is_object()) {
    const std::string code = error->value("code", "");
    status = code == "not_found" ? kNotFound : code == "invalid" ? kUsage : kFailed;
    return complain(error->value("text", "unknown error"));
  }
  status = kGood;
  return answer;
}

bool print(const std::string& text) { return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0; }

// Page after page, each as soon as it is there: of millions of entries the reader sees the first at once, and neither
// end ever holds more than a page.
int show_all(const Options& options, const std::string& what) {
  constexpr int kPage = 1000;
  json question = options.question;
  question["limit"] = kPage;
  for (;;) {
    int status = kGood;
    auto answer = ask_once(options, question, status);
    if (!answer) return status;
    const json next = answer->value("next", json());
    (*answer)["next"] = nullptr;
    std::string text = options.as_json ? std::string{} : page(what, *answer);
    const json entries = options.as_json ? answer->value(what, json::array()) : json::array();
    for (const json& entry : entries) text += entry.dump() + "\n";
    if (!print(text)) return kFailed;
    if (!next.is_number()) return kGood;
    question["offset"] = next;
  }
}

int program(int count, char** words) {
  const auto options = parse_options(count, words);
  if (!options) return kUsage;
  if (options->text) return print(*options->text) ? kGood : kFailed;
  if (!options->access.empty()) return run_access_command(options->access, options->runtime_dir, kPatience);
  const bool shows = options->question.contains("show");
  const auto what = options->question[shows ? "show" : "clear"].get<std::string>();
  if (shows && options->all) return show_all(*options, what);
  int status = kGood;
  const auto answer = ask_once(*options, options->question, status);
  if (!answer) return status;
  const std::string text = options->as_json ? answer->dump(2) + "\n"
                           : shows          ? page(what, *answer)
                                            : cleared_text(what, *answer);
  return print(text) ? kGood : kFailed;
}

}  // namespace
}  // namespace fulcrum::cli

int main(int count, char** words) { return fulcrum::cli::program(count, words); }
