// Follows the words of a command line through the description of the configuration:
//
//   set farms shop servers web1 addresses 10.1.1.11 weight 5
//       field key  field   key  field     value     field  value      (two edits, in the same group)
//
// The names of fields may be shortened as long as they are unique; keys of elements may not, for a key that is not
// there makes a new element. A list of values takes words as long as they are values of it, also with commas between
// them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/document/path.h"
#include "control/surface/cli/trouble.h"
#include "dataplane/base/settings.h"

namespace fulcrum::cli {

// Knows what the box is called by: for completion, and for telling what could have been meant.
class Names {
 public:
  virtual ~Names() = default;
  // Keys of the list of groups at `path`.
  virtual std::vector<Hint> elements(const document::Path& path) = 0;
  virtual std::vector<Hint> farms() = 0;
  // Of one farm; "": of all.
  virtual std::vector<Hint> servers(const std::string& farm) = 0;
  // Of all farms, each as "farm/server".
  virtual std::vector<Hint> members() = 0;
};

// The settings that a line names.
struct Edit {
  document::Path path;
  const settings::Field* field = nullptr;  // null: an element or group, to be made
  std::vector<std::string> words;          // its values; none: not given
};

class SettingWalk {
 public:
  enum class Purpose : std::uint8_t {
    name,      // any place
    group,     // a place that has settings in it
    remove,    // any place; of a list of values, also one value
    set,       // settings with their values
    rename,    // an element, "to", and the name it gets
    annotate,  // an element, "as", and its remark
  };
  // `base`: where the words begin; a canonical path of a group.
  SettingWalk(const settings::Shape& root, const document::Path& base, Purpose purpose);

  // One word further. Errors without a column.
  std::optional<Trouble> take(const std::string& word, Names& names);
  // What may follow.
  [[nodiscard]] std::vector<Hint> hints(Names& names) const;
  // Whether the line may end here; else what is missing.
  [[nodiscard]] std::optional<Trouble> unfinished(Names& names) const;

  [[nodiscard]] const document::Path& path() const { return path_; }
  [[nodiscard]] std::vector<Edit> edits() const;
  [[nodiscard]] bool sensitive() const { return sensitive_; }
  // Of `rename` the name, of `annotate` the remark.
  [[nodiscard]] const std::optional<std::string>& words_behind() const { return words_behind_; }

 private:
  std::optional<Trouble> take_words_behind(const std::string& word);
  std::optional<Trouble> take_field(const std::string& word, Names& names);
  std::optional<Trouble> take_value(const std::string& word, Names& names);
  std::optional<Trouble> take_values(const std::string& word);
  void leave_field();
  [[nodiscard]] bool at_list() const;
  [[nodiscard]] bool takes_no_value() const;
  [[nodiscard]] bool wants_element() const { return purpose_ == Purpose::rename || purpose_ == Purpose::annotate; }
  [[nodiscard]] std::vector<Hint> value_hints() const;

  const settings::Shape* group_;            // where we are; of a list of groups, that of its elements
  const settings::Shape* owner_ = nullptr;  // of field_
  const settings::Field* field_ = nullptr;  // a value, or a list of groups that still wants a key; null: in a group
  document::Path path_;
  Purpose purpose_;
  std::vector<std::string> values_;  // of field_
  std::vector<Edit> edits_;
  bool sensitive_ = false, moved_ = false;
  bool is_element_ = false;    // the last word was a key
  bool awaits_words_ = false;  // "to" or "as" was said
  std::optional<std::string> words_behind_;
};

// The one that `word` is, or begins as the only one; of several that it begins, null and `ambiguous`.
const Hint* choose(const std::vector<Hint>& hints, const std::string& word, bool& ambiguous);
// Those that begin with `word`.
std::vector<Hint> beginning_with(const std::vector<Hint>& hints, const std::string& word);

}  // namespace fulcrum::cli
