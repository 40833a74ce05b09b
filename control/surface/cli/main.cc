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
#include "control/surface/cli/explain.h"
#include "control/surface/cli/show.h"
#include "dataplane/base/option_problem.h"
#include "dataplane/base/version.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;

enum Exit : int { kGood = 0, kFailed = 1, kUsage = 2, kNotFound = 4 };

constexpr const char* kHelp =
    "usage: fulcrum show farms|servers|connections|persistence|drops|version [OPTIONS]\n"
    "       fulcrum show rates [farms|servers|ports|workers|drops [NAME]] [OPTIONS]\n"
    "       fulcrum show events [OPTIONS]\n"
    "       fulcrum clear connections|persistence [OPTIONS]\n"
    "       fulcrum access setup|unlock|rescue, fulcrum audit verify, fulcrum api METHOD PATH [JSON]\n"
    "       fulcrum explain tcp|udp SOURCE:PORT DESTINATION:PORT [OPTIONS]\n"
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
    "rates (of the last second; with a NAME, like shop or shop/web1, of the past):\n"
    "  --minutes N        so far back (default 5); --step 1|60|900 s; --maximum of each\n"
    "events: --limit N    the newest (default 100)\n"
    "explain (what would happen to a packet now, and why; IPv6 as [ADDRESS]:PORT):\n"
    "  --flags FLAGS      of TCP: syn (default), ack, fin, rst, psh, urg, as in syn|ack\n"
    "  --port NAME        data port it comes in by (default: where the source is)\n"
    "  --worker N, --ttl N, --payload BYTES\n"
    "  --candidate NAME, --revision N   instead of the configuration in force\n"
    "\n"
    "Exit status: 0 good, 1 failed (fulcrum-control not running), 2 wrong usage, 4 no such object.\n";

constexpr std::array<std::string_view, 8> kShown{"farms", "servers", "connections", "persistence",
                                                 "drops", "rates",   "events",      "version"};
constexpr std::array<std::string_view, 2> kTables{"connections", "persistence"};
constexpr std::chrono::seconds kPatience{20};

