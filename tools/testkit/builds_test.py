"""A build folder is for the processor that it is on."""

import pathlib
import tempfile
import unittest
from unittest import mock

from tools.testkit import builds

NEW = {"sse4_2", "avx2", "bmi1", "bmi2", "fma", "movbe"}


class Processor(unittest.TestCase):
    def options_of(self, flags):
        """What meson is told, and what the folder remembers."""
        with tempfile.TemporaryDirectory() as root, mock.patch.object(builds, "processor_flags", lambda: flags):
            (pathlib.Path(root) / builds.RELEASE.folder).mkdir()
            with mock.patch.object(builds, "command") as told, mock.patch.object(builds.shutil, "rmtree"):
                builds.set_up(builds.RELEASE, pathlib.Path(root))
            (words,) = told.call_args.args
            stamp = pathlib.Path(root) / builds.RELEASE.folder / "fulcrum-options"
            return words, stamp.read_text()

    def test_a_new_one_takes_what_the_project_says(self):
        words, _ = self.options_of(NEW)
        self.assertEqual([word for word in words if "machine" in word], [])

    def test_one_without_a_part_of_it_does_not(self):
        for missing in sorted(NEW - {"sse4_2"}):
            words, stamp = self.options_of(NEW - {missing})
            self.assertIn("-Dmachine=x86-64-v2", words)
            self.assertIn("-Dmachine=x86-64-v2", stamp, "or a folder from another machine would be kept")

    def test_this_machine_tells_its_flags(self):
        self.assertIn("sse2", builds.processor_flags())


if __name__ == "__main__":
    unittest.main()
