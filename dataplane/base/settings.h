// Settings described once. A Description<S> lists the fields of a plain struct S: name in the file, the member it
// fills, bounds, unit and one sentence of help; the default is the member's initialiser in S itself. All faces of the
// configuration come from that description: here the reader of libconfig files, its problems in words, and the
// annotated sample that --help-config prints.
//
//   struct Check { std::chrono::milliseconds interval{5000}; };
//   const Description<Check> check{{field("interval_ms", &Check::interval, "Time between two probes.").range(100,
//   3600000)}};
//
// A field also says whether it belongs to the key of its group in a list (else the field "name" is the key), who may
// change it, and whether its value is a secret. control/document derives the other faces.
//
// A file says which version of the format it has. An older one is brought up by the migration steps of its description
// (settings_raw.h) before it is read.
//
// Reading never stops at the first problem. Each problem names file, line and path. In a path, an element of a list
// stands by its name where it has one that is unique among its siblings and has no dot
// (`farms.shop.servers.web1.weight`), else by its number from 0 (`farms[2].servers[0].weight`). Programs build paths
// from numbers only; Sources knows the names and the lines.
//
// A Description is immutable once built and may be shared between threads. Nothing here is for a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/result.h"

namespace fulcrum::settings {

enum class Kind : std::uint8_t { boolean, integer, text, choice, address, prefix, mac, group };

// One value of any kind but group. A choice is its enumerator's number.
using Value = std::variant<bool, std::int64_t, std::string, Address, Prefix, Mac>;

// Who may change a setting. A field that says nothing is like the group it is in.
enum class Permission : std::uint8_t {
  inherit,
  operate,     // day-to-day work on servers: weights, taking one out
  farms,       // what one farm is and does
  administer,  // the box itself: its network, its directories; what a whole file says nothing about
};

struct Choice {
  std::string name;
  std::int64_t value = 0;
  std::string help;  // what choosing it means, a few words; may be empty
};

struct Shape;

// How a field reaches its member in an object of its struct. `owner` is always the struct the field was described for;
// Description<S> sees to that.
class Access {
 public:
  virtual ~Access() = default;
  virtual void clear(void* owner) const = 0;                             // empties a list; nothing on a single value
  [[nodiscard]] virtual std::size_t count(const void* owner) const = 0;  // elements of a list; 1 for a single value
  [[nodiscard]] virtual Value get(const void* owner, std::size_t index) const = 0;  // not for groups
  virtual void put(void* owner, const Value& value) const = 0;  // assigns, or appends to a list; not for groups
  virtual void pass_over(void* owner) const = 0;  // appends a default to a list; nothing on a single value
  virtual void* enter(void* owner) const = 0;     // the group, or a new element of a list of groups
  [[nodiscard]] virtual const void* at(const void* owner, std::size_t index) const = 0;  // groups only
};

struct Field {
  std::string name;
  std::string help;
  Kind kind = Kind::text;
  bool list = false;  // several of `kind`
  bool required = false;
  bool sensitive = false;  // never shown or logged
  bool key = false;        // names its group among its siblings in a list, alone or with others
  Permission permission = Permission::inherit;
  std::string unit;                                             // "ms", "s", "MB"; empty for plain numbers
  std::int64_t min = std::numeric_limits<std::int64_t>::min();  // integer: the smallest and the largest value
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::size_t length_min = 0;  // text: bytes
  std::size_t length_max = 4096;
  std::size_t count_min = 0;  // list: elements
  std::size_t count_max = 65536;
  std::string
      characters;  // text: those allowed, as in a regular expression's brackets ("A-Za-z0-9._-"); empty: printable
  std::vector<Choice> choices;
  std::string sample;                  // what the sample file shows, in the file's syntax; empty: the default
  std::shared_ptr<const Shape> shape;  // kind group: its fields
  std::shared_ptr<const Access> access;

