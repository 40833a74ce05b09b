"""Which rows a name on the command line of tools/bench stands for, and what is refused before anything is measured."""

import contextlib
import io
import unittest

from tools.benchkit import block, rows, run

GROUPS = ("floor", "peers", "forward", "connect", "churn", "memory", "scale")


def perform(*words):
    """The exit status, what was said, and the complaint."""
    said, complaint = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaint):
        try:
            status = run.perform(run.parse_arguments(words))
        except SystemExit as end:
            status = end.code
    return status, said.getvalue().split(), complaint.getvalue()


class Names(unittest.TestCase):
    def test_every_group_and_every_row_can_be_had_alone(self):
        _, every, _ = perform("--list")
        for name in [*GROUPS, *every]:
            status, chosen, complaint = perform("--list", name)
            self.assertEqual((status, complaint), (0, ""), name)
            self.assertLess(len(chosen), len(every), name)
            if name in every:
                self.assertIn(name, chosen)
                others = [row for row in chosen if not row.startswith(name)]
                self.assertLessEqual(len(others), 1, "the floor it is compared with")

    def test_the_group_of_peers_is_all_of_them(self):
        every, _ = run.catalogue(run.parse_arguments([]))
        chosen = rows.chosen(every, ["peers"])
        self.assertEqual([row for row in every if row.name.startswith("peer/")], chosen)

    def test_what_is_nobodys_name_is_refused(self):
        status, _, complaint = perform("--list", "peerless")
        self.assertEqual(status, 2)
        self.assertIn("peerless", complaint)


class SharedSamples(unittest.TestCase):
    def test_every_row_gets_each_one_once_whichever_rows_there_are(self):
        for parts in (("p50", "p99"), ("p99", "p50"), ("p99",)):
            taken, numbers = block.Samples(), iter(range(100))
            read = [[taken.answer("age", part, lambda: next(numbers)) for part in parts] for _ in range(5)]
            self.assertEqual(read, [[turn] * len(parts) for turn in range(5)], parts)


class Refusals(unittest.TestCase):
    def test_fewer_than_five_samples_or_none_at_all(self):
        for words in (("--repetitions", "4"), ("--repetitions", "0"), ("--milliseconds", "0"), ("--repetitions", "x")):
            status, _, complaint = perform("--list", *words)
            self.assertEqual(status, 2, words)
            self.assertIn(words[1], complaint)
        self.assertEqual(perform("--list", "--repetitions", "5")[0], 0)

    def test_a_place_where_no_file_can_be_before_anything_is_measured(self):
        status, said, complaint = perform("--tiny", "--json", "/proc/none/rows.json", "memory")
        self.assertEqual((status, said), (2, []))
        self.assertIn("/proc/none/rows.json", complaint)


if __name__ == "__main__":
    unittest.main()
