// Commands that edit a candidate.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "control/files/files.h"
#include "control/model/model.h"
#include "control/surface/cli/handlers.h"
#include "control/surface/cli/line.h"
#include "dataplane/base/owned_fd.h"

namespace fulcrum::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kOwnMax = 9;                    // candidates of one session, of which all but one wait for their time
constexpr std::size_t kFileMax = 64U << 20U;  // of a configuration

// "cli-anna-4711", or "cli-anna-4711.2" while the first of that session waits for its time: whose, and whether that
// session still runs.
std::string own_prefix(const Session& session) {
  std::string name = "cli-";
  for (const char letter : session.settings().user) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '_' || letter == '.';
    name += plain ? letter : '_';
  }
  return name.substr(0, 40) + "-";
}

// It waits for its time; whether its session still runs is of no importance.
bool is_scheduled(const json& candidate) {
  return candidate.value("commit_at", json()).is_string() && !candidate.value("commit_refused", json()).is_string();
}

bool is_left_behind(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix)) return false;
  pid_t process = 0;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), process);
  const bool is_whole = end == name.data() + name.size() || *end == '.';
  return error == std::errc{} && is_whole && process > 0 && process != getpid() && kill(process, 0) != 0;
}

// What sessions of this person left in the box when they died: tells of changes, forgets what has none.
std::string look_for_left_behind(Session& session, const std::string& prefix) {
  const auto answer = session.ask_config("candidates", json::object(), false);
  std::string text;
  if (!answer) return text;
  for (const json& one : answer->value("candidates", json::array())) {
    if (is_scheduled(one)) continue;
    const std::string name = one.value("candidate", "");
    const std::uint64_t changes = one.value("changes", std::uint64_t{0});
    if (changes > 0 && name.starts_with(prefix) && is_left_behind(name, prefix)) {
      text += fmt::format("A dead session's {} change{}: `configure {}` goes on.\n", changes, changes == 1 ? "" : "s",
                          name);
    } else if (is_left_behind(name, prefix)) {
      session.ask_config("discard", {{"candidate", name}}, false);
    }
  }
  return text;
}

// Steps up until a group that settings can be in.
document::Path group_above(document::Path path) {
  const settings::Shape& root = *model::description().shape();
  while (!path.empty()) {
    path.pop_back();
    const settings::Shape* shape = &root;
    const settings::Field* list = nullptr;
    for (const document::Step& step : path) {
      if (list != nullptr) {
        list = nullptr;
        continue;
      }
      const settings::Field* field = shape->find(step.word);
      if (field == nullptr || field->kind != settings::Kind::group) break;
      shape = field->shape.get();
      list = field->list ? field : nullptr;
    }
    if (list == nullptr) break;
  }
  return path;
}

// Adds to a list what it does not have already.
Box::Answer add_all(Session& session, const Edit& edit) {
  Box::Answer answer = json::object();
  for (const std::string& word : edit.words) {
    answer = session.ask_config("add", {{"path", document::text_of(edit.path)}, {"word", word}});
    if (!answer && answer.error().status != Status::conflict) return answer;
  }
  return answer ? answer : json::object();
}

Box::Answer make_element(Session& session, const Edit& edit) {
  const std::string path = document::text_of(edit.path);
  if (session.ask_config("get", {{"path", path}})) return json::object();
  return session.ask_config("set", {{"path", path}, {"value", json::object()}});
}

// The elements on the way to the first edit that are not there yet: a slip of the finger makes one.
std::string new_element(Session& session, const Edit& edit) {
  for (document::Path path = edit.path; !path.empty(); path.pop_back()) {
    const auto answer = session.ask_config("get", {{"path", document::text_of(path)}});
    if (answer) return {};
    document::Path above = path;
    above.pop_back();
    if (answer.error().status != Status::not_found) return {};
    if (above.empty() || session.ask_config("get", {{"path", document::text_of(above)}}))
      return document::text_of(path);
  }
  return {};
}

// Problems of a text that was sent, each line under the name of the file that it came from.
std::string with_file(const std::string& problems, const std::string& file) {
  constexpr std::string_view kSent = "text:";
  std::string made;
  for (std::size_t at = 0; at < problems.size();) {
    const std::size_t end = std::min(problems.find('\n', at), problems.size() - 1) + 1;
    const std::string line = problems.substr(at, end - at);
    made += line.starts_with(kSent) ? file + line.substr(kSent.size() - 1) : line;
    at = end;
  }
  return made;
}

}  // namespace

Outcome configure(Session& session, const Parsed& parsed) {
  const std::string prefix = own_prefix(session);
  std::string name = parsed.get("candidate");
  if (!name.empty()) {
    const auto answer = session.ask_config("candidates", json::object(), false);
    if (!answer) return refused(answer.error());
    for (const json& one : answer->value("candidates", json::array())) {
      if (one.value("candidate", "") != name) continue;
      if (is_scheduled(one)) {
        return refused(Status::conflict, fmt::format("{} waits to be committed at {}: `discard {}` cancels that", name,
                                                     one.value("commit_at", ""), name));
      }
      const std::size_t changes = one.value("changes", std::size_t{0});
      session.enter(name, changes);
      return said(fmt::format("{} change{} taken up.\n", changes, changes == 1 ? "" : "s"), one);
    }
    return refused(Status::not_found, fmt::format("there is no candidate \"{}\"; `show candidates` lists them", name));
  }
  std::string text = look_for_left_behind(session, prefix);
  name = prefix + std::to_string(getpid());
  auto answer = session.ask_config("open", {{"candidate", name}}, false);
  for (int next = 2; !answer && answer.error().status == Status::conflict && next <= kOwnMax; ++next) {
    name = fmt::format("{}{}.{}", prefix, getpid(), next);
    answer = session.ask_config("open", {{"candidate", name}}, false);
  }
  if (!answer) return refused(answer.error());
  session.enter(name, 0);
  return said(session.screen().is_terminal() ? std::move(text) : "", *answer);
}