  // What may stand here, in words: "integer, 1 to 100".
  [[nodiscard]] std::string type_words() const;
  // The value that a text stands for: a text, choice, address, prefix or MAC address. Its bounds are check()'s
  // business.
  [[nodiscard]] Result<Value> parse(const std::string& text) const;
  // Whether `value`, of the right type, is within bounds; else why not.
  [[nodiscard]] Result<void> check(const Value& value) const;
};

class Raw;

// One step of the format's history: `run` makes a file of version `from` one of version `from + 1`. It may meet
// anything that parses, and leaves alone what is not as that version had it: the reader then says so.
struct Migration {
  std::int64_t from = 0;
  std::function<void(Raw& root)> run;
};

// The fields of one struct, in the order of the file.
struct Shape {
  std::vector<Field> fields;
  std::shared_ptr<const void> defaults;         // a default-constructed struct
  std::function<std::shared_ptr<void>()> make;  // another one, to read into
  std::string title;                            // of a file: what it is, a sentence or two
  std::int64_t version = 0;                     // of a file: it must say `version = N;`. 0: no such key
  std::vector<Migration> migrations;            // of a file: steps from older versions, the oldest first, without a gap

  [[nodiscard]] const Field* find(std::string_view name) const;
  // Positions of the fields that tell an element of a list of these from its siblings: those marked as key, else a text
  // called "name". Empty: elements are told apart by position only.
  [[nodiscard]] std::vector<std::size_t> key() const;
};

// Which kind a member's type is, and how it turns into a Value and back.
template <class T>
struct Scalar {
  static_assert(std::is_integral_v<T> || std::is_enum_v<T>, "no setting has this type");
  static constexpr Kind kind = std::is_enum_v<T>         ? Kind::choice
                               : std::is_same_v<T, bool> ? Kind::boolean
                                                         : Kind::integer;
  static Value wrap(T value) {
    if constexpr (std::is_same_v<T, bool>)
      return value;
    else
      return static_cast<std::int64_t>(value);
  }
  static T unwrap(const Value& value) {
    if constexpr (std::is_same_v<T, bool>)
      return std::get<bool>(value);
    else
      return static_cast<T>(std::get<std::int64_t>(value));
  }
};

template <class Rep, class Period>
struct Scalar<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static constexpr Kind kind = Kind::integer;
  static Value wrap(Duration value) { return static_cast<std::int64_t>(value.count()); }
  static Duration unwrap(const Value& value) { return Duration{static_cast<Rep>(std::get<std::int64_t>(value))}; }
};

template <class T, Kind kKind>
struct PlainScalar {
  static constexpr Kind kind = kKind;
  static Value wrap(const T& value) { return value; }
  static T unwrap(const Value& value) { return std::get<T>(value); }
};
template <>
struct Scalar<std::string> : PlainScalar<std::string, Kind::text> {};
template <>
struct Scalar<Address> : PlainScalar<Address, Kind::address> {};
template <>
struct Scalar<Prefix> : PlainScalar<Prefix, Kind::prefix> {};
template <>
struct Scalar<Mac> : PlainScalar<Mac, Kind::mac> {};

template <class S, class T>
class ScalarAccess final : public Access {
 public:
  explicit ScalarAccess(T S::*member) : member_{member} {}
  void clear(void*) const override {}
  [[nodiscard]] std::size_t count(const void*) const override { return 1; }
  [[nodiscard]] Value get(const void* owner, std::size_t) const override {
    return Scalar<T>::wrap(static_cast<const S*>(owner)->*member_);
  }
  void put(void* owner, const Value& value) const override {
    static_cast<S*>(owner)->*member_ = Scalar<T>::unwrap(value);
  }
  void pass_over(void*) const override {}
  void* enter(void*) const override { return nullptr; }
  [[nodiscard]] const void* at(const void*, std::size_t) const override { return nullptr; }

 private:
  T S::*member_;
};

