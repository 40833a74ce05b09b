#include "control/document/roff.h"

namespace fulcrum::document {

std::string roff(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\\') {
      out += "\\e";
    } else if (letter == '-') {
      out += "\\-";
    } else {
      if ((letter == '.' || letter == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out += letter;
    }
  }
  return out;
}

}  // namespace fulcrum::document
