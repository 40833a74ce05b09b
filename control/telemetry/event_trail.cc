#include "control/telemetry/event_trail.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "control/files/files.h"
#include "dataplane/base/owned_fd.h"

namespace fulcrum::telemetry {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kTrailFileMax = 64U << 20U;  // bytes; far more than its lines can be

std::string line_of(const TrailEvent& event) {
  const auto since = std::chrono::duration_cast<milliseconds>(event.time.time_since_epoch());
  const nlohmann::ordered_json line{{"number", event.number}, {"ms", since.count()},    {"warning", event.is_warning},
                                    {"kind", event.kind},     {"object", event.object}, {"text", event.text}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<TrailEvent> event_of(const std::string& line) {
  const json given = json::parse(line, nullptr, false);
  const auto has = [&](const char* key, auto is) { return given.contains(key) && (given[key].*is)(); };
  if (!given.is_object() || !has("number", &json::is_number_unsigned) || !has("ms", &json::is_number_integer) ||
      !has("warning", &json::is_boolean) || !has("kind", &json::is_string) || !has("object", &json::is_string) ||
      !has("text", &json::is_string)) {
    return std::nullopt;
  }
  return TrailEvent{.number = given["number"].get<std::uint64_t>(),
                    .time = std::chrono::system_clock::time_point{milliseconds{given["ms"].get<std::int64_t>()}},
                    .is_warning = given["warning"].get<bool>(),
                    .kind = given["kind"].get<std::string>(),
                    .object = given["object"].get<std::string>(),
                    .text = given["text"].get<std::string>()};
}

}  // namespace

EventTrail::EventTrail(std::string file) : file_{std::move(file)} {
  const auto text = files::read(file_, kTrailFileMax);
  if (!text || !*text) return;
  std::istringstream lines{**text};
  for (std::string line; std::getline(lines, line); ++in_file_) {
    auto event = event_of(line);
    if (!event || event->number <= newest_) continue;
    newest_ = event->number;
    push(std::move(*event));
  }
  // The next line must not join one that was cut.
  if (!(*text)->empty() && (*text)->back() != '\n') in_file_ = 2 * capacity;
}

void EventTrail::add(TrailEvent event) {
  event.number = ++newest_;
  push(std::move(event));
  if (!file_.empty()) keep(events_.back());
}

void EventTrail::push(TrailEvent event) {
  events_.push_back(std::move(event));
  if (events_.size() > capacity) events_.pop_front();
}

// The file is written anew, with what the ring holds, when it has twice as much.
void EventTrail::keep(const TrailEvent& event) {
  if (++in_file_ > 2 * capacity) {
    std::string all;
    for (const TrailEvent& one : events_) all += line_of(one);
    if (files::replace(file_, all, 0600, files::Survives::end)) in_file_ = events_.size();
    return;
  }
  const OwnedFd fd{::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (fd.valid()) [[maybe_unused]]
    const auto done = files::write_all(fd.get(), line_of(event), file_);
}

}  // namespace fulcrum::telemetry
