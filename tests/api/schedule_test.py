"""Commits that are left to a time: who may then, and what is on record of it."""

import time
import unittest

from tests.api.box import wait_for
from tests.api.case import BoxCase


class ScheduleTest(BoxCase):
    def leave_to_its_time(self, name, token, seconds=2):
        """A candidate of whose token it is, with another weight, that is due in a moment."""
        ask = lambda *request: self.box.ask(*request, token=token)
        self.assertEqual(ask("POST", "/api/v1/candidates", {"candidate": name}).status, 201)
        server = f"/api/v1/farms/shop/servers/web1?candidate={name}"
        self.assertEqual(ask("PATCH", server, {"weight": 3}).status, 200)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        said = ask("POST", f"/api/v1/candidates/{name}/schedule?at={at}")
        self.assertEqual((said.status, said.json["commit_refused"]), (200, None), said)

    def why_not(self, name):
        """Why it was not committed, once that is said."""
        rows = lambda: {one["candidate"]: one for one in self.good("GET", "/candidates").json["candidates"]}
        return wait_for(lambda: rows().get(name, {"commit_refused": "it was committed"})["commit_refused"])

    def account_with_token(self, name, role="operator"):
        """A new account, and the secret of a token of it."""
        account = {"role": role, "password": "correct horse battery"}
        self.assertIn(self.ask("PUT", f"/accounts/{name}", account).status, (200, 201))
        wish = {"name": f"{name}-ci", "account": name, "role": role, "expires_in_s": 3600}
        return self.good("POST", "/tokens", wish, status=201).json["token"]

    def newest_record(self, action):
        records = self.good("GET", "/audit?limit=50").json["records"]
        return next(one for one in records if one["action"] == action)

    def test_rights_are_judged_again_when_it_is_due(self):
        cases = (
            ("role", lambda: self.good("PUT", "/accounts/role", {"role": "viewer"}), "may no longer do"),
            ("token", lambda: self.good("DELETE", "/tokens/token-ci", status=204), "was taken back"),
            ("gone", lambda: self.good("DELETE", "/accounts/gone", status=204), "there is no account gone any more"),
        )
        before = self.revision()
        for name, happens, why in cases:
            with self.subTest(name):
                self.leave_to_its_time(name, self.account_with_token(name))
                happens()
                self.assertIn(why, self.why_not(name))
                record = self.newest_record("commit-candidate")
                self.assertEqual((record["face"], record["object"], record["result"]),
                                 ("timer", f"candidate {name}", "refused"))
                self.assertEqual(record["who"], f"{name} (token {name}-ci)")
                self.assertIn(why, record["note"])
                events = self.good("GET", "/status/events").json["events"]
                self.assertTrue(any(one["object"] == f"candidate {name}" and why in one["text"] for one in events))
        self.assertEqual(self.revision(), before)
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1").json["weight"], 10)

    def test_what_is_due_is_on_record(self):
        before = self.revision()
        self.leave_to_its_time("due", self.account_with_token("anna"))
        wait_for(lambda: self.revision() == before + 1)
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1").json["weight"], 3)
        record = wait_for(lambda: self.newest_record("commit-candidate"))
        self.assertEqual((record["who"], record["face"], record["result"]),
                         ("anna (token anna-ci)", "timer", "done"))
        self.assertIn(f"revision {before + 1}", record["object"])
        self.assertIn("commit at", record["note"])
        self.assertEqual(self.newest_record("schedule-candidate")["who"], "anna (token anna-ci)")


if __name__ == "__main__":
    unittest.main()
