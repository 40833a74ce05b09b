"""Every reason for a drop has a golden case, or stands here with the test that makes it happen. Of the cases the golden
tests prove that they do: they compare what was counted after each frame. The other tests are run here.

Environment: FULCRUM_WORKER_TEST, the program.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402

# Faults of queues and processes, which no packet brings about by its content: the cases of worker-test that do.
ELSEWHERE = {
    "tx_full": "WorkerTransmitFull.WhatTheWireDoesNotTakeIsANamedDrop",
    "punt_full": "HousekeepingTest.PuntQueueFullIsANamedDrop",
    "twin_refused": "HousekeepingTest.CountsWhatLinuxRefuses",
    "lost_in_restart": "HousekeepingTest.WhatADeadProcessHeldGetsItsName",
    "port_taken": "WorkerTest.AClientsPortHasOneConnectionAtAServersPort",
    "server_gone": "WorkerTest.RemovedServersConnectionsEndAndMayStartAnew",
}


def reasons():
    """The names in kDropReasonTable."""
    table = (ROOT / "dataplane" / "contract" / "verdict.h").read_text().split("kDropReasonTable{{", 1)[1]
    return re.findall(r"\{Drop::(\w+),\s*\"\1\"", table)


class Coverage(unittest.TestCase):
    def test_every_reason_has_a_case(self):
        shown = {reason for case in cases.read_all() for reason in case.drops()}
        wanted = set(reasons()) - {"none"}
        self.assertGreater(len(wanted), 30)
        self.assertEqual(wanted - shown - set(ELSEWHERE), set(), "reasons without a golden case")
        self.assertEqual((shown | set(ELSEWHERE)) - wanted, set(), "reasons that do not exist")
        self.assertEqual(shown & set(ELSEWHERE), set(), "reasons that have a golden case by now")

    def test_the_others_are_where_it_says(self):
        """Run, and looked at what their boxes counted: a test that only speaks of a reason does not show it."""
        for reason, case in ELSEWHERE.items():
            with self.subTest(reason=reason), tempfile.TemporaryDirectory() as folder:
                seen = pathlib.Path(folder) / "seen"
                done = subprocess.run(
                    [os.environ["FULCRUM_WORKER_TEST"], f"--gtest_filter={case}"],
                    env={**os.environ, "FULCRUM_DROPS_SEEN": str(seen)},
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertTrue(seen.exists(), f"there is no {case}")
                self.assertIn(reason, seen.read_text().split())


if __name__ == "__main__":
    unittest.main()
