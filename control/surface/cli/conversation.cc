#include "control/surface/cli/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "control/surface/cli/commands.h"
#include "control/surface/cli/editor.h"
#include "control/surface/cli/interrupt.h"

namespace fulcrum::cli {
namespace {

// Names only, in columns, for Tab; `?` explains.
std::string in_columns(const std::vector<Hint>& hints, std::size_t columns) {
  std::size_t widest = 0;
  for (const Hint& hint : hints) widest = std::max(widest, hint.word.size() + 2);
  const std::size_t per_line = std::max<std::size_t>((columns - 1) / std::max<std::size_t>(widest, 1), 1);
  std::string text;
  for (std::size_t i = 0; i < hints.size(); ++i) {
    const bool last = (i + 1) % per_line == 0 || i + 1 == hints.size();
    text += hints[i].word + (last ? "\n" : std::string(widest - hints[i].word.size(), ' '));
  }
  return text;
}

class Conversation {
 public:
  Conversation(Session& session, Terminal& terminal, const HistoryFile& history)
      : session_{session},
        terminal_{terminal},
        history_{history},
        editor_{Editor::Keys::commands, terminal.only_prints()} {
    for (std::string& line : history.read()) editor_.remember(std::move(line));
  }

  Status run() {
    if (!terminal_.only_prints()) terminal_.write("\033[?2004h");  // mark pastes
    while (!session_.is_over() && !terminal_.is_gone()) {
      const auto line = read();
      if (!line) continue;
      forget_interrupt();
      session_.run(*line);
      if (line->find_first_not_of(' ') == line->npos) continue;
      // What was no command may have been meant as one with a password in it: it is kept for this session only.
      if (!session_.last_was_sensitive()) history_.append(*line);
      editor_.remember(*line);
      if (is_interrupted()) terminal_.write("^C\n");
    }
    if (!terminal_.is_gone() && !terminal_.only_prints()) terminal_.write("\033[?2004l");
    return Status::good;
  }

 private:
  // A whole line; nothing: there is none to carry out.
  std::optional<std::string> read() {
    terminal_.enter(Terminal::State::typing);
    std::string out;
    editor_.begin(session_.prompt(), terminal_.columns(), out);
    std::optional<std::string> line;
    for (bool done = false; !done;) {
      if (!terminal_.has_waiting()) editor_.show(out);
      terminal_.write(out);
      out.clear();
      const auto key = terminal_.key();
      if (terminal_.is_gone()) return std::nullopt;
      if (!key) continue;
      done = take(editor_.feed(*key, out), line, out);
    }
    terminal_.write(out);
    terminal_.enter(Terminal::State::running);
    return line;
  }

  // True: the line is over.
  bool take(Editor::Event event, std::optional<std::string>& line, std::string& out) {
    if (event != Editor::Event::none) editor_.show(out);
    switch (event) {
      case Editor::Event::none:
        return false;
      case Editor::Event::line:
        line = editor_.text();
        return true;
      case Editor::Event::too_long:
        out += fmt::format("The line is longer than {} bytes, nothing was done.\n", kLineMax);
        return true;
      case Editor::Event::interrupt:
        out += "^C\n";
        return true;
      case Editor::Event::end:
        out += "exit\n";
        line = session_.mode() == Mode::configure ? "quit" : "exit";
        return true;
      case Editor::Event::suspend:
        suspend(out);
        return false;
      case Editor::Event::complete:
        complete(out);
        return false;
      case Editor::Event::help:
        help(out);
        return false;
    }
    return false;
  }

  void suspend(std::string& out) {
    terminal_.write("\n");
    terminal_.enter(Terminal::State::left);
    raise(SIGTSTP);  // nobody to take over, as with a login shell: the kernel lets it be
    terminal_.enter(Terminal::State::typing);
    editor_.redraw(out);
  }

  void tell(const std::string& text, std::string& out) {
    terminal_.write(out + "\n");
    out.clear();
    terminal_.enter(Terminal::State::running);
    terminal_.print(text, true);
    terminal_.enter(Terminal::State::typing);
    forget_interrupt();
    editor_.redraw(out);
  }

  void complete(std::string& out) {
    const Completion completion = session_.complete_line(editor_.before_cursor());
    std::vector<Hint> words;
    for (const Hint& hint : completion.hints) {
      if (hint.is_literal) words.push_back(hint);
    }
    if (completion.is_whole || completion.extended.size() > completion.word.size()) {
      editor_.replace(completion.begin, completion.is_whole ? typed(completion.extended) + " " : completion.extended,
                      out);
    } else if (words.empty()) {
      out += '\a';
    } else {
      tell(in_columns(words, terminal_.columns()), out);
    }
  }

  void help(std::string& out) {
    const Completion completion = session_.complete_line(editor_.before_cursor());
    if (completion.trouble) {
      const std::size_t column = completion.trouble->column.value_or(0) + session_.prompt().size();
      return tell(fmt::format("{:>{}}\n{}\n{}", "^", column + 1, completion.trouble->text,
                              hint_lines(completion.trouble->possible, 20)),
                  out);
    }
    std::string text = hint_lines(completion.hints, completion.hints.size());
    // Where the command may end.
    if (completion.word.empty() && session_.is_complete(editor_.before_cursor())) {
      text += hint_lines({{"<Enter>", "carry it out", false}, {"|", "filter what it says", false}}, 2);
    }
    tell(text.empty() ? "  nothing goes here\n" : text, out);
  }

  Session& session_;
  Terminal& terminal_;
  const HistoryFile& history_;
  Editor editor_;
};

}  // namespace

Status converse(Session& session, Terminal& terminal, const HistoryFile& history) {
  return Conversation{session, terminal, history}.run();
}

}  // namespace fulcrum::cli
