#include "control/surface/cli/manual.h"

#include <fmt/format.h>

#include "control/document/roff.h"
#include "control/surface/cli/commands.h"

namespace fulcrum::cli {
namespace {

using document::roff;

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }

std::string argument_words(const Argument& argument) {
  const std::string name = "\\fI" + roff(argument.name) + "\\fR";
  return argument.required ? name : "[" + name + "]";
}

std::string range_words(const Argument& argument) {
  if (argument.kind != Argument::Kind::number) return {};
  if (argument.max == std::numeric_limits<std::int64_t>::max()) return fmt::format(" (from {})", argument.min);
  return fmt::format(" ({} to {})", argument.min, argument.max);
}

std::string choice_words(const Argument& argument) {
  std::string words;
  for (const Hint& choice : argument.choices) words += (words.empty() ? ": " : ", ") + bold(choice.word);
  return words;
}

void write_arguments(std::string& out, const Command& command) {
  for (const Argument& argument : command.arguments) {
    if (argument.kind == Argument::Kind::setting || argument.help.empty()) continue;
    out += fmt::format(".br\n{}: {}{}{}\n", argument_words(argument), roff(argument.help), roff(range_words(argument)),
                       choice_words(argument));
  }
  for (const Option& option : command.options) {
    const bool takes = option.value.kind != Argument::Kind::nothing;
    out += fmt::format(".br\n{}{}: {}{}{}\n", bold(option.word), takes ? " " + argument_words(option.value) : "",
                       roff(option.help), roff(range_words(option.value)), choice_words(option.value));
  }
}

void write_command(std::string& out, const Command& command, const std::string& above) {
  const std::string words = above + command.word;
  if (command.run != nullptr || command.below.empty()) {
    std::string line = bold(words);
    for (const Argument& argument : command.arguments) line += " " + argument_words(argument);
    out += fmt::format(".TP\n{}\n{}\n", line, roff(command.help));
    write_arguments(out, command);
  }
  for (const Command& one : command.below) write_command(out, one, words + " ");
}

void write_commands(std::string& out, const std::vector<Command>& commands) {
  for (const Command& command : commands) write_command(out, command, "");
}

constexpr const char* kOpening = R"(.SH NAME
fulcrum \- talk to a Fulcrum load balancer
.SH SYNOPSIS
.nf
\fBfulcrum\fR [\fIoptions\fR]
\fBfulcrum\fR [\fIoptions\fR] \fIcommand word\fR...
\fBfulcrum\fR [\fIoptions\fR] \fB\-c\fR \fIline\fR [\fB\-c\fR \fIline\fR]...
\fBfulcrum\fR [\fIoptions\fR] < \fIfile\fR
.fi
.SH DESCRIPTION
Without a command, at a terminal, it asks for commands: \fB?\fR tells what may stand where the cursor is, Tab completes
it, Up and Down go through earlier lines. Words may be shortened as long as they are unique. With words it carries out
one command; the options of commands may have two dashes there (\fB\-\-farm shop\fR). A script on standard input, or
several \fB\-c\fR, are lines as they would be typed; they stop at the first error. A \fB#\fR begins a comment.
.PP
Words with blanks, or with one of | ? #, stand in single or double quotes.
.SH OPTIONS
.TP
\fB\-\-json\fR
Answers and errors as JSON.
.TP
\fB\-\-no\-color\fR
No colours on a terminal. So does NO_COLOR in the environment.
.TP
\fB\-\-runtime\-dir\fR \fIdirectory\fR
Where fulcrum\-control keeps its socket; /run/fulcrum when not given.
.TP
\fB\-c\fR \fIline\fR
A line as it would be typed.
.TP
\fB\-\-complete\fR \fIword\fR...
How the last of these words may go on, one a line.
.TP
\fB\-l\fR, \fB\-\-login\fR
As a login shell: begins with first\-time setup while no administrator has a password. So does a first word that begins
with a dash, as login(1) gives it.
.TP
\fB\-\-manual\fR
This page.
.TP
\fB\-\-version\fR, \fB\-\-help\fR
.br
)";

constexpr const char* kClosing = R"(.SH WHY A CONNECTION IS WITH ITS SERVER
What \fBshow connections\fR says under WHY:
.TP
\fBround robin\fR, \fBweighted round robin\fR
It was the server's turn. With weights heavier servers have more turns.
.TP
\fBleast connections\fR, \fBweighted least connections\fR
The server had the fewest connections, for its weight. In a farm of more than 16 servers: the fewer of two.
.TP
\fBtwo choices\fR
Of two servers drawn at random it had the fewer connections for its weight.
.TP
\fBfastest response\fR
The server answered fastest, for its weight.
.TP
\fBleast bandwidth\fR
The server had the least traffic, for its weight.
.TP
\fBsource hash\fR, \fBmaglev\fR
By the client's address: the same client always gets this server as long as the server can take it.
.TP
\fBbound client\fR
Persistence: an earlier connection of the client went there.
.TP
\fBbound client, moved by\fR ...
Persistence would have led to another server, which could not take the client (down, in maintenance, full, removed). The
farm's scheduler chose this one, and the client is bound to it from now on.
.TP
\fBhad room\fR
Those that the scheduler came to were full (connections_max), and this server was not.
.TP
\fBstands in\fR
Nobody else could take the connection at that moment, and a standby did.
.TP
\fBport in use elsewhere\fR
With the server that the scheduler came to, this port of the client has a connection through another address or port of
the box already, and the server's answers to the two could not be told apart. This is another server.
.SH EXIT STATUS
.nf
0  good
1  failed: fulcrum\-control does not run, the disk, a limit; a server did not pass its test
2  no such command or option, or not complete
3  a value that is not right
4  no such object
5  somebody else has changed or holds it
6  it had been in force, and went back because nobody confirmed it
7  nothing was done: it wants to be confirmed
8  it is committed, but not in force on every worker yet; scripts go on
.fi
.SH FILES
.TP
/run/fulcrum/control.sock
The socket of fulcrum\-control, for root.
.TP
~/.fulcrum_history
Earlier lines, without those that may hold a secret.
.SH SEE ALSO
\fBfulcrum.cfg\fR(5)
)";

}  // namespace

std::string manual_page(const std::string& version) {
  std::string out = fmt::format(".TH FULCRUM 1 \"\" \"Fulcrum {}\" \"Commands\"\n", roff(version)) + kOpening;
  out += ".SH COMMANDS\n";
  write_commands(out, operational_commands());
  out +=
      ".SH CONFIGURATION\n\\fBconfigure\\fR opens a candidate: a copy of the configuration that only its session "
      "sees.\nSettings are named as in \\fBfulcrum.cfg\\fR(5), with blanks between the words, from where \\fBedit\\fR "
      "went to. The commands\nthere:\n";
  write_commands(out, configuration_commands());
  out += ".SH FILTERS\nBehind a \\fB|\\fR, each works on what the one before it left.\n";
  for (const Hint& hint : filter_hints()) out += fmt::format(".TP\n{}\n{}\n", bold(hint.word), roff(hint.help));
  return out + kClosing;
}

}  // namespace fulcrum::cli
