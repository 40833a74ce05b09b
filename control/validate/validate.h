// Whether a model makes sense as a whole: the rules between fields, which the description of each field alone cannot
// say. All problems are found in one go, each with file, line and path; nothing is changed.
//
// A check timeout longer than its interval is an error, not a warning: probes of one server would overlap, and rise and
// fall would count answers out of order. A person who writes it has mixed the two up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/model/model.h"
#include "dataplane/base/settings.h"

namespace fulcrum {

// The names of the dataplane's ports; nothing: no dataplane has started yet, so nobody knows.
using KnownPorts = std::optional<std::vector<std::string>>;

// The problems of `model`, in the order of the file; none means it can be compiled, up to the number of routes.
// `sources` gives lines and names; empty ones give paths in numbers. A port that the dataplane does not have is a
// problem where its ports are known.
std::vector<settings::Problem> validate(const model::Model& model, const settings::Sources& sources,
                                        const KnownPorts& known = {});
// "fulcrum-dataplane has no port of this name ...", for the model's ports that are not known; in its order.
std::vector<std::pair<std::size_t, std::string>> unknown_ports(const model::Model& model, const KnownPorts& known);

// A configuration file that was read and validated.
struct LoadedModel {
  model::Model model;  // complete only without problems
  std::vector<settings::Problem> problems;
  std::uint64_t text_hash = 0;
};

// Reads and validates. Rules between fields leave out what a wrong field touches, so one mistake gives one line.
LoadedModel load_model(const std::string& file, const KnownPorts& known = {});
LoadedModel load_model_text(std::string_view text, const std::string& name, const KnownPorts& known = {});

}  // namespace fulcrum
