// First-time setup, as a login shell on the console begins with it while nobody has a password: where the REST API
// listens, and the first administrator. A person may leave it at any question; what was done until then stays, for each
// step is one question to the box that is carried out whole or not at all. `setup` begins it again.
#pragma once

#include "control/surface/cli/session.h"

namespace fulcrum::cli {

// Whether no administrator can log in. False when the box does not answer: who cannot be asked is not set up.
bool needs_setup(Box& box);

}  // namespace fulcrum::cli
