#include "control/surface/cli/program.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "control/surface/cli/conversation.h"
#include "control/surface/cli/interrupt.h"
#include "control/surface/cli/manual.h"
#include "control/surface/cli/session.h"
#include "control/surface/cli/setup.h"
#include "dataplane/base/version.h"

namespace fulcrum::cli {
namespace {

// The person behind sudo, if there is one: the history should name people.
std::string user_name() {
  const char* sudo = std::getenv("SUDO_USER");
  if (geteuid() == 0 && sudo != nullptr && *sudo != 0) return sudo;
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : fmt::format("uid {}", getuid());
}

std::string host_name() {
  std::array<char, 65> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "fulcrum";
  const std::string host = name.data();
  return host.substr(0, std::min(host.find('.'), std::size_t{20}));
}

Session::Settings settings_of(const Options& options) {
  return {.user = user_name(), .host = host_name(), .as_json = options.as_json};
}

bool ends(Status status) { return status != Status::good && status != Status::pending; }

// Changes that a script leaves uncommitted are a mistake in the script.
Status close(Session& session, Status status) {
  if (session.mode() != Mode::configure) return status;
  const bool forgets = session.changes() > 0;
  const std::size_t changes = session.changes();
  session.ask_config("discard");
  session.leave_configuration();
  if (!forgets) return status;
  session.screen().complain(
      fmt::format("fulcrum: {} change{} not committed, and forgotten\n", changes, changes == 1 ? " was" : "s were"));
  return ends(status) ? status : Status::failed;
}

Status run_lines(Session& session, const std::vector<std::string>& lines) {
  Status whole = Status::good;
  for (const std::string& line : lines) {
    const Status status = session.run(line);
    if (ends(status)) return close(session, status);
    if (status == Status::pending) whole = status;
    if (session.is_over()) break;
  }
  return close(session, whole);
}

Status run_script(Session& session) {
  Status whole = Status::good;
  for (std::size_t number = 1; !session.is_over(); ++number) {
    const auto line = cli::read_line(stdin);
    if (!line) break;
    const Status status = session.run(*line);
    if (status == Status::pending) whole = status;
    if (!ends(status)) continue;
    session.screen().complain(fmt::format("fulcrum: stopped at line {}\n", number));
    return close(session, status);
  }
  return close(session, whole);
}

bool only_prints() {
  const char* kind = std::getenv("TERM");
  return kind == nullptr || *kind == 0 || std::string_view{kind} == "dumb";
}

bool wants_colour(const Options& options) {
  const char* without = std::getenv("NO_COLOR");
  return options.colour && (without == nullptr || *without == 0) && !only_prints();
}

// After a boot the console may be there before the box is. A key, or Ctrl-C, does without it.
void wait_for_box(Box& box, Terminal& terminal) {
  constexpr int kTries = 30;
  for (int i = 0; i < kTries && !box.ask({{"show", "version"}}); ++i) {
    if (i == 0) terminal.write("Waiting for fulcrum-control (any key: do not)...\n");
    if (terminal.pause(std::chrono::seconds{1})) break;
  }
  forget_interrupt();
}

Status talk(const Options& options, Box& box) {
  catch_interrupts();
  Terminal terminal{wants_colour(options), only_prints()};
  Session session{box, terminal, settings_of(options)};
  const char* home = std::getenv("HOME");
  const HistoryFile history{home != nullptr && *home == '/' ? std::string{home} + "/.fulcrum_history" : std::string{}};
  if (options.login) {
    wait_for_box(box, terminal);
    if (needs_setup(box)) session.run("setup");
    forget_interrupt();
  }
  return converse(session, terminal, history);
}

Status print_completions(Session& session, const std::string& line) {
  std::string text;
  for (const Hint& hint : session.complete_line(line).hints) {
    if (hint.is_literal) text += hint.word + "\n";
  }
  session.screen().print(text, false);
  return Status::good;
}

}  // namespace

Status run_program(const Options& options) {
  PlainScreen screen;
  if (options.text) return screen.print(*options.text, false) ? Status::good : Status::failed;
  if (options.manual) return screen.print(manual_page(version()), false) ? Status::good : Status::failed;
  SocketBox box{options.runtime_dir, user_name()};
  if (options.lines.empty() && isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0) return talk(options, box);
  Session session{box, screen, settings_of(options)};
  if (options.complete) return print_completions(session, options.lines.back());
  return options.lines.empty() ? run_script(session) : run_lines(session, options.lines);
}

}  // namespace fulcrum::cli