template <class S, class T>
class ListAccess final : public Access {
 public:
  explicit ListAccess(std::vector<T> S::*member) : member_{member} {}
  void clear(void* owner) const override { (static_cast<S*>(owner)->*member_).clear(); }
  [[nodiscard]] std::size_t count(const void* owner) const override {
    return (static_cast<const S*>(owner)->*member_).size();
  }
  [[nodiscard]] Value get(const void* owner, std::size_t index) const override {
    return Scalar<T>::wrap((static_cast<const S*>(owner)->*member_)[index]);
  }
  void put(void* owner, const Value& value) const override {
    (static_cast<S*>(owner)->*member_).push_back(Scalar<T>::unwrap(value));
  }
  void pass_over(void* owner) const override { (static_cast<S*>(owner)->*member_).emplace_back(); }
  void* enter(void*) const override { return nullptr; }
  [[nodiscard]] const void* at(const void*, std::size_t) const override { return nullptr; }

 private:
  std::vector<T> S::*member_;
};

template <class S, class E>
class GroupAccess final : public Access {
 public:
  explicit GroupAccess(E S::*member) : member_{member} {}
  void clear(void*) const override {}
  [[nodiscard]] std::size_t count(const void*) const override { return 1; }
  [[nodiscard]] Value get(const void*, std::size_t) const override { return {}; }
  void put(void*, const Value&) const override {}
  void pass_over(void*) const override {}
  void* enter(void* owner) const override { return &(static_cast<S*>(owner)->*member_); }
  [[nodiscard]] const void* at(const void* owner, std::size_t) const override {
    return &(static_cast<const S*>(owner)->*member_);
  }

 private:
  E S::*member_;
};

template <class S, class E>
class GroupListAccess final : public Access {
 public:
  explicit GroupListAccess(std::vector<E> S::*member) : member_{member} {}
  void clear(void* owner) const override { (static_cast<S*>(owner)->*member_).clear(); }
  [[nodiscard]] std::size_t count(const void* owner) const override {
    return (static_cast<const S*>(owner)->*member_).size();
  }
  [[nodiscard]] Value get(const void*, std::size_t) const override { return {}; }
  void put(void*, const Value&) const override {}
  void pass_over(void* owner) const override { (static_cast<S*>(owner)->*member_).emplace_back(); }
  void* enter(void* owner) const override { return &(static_cast<S*>(owner)->*member_).emplace_back(); }
  [[nodiscard]] const void* at(const void* owner, std::size_t index) const override {
    return &(static_cast<const S*>(owner)->*member_)[index];
  }

 private:
  std::vector<E> S::*member_;
};

// A Field of struct S while it is being described. Made by field() below; each function returns the same field.
template <class S>
class FieldOf {
 public:
  explicit FieldOf(Field made) : made_{std::move(made)} {}
  FieldOf&& required() && { return made_.required = true, std::move(*this); }
  FieldOf&& key() && { return made_.key = true, std::move(*this); }
  FieldOf&& permission(Permission who) && { return made_.permission = who, std::move(*this); }
  FieldOf&& sensitive() && { return made_.sensitive = true, std::move(*this); }
  FieldOf&& unit(std::string unit) && { return made_.unit = std::move(unit), std::move(*this); }
  // Integers (or each integer of a list): smallest and largest value.
  FieldOf&& range(std::int64_t min, std::int64_t max) && {
    made_.min = min;
    made_.max = max;
    return std::move(*this);
  }
  // Texts (or each text of a list): least and most bytes.
  FieldOf&& length(std::size_t min, std::size_t max) && {
    made_.length_min = min;
    made_.length_max = max;
    return std::move(*this);
  }
  // Lists: least and most elements.
  FieldOf&& count(std::size_t min, std::size_t max) && {
    made_.count_min = min;
    made_.count_max = max;
    return std::move(*this);
  }
  FieldOf&& characters(std::string allowed) && { return made_.characters = std::move(allowed), std::move(*this); }
  // What the sample file shows instead of the default, in the file's syntax: "[ \"192.0.2.1\" ]". Of a list of groups:
  // what follows the group that is explained field by field.
  FieldOf&& sample(std::string text) && { return made_.sample = std::move(text), std::move(*this); }
  template <class E>
  FieldOf&& choice(std::string name, E value, std::string help = {}) && {
    made_.choices.push_back({std::move(name), static_cast<std::int64_t>(value), std::move(help)});
    return std::move(*this);
  }
  [[nodiscard]] const Field& made() const { return made_; }