Outcome set(Session& session, const Parsed& parsed) {
  std::string text;
  if (session.screen().is_terminal()) text = new_element(session, parsed.edits.front());
  if (!text.empty()) text += " is new.\n";
  for (const Edit& edit : parsed.edits) {
    Box::Answer answer;
    if (edit.field == nullptr) {
      answer = make_element(session, edit);
    } else if (edit.field->list) {
      answer = add_all(session, edit);
    } else {
      answer = session.ask_config("set", {{"path", document::text_of(edit.path)}, {"words", edit.words}});
    }
    if (!answer) return refused(answer.error());
  }
  return said(std::move(text), {{"changes", session.changes()}});
}

Outcome remove(Session& session, const Parsed& parsed) {
  const Edit& edit = parsed.edits.back();
  const bool one_value = !edit.words.empty();
  json question{{"path", document::text_of(parsed.path)}};
  if (one_value) question["word"] = edit.words.front();
  const auto answer = session.ask_config(one_value ? "remove" : "delete", question);
  if (!answer) return refused(answer.error());
  return said("", *answer);
}

Outcome rename(Session& session, const Parsed& parsed) {
  const auto answer =
      session.ask_config("rename", {{"path", document::text_of(parsed.path)}, {"name", parsed.get("words")}});
  if (!answer) return refused(answer.error());
  return said("", *answer);
}

Outcome annotate(Session& session, const Parsed& parsed) {
  document::Path path = parsed.path;
  path.push_back({"remark", false});
  const json words = json::array({parsed.get("words")});
  const auto answer = session.ask_config("set", {{"path", document::text_of(path)}, {"words", words}});
  if (!answer) return refused(answer.error());
  return said("", *answer);
}

Outcome edit(Session& session, const Parsed& parsed) {
  session.set_place(parsed.path);
  return said("", {{"path", document::text_of(parsed.path)}});
}

Outcome up(Session& session, const Parsed&) {
  session.set_place(group_above(session.place()));
  return said("", {{"path", document::text_of(session.place())}});
}

Outcome top(Session& session, const Parsed&) {
  session.set_place({});
  return said("", {{"path", ""}});
}

// The whole candidate; what the file gets wrong is told by line, and nothing changes then.
Outcome load(Session& session, const Parsed& parsed) {
  const std::string name = parsed.get("file");
  auto text = files::read(name, kFileMax);
  if (!text) return refused(Status::failed, text.error().words());
  if (!*text) return refused(Status::not_found, fmt::format("there is no file {}", name));
  const auto answer = session.ask_config("replace", {{"text", std::move(**text)}});
  if (!answer) {
    Trouble trouble = answer.error();
    trouble.text = with_file(trouble.text, name);
    return refused(std::move(trouble));
  }
  return said(fmt::format("{} changes; `compare` lists them.\n", session.changes()), *answer);
}

// Never over another file: what it holds may be the only copy.
Outcome save(Session& session, const Parsed& parsed) {
  const auto answer = session.ask_config("text");
  if (!answer) return refused(answer.error());
  const std::string name = parsed.get("file");
  const std::string text = answer->value("text", "");
  const OwnedFd file{open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!file.valid()) return refused(Status::failed, fmt::format("{}: {}", name, errno_words(errno)));
  if (const auto done = files::write_all(file.get(), text, name); !done) {
    return refused(Status::failed, done.error().words());
  }
  return said(fmt::format("{} bytes in {}\n", text.size(), name), {{"file", name}, {"bytes", text.size()}});
}

// The candidate begins anew from what is in force; another one is gone.
Outcome discard(Session& session, const Parsed& parsed) {
  if (const std::string other = parsed.get("candidate"); !other.empty() && other != session.candidate()) {
    const auto gone = session.ask_config("discard", {{"candidate", other}}, false);
    if (!gone) return refused(gone.error());
    return said(fmt::format("Candidate {} is gone.\n", other), *gone);
  }
  const std::size_t changes = session.changes();
  const std::string name = session.candidate();
  const auto gone = session.ask_config("discard");
  if (!gone && gone.error().status != Status::not_found) return refused(gone.error());
  const auto opened = session.ask_config("open", {{"candidate", name}}, false);
  if (!opened) return refused(opened.error());
  session.enter(name, 0);
  return said(fmt::format("{} change{} forgotten.\n", changes, changes == 1 ? "" : "s"), *opened);
}

Outcome leave_configuration(Session& session, const Parsed& parsed) {
  const bool exits = parsed.command->word == "exit";
  if (exits && !session.place().empty()) return up(session, parsed);
  const std::size_t changes = session.changes();
  if (changes > 0) {
    const std::string many = fmt::format("{} change{} not committed", changes, changes == 1 ? " is" : "s are");
    const auto forget = session.screen().ask(many + ". Forget them and leave?", false);
    if (!forget.value_or(!session.screen().is_terminal()))
      return said("`commit` puts them in force, `compare` lists them.\n");
    if (!forget) session.screen().complain("fulcrum: " + many + ", and are forgotten\n");
  }
  const auto gone = session.ask_config("discard");
  if (!gone && gone.error().status != Status::not_found) return refused(gone.error());
  session.leave_configuration();
  return said("");
}

}  // namespace fulcrum::cli
