#!/usr/bin/env python3
"""Writes a C++ source file with the texts of the API page, so that the program works alone."""

import pathlib
import sys

HEAD = """// Made by control/surface/api/page/embed.py from the files beside it.
#include "control/surface/api/page.h"

namespace fulcrum::api {

std::string_view page_text(std::string_view name) {
"""
TAIL = """  return {};
}

}  // namespace fulcrum::api
"""


def main() -> int:
    output, *pages = (pathlib.Path(argument) for argument in sys.argv[1:])
    parts = [HEAD]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if ')page"' in text:
            sys.exit(f"{page}: contains the delimiter of its own embedding")
        parts.append(f'  if (name == "{page.name}") return R"page({text})page";\n')
    parts.append(TAIL)
    output.write_text("".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
