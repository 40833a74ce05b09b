#include "control/surface/cli/setting_walk.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/document/document.h"
#include "control/document/schema.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::cli {
namespace {

using document::Step;
using settings::Field;
using settings::Shape;

// What stands between an element and what it gets, and what that is.
struct Behind {
  Hint keyword, words;
  const char* example;
};
const Behind& behind(SettingWalk::Purpose purpose) {
  static const Behind kName{{"to", "and the name it gets", true},
                            {"<new-name>", "the name it gets", false},
                            "rename an element to another name, like farms shop to store"};
  static const Behind kRemark{{"as", "and what others shall know of it", true},
                              {"<remark>", "in quotes when it has blanks; \"\" takes it away", false},
                              "annotate an element, like farms shop as \"web team, 4711\""};
  return purpose == SettingWalk::Purpose::rename ? kName : kRemark;
}

bool is_digits(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<Hint> fields_of(const Shape& group, bool with_keys) {
  std::vector<Hint> hints;
  const auto keys = group.key();
  for (std::size_t i = 0; i < group.fields.size(); ++i) {
    if (with_keys || std::find(keys.begin(), keys.end(), i) == keys.end()) {
      hints.push_back({group.fields[i].name, group.fields[i].help, true});
    }
  }
  return hints;
}

std::vector<std::string> pieces(const std::string& word) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at <= word.size();) {
    const std::size_t end = std::min(word.find(',', at), word.size());
    found.push_back(word.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

Trouble trouble(Status status, std::string text, std::vector<Hint> possible) {
  return {.status = status, .text = std::move(text), .column = {}, .possible = std::move(possible), .json = {}};
}

}  // namespace

std::vector<Hint> beginning_with(const std::vector<Hint>& hints, const std::string& word) {
  std::vector<Hint> found;
  std::copy_if(hints.begin(), hints.end(), std::back_inserter(found),
               [&](const Hint& hint) { return hint.is_literal && hint.word.starts_with(word); });
  return found;
}

const Hint* choose(const std::vector<Hint>& hints, const std::string& word, bool& ambiguous) {
  const Hint* only = nullptr;
  ambiguous = false;
  for (const Hint& hint : hints) {
    if (!hint.is_literal || !hint.word.starts_with(word)) continue;
    if (hint.word == word) {
      ambiguous = false;
      return &hint;
    }
    ambiguous = ambiguous || only != nullptr;
    only = &hint;
  }
  return ambiguous ? nullptr : only;
}

SettingWalk::SettingWalk(const Shape& root, const document::Path& base, Purpose purpose)
    : group_{&root}, purpose_{purpose} {
  for (const Step& step : base) {
    if (!at_list()) {
      const Field* field = group_->find(step.word);
      if (field == nullptr || field->kind != settings::Kind::group) break;
      group_ = field->shape.get();
      field_ = field->list ? field : nullptr;
    } else {
      field_ = nullptr;
    }
    path_.push_back(step);
  }
}

bool SettingWalk::at_list() const { return field_ != nullptr && field_->kind == settings::Kind::group; }

std::optional<Trouble> SettingWalk::take(const std::string& word, Names& names) {
  moved_ = true;
  const bool ends_path = wants_element() && is_element_ && field_ == nullptr;
  if (awaits_words_ || (ends_path && word == behind(purpose_).keyword.word)) return take_words_behind(word);
  if (at_list()) {
    if (word.empty()) return trouble(Status::syntax, "a name is missing here", hints(names));
    path_.push_back({word, group_->key().empty() && is_digits(word)});
    field_ = nullptr;
    is_element_ = true;
    return std::nullopt;
  }
  return field_ == nullptr ? take_field(word, names) : take_value(word, names);
}

std::optional<Trouble> SettingWalk::take_words_behind(const std::string& word) {
  if (words_behind_) return trouble(Status::syntax, "nothing may follow here; words with blanks go in quotes", {});
  if (awaits_words_) words_behind_ = word;
  awaits_words_ = true;
  return std::nullopt;
}

std::optional<Trouble> SettingWalk::take_field(const std::string& word, Names& names) {
  bool ambiguous = false;
  const auto known = hints(names);
  const Hint* chosen = choose(known, word, ambiguous);
  if (chosen == nullptr) {
    const std::string where = path_.empty() ? "the configuration" : document::text_of(path_);
    if (ambiguous) {
      return trouble(Status::syntax, fmt::format("{} is ambiguous", settings::quoted(word)),
                     beginning_with(known, word));
    }
    return trouble(Status::syntax, fmt::format("{} has no setting {}", where, settings::quoted(word)), known);
  }
  const Field* field = group_->find(chosen->word);
  owner_ = group_;
  is_element_ = false;
  path_.push_back({field->name, false});
  sensitive_ = sensitive_ || field->sensitive;
  const bool is_group = field->kind == settings::Kind::group;
  field_ = is_group && !field->list ? nullptr : field;
  if (is_group) group_ = field->shape.get();
  values_.clear();
  return std::nullopt;
}

void SettingWalk::leave_field() {
  edits_.push_back({path_, field_, std::move(values_)});
  values_.clear();
  path_.pop_back();
  field_ = nullptr;
}

// A word behind the name of a setting: a value of it or, when it has all it takes, the next setting.
std::optional<Trouble> SettingWalk::take_value(const std::string& word, Names& names) {
  const bool takes_one = purpose_ == Purpose::remove || !field_->list;
  if (takes_no_value() || (purpose_ == Purpose::remove && !field_->list)) {
    return trouble(Status::syntax, "nothing may follow the name of this setting", {});
  }
  if (takes_one && !values_.empty()) {
    if (purpose_ == Purpose::remove) return trouble(Status::syntax, "one value at a time", {});
    leave_field();
    return take_field(word, names);
  }
  auto refused = take_values(word);
  if (!refused || values_.empty()) return refused;
  bool ambiguous = false;
  if (choose(fields_of(*group_, false), word, ambiguous) == nullptr) return refused;
  leave_field();
  return take_field(word, names);
}

std::optional<Trouble> SettingWalk::take_values(const std::string& word) {
  // Only lists have several; and a value of its own may have commas.
  const bool has_commas = field_->list && !document::value_from_text(*field_, word);
  for (const std::string& piece : has_commas ? pieces(word) : std::vector<std::string>{word}) {
    const auto value = document::value_from_text(*field_, piece);
    if (!value) {
      return trouble(Status::invalid, fmt::format("{}: {}", document::text_of(path_), value.error().text),
                     value_hints());
    }
    values_.push_back(piece);
  }
  return std::nullopt;
}

std::vector<Hint> SettingWalk::value_hints() const {
  if (field_->kind == settings::Kind::boolean) return {{"true", "", true}, {"false", "", true}};
  std::vector<Hint> hints;
  for (const settings::Choice& choice : field_->choices) hints.push_back({choice.name, choice.help, true});
  if (!hints.empty()) return hints;
  std::string help = field_->help.empty() ? field_->type_words() : field_->help + ": " + field_->type_words();
  const std::string otherwise = document::default_words(*field_, *owner_);
  if (!otherwise.empty()) help += fmt::format(" (default {})", otherwise);
  return {{fmt::format("<{}>", field_->name), std::move(help), false}};
}

bool SettingWalk::takes_no_value() const {
  return purpose_ == Purpose::name || purpose_ == Purpose::group || wants_element();
}

std::vector<Hint> SettingWalk::hints(Names& names) const {
  if (words_behind_) return {};
  if (awaits_words_) return {behind(purpose_).words};
  if (at_list()) {
    auto keys = names.elements(path_);
    const std::string help = purpose_ == Purpose::set ? "that is there or is to be made" : "one that is there";
    keys.push_back({group_->key().empty() ? "<position>" : "<name>", help, false});
    return keys;
  }
  if (field_ == nullptr) {
    auto fields = fields_of(*group_, purpose_ != Purpose::set);
    if (purpose_ == Purpose::group || wants_element()) {
      std::erase_if(fields, [&](const Hint& hint) { return group_->find(hint.word)->kind != settings::Kind::group; });
    }
    if (wants_element() && is_element_) fields.insert(fields.begin(), behind(purpose_).keyword);
    return fields;
  }
  if (takes_no_value()) return {};
  if (purpose_ == Purpose::remove && (!field_->list || !values_.empty())) return {};
  std::vector<Hint> hints;
  if (values_.empty() || field_->list) hints = value_hints();
  if (!values_.empty()) {
    const auto fields = fields_of(*group_, false);
    hints.insert(hints.end(), fields.begin(), fields.end());
  }
  return hints;
}

std::optional<Trouble> SettingWalk::unfinished(Names& names) const {
  if (purpose_ == Purpose::group && (field_ != nullptr || path_.empty())) {
    return trouble(Status::syntax, "this is not complete: name a group of settings", hints(names));
  }
  if (purpose_ == Purpose::remove && !moved_) {
    return trouble(Status::syntax, "this is not complete: name what is to be deleted", hints(names));
  }
  const bool has_words = words_behind_ && (purpose_ == Purpose::annotate || !words_behind_->empty());
  if (wants_element() && !has_words) {
    return trouble(Status::syntax, fmt::format("this is not complete: {}", behind(purpose_).example), hints(names));
  }
  if (purpose_ != Purpose::set) return std::nullopt;
  if (field_ == nullptr && (!edits_.empty() || is_element_)) return std::nullopt;
  if (field_ != nullptr && !at_list() && !values_.empty()) return std::nullopt;
  return trouble(Status::syntax, "this is not complete", hints(names));
}

std::vector<Edit> SettingWalk::edits() const {
  auto edits = edits_;
  if (field_ != nullptr && !at_list()) edits.push_back({path_, field_, values_});
  if (edits.empty() && moved_) edits.push_back({path_, nullptr, {}});
  return edits;
}

}  // namespace fulcrum::cli
