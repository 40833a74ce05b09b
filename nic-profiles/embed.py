#!/usr/bin/env python3
"""Writes a C++ source file that holds the text of every NIC profile given, so that the program works alone."""

import pathlib
import sys

HEAD = """// Made by nic-profiles/embed.py from the files in nic-profiles/.
#include "drivers/port/profiles.h"

namespace fulcrum {

std::span<const EmbeddedProfile> embedded_profiles() noexcept {
  static constexpr EmbeddedProfile all[] = {
"""
TAIL = """  };
  return all;
}

}  // namespace fulcrum
"""


def main() -> int:
    output, *profiles = (pathlib.Path(argument) for argument in sys.argv[1:])
    parts = [HEAD]
    for profile in sorted(profiles):
        text = profile.read_text(encoding="utf-8")
        if ')profile"' in text:
            sys.exit(f"{profile}: contains the delimiter of its own embedding")
        parts.append(f'      {{"{profile.stem}", R"profile({text})profile"}},\n')
    parts.append(TAIL)
    output.write_text("".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
