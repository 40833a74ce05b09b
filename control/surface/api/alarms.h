// What an administrator should look at now: of the box, the farms, the configuration, the audit log.
#pragma once

#include "control/surface/api/api.h"
#include "control/surface/api/show_cache.h"

namespace fulcrum::api {

// {"alarms": [{"severity", "object", "text"}]}, the worst first.
void ask_alarms(Api& api, const ShowCache::Done& done);

}  // namespace fulcrum::api
