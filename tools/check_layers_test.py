"""tools/check-layers on small trees, each with one offence: what it must refuse, and that it accepts a good one."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent / "check-layers"

PAGE = """# Architecture

## Rooms

| folder | subject | may include |
|---|---|---|
| `dataplane/base` | words | nothing of ours |
| `dataplane/packet` | bytes | base |
| `dataplane/app` | wiring | all of dataplane and drivers, DPDK |
| `drivers/port` | ports | packet, DPDK |
| `control/model` | configuration | base |
| `control/app` | wiring | the above |
| `tests` | all | anything |
"""

GOOD = {
    "dataplane/base/ids.h": "#pragma once\n#include <cstdint>\nusing Small = std::uint8_t;\n",
    "dataplane/packet/parse.h": '#pragma once\n#include "dataplane/base/ids.h"\nSmall parse();\n',
    "dataplane/packet/parse_test.cc": '#include "dataplane/packet/parse.h"\n#include "tests/support/gtest.h"\n',
    "drivers/port/port.cc": '#include <rte_ethdev.h>\n#include "dataplane/base/ids.h"\n',
    "control/app/main.cc": '#include "control/model/model.h"\n#include "dataplane/base/ids.h"\n',
    "control/model/model.h": "#pragma once\nstruct Model {};\n",
    "tests/support/gtest.h": "#pragma once\n",
}


class CheckLayers(unittest.TestCase):
    def check(self, changes=None, page=PAGE, compiles=False):
        """Runs the tool over the good tree with some files changed. (exit status, its output)"""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            if page is not None:
                (root / "ARCHITECTURE.md").write_text(page)
            for path, text in {**GOOD, **(changes or {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            command = [sys.executable, str(TOOL), "--root", folder] + ([] if compiles else ["--no-compile"])
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def refuses(self, sentence, changes):
        status, output = self.check(changes)
        self.assertEqual(status, 1, output)
        self.assertIn(sentence, output)
        self.assertIn("1 offences", output)

    def test_refuses_a_page_that_leads_nowhere(self):
        status, output = self.check(page=PAGE + "\nSee `packet/parse.h` and `packet/lost.cc`.\n")
        self.assertEqual(status, 1, output)
        self.assertIn("names packet/lost.cc, which is nowhere", output)
        self.assertIn("1 offences", output)

    def test_accepts_a_good_tree(self):
        status, output = self.check()
        self.assertEqual(status, 0, output)

    def test_refuses_an_include_against_the_direction(self):
        self.refuses(
            "`dataplane/base` may include only: nothing of ours",
            {"dataplane/base/ids.cc": '#include "dataplane/packet/parse.h"\n'},
        )

    def test_refuses_control_looking_into_the_packet_path(self):
        self.refuses(
            "`control/model` may include only: dataplane/base",
            {"control/model/model.cc": '#include "dataplane/packet/parse.h"\n'},
        )

    def test_refuses_dpdk_outside_its_rooms(self):
        self.refuses("may not include DPDK", {"dataplane/packet/parse.cc": "#include <rte_mbuf.h>\n"})

    def test_refuses_dpdk_by_other_names(self):
        for header in ("dpdk/rte_mbuf.h", "ethdev_driver.h", "bus_pci_driver.h"):
            self.refuses("may not include DPDK", {"dataplane/packet/parse.cc": f"#include <{header}>\n"})

    def test_refuses_includes_that_it_cannot_read(self):
        for line in ("#include HIDDEN", '/* */ #include "dataplane/base/ids.h"'):
            self.refuses("plainly", {"dataplane/packet/parse.cc": line + "\n"})

    def test_refuses_other_endings(self):
        self.refuses("end in .h and .cc", {"dataplane/packet/parse.cpp": "int parse;\n"})

    def test_refuses_test_support_in_product_code(self):
        self.refuses("may include only", {"dataplane/packet/parse.cc": '#include "tests/support/gtest.h"\n'})

    def test_refuses_a_path_that_does_not_start_at_the_root(self):
        self.refuses("counted from the root", {"dataplane/packet/parse.cc": '#include "parse.h"\n'})

    def test_refuses_own_headers_in_angle_brackets(self):
        self.refuses("in \"quotes\"", {"dataplane/packet/parse.cc": "#include <dataplane/base/ids.h>\n"})

    def test_refuses_a_folder_without_a_row(self):
        self.refuses("in no room", {"dataplane/attic/old.cc": "int old();\n"})

    def test_refuses_long_files_and_long_lines(self):
        self.refuses("501 lines", {"dataplane/base/long.cc": "//\n" * 501})
        self.refuses("long.cc:1: 121 characters", {"dataplane/base/long.cc": "/" * 121 + "\n"})

    def test_refuses_long_functions(self):
        def function(statements, before="", begin="int f(\n    int x) {\n"):
            return before + begin + "  f({x, 1});\n" * statements + "}\n"

        at_most = function(67, "namespace {\nconst char* k = R\"(}}\n)\";  // {\nstruct S {};\n")
        self.assertEqual(self.check({"dataplane/base/ids.cc": at_most})[0], 0)
        for text in (
            function(68, "namespace n {\nchar k = '}';\n"),
            function(68, "class C {\n public:\n  int x{0};\n"),
            function(69, begin="TEST_F(Some, Thing) {\n"),
            function(69, begin='extern "C" int f(int x = {}) {\n'),
        ):
            self.refuses(": a function of 71 lines, at most 70", {"dataplane/base/ids.cc": text})
        python = "def f():\n" + "    f()\n" * 70
        self.refuses("tools/some.py:1: a function of 71 lines", {"tools/some.py": python})

    def test_refuses_code_where_no_room_can_be(self):
        for path in ("gui/main.cc", "main.cc", "nic-profiles/some.hpp"):
            self.refuses(f"{path}: in no room", {path: "int x;\n"})

    def test_refuses_a_header_that_needs_another_before_it(self):
        status, output = self.check({"control/app/wiring.h": "#pragma once\nstd::uint8_t wires();\n"}, compiles=True)
        self.assertEqual(status, 1, output)
        self.assertIn("control/app/wiring.h: does not compile alone", output)

    def test_says_when_the_table_cannot_be_read(self):
        for page, sentence in (
            (None, "No such file"),
            ("# Architecture\n", 'no section "## Rooms"'),
            (PAGE.replace("| `tests` | all | anything |", "| `tests` | all | cellar |"), '"cellar" is no room'),
        ):
            status, output = self.check(page=page)
            self.assertEqual(status, 2, output)
            self.assertIn(sentence, output)


if __name__ == "__main__":
    unittest.main()
