// fulcrum.cfg(5): the settings from their description, and what no description tells: how the file and the revisions
// go together, and a whole configuration to begin with.
#pragma once

#include <string>
#include <string_view>

namespace fulcrum {

// As roff. Any thread.
std::string config_manual(const std::string& version);

// The configuration in its examples. It is valid.
std::string_view example_configuration();

}  // namespace fulcrum
