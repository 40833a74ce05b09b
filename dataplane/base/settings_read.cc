// The reader: libconfig's tree, walked beside the description.
#include <fcntl.h>
#include <fmt/format.h>
#include <libconfig.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

#include "dataplane/base/settings.h"
#include "dataplane/base/settings_raw.h"
#include "dataplane/base/settings_scan.h"
#include "dataplane/base/settings_words.h"

namespace fulcrum::settings {
namespace {

class Tree {
 public:
  Tree() { config_init(&config_); }
  ~Tree() { config_destroy(&config_); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  config_t* operator->() { return &config_; }
  [[nodiscard]] bool parse(const std::string& text) {
    return config_read_string(&config_, text.c_str()) == CONFIG_TRUE;
  }

 private:
  config_t config_{};
};

struct FileClose {
  int descriptor = -1;
  ~FileClose() {
    if (descriptor >= 0) close(descriptor);
  }
};

Result<std::string> slurp(const std::string& file) {
  // Without O_NONBLOCK a named pipe would hold us here.
  const FileClose owner{open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (owner.descriptor < 0) return fail(Error::Code::io, file, "cannot be read: " + errno_words(errno));
  struct stat status {};
  if (fstat(owner.descriptor, &status) != 0)
    return fail(Error::Code::io, file, "cannot be read: " + errno_words(errno));
  if (S_ISDIR(status.st_mode)) return fail(Error::Code::io, file, "is a directory: name the file");
  if (!S_ISREG(status.st_mode)) return fail(Error::Code::io, file, "is not a regular file");
  std::string text;
  std::array<char, 65536> piece{};
  while (text.size() <= kFileMax) {
    const ssize_t got = read(owner.descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Error::Code::io, file, "cannot be read: " + errno_words(errno));
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return fail(Error::Code::limit, file, fmt::format("is larger than {} MiB", kFileMax >> 20U));
}

std::string line_of(std::string_view text, int number) {
  for (int line = 1; line < number && !text.empty(); ++line) {
    const auto end = text.find('\n');
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  text = text.substr(0, text.find_first_of("\r\n"));
  const auto begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? "" : quoted(text.substr(begin));
}

int type_of(const config_setting_t* setting) { return config_setting_type(setting); }

std::string found_words(const config_setting_t* setting) {
  switch (type_of(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
      return fmt::format("the integer {}", config_setting_get_int64(setting));
    case CONFIG_TYPE_FLOAT:
      return fmt::format("the fraction {}", config_setting_get_float(setting));
    case CONFIG_TYPE_BOOL:
      return config_setting_get_bool(setting) != 0 ? "true" : "false";
    case CONFIG_TYPE_STRING:
      return "the text " + quoted(config_setting_get_string(setting));
    case CONFIG_TYPE_GROUP:
      return "a group { }";
    case CONFIG_TYPE_ARRAY:
      return "a list [ ]";
    default:
      return "a list ( )";
  }
}

std::string wanted_words(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
      return "an integer, without quotes or decimal point";
    case Kind::text:
      return "a text in quotes";
    case Kind::choice:
      return "a word in quotes";
    case Kind::address:
      return "an IP address in quotes";
    case Kind::prefix:
      return "an IP address with prefix length in quotes";
    case Kind::mac:
      return "a MAC address in quotes";
    case Kind::group:
      break;
  }
  return "a group { }";
}

bool is_integer(const config_setting_t* setting) {
  return type_of(setting) == CONFIG_TYPE_INT || type_of(setting) == CONFIG_TYPE_INT64;
}

bool type_fits(Kind kind, const config_setting_t* setting) {
  if (kind == Kind::boolean) return type_of(setting) == CONFIG_TYPE_BOOL;
  if (kind == Kind::integer) return is_integer(setting);
  if (kind == Kind::group) return type_of(setting) == CONFIG_TYPE_GROUP;
  return type_of(setting) == CONFIG_TYPE_STRING;
}

Result<Value> value_of(const Field& field, const config_setting_t* setting) {
  if (field.kind == Kind::boolean) return Value{config_setting_get_bool(setting) != 0};
  if (field.kind == Kind::integer) return Value{static_cast<std::int64_t>(config_setting_get_int64(setting))};
  return field.parse(config_setting_get_string(setting));
}

class Reader {
 public:
  Reader(const Scan& scanned, Reading& reading) : scanned_{scanned}, reading_{reading} {}

  void read_file_group(config_setting_t* root, const Shape& shape, void* object) {
    if (shape.version != 0 && is_of_another_version(root, shape)) return;
    for (const Migration& step : shape.migrations) {
      Raw raw{root};
      if (step.from >= reading_.version) step.run(raw);
    }
    reading_.understood = true;
    read_group(root, shape, object, "", shape.version != 0);
  }

 private:
  static unsigned line_of(const config_setting_t* setting) { return config_setting_source_line(setting); }

  void problem(unsigned line, const std::string& path, std::string text) {
    if (reading_.problems.size() == kProblemsMax) return;
    reading_.problems.push_back(Problem{reading_.sources.file(), line, reading_.sources.shown(path), std::move(text)});
  }

  // A problem after which the setting's member does not hold what the file says.
  void wrong(unsigned line, const std::string& path, std::string text) {
    reading_.sources.mark_wrong(path);
    problem(line, path, std::move(text));
  }

  // Such a file may mean something else by the same words, so nothing else of it is looked at. One that says no version
  // was probably written for this one by somebody who forgot it: that is one problem among others.
  bool is_of_another_version(const config_setting_t* root, const Shape& shape) {
    reading_.version = shape.version;
    const config_setting_t* setting = config_setting_get_member(root, "version");
    if (setting == nullptr) {
      problem(1, "version", fmt::format("is missing: the file must begin with version = {};", shape.version));
      return false;
    }
    reading_.sources.add("version", line_of(setting));
    const std::int64_t oldest = shape.migrations.empty() ? shape.version : shape.migrations.front().from;
    const std::int64_t found = is_integer(setting) ? config_setting_get_int64(setting) : shape.version;
    const bool is_another = found < oldest || found > shape.version;
    if (is_integer(setting) && !is_another) {
      reading_.version = found;
      return false;
    }
    const std::string range =
        oldest == shape.version ? fmt::format("{}", oldest) : fmt::format("{} to {}", oldest, shape.version);
    problem(line_of(setting), "version",
            fmt::format("{} is not supported: this program reads version = {};{}", found_words(setting), range,
                        is_another ? " nothing else of the file was looked at" : ""));
    return is_another;
  }

  void read_group(const config_setting_t* setting, const Shape& shape, void* object, const std::string& path,
                  bool versioned) {
    std::set<const Field*> seen;
    for (int i = 0; i < config_setting_length(setting); ++i) {
      const config_setting_t* child =
          config_setting_get_elem(const_cast<config_setting_t*>(setting), static_cast<unsigned>(i));
      const std::string name = config_setting_name(child);
      const std::string child_path = path.empty() ? name : path + "." + name;
      const Field* field = shape.find(name);
      if (const Scan::Duplicate* twice = find_duplicate(scanned_, line_of(child), name)) {
        problem(line_of(child), path.empty() ? twice->name : path + "." + twice->name,
                fmt::format("is given twice, first on line {}", twice->first_line));
      } else if (field != nullptr) {
        seen.insert(field);
        reading_.sources.add(child_path, line_of(child));
        read_field(child, *field, object, child_path);
      } else if (!versioned || name != "version") {
        problem(line_of(child), child_path, "unknown key; " + proposal(name, names_of(shape)));
      }
    }
    for (const Field& field : shape.fields) {
      if (!field.required || seen.count(&field) != 0) continue;
      wrong(path.empty() ? 0 : line_of(setting), path.empty() ? field.name : path + "." + field.name,
            fmt::format("is missing: {}", field.type_words()));
    }
  }

  static std::vector<std::string> names_of(const Shape& shape) {
    std::vector<std::string> names;
    for (const Field& field : shape.fields) names.push_back(field.name);
    return names;
  }

  void read_field(const config_setting_t* setting, const Field& field, void* object, const std::string& path) {
    if (!field.list) return read_element(setting, field, object, path);
    const int type = type_of(setting);
    if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY) {
      const std::string form = field.kind == Kind::group ? "a list of groups ( { }, { } )" : "a list [ , ]";
      return wrong(line_of(setting), path, fmt::format("must be {}, is {}", form, found_words(setting)));
    }
    const auto length = static_cast<std::size_t>(config_setting_length(setting));
    if (length < field.count_min || length > field.count_max) {
      return wrong(line_of(setting), path, count_words(field, length));
    }
    field.access->clear(object);
    std::set<std::string> names;
    for (std::size_t i = 0; i < length; ++i) {
      const config_setting_t* element =
          config_setting_get_elem(const_cast<config_setting_t*>(setting), static_cast<unsigned>(i));
      const std::string element_path = fmt::format("{}[{}]", path, i);
      reading_.sources.add(element_path, line_of(element), name_of(element, field, names));
      read_element(element, field, object, element_path);
    }
  }

  static std::string count_words(const Field& field, std::size_t length) {
    if (length > field.count_max) return fmt::format("{} elements are too many: at most {}", length, field.count_max);
    if (length == 0) return field.count_min == 1 ? "is empty: at least one is needed" : "is empty";
    return fmt::format("{} elements are too few: at least {}", length, field.count_min);
  }

  // The name by which paths show the element; see the head of settings.h.
  static std::string name_of(const config_setting_t* element, const Field& field, std::set<std::string>& names) {
    const Field* name_field = field.kind == Kind::group ? field.shape->find("name") : nullptr;
    if (name_field == nullptr || name_field->kind != Kind::text || type_of(element) != CONFIG_TYPE_GROUP) return {};
    const config_setting_t* setting = config_setting_get_member(element, "name");
    if (setting == nullptr || type_of(setting) != CONFIG_TYPE_STRING) return {};
    std::string name = config_setting_get_string(setting);
    if (name.find_first_of(".[]") != std::string::npos || !name_field->check(name)) return {};
    return names.insert(name).second ? name : std::string{};
  }

  void read_element(const config_setting_t* setting, const Field& field, void* object, const std::string& path) {
    if (!type_fits(field.kind, setting)) {
      const std::string is = field.sensitive ? "something else" : found_words(setting);
      field.access->pass_over(object);
      return wrong(line_of(setting), path, fmt::format("must be {}, is {}", wanted_words(field.kind), is));
    }
    if (field.kind == Kind::group) return read_group(setting, *field.shape, field.access->enter(object), path, false);
    const Result<Value> value = value_of(field, setting);
    const Result<void> checked = value ? field.check(*value) : Result<void>{tl::unexpected<Error>{value.error()}};
    if (!checked) {
      field.access->pass_over(object);
      return wrong(line_of(setting), path, field.sensitive ? "must be: " + field.type_words() : checked.error().text);
    }
    field.access->put(object, *value);
  }

  const Scan& scanned_;
  Reading& reading_;
};

}  // namespace

std::uint64_t hash_of_text(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3U;
  return hash;
}

Reading read_text(std::string_view text, const std::string& name, const Shape& shape, void* object) {
  Reading reading;
  reading.sources = Sources{name};
  reading.text_hash = hash_of_text(text);
  const auto whole_file = [&](std::string words) {
    reading.problems.push_back(Problem{name, 0, "", std::move(words)});
  };
  if (text.size() > kFileMax) {
    whole_file(fmt::format("is larger than {} MiB", kFileMax >> 20U));
    return reading;
  }
  if (text.find_first_not_of(" \t\r\n\f") == std::string_view::npos) {
    whole_file("is empty: --help-config prints a sample");
    return reading;
  }
  Scan scanned = scan(text, name);
  reading.remarks = std::move(scanned.remarks);
  if (!scanned.problems.empty()) {
    reading.problems = scanned.problems;
    return reading;
  }
  Tree tree;
  if (!tree.parse(scanned.text)) {
    const int line = config_error_line(tree.operator->());
    reading.problems.push_back(Problem{
        name, static_cast<unsigned>(std::max(line, 0)), "",
        fmt::format("libconfig: {} at or before {}", config_error_text(tree.operator->()), line_of(text, line))});
    return reading;
  }
  Reader{scanned, reading}.read_file_group(config_root_setting(tree.operator->()), shape, object);
  return reading;
}

Reading read_file(const std::string& file, const Shape& shape, void* object) {
  const auto text = slurp(file);
  if (text) return read_text(*text, file, shape, object);
  Reading reading;
  reading.sources = Sources{file};
  reading.problems.push_back(Problem{file, 0, "", text.error().text});
  return reading;
}

}  // namespace fulcrum::settings
