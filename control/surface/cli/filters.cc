#include "control/surface/cli/filters.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace fulcrum::cli {

struct FreePattern {
  void operator()(regex_t* pattern) const {
    regfree(pattern);
    delete pattern;
  }
};
using Pattern = std::unique_ptr<regex_t, FreePattern>;

namespace {

// A pattern that repeats repetitions takes memory without bound; nobody types one this long.
constexpr std::size_t kPatternMax = 200;

tl::unexpected<Trouble> no_pattern(const std::string& text, const std::string& why) {
  return tl::unexpected<Trouble>{
      Trouble{.status = Status::invalid, .text = fmt::format("\"{}\" is no pattern: {}", text, why)}};
}

tl::expected<Pattern, Trouble> compile(const std::string& text) {
  if (text.size() > kPatternMax) return no_pattern(text.substr(0, 20) + "...", "it is too long");
  if (std::count(text.begin(), text.end(), '{') > 1) return no_pattern(text, "at most one {count} may stand in it");
  auto made = std::make_unique<regex_t>();
  if (const int error = regcomp(made.get(), text.c_str(), REG_EXTENDED | REG_NOSUB); error != 0) {
    std::array<char, 128> why{};
    regerror(error, made.get(), why.data(), why.size());
    return no_pattern(text, why.data());
  }
  return Pattern{made.release()};
}

template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    visit(std::string{text.substr(0, text[end] == '\n' ? end : end + 1)});
    text.remove_prefix(end + 1);
  }
}

constexpr std::array<std::pair<std::string_view, int>, 8> kColours{{{"up", 32},
                                                                    {"down", 31},
                                                                    {"degraded", 33},
                                                                    {"unknown", 33},
                                                                    {"draining", 33},
                                                                    {"maintenance", 33},
                                                                    {"failed", 31},
                                                                    {"overload", 33}}};

}  // namespace

struct TextFilters::Step {
  Filter::Kind kind = Filter::Kind::count;
  Pattern pattern;
};

TextFilters::TextFilters() = default;
TextFilters::~TextFilters() = default;
TextFilters::TextFilters(TextFilters&&) noexcept = default;

tl::expected<TextFilters, Trouble> TextFilters::make(const std::vector<Filter>& filters) {
  TextFilters made;
  for (const Filter& filter : filters) {
    Step step{.kind = filter.kind, .pattern = {}};
    if (filter.kind == Filter::Kind::match || filter.kind == Filter::Kind::except) {
      auto pattern = compile(filter.pattern);
      if (!pattern) return tl::unexpected<Trouble>{std::move(pattern.error())};
      step.pattern = std::move(*pattern);
    } else if (filter.kind != Filter::Kind::count) {
      continue;
    }
    made.steps_.push_back(std::move(step));
  }
  return made;
}

std::string TextFilters::apply(std::string text) const {
  for (const Step& step : steps_) {
    std::string kept;
    std::size_t count = 0;
    for_each_line(text, [&](const std::string& line) {
      ++count;
      if (step.pattern == nullptr) return;
      const bool matches = regexec(step.pattern.get(), line.c_str(), 0, nullptr, 0) == 0;
      if (matches == (step.kind == Filter::Kind::match)) kept += line + '\n';
    });
    text = step.pattern == nullptr ? fmt::format("{}\n", count) : std::move(kept);
  }
  return text;
}

std::string coloured(std::string_view text) {
  std::string out;
  const auto ends_cell = [&](std::size_t at) {
    return at >= text.size() || text[at] == '\n' || text.substr(at, 2) == "  ";
  };
  for (std::size_t at = 0; at < text.size();) {
    const bool begins_cell = at == 0 || text[at - 1] == '\n' || (at > 1 && text.substr(at - 2, 2) == "  ");
    const auto found =
        !begins_cell ? kColours.end() : std::find_if(kColours.begin(), kColours.end(), [&](const auto& colour) {
          return text.substr(at).starts_with(colour.first) && ends_cell(at + colour.first.size());
        });
    if (found == kColours.end()) {
      out += text[at++];
    } else {
      out += fmt::format("\033[{}m{}\033[0m", found->second, found->first);
      at += found->first.size();
    }
  }
  return out;
}

}  // namespace fulcrum::cli
