// A group of a configuration file as it was parsed, before any description is applied: what a migration step edits.
// Borrowed: it is good as long as the reading that handed it out. What is edited keeps its line, so that problems
// found afterwards still point into the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct config_setting_t;

namespace fulcrum::settings {

class Raw {
 public:
  explicit Raw(config_setting_t* group) : group_{group} {}

  [[nodiscard]] bool has(const std::string& key) const;
  // Nothing when there is no such key or it holds something else.
  [[nodiscard]] std::optional<std::int64_t> integer(const std::string& key) const;
  [[nodiscard]] std::optional<bool> boolean(const std::string& key) const;
  [[nodiscard]] std::optional<std::string> text(const std::string& key) const;
  // The group under `key`, or the groups of the list under it; empty when there are none.
  [[nodiscard]] std::vector<Raw> groups(const std::string& key) const;

  // False when there is no `from`, or `to` is there already; nothing has changed then.
  bool rename(const std::string& from, const std::string& to);
  bool remove(const std::string& key);
  // Replaces what was under the key, whatever it was.
  void set_integer(const std::string& key, std::int64_t value);
  void set_boolean(const std::string& key, bool value);
  void set_text(const std::string& key, const std::string& value);
  // The group under `key`, made when there is none.
  Raw make_group(const std::string& key);

 private:
  [[nodiscard]] config_setting_t* member(const std::string& key) const;
  config_setting_t* make(const std::string& key, int type);

  config_setting_t* group_;
};

}  // namespace fulcrum::settings
