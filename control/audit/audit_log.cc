#include "control/audit/audit_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "control/access/secrets.h"
#include "control/files/files.h"

namespace fulcrum::audit {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kTextMax = 1000;
constexpr std::size_t kSlack = 1U << 20U;  // a file may be longer than its limit by its last line
constexpr std::string_view kHashKey = R"(,"hash":")";
constexpr std::size_t kHashLength = 64;
const std::string kNone(kHashLength, '0');
constexpr std::size_t kAnchorDigits = 20;
constexpr std::size_t kAnchorLength = kAnchorDigits + 1 + kHashLength + 1;

std::string time_words(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000);
}

std::string cut(const std::string& text) { return text.substr(0, kTextMax); }

struct Line {
  std::uint64_t sequence = 0;
  std::string previous, hash;
  bool hash_is_right = false;
};

// A line of ours in parts; nothing when it is none.
std::optional<Line> read_line(std::string_view text) {
  const std::size_t at = text.rfind(kHashKey);
  if (at == std::string_view::npos || text.size() != at + kHashKey.size() + kHashLength + 2) return std::nullopt;
  const json whole = json::parse(text, nullptr, false);
  if (!whole.is_object() || !whole.contains("sequence") || !whole["sequence"].is_number_unsigned()) return std::nullopt;
  Line line;
  line.sequence = whole["sequence"].get<std::uint64_t>();
  if (!whole.contains("previous") || !whole["previous"].is_string()) return std::nullopt;
  line.previous = whole["previous"].get<std::string>();
  line.hash = text.substr(at + kHashKey.size(), kHashLength);
  line.hash_is_right = line.hash == access::sha256(text.substr(0, at));
  return line;
}

// Without looking at the rest: 0 when the line is none of ours.
std::uint64_t sequence_of(std::string_view text) {
  constexpr std::string_view kBegin = R"({"sequence":)";
  if (!text.starts_with(kBegin)) return 0;
  text.remove_prefix(kBegin.size());
  std::uint64_t sequence = 0;
  std::from_chars(text.data(), text.data() + text.size(), sequence);
  return sequence;
}

template <class Visit>  // bool(std::string_view line): whether to go on
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!visit(text.substr(0, end))) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string file_name(const std::string& path) { return std::filesystem::path{path}.filename().string(); }

}  // namespace

Result<AuditLog> AuditLog::open(const std::string& directory, Limits limits, Clock clock) {
  if (auto made = files::make_directory(directory); !made) return tl::unexpected<Error>{made.error()};
  AuditLog log{directory, limits, std::move(clock)};
  if (auto taken = log.take_up(); !taken) return tl::unexpected<Error>{taken.error()};
  return log;
}

