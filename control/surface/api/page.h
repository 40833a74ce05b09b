// The files of the API page (page/), in the program.
#pragma once

#include <string_view>

namespace fulcrum::api {

// Empty: no such file.
std::string_view page_text(std::string_view name);

}  // namespace fulcrum::api
