#include "dataplane/base/result.h"

#include <system_error>

namespace fulcrum {

std::string errno_words(int error) { return std::generic_category().message(error); }

}  // namespace fulcrum
