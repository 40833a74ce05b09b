// Text for manual pages. Whoever writes one puts requests and fonts around what this makes of words from elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace fulcrum::document {

// Text that roff takes as text: no escape, and no line that begins like a request. Any thread.
std::string roff(std::string_view text);

}  // namespace fulcrum::document
