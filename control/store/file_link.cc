#include "control/store/file_link.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include "control/document/config_text.h"
#include "control/files/files.h"

namespace fulcrum::store {
namespace {

using nlohmann::json;

// Where a link leads: renaming over a link would put a file in its place.
std::string target_of(const std::string& file) {
  std::error_code error;
  const auto target = std::filesystem::weakly_canonical(file, error);
  return error ? file : target.string();
}

mode_t mode_of(const std::string& file) {
  struct stat status {};
  return stat(file.c_str(), &status) == 0 ? status.st_mode & 0777U : 0640U;
}

// The first line of a file that was written here. The hash keeps it from meaning a revision of another box.
struct Mark {
  std::uint64_t revision = 0, hash = 0;
};
constexpr std::string_view kMark =
    "revision {} {:016x}: what you edit here changes this one, and keeps what was "
    "committed since";

std::string marked(const Revision& revision, const std::string& text) {
  return fmt::format("# {}\n{}", fmt::format(fmt::runtime(kMark), revision.number, revision.hash), text);
}

// Which revision a text says it was, and takes the line that says so off its remarks.
std::optional<Mark> take_mark(settings::Reading& reading) {
  for (auto remark = reading.remarks.begin(); remark != reading.remarks.end(); ++remark) {
    Mark mark;
    if (std::sscanf(remark->text.c_str(), "revision %" SCNu64 " %" SCNx64 ":", &mark.revision, &mark.hash) != 2)
      continue;
    reading.remarks.erase(remark);
    return mark;
  }
  return std::nullopt;
}

// What the edited document makes of the newest revision.
Answer<Document> carried_over(const Configuration& configuration, Document document, const std::optional<Mark>& mark) {
  if (!mark || mark->revision == configuration.history().newest().number) return document;
  const auto base = configuration.history().document(mark->revision);
  if (!base || base->hash() != mark->hash) return document;
  return configuration.carried_over(*base, document);
}

}  // namespace

FileLink::FileLink(std::string file, std::string directory) : file_{target_of(file)}, directory_{std::move(directory)} {
  const auto text = files::read(directory_ + "/written.json", settings::kFileMax);
  if (!text || !*text) return;
  const json known = json::parse(**text, nullptr, false);
  if (!known.is_object() || !known.contains("file") || !known["file"].is_string()) return;
  known_file_ = known["file"].get<std::string>();
  if (!known.contains("text") || !known["text"].is_string()) return;
  const auto digits = known["text"].get<std::string>();
  std::uint64_t hash = 0;
  const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), hash, 16);
  if (error == std::errc{} && stopped == digits.data() + digits.size()) text_hash_ = hash;
}

Result<void> FileLink::remember(std::uint64_t text_hash) {
  if (text_hash_ == text_hash && knows_file()) return {};
  const json known{{"file", file_}, {"text", fmt::format("{:016x}", text_hash)}};
  if (auto done = files::replace(directory_ + "/written.json", known.dump() + "\n"); !done) return done;
  text_hash_ = text_hash;
  known_file_ = file_;
  return {};
}

FileLink::News FileLink::read(Configuration& configuration, Time now, const std::string& why) {
  const auto& shape = configuration.shape();
  const auto object = shape->make();
  settings::Reading reading = settings::read_file(file_, *shape, object.get());
  const bool is_first = configuration.history().empty();
  News news;
  if (!is_first && knows_file() && text_hash_ == reading.text_hash) return news;
  news.problems = reading.problems;
  if (reading.understood) {
    auto model = static_cast<const model::Model*>(object.get());
    for (auto& problem : configuration.problems_of(*model, reading.sources))
      news.problems.push_back(std::move(problem));
  }
  news.kind = News::Kind::refused;
  if (!news.problems.empty()) return news;
  const auto mark = take_mark(reading);
  Document document = document::document_of(shape, object.get(), reading);
  if (!is_first && !(document == configuration.current())) {
    auto carried = carried_over(configuration, std::move(document), mark);
    if (!carried) {
      news.problems = std::move(carried.error().problems);
      return news;
    }
    document = std::move(*carried);
  }
  if (!is_first && document == configuration.current()) {
    configuration.history().adopt_remarks(document);
    news.kind = News::Kind::unchanged;
  } else {
    auto taken = configuration.take(document, {.who = "root", .face = "file", .why = why}, now);
    if (!taken) {
      news.problems = std::move(taken.error().problems);
      return news;
    }
    news.committed = std::move(*taken);
    news.kind = News::Kind::taken;
  }
  if (const auto done = remember(reading.text_hash); !done) {
    news.problems.push_back({.file = {}, .line = 0, .path = done.error().path, .text = done.error().text});
  }
  return news;
}

Result<std::optional<std::string>> FileLink::write(Configuration& configuration) {
  if (auto done = configuration.history().checkpoint(); !done) return tl::unexpected<Error>{done.error()};
  const auto before = files::read(file_, settings::kFileMax);
  if (!before) return tl::unexpected<Error>{before.error()};
  const std::string text = marked(configuration.history().newest(), config_text(configuration.current()));
  std::optional<std::string> kept;
  if (*before && **before != text) {
    const std::uint64_t hash = settings::hash_of_text(**before);
    if (!(knows_file() && text_hash_ == hash)) {
      kept = file_ + ".edited";
      if (auto done = files::replace(*kept, **before, mode_of(file_)); !done)
        return tl::unexpected<Error>{done.error()};
    }
  }
  if (!*before || **before != text) {
    if (auto done = files::replace(file_, text, mode_of(file_)); !done) return tl::unexpected<Error>{done.error()};
  }
  if (auto done = remember(settings::hash_of_text(text)); !done) return tl::unexpected<Error>{done.error()};
  return kept;
}

}  // namespace fulcrum::store