Result<void> AuditLog::take_up() {
  last_hash_ = kNone;
  std::size_t cut_off = 0;
  std::string text;
  for (const std::string& name : names()) {
    auto contents = files::read(name, limits_.file_max + kSlack);
    if (!contents) return tl::unexpected<Error>{contents.error()};
    text = contents->value_or("");
    if (name == current()) {
      const auto mended = mend(text);
      if (!mended) return tl::unexpected<Error>{mended.error()};
      cut_off = *mended;
      text.resize(text.size() - cut_off);
    }
    if (text.empty()) continue;
    const std::size_t before = text.size() < 2 ? std::string::npos : text.rfind('\n', text.size() - 2);
    const auto line = read_line(std::string_view{text}.substr(before + 1, text.size() - before - 2));
    if (!line) return fail(Error::Code::invalid, name, "its last line is no audit record: move the file away");
    last_ = line->sequence;
    last_hash_ = line->hash;
  }
  file_ = OwnedFd{::open(current().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file_.valid()) return fail(Error::Code::io, current(), "cannot be written: " + errno_words(errno));
  std::error_code ignored;
  length_ = std::filesystem::file_size(current(), ignored);
  if (auto synced = files::sync_directory(directory_); !synced) return synced;
  if (auto held = hold_to_anchor(); !held) return held;
  if (cut_off == 0) return {};
  return append_own("mend", fmt::format("took off {} bytes of a line that was cut short", cut_off));
}

Result<void> AuditLog::append_own(const std::string& action, const std::string& note) {
  return append({.who = "fulcrum",
                 .face = "control",
                 .source = "local",
                 .action = action,
                 .object = "audit log",
                 .result = "done",
                 .note = note});
}

std::optional<AuditLog::Anchor> AuditLog::anchor() const {
  const auto text = files::read(anchor_file(), kAnchorLength);
  if (!text || !*text || (*text)->size() != kAnchorLength) return std::nullopt;
  Anchor anchor;
  const char* begin = (*text)->data();
  const auto [end, error] = std::from_chars(begin, begin + kAnchorDigits, anchor.sequence);
  if (error != std::errc{} || end != begin + kAnchorDigits) return std::nullopt;
  anchor.hash = (*text)->substr(kAnchorDigits + 1, kHashLength);
  return anchor;
}

// What the log ends with, as the process before left it.
Result<void> AuditLog::hold_to_anchor() {
  const auto before = anchor();
  anchor_ = OwnedFd{::open(anchor_file().c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!anchor_.valid()) return fail(Error::Code::io, anchor_file(), "cannot be written: " + errno_words(errno));
  if (!before) {
    return last_ == 0 ? Result<void>{}
                      : append_own("anchor", "there was no anchor: whether the end was cut off is not known");
  }
  if (before->sequence < last_ || (before->sequence == last_ && before->hash == last_hash_)) return {};
  const std::uint64_t found = std::exchange(last_, before->sequence);
  last_hash_ = before->hash;
  return append_own("missing", fmt::format("the log ended at record {}, but {} were written", found, before->sequence));
}

// In place and with a fixed length, so that it is there as a whole. It needs not be on the disk before the next one.
Result<void> AuditLog::write_anchor() {
  const std::string text = fmt::format("{:0{}} {}\n", last_, kAnchorDigits, last_hash_);
  if (::pwrite(anchor_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) return {};
  return fail(Error::Code::io, anchor_file(), "cannot be written: " + errno_words(errno));
}

// How many bytes of an unfinished line were taken off the current file.
Result<std::size_t> AuditLog::mend(const std::string& text) {
  const std::size_t end = text.rfind('\n');
  const std::size_t good = end == std::string::npos ? 0 : end + 1;
  if (good == text.size()) return 0;
  if (::truncate(current().c_str(), static_cast<off_t>(good)) != 0) {
    return fail(Error::Code::io, current(), "cannot be mended: " + errno_words(errno));
  }
  return text.size() - good;
}

std::vector<std::string> AuditLog::names() const {
  std::vector<std::string> rotated;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{directory_, error}) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("audit-", 0) == 0 && name.ends_with(".log")) rotated.push_back(entry.path().string());
  }
  std::sort(rotated.begin(), rotated.end());
  if (std::filesystem::exists(current(), error)) rotated.push_back(current());
  return rotated;
}

Result<void> AuditLog::append(const Record& record) {
  if (length_ >= limits_.file_max) {
    if (auto rotated = rotate(); !rotated) return rotated;
  }
  ordered_json whole;
  whole["sequence"] = last_ + 1;
  whole["time"] = time_words(clock_());
  whole["who"] = cut(record.who);
  whole["face"] = cut(record.face);
  whole["source"] = cut(record.source);
  whole["action"] = cut(record.action);
  whole["object"] = cut(record.object);
  whole["result"] = cut(record.result);
  whole["note"] = cut(record.note);
  whole["previous"] = last_hash_;
  std::string line = whole.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  line.pop_back();
  const std::string hash = access::sha256(line);
  line.append(kHashKey).append(hash).append("\"}\n");
  auto written = files::write_all(file_.get(), line, current());
  if (written && ::fdatasync(file_.get()) != 0) {
    written = fail(Error::Code::io, current(), "cannot be brought to the disk: " + errno_words(errno));
  }
  if (!written) {
    // What is there of the line must not stand before the next one.
    if (::ftruncate(file_.get(), static_cast<off_t>(length_)) != 0) length_ = limits_.file_max;
    return written;
  }
  length_ += line.size();
  ++last_;
  last_hash_ = hash;
  return write_anchor();
}

