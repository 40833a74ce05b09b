// The path of a setting, as people and programs write it:
//
//   farms.shop.servers.web3.weight
//   farms[www.example.com].ports[tcp/443].server_port
//   farms.shop.addresses[0]
//
// A word after a dot names a field of a group or, after a list, one of its elements by its key: the value of its field
// "name", or of the fields its description marks as key, joined by '/'. A key that is no plain word (it has a dot, a
// slash, a bracket or a blank) stands in brackets. Brackets with nothing but digits hold a position, from 0; a key of
// digits is written with a dot. The empty path is the whole configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/result.h"

namespace fulcrum::document {

struct Step {
  std::string word;
  bool is_position = false;  // `word` is a number, from 0
  friend bool operator==(const Step&, const Step&) = default;
};

using Path = std::vector<Step>;

// Errors: the text is no path, with the place where it ends to be one.
Result<Path> parse_path(std::string_view text);
// The canonical text. What parse_path() reads back.
std::string text_of(const Path& path);
// Whether `path` is `above` or something in it.
bool is_within(const Path& path, const Path& above);

}  // namespace fulcrum::document
