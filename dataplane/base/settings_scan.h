// A first pass over the text of a configuration file, before libconfig sees it. libconfig stops at the first error,
// names hardly any of them, cuts integers above 32 bits silently, and refuses a file for a key given twice without
// saying which. So this pass walks the tokens and
//  - finds what breaks the syntax, in words (settings_syntax.h), and bytes that are no text;
//  - writes every integer with the suffix L, so that libconfig keeps 64 bits of it; what does not fit in 64 bits
//    becomes the largest or smallest number that does, which no field allows;
//  - renames a key that its group already has ("port" to "port*"), so that reading can go on and report it in place.
// Lines stay where they are. Includes are refused: a second file would escape all this.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/base/settings.h"

namespace fulcrum::settings {

struct Scan {
  struct Duplicate {
    std::string name;         // as in the file
    unsigned first_line = 0;  // of the one that counts
  };
  std::string text;                                       // for libconfig
  std::unordered_map<std::string, Duplicate> duplicates;  // by line and new name, see duplicate_key()
  std::vector<Remark> remarks;                            // the comments
  std::vector<Problem> problems;                          // if any, do not go on
};

Scan scan(std::string_view text, const std::string& file);
// Nothing unless `name`, on `line` of the scanned text, is a key that was renamed.
const Scan::Duplicate* find_duplicate(const Scan& scan, unsigned line, std::string_view name);

}  // namespace fulcrum::settings
