// Why something asked of a document was not done: all reasons, not the first, each with its path.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/base/settings.h"

namespace fulcrum::document {

struct Refusal {
  Error::Code code = Error::Code::invalid;
  std::vector<settings::Problem> problems;  // at least one; no file and no line, a canonical path

  [[nodiscard]] std::string words() const { return problems.empty() ? std::string{} : problems.front().words(); }
};

template <class T>
using Answer = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refuse(Error::Code code, std::string path, std::string text) {
  return tl::unexpected<Refusal>{
      Refusal{code, {settings::Problem{.file = {}, .line = 0, .path = std::move(path), .text = std::move(text)}}}};
}
inline tl::unexpected<Refusal> refuse(Error error) {
  return refuse(error.code, std::move(error.path), std::move(error.text));
}

}  // namespace fulcrum::document
