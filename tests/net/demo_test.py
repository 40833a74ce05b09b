"""tools/demo keeps its promises: figures for each mode and IP version, nothing left behind, also when interrupted."""

import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from tests.net.labcase import BUILD
from tools.labkit import topology
from tools.labkit.namespaces import exists, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")


class Demo(unittest.TestCase):
    def setUp(self):
        self.lab = topology.Lab("demo")
        self.addCleanup(self.lab.down)
        with self.lab.locked():
            self.lab.down()
        self.hugepages = HUGEPAGES.read_text()

    def start(self, *options):
        command = [sys.executable, "-m", "tools.labkit.demo", "--build", str(BUILD), *options]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def check_nothing_is_left(self):
        self.assertEqual([name for name in self.lab.namespaces() if exists(name)], [])
        for left in (self.lab.state, self.lab.scratch, topology.STATE_ROOT / "demo.lock"):
            self.assertFalse(left.exists(), left)
        self.assertEqual(list(pathlib.Path("/run/dpdk").glob("fulcrum-run-fulcrum-lab-demo-*")), [])
        self.assertEqual(HUGEPAGES.read_text(), self.hugepages)

    def test_figures(self):
        with tempfile.NamedTemporaryFile("r") as figures:
            demo = self.start("--seconds", "4", "--json", figures.name)
            output, _ = demo.communicate(timeout=150)
            self.assertEqual(demo.returncode, 0, output)
            results = json.load(figures)
        for mode in ("nat", "dsr"):
            for family in ("ipv4", "ipv6"):
                figure = results[mode][family]
                self.assertGreater(figure["requests"], 100, output)
                self.assertEqual(set(figure["requests_per_server"]), set(topology.SERVERS))
                self.assertGreater(min(figure["requests_per_server"].values()), 0, output)
                # What the killed server refuses are errors, and new connections reach it until a check has failed.
                self.assertGreater(figure["dead_server_new_connections_ms"], 0, output)
                self.assertGreater(figure["errors"], 0, output)
                self.assertLess(figure["errors"], figure["requests"] / 2, output)
        self.check_nothing_is_left()

    def test_a_file_that_cannot_be_written_is_told_first(self):
        demo = self.start("--json", "/nonexistent/figures.json")
        output, _ = demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 2, output)
        self.assertIn("--json: /nonexistent is no directory", output)
        self.check_nothing_is_left()

    def interrupted(self, number, when):
        demo = self.start()
        wait_until(when, 60, "the demo to get there")
        demo.send_signal(number)
        output, _ = demo.communicate(timeout=60)
        self.assertEqual(demo.returncode, 128 + number, output)
        self.check_nothing_is_left()

    def test_interrupted_while_it_builds_the_lab(self):
        self.interrupted(signal.SIGINT, lambda: exists(self.lab.box))

    def test_terminated_under_load(self):
        log = self.lab.state / "s1" / "access.log"
        self.interrupted(signal.SIGTERM, lambda: log.exists() and log.stat().st_size > 0)


if __name__ == "__main__":
    unittest.main()