 private:
  Field made_;
};

// The description of struct S, which must be default-constructible and copyable.
template <class S>
class Description {
 public:
  Description(std::initializer_list<FieldOf<S>> fields) {
    Shape shape;
    for (const FieldOf<S>& field : fields) shape.fields.push_back(field.made());
    shape.defaults = std::make_shared<const S>();
    shape.make = [] { return std::make_shared<S>(); };
    shape_ = std::make_shared<const Shape>(std::move(shape));
  }
  // Of a whole file: what stands at the top of its sample, the version of its format and the way there from older ones.
  [[nodiscard]] Description file(std::string title, std::int64_t version,
                                 std::vector<Migration> migrations = {}) const {
    Description result{*this};
    auto shape = std::make_shared<Shape>(*shape_);
    shape->title = std::move(title);
    shape->version = version;
    shape->migrations = std::move(migrations);
    result.shape_ = std::move(shape);
    return result;
  }
  [[nodiscard]] const std::shared_ptr<const Shape>& shape() const { return shape_; }

 private:
  std::shared_ptr<const Shape> shape_;
};

namespace detail {
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsDuration : std::false_type {};
template <class R, class P>
struct IsDuration<std::chrono::duration<R, P>> : std::true_type {};

template <class T>
void bounds_of_type(Field& field) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    field.min = static_cast<std::int64_t>(std::is_signed_v<T> ? std::numeric_limits<T>::min() : T{0});
    field.max = sizeof(T) < 8 ? static_cast<std::int64_t>(std::numeric_limits<T>::max()) : INT64_MAX;
  } else if constexpr (IsDuration<T>::value) {
    field.min = 0;
    field.max = INT32_MAX;
    if (std::is_same_v<typename T::period, std::milli>) field.unit = "ms";
    if (std::is_same_v<typename T::period, std::ratio<1>>) field.unit = "s";
  }
}
}  // namespace detail

// A value or a list of values: boolean, integer, std::chrono duration, text, enumeration (name its choices), Address,
// Prefix, Mac, or a std::vector of one of them.
template <class S, class M>
FieldOf<S> field(std::string name, M S::*member, std::string help) {
  Field made;
  made.name = std::move(name);
  made.help = std::move(help);
  if constexpr (detail::IsVector<M>::value) {
    using T = typename M::value_type;
    made.kind = Scalar<T>::kind;
    made.list = true;
    made.access = std::make_shared<ListAccess<S, T>>(member);
    detail::bounds_of_type<T>(made);
  } else {
    made.kind = Scalar<M>::kind;
    made.access = std::make_shared<ScalarAccess<S, M>>(member);
    detail::bounds_of_type<M>(made);
  }
  return FieldOf<S>{std::move(made)};
}

// A group within the group: name = { ... };
template <class S, class E>
FieldOf<S> field(std::string name, E S::*member, const Description<E>& description, std::string help) {
  Field made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.kind = Kind::group;
  made.shape = description.shape();
  made.access = std::make_shared<GroupAccess<S, E>>(member);
  return FieldOf<S>{std::move(made)};
}

// A list of groups: name = ( { ... }, { ... } );
template <class S, class E>
FieldOf<S> field(std::string name, std::vector<E> S::*member, const Description<E>& description, std::string help) {
  Field made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.kind = Kind::group;
  made.list = true;
  made.shape = description.shape();
  made.access = std::make_shared<GroupListAccess<S, E>>(member);
  return FieldOf<S>{std::move(made)};
}

// One thing that is wrong, for a person who has the file open.
struct Problem {
  std::string file;
  unsigned line = 0;  // from 1; 0: the whole file
  std::string path;   // empty: the whole file
  std::string text;   // what is wrong and what would be right

  [[nodiscard]] std::string words()
      const;  // "fulcrum.cfg:12: farms.shop.ports[0].port: 70000 is out of range: 1 to 65535"
};

