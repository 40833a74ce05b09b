// Whether a model makes sense as a whole: the rules between fields, which the description of each field alone cannot
// say. All problems are found in one go, each with file, line and path; nothing is changed.
//
// A check timeout longer than its interval is an error, not a warning: probes of one server would overlap, and rise and
// fall would count answers out of order. A person who writes it has mixed the two up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/model/model.h"
#include "dataplane/base/settings.h"

namespace fulcrum {

// The problems of `model`, in the order of the file; none means it can be compiled, up to the number of routes.
// `sources` gives lines and names; empty ones give paths in numbers.
std::vector<settings::Problem> validate(const model::Model& model, const settings::Sources& sources);

// A configuration file that was read and validated.
struct LoadedModel {
  model::Model model;  // complete only without problems
  std::vector<settings::Problem> problems;
  std::uint64_t text_hash = 0;
};

// Reads and validates. Rules between fields leave out what a wrong field touches, so one mistake gives one line.
LoadedModel load_model(const std::string& file);
LoadedModel load_model_text(std::string_view text, const std::string& name);

}  // namespace fulcrum
