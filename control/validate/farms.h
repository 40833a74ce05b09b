// The rules about farms, one by one and against each other. Private to validate.
#pragma once

#include "control/model/model.h"
#include "control/validate/findings.h"
#include "control/validate/networks.h"

namespace fulcrum::validation {

// False when the farms together exceed what the box has room for: one problem is added then, and checking them one by
// one would take long and help nobody.
bool check_sums(const model::Model& model, Findings& findings);

void check_farms(const model::Model& model, const Networks& networks, Findings& findings);

}  // namespace fulcrum::validation
