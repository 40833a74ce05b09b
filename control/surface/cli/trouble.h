// Why a line was not carried out: what a person is told, what a script can tell from the exit status, and what would
// have been right. Exit statuses are stable; fulcrum(1) lists them.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fulcrum::cli {

enum class Status : std::uint8_t {
  good = 0,
  failed = 1,       // fulcrum-control does not run, the disk, a limit
  syntax = 2,       // no such command, or not complete
  invalid = 3,      // a value that is not right
  not_found = 4,    // no such object
  conflict = 5,     // somebody else holds or has changed it
  restored = 6,     // it had been applied, and went back because nobody confirmed it
  unconfirmed = 7,  // nothing was done: say `confirmed` or `now`
  pending = 8,      // it is committed, and the workers do not have it yet; scripts go on
};

// What may stand at some place of a line.
struct Hint {
  std::string word;  // to be typed; or, of an argument, its name in angle brackets
  std::string help{};
  bool is_literal = true;  // false: <name>
};

struct Trouble {
  Status status = Status::failed;
  std::string text{};                   // object, reason, way out
  std::optional<std::size_t> column{};  // the byte of the line where it is, from 0
  std::vector<Hint> possible{};         // what could stand there
  nlohmann::json json{};                // the answer of the box, where it came from there; else null
};

}  // namespace fulcrum::cli
