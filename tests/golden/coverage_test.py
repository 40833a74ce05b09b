"""Every reason for a drop has a golden case, or stands here with the test that makes it happen."""

import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402

# Faults of queues and processes, which no packet brings about by its content.
ELSEWHERE = {
    "tx_full": "tests/worker/worker_test.cc",
    "punt_full": "tests/worker/housekeeping_test.cc",
    "twin_refused": "tests/worker/housekeeping_test.cc",
    "lost_in_restart": "tests/worker/housekeeping_test.cc",
    "server_gone": "tests/worker/worker_test.cc",
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
        for reason, path in ELSEWHERE.items():
            with self.subTest(reason=reason):
                self.assertIn(f"Drop::{reason}", (ROOT / path).read_text())


if __name__ == "__main__":
    unittest.main()