Result<void> AuditLog::rotate() {
  const auto text = files::read(current(), limits_.file_max + kSlack);
  if (!text) return tl::unexpected<Error>{text.error()};
  const std::string contents = text->value_or("");
  const auto first = read_line(std::string_view{contents}.substr(0, std::min(contents.find('\n'), contents.size())));
  const std::string kept = fmt::format("{}/audit-{:012}.log", directory_, first ? first->sequence : last_);
  if (std::rename(current().c_str(), kept.c_str()) != 0) {
    return fail(Error::Code::io, kept, "the audit log cannot be rotated: " + errno_words(errno));
  }
  OwnedFd fresh{::open(current().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fresh.valid()) return fail(Error::Code::io, current(), "cannot be written: " + errno_words(errno));
  file_ = std::move(fresh);
  length_ = 0;
  const std::vector<std::string> all = names();
  for (std::size_t i = 0; i + limits_.files_max < all.size(); ++i) ::unlink(all[i].c_str());
  return files::sync_directory(directory_);
}

Verdict AuditLog::verify() const {
  Verdict verdict;
  std::string previous;
  for (const std::string& name : names()) {
    const auto contents = files::read(name, limits_.file_max + kSlack);
    if (!contents) {
      verdict.problem = contents.error().words();
      return verdict;
    }
    std::size_t number = 0;
    for_each_line(contents->value_or(""), [&](std::string_view text) {
      ++number;
      const auto line = read_line(text);
      const bool is_first = verdict.records == 0;
      const std::string_view wrong = !line                                ? "is no audit record"
                                     : !line->hash_is_right               ? "was changed"
                                     : is_first                           ? ""
                                     : line->previous != previous         ? "does not follow the line before"
                                     : line->sequence != verdict.last + 1 ? "has the wrong number"
                                                                          : "";
      if (!wrong.empty()) {
        verdict.problem = fmt::format("{}:{}: {}", file_name(name), number, wrong);
        return false;
      }
      if (is_first) verdict.first = line->sequence;
      verdict.last = line->sequence;
      verdict.last_hash = previous = line->hash;
      ++verdict.records;
      return true;
    });
    if (!verdict.problem.empty()) return verdict;
  }
  verdict.problem = end_problem(verdict);
  verdict.intact = verdict.problem.empty();
  return verdict;
}

// What is wrong with both ends of a log whose lines are right; empty: nothing.
std::string AuditLog::end_problem(const Verdict& verdict) const {
  if (verdict.last != last_ || (last_ != 0 && verdict.last_hash != last_hash_)) {
    return fmt::format("the log ends at record {}, but {} were written", verdict.last, last_);
  }
  // The oldest files go only when there are too many.
  if (verdict.first > 1 && names().size() < limits_.files_max) {
    return fmt::format("the log begins at record {}: those before are missing", verdict.first);
  }
  const auto kept = anchor();
  if (last_ != 0 && (!kept || kept->sequence != last_ || kept->hash != last_hash_)) {
    return "the anchor was changed: it is not that of the last record";
  }
  return {};
}

Result<std::vector<std::string>> AuditLog::read(std::uint64_t before, std::size_t limit) const {
  const std::uint64_t end = before == 0 ? last_ + 1 : before;
  std::vector<std::string> found;
  const std::vector<std::string> all = names();
  for (auto name = all.rbegin(); name != all.rend() && found.size() < limit; ++name) {
    const auto contents = files::read(*name, limits_.file_max + kSlack);
    if (!contents) return tl::unexpected<Error>{contents.error()};
    std::vector<std::string> here;
    for_each_line(contents->value_or(""), [&](std::string_view text) {
      const std::uint64_t sequence = sequence_of(text);
      if (sequence != 0 && sequence < end) here.emplace_back(text);
      return true;
    });
    const std::size_t take = std::min(here.size(), limit - found.size());
    found.insert(found.end(), here.rbegin(), here.rbegin() + static_cast<std::ptrdiff_t>(take));
  }
  return found;
}

}  // namespace fulcrum::audit
