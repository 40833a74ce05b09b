"""The local socket beside the API: who did what there is on record."""

import json
import os
import pathlib
import unittest

from tests.api.box import Box, wait_for


class ConsoleTest(unittest.TestCase):
    """What is done at the console is on record, and who did it."""

    def setUp(self):
        self.box = Box()
        self.addCleanup(self.box.close)

    def records(self):
        """Who, face, action and result, the oldest first; without what the program itself begins with."""
        records = reversed(self.box.console("GET", "/api/v1/audit")[1]["records"])
        return [(r["who"], r["face"], r["action"], r["result"]) for r in records][1:]

    def configure(self, *lines, **options):
        return self.box.cli(text="\n".join(("configure", *lines)) + "\n", **options)

    def test_every_change_is_in_the_log(self):
        self.assertEqual(self.box.cli("drain", "shop/web1").returncode, 8, "there is no dataplane")
        self.configure("set farms shop scheduler round_robin", "commit comment tidy")
        self.configure("rollback 1")
        self.configure("revert 3 confirmed 5")
        self.box.cli("confirm")
        self.configure("rollback 99")
        self.box.cli("clear", "connections", "farm", "shop")
        box_file = pathlib.Path(self.box.directory, "fulcrum.cfg")
        text = box_file.read_text(encoding="utf-8")
        box_file.write_text(text.replace('"mail"', '"post"'), encoding="utf-8")
        self.box.reload()
        wait_for(lambda: self.box.console("GET", "/api/v1/farms/post")[0] == 200)
        box_file.write_text("nonsense", encoding="utf-8")
        self.box.reload()
        wait_for(lambda: "rejected" in self.box.words())
        wanted = [
            ("console", "operate-server", "done"),
            ("console", "commit-candidate", "done"),
            ("console", "discard-candidate", "done"),
            ("console", "rollback", "done"),
            ("console", "discard-candidate", "done"),
            ("console", "revert", "done"),
            ("console", "discard-candidate", "done"),
            ("console", "confirm", "done"),
            ("console", "rollback", "refused (not_found)"),
            ("console", "discard-candidate", "done"),
            ("console", "clear-connections", "refused (failed)"),
            ("file", "read-file", "done"),
            ("file", "read-file", "refused (invalid)"),
        ]
        wait_for(lambda: len(self.records()) >= len(wanted))
        self.assertEqual(self.records(), [("root", *one) for one in wanted])
        commit = next(r for r in self.box.console("GET", "/api/v1/audit")[1]["records"] if "commit" in r["action"])
        self.assertRegex(commit["object"], r"^candidate .* \(revision 2\)$")
        self.assertIn("farms.shop scheduler", commit["note"])
        self.assertEqual(self.box.cli("audit", "verify").returncode, 0)

    def test_what_happens_at_the_start_is_on_record(self):
        self.configure("set farms shop scheduler round_robin", "commit confirmed 1")
        self.box.kill()
        revision = pathlib.Path(self.box.directory, "state/revisions/00000002.json")
        given = json.loads(revision.read_text(encoding="utf-8"))
        given["confirm_until"] = "2026-01-01T00:00:00.000Z"
        revision.write_text(json.dumps(given), encoding="utf-8")
        self.box.start()
        wait_for(lambda: ("fulcrum", "timer", "rollback", "done") in self.records())

    def test_the_login_stands_beside_root(self):
        if not os.path.exists("/proc/self/loginuid"):
            self.skipTest("this kernel does not keep who logged in")
        self.assertEqual(self.box.cli("drain", "shop/web1", login=1).returncode, 8)
        commit = self.configure("set farms shop scheduler round_robin", "commit", login=1)
        self.assertIn("Revision 2", commit.stdout, commit.stderr)
        self.box.cli("drain", "shop/web2", login=4711)
        self.box.cli("enable", "shop/web2", login=0)
        names = ["root (login daemon)"] * 3 + ["root (login uid 4711)", "root"]
        self.assertEqual([who for who, *_ in self.records()], names)
        self.assertIn("by root (login daemon)", self.box.cli("show", "servers").stdout.replace("\n", " "))
        self.assertEqual(self.box.console("GET", "/api/v1/revisions/2")[1]["who"], "root (login daemon)")


if __name__ == "__main__":
    unittest.main()
