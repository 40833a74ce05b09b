#include "control/surface/cli/commands.h"

#include "control/surface/cli/handlers.h"

namespace fulcrum::cli {
namespace {

using Kind = Argument::Kind;
using Purpose = SettingWalk::Purpose;

Argument word_argument(std::string name, std::string help, std::vector<Hint> choices = {}) {
  return {.name = std::move(name), .help = std::move(help), .choices = std::move(choices)};
}

Argument number_argument(std::string name, std::string help, std::int64_t min, std::int64_t max) {
  return {.name = std::move(name), .help = std::move(help), .kind = Kind::number, .min = min, .max = max};
}

Argument any_number(std::string name, std::string help, std::int64_t min) {
  return {.name = std::move(name), .help = std::move(help), .kind = Kind::number, .min = min};
}

Argument setting(Purpose purpose, bool required) {
  return {.name = "path", .help = "", .kind = Kind::setting, .required = required, .purpose = purpose};
}

// One of these and nothing else.
Argument one_of(std::string name, std::string help, std::vector<Hint> choices) {
  Argument argument = word_argument(std::move(name), std::move(help), std::move(choices));
  argument.is_closed = true;
  return argument;
}

Argument named(Kind kind, std::string name, std::string help) {
  return {.name = std::move(name), .help = std::move(help), .kind = kind};
}

Argument optional(Argument argument) {
  argument.required = false;
  return argument;
}

Option flag(std::string word, std::string help) {
  return {std::move(word), std::move(help), {.name = {}, .help = {}, .kind = Kind::nothing}};
}

Option with(std::string word, std::string help, Argument value) {
  return {std::move(word), std::move(help), std::move(value)};
}

Argument revision_number() { return any_number("revision", "as `show history` lists them", 1); }

// Which entries of a table.
std::vector<Option> entry_filters(bool states) {
  std::vector<Option> options{
      with("farm", "only of this farm", named(Kind::farm, "farm", "a farm")),
      with("server", "only of this server", named(Kind::server, "server", "a server")),
      with("client", "only of these clients", word_argument("network", "192.0.2.0/24, 2001:db8::/32 or an address")),
  };
  if (!states) return options;
  std::vector<Hint> words;
  for (const char* word :
       {"embryonic", "answered", "established", "client_closing", "server_closing", "time_wait", "reset", "udp"}) {
    words.push_back({word, "", true});
  }
  options.push_back(
      with("state", "only in these states", word_argument("states", "several with commas between", std::move(words))));
  return options;
}

Command entries(std::string word, std::string help, bool shows, bool states) {
  Command command{.word = std::move(word), .help = std::move(help), .options = entry_filters(states)};
  if (shows) {
    command.options.push_back(with("limit", "at most so many", number_argument("limit", "a page", 1, 1000)));
    command.options.push_back(
        with("offset", "go on where an earlier page ended", any_number("offset", "that it named", 0)));
    command.options.push_back(flag("all", "page after page to the end"));
    command.run = show_entries;
  } else {
    command.options.push_back(flag("all", "every one; else say which ones"));
    command.run = clear_entries;
  }
  return command;
}

// Of the last second, or with a name the past of one.
Command rates_of(std::string word, std::string help, Argument name, std::int64_t every) {
  Command command{.word = std::move(word), .help = std::move(help), .run = show_rates, .every = every};
  if (every > 0) return command;
  command.arguments = {optional(std::move(name))};
  command.options = {
      with("minutes", "so far back; 5 when not given", number_argument("minutes", "until now", 1, 60 * 24 * 31)),
      with("step", "seconds between two lines",
           one_of("step", "seconds", {{"1", "", true}, {"60", "", true}, {"900", "", true}})),
      flag("maximum", "the most in a second, instead of the average"),
  };
  return command;
}

Command rates(std::int64_t every) {
  return {.word = "rates",
          .help = "what goes through, per second",
          .below = {rates_of("farms", "of each farm", named(Kind::farm, "name", "the past of this farm"), every),
                    rates_of("servers", "of each server", word_argument("name", "the past of farm/server"), every),
                    rates_of("ports", "of each data port", named(Kind::port, "name", "the past of this port"), every),
                    rates_of("workers", "of each worker", word_argument("name", "the past of this worker"), every),
                    rates_of("drops", "of each drop reason", word_argument("name", "the past of this reason"), every)},
          .run = show_rates,
          .every = every};
}

// `show health shop/web1`; also `show health farm shop`, as other rows of words go.
Command health(std::int64_t every) {
  Command command{.word = "health",
                  .help = "servers' checks: the last result, how many in a row, the next",
                  .below = {{.word = "farm",
                             .help = "of one farm",
                             .arguments = {named(Kind::farm, "place", "a farm")},
                             .run = show_health,
                             .every = every},
                            {.word = "server",
                             .help = "of one server",
                             .arguments = {named(Kind::member, "place", "with its farm, like shop/web1")},
                             .run = show_health,
                             .every = every}},
                  .arguments = {optional(named(Kind::place, "place", "only of a farm, or of a server like shop/web1"))},
                  .run = show_health,
                  .every = every};
  return command;
}

std::vector<Command> tables(std::int64_t every) {
  return {
      {.word = "farms", .help = "farms: state, servers, connections, traffic", .run = show_table, .every = every},
      {.word = "servers", .help = "servers: state, since when, and why", .run = show_table, .every = every},
      health(every),
      {.word = "drops", .help = "where packets went, and why some were dropped", .run = show_table, .every = every},
      rates(every),
  };
}

Command show_command() {
  Command show{.word = "show", .help = "show how things stand", .below = tables(0)};
  show.below.push_back(
      entries("connections", "the connection table; fulcrum(1) says what the words under WHY mean", true, true));
  show.below.push_back(entries("flows", "the same as connections", true, true));
  show.below.push_back(entries("persistence", "which clients are bound to which servers", true, false));
  show.below.push_back({.word = "events",
                        .help = "what happened, and why",
                        .options = {with("limit", "the newest so many", number_argument("limit", "lines", 1, 1000))},
                        .run = show_table});
  show.below.push_back({.word = "interfaces", .help = "the data ports and their traffic", .run = show_interfaces});
  show.below.push_back({.word = "version", .help = "releases, processes, workers", .run = show_table});
  show.below.push_back({.word = "configuration",
                        .help = "the configuration in force, or an earlier one",
                        .below = {{.word = "commands",
                                   .help = "as the commands that make it",
                                   .arguments = {setting(Purpose::name, false)},
                                   .run = show_commands},
                                  {.word = "revision",
                                   .help = "an earlier one",
                                   .arguments = {revision_number(), setting(Purpose::name, false)},
                                   .run = show_configuration}},
                        .arguments = {setting(Purpose::name, false)},
                        .run = show_configuration});
  show.below.push_back({.word = "history",
                        .help = "who changed the configuration, when and why",
                        .options = {with("limit", "at most so many", number_argument("limit", "lines", 1, 1000)),
                                    with("before", "older than this one", revision_number())},
                        .run = show_history});
  show.below.push_back({.word = "revision",
                        .help = "what one revision changed",
                        .arguments = {revision_number()},
                        .run = show_revision});
  show.below.push_back(
      {.word = "candidates", .help = "changes that are not committed, and when they will be", .run = show_candidates});
  show.below.push_back({.word = "alarms", .help = "what an administrator should look at", .run = show_alarms});
  show.below.push_back({.word = "accounts", .help = "who may log in", .run = show_accounts});
  show.below.push_back({.word = "tokens", .help = "of programs", .run = show_tokens});
  show.below.push_back({.word = "sessions", .help = "who is logged in", .run = show_sessions});
  show.below.push_back({.word = "audit",
                        .help = "who did what, the newest first",
                        .options = {with("limit", "at most so many", number_argument("limit", "records", 1, 1000)),
                                    with("before", "older than this record", any_number("record", "its number", 1))},
                        .run = show_audit});
  return show;
}

Command clear_command() {
  return {.word = "clear",
          .help = "end connections, forget which server a client is bound to",
          .below = {entries("connections", "end connections", false, true),
                    entries("persistence", "let clients be balanced anew", false, false)}};
}

// Without a commit, and for a time if wished.
std::vector<Command> verbs() {
  const auto verb = [](std::string word, std::string help) {
    return Command{.word = std::move(word),
                   .help = std::move(help),
                   .arguments = {named(Kind::member, "server", "with its farm, like shop/web1")},
                   .options = {with("for", "then what the configuration says applies again",
                                    word_argument("time", "90s, 30m, 2h or 1d"))},
                   .run = operate_server};
  };
  std::vector<Command> all{
      verb("drain", "let a server finish what it has: no new clients"),
      verb("enable", "let a server serve again; its standby may go"),
      verb("maintenance", "take a server out: its clients move to others"),
      verb("weight", "give a server another share of the connections"),
  };
  all.back().arguments.push_back(number_argument("weight", "0 drains", 0, 100));
  return all;
}

// The verbs again, as `request drain server shop/web1`: where who comes from Junos looks for them.
Command request_command() {
  return {.word = "request", .help = "drain, enable, maintenance and weight, said in full", .below = verbs()};
}

Command explain_command() {
  return {.word = "explain",
          .help = "what would happen to a packet now, and why",
          .arguments = {one_of("protocol", "of the packet", {{"tcp", "", true}, {"udp", "", true}}),
                        word_argument("source", "192.0.2.7:40000 or [2001:db8::7]:40000"),
                        word_argument("destination", "198.51.100.10:80, [2001:db8::10]:80 or, of a farm, shop:80")},
          .options = {with("flags", "of TCP; syn when not given",
                           word_argument("flags", "of syn, ack, fin, rst, psh, urg, with commas between")),
                      with("port", "that it comes in by; where the source is when not given",
                           named(Kind::port, "port", "a data port")),
                      with("worker", "that has it", any_number("worker", "as `show rates workers` lists them", 0)),
                      with("ttl", "64 when not given", number_argument("ttl", "hops", 0, 255)),
                      with("payload", "behind the headers", any_number("bytes", "length", 0)),
                      with("candidate", "as if it were committed", word_argument("candidate", "its name")),
                      with("revision", "as if it were in force again", revision_number())},
          .run = explain};
}

Command test_command() {
  const auto test = [](std::string word, std::string help, Argument what) {
    return Command{.word = std::move(word),
                   .help = std::move(help),
                   .arguments = {std::move(what)},
                   .options = {with("timeout", "to wait for an answer; as the check does when not given",
                                    number_argument("milliseconds", "at most", 10, 15'000))},
                   .run = test_servers};
  };
  Command command{.word = "test",
                  .help = "probe servers now, as their check does: what it sees",
                  .below = {test("server", "one server, on each port that is checked",
                                 named(Kind::member, "server", "with its farm, like shop/web1")),
                            test("farm", "all servers of a farm", named(Kind::farm, "farm", "a farm")),
                            test("address", "any address and port",
                                 word_argument("address", "10.1.1.11:8080 or [fd00:1::11]:8080"))}};
  command.below[0].options.push_back(with("port", "only this one", number_argument("port", "at the server", 1, 65535)));
  return command;
}

Argument role_argument() { return word_argument("role", "as `api GET /api/v1/roles` lists them"); }

Option farms_option() {
  return with("farms", "that a farm-admin may change", word_argument("farms", "several with commas between"));
}

Command access_command() {
  return {.word = "access",
          .help = "accounts, passwords and tokens, and ways back in",
          .below = {{.word = "setup",
                     .help = "an administrator's account, or a new password for it; asks for the password",
                     .arguments = {optional(word_argument("name", "admin when not given"))},
                     .run = set_up_account},
                    {.word = "account",
                     .help = "make an account, or give it another role; asks for a new one's password",
                     .arguments = {word_argument("name", "of the account"), role_argument()},
                     .options = {farms_option()},
                     .run = put_account},
                    {.word = "password",
                     .help = "a new password for an account; asks for it",
                     .arguments = {word_argument("name", "an account")},
                     .run = change_password},
                    {.word = "remove",
                     .help = "remove an account, its sessions and its tokens",
                     .arguments = {word_argument("name", "an account")},
                     .run = remove_account},
                    {.word = "token",
                     .help = "make a token for a program; it is shown once",
                     .arguments = {word_argument("name", "of the token"),
                                   word_argument("account", "whose it is: it can do no more than that may"),
                                   role_argument(), word_argument("for", "how long it is good: 12h or 90d")},
                     .options = {farms_option()},
                     .run = make_token},
                    {.word = "revoke",
                     .help = "take a token back",
                     .arguments = {word_argument("name", "a token")},
                     .run = revoke_token},
                    {.word = "logout",
                     .help = "end somebody's session",
                     .arguments = {word_argument("session", "as `show sessions` lists them")},
                     .run = end_session},
                    {.word = "unlock",
                     .help = "forget the wrong passwords of an account",
                     .arguments = {word_argument("name", "an account")},
                     .run = unlock_account},
                    {.word = "rescue", .help = "let any host connect for a while, end all lock-outs", .run = rescue}}};
}

Command audit_command() {
  return {.word = "audit",
          .help = "the log of who did what",
          .below = {{.word = "verify", .help = "whether it is as it was written", .run = verify_audit}}};
}

Command api_command() {
  return {.word = "api",
          .help = "any operation of the REST API",
          .arguments = {one_of("method", "of HTTP",
                               {{"GET", "look", true},
                                {"POST", "do", true},
                                {"PUT", "make or replace", true},
                                {"PATCH", "change", true},
                                {"DELETE", "take away", true}}),
                        word_argument("path", "like /api/v1/status/farms"),
                        optional(word_argument("body", "JSON, in single quotes"))},
          .run = call_api,
          .sensitive = true};
}

Command help_command() { return {.word = "help", .help = "how to use this command line", .run = show_help}; }

Command compare_command() {
  return {.word = "compare",
          .help = "what has changed, in words",
          .options = {with("from", "another revision than the one in force", revision_number()),
                      with("to", "with this revision", revision_number())},
          .run = compare};
}

Command confirm_command() {
  return {.word = "confirm", .help = "make a `commit confirmed` one for good", .run = confirm};
}

std::vector<Command> make_operational() {
  std::vector<Command> commands{
      show_command(),
      clear_command(),
      request_command(),
      explain_command(),
      test_command(),
      {.word = "monitor", .help = "show again every two seconds, until a key is pressed", .below = tables(2)},
      {.word = "configure",
       .help = "change the configuration",
       .arguments = {optional(word_argument("candidate", "one that was left behind"))},
       .run = configure},
      {.word = "discard",
       .help = "forget a candidate, also one that waits for its time",
       .arguments = {word_argument("candidate", "as `show candidates` lists them")},
       .run = discard},
      compare_command(),
      confirm_command(),
      {.word = "setup", .help = "first-time setup: management, the first administrator", .run = setup},
      access_command(),
      audit_command(),
      api_command(),
      help_command(),
      {.word = "exit", .help = "leave", .run = leave},
      {.word = "quit", .help = "leave", .run = leave},
  };
  // Behind show and clear.
  const std::vector<Command> words = verbs();
  commands.insert(commands.begin() + 2, words.begin(), words.end());
  return commands;
}

// What can be said without leaving configuration.
std::vector<Command> run_commands() {
  std::vector<Command> commands{show_command(), clear_command(), request_command(), explain_command(), test_command()};
  const std::vector<Command> words = verbs();
  commands.insert(commands.end(), words.begin(), words.end());
  return commands;
}

std::vector<Option> commit_options() {
  return {
      with("confirmed", "go back by itself unless confirmed in time",
           optional(number_argument("minutes", "until then; 5 when not given", 1, 1440))),
      with("comment", "why, for the history", word_argument("text", "in quotes when it has blanks")),
      flag("now", "also what could cut you off, without a way back by itself"),
  };
}

std::vector<Option> scheduled_commit_options() {
  std::vector<Option> options = commit_options();
  options.insert(options.begin(),
                 with("at", "by itself then, also when you have left; it is checked now and again then",
                      word_argument("time", "03:00, or 2026-07-24T03:00Z; UTC, within 48 hours")));
  return options;
}

std::vector<Option> revert_options() {
  std::vector<Option> options = commit_options();
  options.insert(options.begin(),
                 with("change", "only this one, as `show revision` numbers them", any_number("number", "from 1", 1)));
  return options;
}

std::vector<Command> editing() {
  return {
      {.word = "set", .help = "change settings; add to lists", .arguments = {setting(Purpose::set, true)}, .run = set},
      {.word = "delete",
       .help = "take a setting, an element, or one value of a list away",
       .arguments = {setting(Purpose::remove, true)},
       .run = remove},
      {.word = "rename",
       .help = "give an element another name: rename farms shop to store",
       .arguments = {setting(Purpose::rename, true)},
       .run = rename},
      {.word = "annotate",
       .help = "leave a remark: annotate farms shop as \"web team, 4711\"",
       .arguments = {setting(Purpose::annotate, true)},
       .run = annotate},
      {.word = "edit", .help = "go to a group of settings", .arguments = {setting(Purpose::group, true)}, .run = edit},
      {.word = "up", .help = "one group up", .run = up},
      {.word = "top", .help = "to the whole configuration", .run = top},
      {.word = "show",
       .help = "the configuration with your changes",
       .below = {{.word = "commands",
                  .help = "as the commands that make it",
                  .arguments = {setting(Purpose::name, false)},
                  .run = show_commands}},
       .arguments = {setting(Purpose::name, false)},
       .run = show_configuration},
  };
}

std::vector<Command> make_configuration() {
  std::vector<Command> commands = editing();
  const std::vector<Command> rest{
      compare_command(),
      {.word = "check", .help = "what is wrong, and what a commit would do", .run = check},
      {.word = "commit",
       .help = "put your changes in force",
       .below = {{.word = "check", .help = "what is wrong, and what it would do", .run = check}},
       .options = scheduled_commit_options(),
       .run = commit},
      confirm_command(),
      {.word = "rollback",
       .help = "put an earlier revision in force",
       .arguments = {revision_number()},
       .options = commit_options(),
       .run = rollback},
      {.word = "revert",
       .help = "undo what one revision changed, keep the rest",
       .arguments = {revision_number()},
       .options = revert_options(),
       .run = revert},
      {.word = "load",
       .help = "let a file like fulcrum.cfg be your candidate",
       .arguments = {word_argument("file", "its name")},
       .run = load},
      {.word = "save",
       .help = "write your candidate to a file that is not there yet",
       .arguments = {word_argument("file", "its name")},
       .run = save},
      {.word = "rebase",
       .help = "carry your changes over to what others have committed",
       .arguments = {optional(one_of("winner", "of what conflicts",
                                     {{"mine", "yours stays", true}, {"theirs", "what they committed stays", true}}))},
       .run = rebase},
      {.word = "discard",
       .help = "forget your changes, or a candidate (`commit at` too)",
       .arguments = {optional(word_argument("candidate", "as `show candidates` lists them"))},
       .run = discard},
      {.word = "run", .help = "a command of the other mode", .below = run_commands()},
      help_command(),
      {.word = "exit", .help = "one level up; at the top, leave configuration", .run = leave_configuration},
      {.word = "quit", .help = "leave configuration", .run = leave_configuration},
  };
  commands.insert(commands.end(), rest.begin(), rest.end());
  return commands;
}

}  // namespace

const std::vector<Command>& operational_commands() {
  static const std::vector<Command> commands = make_operational();
  return commands;
}

const std::vector<Command>& configuration_commands() {
  static const std::vector<Command> commands = make_configuration();
  return commands;
}

}  // namespace fulcrum::cli
