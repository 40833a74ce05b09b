// Questions on the local socket are JSON objects. A key that no question of its kind has is an error: it is a typing
// mistake, and to answer something else than was meant misleads whoever asked.
#pragma once

#include <nlohmann/json.hpp>

#include <set>
#include <string>

#include "dataplane/base/result.h"

namespace fulcrum::surface {

// Error: invalid, with the first key that is not `known` as its object. `of` says in the text what has such keys.
// Any thread.
inline Result<void> check_keys(const nlohmann::json& question, const std::set<std::string>& known,
                               const std::string& of = "this question") {
  for (const auto& [key, value] : question.items()) {
    if (known.count(key) == 0) return fail(Error::Code::invalid, key, "is no key of " + of);
  }
  return {};
}

}  // namespace fulcrum::surface
