// The release that all programs of one build belong to; stated once, in the project's meson.build.
#pragma once

namespace fulcrum {

[[nodiscard]] const char* version() noexcept;  // "0.1.0"

}  // namespace fulcrum
