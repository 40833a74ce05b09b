"""A signal ends the tools at once, with 128 + signal, and nothing that they started outlives them; also what left its
parent or its session. Tests take their labs down meanwhile."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest

from tools.labkit.namespaces import alive, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A program of the tools: it does what the test says, which starts the script below.
TOOL = """
import concurrent.futures, pathlib, subprocess, sys
from tools.testkit import builds, interrupts, run
script = ["sh", sys.argv[1]]
def action():
    {action}
    return 0
sys.exit(interrupts.run("tool", action, {first}))
"""
# Like meson or ninja: one child in front, one in a session of its own, one whose parent has ended. Each says its pid.
SCRIPT = """
sh -c 'echo $$ >> pids; exec sleep 1000' &
setsid sh -c 'echo $$ >> pids; exec sleep 1000' &
sh -c '(setsid sh -c "echo \\$\\$ >> pids; exec sleep 1000" &)'
echo $$ >> pids
wait
"""
STARTED = 4


class Interrupts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "script").write_text(SCRIPT)

    def start(self, program, *words):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pids(self):
        file = self.folder / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def ends(self, number, action, first="lambda: None", times=1):
        """Starts the tool and ends it by the signal when all its processes are there."""
        tool = self.start(["-c", TOOL.format(action=action, first=first), "script"])
        wait_until(lambda: len(self.pids()) == times * STARTED, 30, "the tool to start its processes")
        tool.send_signal(number)
        output, _ = tool.communicate(timeout=60)
        self.assertEqual(tool.returncode, 128 + number, output)
        self.assertIn(f"tool: stopped by {signal.Signals(number).name}; everything is tidied up", output)
        self.assertNotIn("Traceback", output)
        self.assertEqual([pid for pid in self.pids() if alive(pid)], [])

    def test_a_command(self):
        self.ends(signal.SIGTERM, "builds.command(script, root='.')", "interrupts.end_descendants")

    def test_a_command_that_a_person_watches(self):
        self.ends(signal.SIGINT, "builds.watched(script, root='.')")

    def test_commands_of_several_threads(self):
        run = "lambda _: subprocess.run(script)"
        pool = f"with concurrent.futures.ThreadPoolExecutor(2) as pool: [*pool.map({run}, range(2))]"
        self.ends(signal.SIGTERM, pool, "interrupts.end_descendants", times=2)

    def test_what_does_not_want_to_end(self):
        (self.folder / "script").write_text("trap '' TERM\n" + SCRIPT)
        self.ends(signal.SIGTERM, "builds.command(script, root='.')", "interrupts.end_descendants")

    def test_what_was_not_interrupted(self):
        tool = self.start(["-c", TOOL.format(action="pass", first="lambda: None"), "script"])
        output, _ = tool.communicate(timeout=60)
        self.assertEqual((tool.returncode, output), (0, ""))

    def test_tests_take_their_labs_down(self):
        (self.folder / "lab_test.py").write_text(
            textwrap.dedent(
                """
                import pathlib, time, unittest
                class Lab(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls):
                        cls.addClassCleanup(pathlib.Path("lab-is-down").touch)
                    def test_something(self):
                        self.addCleanup(pathlib.Path("test-is-clean").touch)
                        pathlib.Path("up").touch()
                        while True:
                            time.sleep(10)
                """
            )
        )
        tests = self.start([str(ROOT / "tests/support/tap.py")], "lab_test.py")
        wait_until((self.folder / "up").exists, 30, "the test to run")
        tests.terminate()
        output, _ = tests.communicate(timeout=60)
        self.assertEqual(tests.returncode, 128 + signal.SIGTERM, output)
        self.assertTrue((self.folder / "lab-is-down").exists(), output)
        self.assertTrue((self.folder / "test-is-clean").exists(), output)


if __name__ == "__main__":
    unittest.main()
