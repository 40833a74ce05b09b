#include "control/surface/https/message.h"

#include <array>

namespace fulcrum::https {

std::string_view word(Method method) {
  constexpr std::array<std::string_view, 8> kWords{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "?"};
  return kWords[static_cast<std::size_t>(method)];
}

const std::string& Request::header(const std::string& name) const {
  static const std::string kNone;
  const auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

}  // namespace fulcrum::https
