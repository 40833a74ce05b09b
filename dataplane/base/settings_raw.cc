#include "dataplane/base/settings_raw.h"

#include <libconfig.h>

#include <cstdlib>
#include <cstring>

namespace fulcrum::settings {

config_setting_t* Raw::member(const std::string& key) const { return config_setting_get_member(group_, key.c_str()); }

bool Raw::has(const std::string& key) const { return member(key) != nullptr; }

std::optional<std::int64_t> Raw::integer(const std::string& key) const {
  const config_setting_t* setting = member(key);
  if (setting == nullptr) return std::nullopt;
  const int type = config_setting_type(setting);
  if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) return std::nullopt;
  return config_setting_get_int64(setting);
}

std::optional<bool> Raw::boolean(const std::string& key) const {
  const config_setting_t* setting = member(key);
  if (setting == nullptr || config_setting_type(setting) != CONFIG_TYPE_BOOL) return std::nullopt;
  return config_setting_get_bool(setting) != 0;
}

std::optional<std::string> Raw::text(const std::string& key) const {
  const config_setting_t* setting = member(key);
  if (setting == nullptr || config_setting_type(setting) != CONFIG_TYPE_STRING) return std::nullopt;
  return config_setting_get_string(setting);
}

std::vector<Raw> Raw::groups(const std::string& key) const {
  std::vector<Raw> found;
  config_setting_t* setting = member(key);
  if (setting == nullptr) return found;
  const int type = config_setting_type(setting);
  if (type == CONFIG_TYPE_GROUP) found.emplace_back(setting);
  for (int i = 0; type == CONFIG_TYPE_LIST && i < config_setting_length(setting); ++i) {
    config_setting_t* element = config_setting_get_elem(setting, static_cast<unsigned>(i));
    if (config_setting_type(element) == CONFIG_TYPE_GROUP) found.emplace_back(element);
  }
  return found;
}

// libconfig has no call for it, but a setting's name is its own malloc()ed text, which it frees with the setting.
bool Raw::rename(const std::string& from, const std::string& to) {
  config_setting_t* setting = member(from);
  if (setting == nullptr || has(to)) return false;
  char* name = strdup(to.c_str());
  if (name == nullptr) return false;
  std::free(setting->name);
  setting->name = name;
  return true;
}

bool Raw::remove(const std::string& key) { return config_setting_remove(group_, key.c_str()) == CONFIG_TRUE; }

config_setting_t* Raw::make(const std::string& key, int type) {
  const config_setting_t* before = member(key);
  const unsigned line = before == nullptr ? group_->line : before->line;
  remove(key);
  config_setting_t* setting = config_setting_add(group_, key.c_str(), type);
  setting->line = line;
  return setting;
}

void Raw::set_integer(const std::string& key, std::int64_t value) {
  config_setting_set_int64(make(key, CONFIG_TYPE_INT64), value);
}
void Raw::set_boolean(const std::string& key, bool value) {
  config_setting_set_bool(make(key, CONFIG_TYPE_BOOL), value ? 1 : 0);
}
void Raw::set_text(const std::string& key, const std::string& value) {
  config_setting_set_string(make(key, CONFIG_TYPE_STRING), value.c_str());
}

Raw Raw::make_group(const std::string& key) {
  config_setting_t* setting = member(key);
  const bool is_group = setting != nullptr && config_setting_type(setting) == CONFIG_TYPE_GROUP;
  return Raw{is_group ? setting : make(key, CONFIG_TYPE_GROUP)};
}

}  // namespace fulcrum::settings