// Where in the file each setting stands, by its path in numbers ("farms[2].servers[0].weight").
class Sources {
 public:
  Sources() = default;
  explicit Sources(std::string file) : file_{std::move(file)} {}
  // Of something that is no file and has no lines; `shown` turns a path in numbers into one with names.
  explicit Sources(std::function<std::string(const std::string& path)> shown) : shown_{std::move(shown)} {}
  void add(const std::string& path, unsigned line, std::string name = {});
  [[nodiscard]] bool has(const std::string& path) const { return places_.count(path) != 0; }
  // The line of the setting, or of the nearest group around it when the file does not mention it.
  [[nodiscard]] unsigned line(std::string path) const;
  // The path with names in place of numbers.
  [[nodiscard]] std::string shown(const std::string& path) const;
  // Settings that the reader refused: their members hold placeholders, which rules between fields should pass over.
  void mark_wrong(const std::string& path);
  [[nodiscard]] bool is_wrong(const std::string& path) const;      // this very setting
  [[nodiscard]] bool wrong_within(const std::string& path) const;  // this setting or one inside it; "": any
  // A problem at `path`, with file, line and the path as shown.
  [[nodiscard]] Problem problem(const std::string& path, std::string text) const;
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  struct Place {
    unsigned line = 0;
    std::string name;
  };
  enum class Wrong : std::uint8_t { within, itself };
  std::string file_;
  std::function<std::string(const std::string&)> shown_;
  std::unordered_map<std::string, Place> places_;
  std::unordered_map<std::string, Wrong> wrong_;
};

// A comment of a file, without its marks and the blanks around it. Kept for whoever writes the file again.
struct Remark {
  unsigned line = 0;      // on which it begins
  bool own_line = false;  // nothing else stands before it on that line
  std::string text;       // may hold line breaks
};

// What came of reading. The struct is complete only when there are no problems. A value that was refused leaves its
// default, in a list an element of default value, so that positions in lists are those of the file.
struct Reading {
  Sources sources;
  bool understood = false;        // false: nothing was read at all (no such file, syntax error, another version)
  std::vector<Problem> problems;  // in the order of the file; capped at kProblemsMax
  std::uint64_t text_hash = 0;    // of the file's bytes; tells whether a file changed
  std::int64_t version = 0;       // that the file says; 0 when the shape has none
  std::vector<Remark> remarks;    // in the order of the file
};

inline constexpr std::size_t kProblemsMax = 1000;    // kept; nobody reads more
inline constexpr std::size_t kProblemsShown = 50;    // see report()
inline constexpr std::size_t kFileMax = 16U << 20U;  // bytes
inline constexpr std::size_t kDepthMax = 16;         // brackets within brackets
inline constexpr std::size_t kKeysMax = 512;         // keys of one group

// Reads a file, or text that came from elsewhere (`name` then stands for the file in problems), over the defaults in
// `object`, which must be a fresh default of the struct that `shape` describes.
Reading read_file(const std::string& file, const Shape& shape, void* object);
Reading read_text(std::string_view text, const std::string& name, const Shape& shape, void* object);

template <class S>
Reading read_file(const std::string& file, const Description<S>& description, S& object) {
  object = S{};
  return read_file(file, *description.shape(), &object);
}
template <class S>
Reading read_text(std::string_view text, const std::string& name, const Description<S>& description, S& object) {
  object = S{};
  return read_text(text, name, *description.shape(), &object);
}

// What Reading::text_hash is of a text (FNV-1a): for telling whether it changed, for nothing else.
std::uint64_t hash_of_text(std::string_view text);

// The problems as lines for a person: at most `shown_max`, then "and N more problems".
std::vector<std::string> report(const std::vector<Problem>& problems, std::size_t shown_max = kProblemsShown);

// The annotated sample file that --help-config prints: every field in the order of the file with its help, type,
// bounds and default. At most 80 columns. It can be read back.
std::string sample_text(const Shape& shape);
template <class S>
std::string sample_text(const Description<S>& description) {
  return sample_text(*description.shape());
}

}  // namespace fulcrum::settings