struct Options {
  std::string runtime_dir = "/run/fulcrum";
  bool as_json = false;
  bool all = false;
  json question = json::object();
  json packet = json::object();     // options of explain
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

bool read_explain_words(Options& options, int given, char** words) {
  if (given != 4) {
    complain(
        "explain what? tcp or udp, source and destination: `fulcrum explain tcp 192.0.2.7:40000 198.51.100.10:80`");
    return false;
  }
  json& packet = options.question["explain"];
  packet["protocol"] = words[1];
  packet["source"] = words[2];
  packet["destination"] = words[3];
  return true;
}

// What stands without dashes: what to do, and with what.
bool read_words(Options& options, int count, char** words) {
  const int given = count - optind;
  const std::string_view verb = given == 0 ? "" : words[optind];
  if (verb == "explain") return read_explain_words(options, given, words + optind);
  if (verb != "show" && verb != "clear") {
    complain(given == 0 ? "say what to do; `fulcrum --help` tells what there is"
                        : fmt::format("\"{}\" is no command; `fulcrum --help` tells what there is", verb));
    return false;
  }
  const bool show = verb == "show";
  const bool rates = show && given >= 2 && given <= 4 && std::string_view{words[optind + 1]} == "rates";
  if (rates && given > 2) options.question["of"] = words[optind + 2];
  if (rates && given > 3) options.question["name"] = words[optind + 3];
  const bool known =
      rates || (given == 2 && (show ? std::find(kShown.begin(), kShown.end(), words[optind + 1]) != kShown.end()
                                    : is_table(words[optind + 1])));
  if (!known) {
    complain(show ? "show what? farms, servers, connections, persistence, drops, rates, events or version"
                  : "clear what? connections or persistence");
    return false;
  }
  options.question[std::string{verb}] = words[optind + 1];
  return true;
}

// Options that go with the words.
bool check_options(Options& options) {
  const json& question = options.question;
  if (!options.packet.empty() && !question.contains("explain")) {
    complain("--flags, --port, --worker, --ttl, --payload, --candidate and --revision go with `explain`");
    return false;
  }
  if (question.contains("explain")) {
    if (question.size() > 1 || options.all) {
      complain("filters, --limit, --offset and --all do not go with `explain`");
      return false;
    }
    options.question["explain"].update(options.packet);
    for (const char* key : {"candidate", "revision"}) {
      if (!options.packet.contains(key)) continue;
      options.question[key] = options.packet[key];
      options.question["explain"].erase(key);
    }
    return true;
  }
  if (question.contains("clear")) {
    if (question.contains("limit") || question.contains("offset")) {
      complain("--limit and --offset go with `show`");
      return false;
    }
    if (options.all) options.question["all"] = true;
    return true;
  }
  if (question["show"] == "rates" || question["show"] == "events") return true;  // control knows what goes with them
  if (question.contains("from") || question.contains("step") || question.contains("function")) {
    complain("--minutes, --step and --maximum go with `show rates`");
    return false;
  }
  if (is_table(question["show"].get<std::string>()) || (question.size() == 1 && !options.all)) return true;
  complain("filters, --limit, --offset and --all go with `show connections` and `show persistence`");
  return false;
}

std::optional<Options> parse_options(int count, char** words) {
  enum : int {
    as_json = 1,
    runtime_dir,
    all,
    farm,
    server,
    client,
    state,
    limit,
    offset,
    flags,
    port,
    worker,
    ttl,
    payload,
    candidate,
    revision,
    minutes,
    step,
    maximum,
    show_version,
    help
  };
  const std::array<option, 22> known{{{"json", no_argument, nullptr, as_json},
                                      {"runtime-dir", required_argument, nullptr, runtime_dir},
                                      {"all", no_argument, nullptr, all},
                                      {"client", required_argument, nullptr, client},
                                      {"state", required_argument, nullptr, state},
                                      {"farm", required_argument, nullptr, farm},
                                      {"server", required_argument, nullptr, server},
                                      {"limit", required_argument, nullptr, limit},
                                      {"offset", required_argument, nullptr, offset},
                                      {"flags", required_argument, nullptr, flags},
                                      {"port", required_argument, nullptr, port},
                                      {"worker", required_argument, nullptr, worker},
                                      {"ttl", required_argument, nullptr, ttl},
                                      {"payload", required_argument, nullptr, payload},
                                      {"candidate", required_argument, nullptr, candidate},
                                      {"revision", required_argument, nullptr, revision},
                                      {"minutes", required_argument, nullptr, minutes},
                                      {"step", required_argument, nullptr, step},
                                      {"maximum", no_argument, nullptr, maximum},
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
      case flags:
        options.packet["flags"] = optarg;
        break;
      case port:
        options.packet["port"] = optarg;
        break;
      case candidate:
        options.packet["candidate"] = optarg;
        break;
      case worker:
      case ttl:
      case payload:
      case revision: {
        const char* key = found == worker ? "worker" : found == ttl ? "ttl" : found == payload ? "payload" : "revision";
        if (!put_number(options.packet, key, optarg)) return std::nullopt;
        break;
      }
      case minutes:
        if (!put_number(options.question, "from", optarg)) return std::nullopt;
        options.question["from"] = -60 * options.question["from"].get<std::int64_t>();
        break;
      case step:
        if (!put_number(options.question, "step", optarg)) return std::nullopt;
        break;
      case maximum:
        options.question["function"] = "maximum";
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

int explain(const Options& options) {
  int status = kGood;
  const auto answer = ask_once(options, options.question, status);
  if (!answer) return status;
  return print(options.as_json ? answer->dump(2) + "\n" : explain_page(*answer)) ? kGood : kFailed;
}

int program(int count, char** words) {
  const auto options = parse_options(count, words);
  if (!options) return kUsage;
  if (options->text) return print(*options->text) ? kGood : kFailed;
  if (!options->access.empty()) return run_access_command(options->access, options->runtime_dir, kPatience);
  if (options->question.contains("explain")) return explain(*options);
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
