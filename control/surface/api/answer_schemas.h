// What comes back, described: components of the OpenAPI document that operations refer to by name. Answers may get more
// members with a later release, so these do not say that there is nothing else.
#pragma once

#include "control/surface/api/answer.h"

namespace fulcrum::api {

// Change, Revision, Candidate, Committed, Check and so on, by name.
Json answer_schemas();
// What a change of such a schema may say (RFC 7396), for all `schemas`, under their names with "Patch" behind them:
// nothing is required, null takes away what is set, a list is put in place of the list.
Json patch_schemas(const Json& schemas);

}  // namespace fulcrum::api
