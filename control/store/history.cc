#include "control/store/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "control/document/config_text.h"
#include "control/document/json.h"
#include "control/files/files.h"
#include "control/store/revision_json.h"
#include "dataplane/base/patience.h"

namespace fulcrum::store {
namespace {

namespace fs = std::filesystem;
using document::Answer;
using document::Change;
using document::Document;
using document::refuse;
using nlohmann::json;

constexpr std::size_t kFileMax = 64U << 20U;  // bytes of one revision

// The number in "00000042.json" between a beginning and an end; 0 when the name is none of these.
std::uint64_t number_in(std::string_view name, std::string_view begin, std::string_view end) {
  if (!name.starts_with(begin) || !name.ends_with(end) || name.size() <= begin.size() + end.size()) return 0;
  name = name.substr(begin.size(), name.size() - begin.size() - end.size());
  std::uint64_t number = 0;
  const auto [stopped, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc{} && stopped == name.data() + name.size() ? number : 0;
}

std::vector<std::uint64_t> numbers_in(const std::string& directory, std::string_view begin, std::string_view end) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (fs::directory_iterator at{directory, error}, none; !error && at != none; at.increment(error)) {
    const std::uint64_t number = number_in(at->path().filename().string(), begin, end);
    if (number != 0) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::optional<json> read_json(const std::string& file) {
  const auto text = files::read(file, kFileMax);
  if (!text || !*text) return std::nullopt;
  json value = json::parse(**text, nullptr, false);
  return value.is_discarded() ? std::nullopt : std::optional{std::move(value)};
}

Result<OwnedFd> take_lock(const std::string& directory) {
  const std::string file = directory + "/lock";
  OwnedFd lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock.valid()) return fail(Error::Code::io, file, "cannot be opened: " + errno_words(errno));
  if (!try_for_a_moment([&] { return flock(lock.get(), LOCK_EX | LOCK_NB) == 0; })) {
    return fail(
        Error::Code::conflict, directory,
        "another fulcrum-control is running and keeps its revisions here: stop it, or give this one a state_dir of "
        "its own");
  }
  return lock;
}

}  // namespace

History::History(std::string directory, Document::Shape shape)
    : directory_{std::move(directory)}, shape_{std::move(shape)}, current_{shape_} {}

Result<History> History::open(std::string directory, Document::Shape shape) {
  History history{std::move(directory), std::move(shape)};
  const std::string revisions = history.directory_ + "/revisions";
  if (auto made = files::make_directory(revisions); !made) return tl::unexpected<Error>{made.error()};
  auto lock = take_lock(history.directory_);
  if (!lock) return tl::unexpected<Error>{lock.error()};
  history.lock_ = std::move(*lock);
  history.read();
  history.read_confirmed();
  return history;
}

// Of the revision that it was written for: one that was damaged has left its number to another.
void History::read_confirmed() {
  const auto said = read_json(directory_ + "/confirmed.json");
  if (!said || !said->is_object() || !said->contains("revision") || !(*said)["revision"].is_number_unsigned()) return;
  const auto number = (*said)["revision"].get<std::uint64_t>();
  const Revision* revision = find(number);
  if (revision == nullptr) return;
  const json when = said->value("when", json());  // not in files of earlier releases
  if (when.is_null() || when == time_text(revision->when)) confirmed_ = number;
}

bool History::exists(const std::string& directory) {
  return !numbers_in(directory + "/revisions", "", ".json").empty();
}

std::string History::revision_file(std::uint64_t number) const {
  return fmt::format("{}/revisions/{:08}.json", directory_, number);
}
std::string History::checkpoint_file(std::uint64_t number) const {
  return fmt::format("{}/checkpoint-{:08}.cfg", directory_, number);
}

// The newest that leads to a configuration. Where a damaged one stands between the checkpoints and the newest, that is
// one before it.
void History::read() {
  const auto checkpoints = numbers_in(directory_, "checkpoint-", ".cfg");
  std::optional<std::uint64_t> upto = UINT64_MAX;
  while (revisions_.empty() && upto) {
    const auto oldest = read_revisions(*upto);
    find_current(checkpoints);
    upto = oldest ? std::optional{*oldest - 1} : std::nullopt;
  }
}

// Of those up to a number, from the newest back to the first one that is missing or cannot be read: what is older
// cannot be reached from there. The number of the oldest that is left; nothing when none is.
std::optional<std::uint64_t> History::read_revisions(std::uint64_t upto) {
  const auto numbers = numbers_in(directory_ + "/revisions", "", ".json");
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    if (*number > upto) continue;
    highest_ = std::max(highest_, *number);
    const auto given = read_json(revision_file(*number));
    auto revision = given ? revision_from(*given) : std::nullopt;
    if (!revision || revision->number != *number) {
      tell_damage(*number, "is damaged: it is left out");
      if (!revisions_.empty()) break;
      set_aside(*number);
      continue;
    }
    if (!revisions_.empty() && revisions_.front().number != *number + 1) {
      tell_damage(*number + 1, "is missing: revisions before it cannot be reached");
      break;
    }
    revisions_.push_front(std::move(*revision));
  }
  if (revisions_.empty()) return std::nullopt;
  highest_ = newest().number;
  return revisions_.front().number;
}

// Once of each, though it may be met twice.
void History::tell_damage(std::uint64_t number, const char* what) {
  std::string words = revision_file(number) + ": " + what;
  if (std::find(damage_.begin(), damage_.end(), words) == damage_.end()) damage_.push_back(std::move(words));
}

// Its number is used again; the file stays for whoever wants to know what was in it.
void History::set_aside(std::uint64_t number) const {
  const std::string file = revision_file(number);
  std::rename(file.c_str(), (file + ".damaged").c_str());
}

// The newest checkpoint from which the changes lead to a document with the hash that the revision says.
void History::find_current(const std::vector<std::uint64_t>& checkpoints) {
  while (!revisions_.empty()) {
    for (auto number = checkpoints.rbegin(); number != checkpoints.rend(); ++number) {
      if (*number > newest().number || find(*number) == nullptr) continue;
      const auto text = files::read(checkpoint_file(*number), settings::kFileMax);
      if (!text || !*text) continue;
      const auto read = document::document_from_text(shape_, **text, checkpoint_file(*number));
      if (!read || read->hash() != find(*number)->hash) continue;
      if (auto found = follow(*read, newest().number)) {
        current_ = std::move(*found);
        checkpoint_ = checkpoint_before_ = *number;
        return;
      }
    }
    tell_damage(newest().number, "does not fit what is before it: it is left out");
    set_aside(newest().number);
    revisions_.pop_back();
    if (!revisions_.empty()) highest_ = newest().number;
  }
}

// From a document of an older revision; nothing when a step is broken.
std::optional<Document> History::follow(Document from, std::uint64_t number) const {
  const Revision* begin = nullptr;
  for (const Revision& revision : revisions_) {
    if (revision.hash == from.hash()) begin = &revision;
  }
  if (begin == nullptr) return std::nullopt;
  for (std::uint64_t step = begin->number + 1; step <= number; ++step) {
    const auto file = read_json(revision_file(step));
    if (!file || !file->contains("steps")) return std::nullopt;
    const auto steps = document::changes_from_json(from, (*file)["steps"]);
    if (!steps) return std::nullopt;
    auto next = document::with_changes(from, *steps);
    if (!next || next->hash() != find(step)->hash) return std::nullopt;
    from = std::move(*next);
  }
  return from;
}

const Revision* History::find(std::uint64_t number) const {
  if (revisions_.empty() || number < revisions_.front().number || number > newest().number) return nullptr;
  return &revisions_[number - revisions_.front().number];
}

Answer<std::vector<Change>> History::changes(std::uint64_t number) const {
  const std::string name = fmt::format("revision {}", number);
  if (find(number) == nullptr) return refuse(Error::Code::not_found, name, "is not kept");
  const auto file = read_json(revision_file(number));
  if (!file || !file->contains("steps")) return refuse(Error::Code::conflict, name, "its file cannot be read");
  auto steps = document::changes_from_json(Document{shape_}, (*file)["steps"]);
  if (!steps) {
    return refuse(Error::Code::conflict, name, "was written by another release: " + steps.error().words());
  }
  return std::move(*steps);
}

Answer<Document> History::document(std::uint64_t number) const {
  const Revision* wanted = find(number);
  const std::string name = fmt::format("revision {}", number);
  if (wanted == nullptr) return refuse(Error::Code::not_found, name, "is not kept");
  Document found = current_;
  for (std::uint64_t step = newest().number; step > number; --step) {
    const auto steps = changes(step);
    if (!steps) return tl::unexpected<document::Refusal>{steps.error()};
    auto before = document::with_changes(found, document::inverse(*steps));
    if (!before || before->hash() != find(step - 1)->hash) {
      return refuse(Error::Code::conflict, name, fmt::format("cannot be reached: revision {} is damaged", step));
    }
    found = std::move(*before);
  }
  return found;
}

std::optional<std::uint64_t> History::changed_by(const document::Path& path, std::uint64_t upto) const {
  const auto touches = [&](const document::Path& changed) {
    return is_within(path, changed) || is_within(changed, path);
  };
  for (auto revision = revisions_.rbegin(); revision != revisions_.rend(); ++revision) {
    if (revision->number > upto) continue;
    const bool is_first = revision->number == 1;
    if (is_first || std::any_of(revision->paths.begin(), revision->paths.end(), touches)) return revision->number;
  }
  return std::nullopt;
}

Result<Revision> History::append(const Document& next, Author author, Time now, std::optional<Time> confirm_until) {
  const auto steps = document::compare(current_, next);
  Revision revision{.number = highest_ + 1,
                    .when = std::chrono::floor<std::chrono::milliseconds>(now),
                    .author = std::move(author),
                    .hash = next.hash(),
                    .confirm_until = confirm_until,
                    .words = {},
                    .changes = steps.size(),
                    .paths = {}};
  for (const Change& change : steps) {
    if (revision.words.size() == kWordsMax) break;
    revision.words.push_back(change.words());
  }
  if (revisions_.empty()) {
    revision.words = {"first configuration"};
    revision.changes = 0;
    if (auto done = files::replace(checkpoint_file(revision.number), config_text(next)); !done) {
      return tl::unexpected<Error>{done.error()};
    }
    checkpoint_ = checkpoint_before_ = revision.number;
  }
  nlohmann::ordered_json file = to_json(revision);
  file["steps"] = json::array();
  for (const Change& change : steps) {
    if (!revisions_.empty()) file["steps"].push_back(change.json(true));
  }
  revision.paths = paths_of(file["steps"]);
  const std::string text = file.dump(1, ' ', false, json::error_handler_t::replace);
  if (auto done = files::replace(revision_file(revision.number), text + "\n"); !done) {
    return tl::unexpected<Error>{done.error()};
  }
  highest_ = revision.number;
  revisions_.push_back(revision);
  current_ = next;
  return revision;
}

void History::adopt_remarks(Document current) {
  checkpoint_is_stale_ = true;
  current_ = std::move(current);
}

std::optional<Time> History::awaits_confirmation() const {
  if (revisions_.empty() || !newest().confirm_until || confirmed_ == newest().number) return std::nullopt;
  return newest().confirm_until;
}

Result<void> History::confirm() {
  const json said{{"revision", newest().number}, {"when", time_text(newest().when)}};
  const std::string text = said.dump() + "\n";
  if (auto done = files::replace(directory_ + "/confirmed.json", text); !done) return done;
  confirmed_ = newest().number;
  return {};
}

Result<void> History::checkpoint() {
  if (revisions_.empty() || (checkpoint_ == newest().number && !checkpoint_is_stale_)) return prune();
  if (auto done = files::replace(checkpoint_file(newest().number), config_text(current_)); !done) return done;
  if (checkpoint_ != newest().number) checkpoint_before_ = std::exchange(checkpoint_, newest().number);
  checkpoint_is_stale_ = false;
  for (const std::uint64_t number : numbers_in(directory_, "checkpoint-", ".cfg")) {
    if (number != checkpoint_ && number != checkpoint_before_) unlink(checkpoint_file(number).c_str());
  }
  return prune();
}

// Not while a checkpoint may still need what is pruned.
Result<void> History::prune() {
  while (revisions_.size() > kRevisionsMax && revisions_.front().number < checkpoint_before_) {
    const std::string file = revision_file(revisions_.front().number);
    if (unlink(file.c_str()) != 0 && errno != ENOENT) {
      return fail(Error::Code::io, file, "cannot be removed: " + errno_words(errno));
    }
    revisions_.pop_front();
  }
  return {};
}

}  // namespace fulcrum::store
