"""Tests of servers that somebody asks for, beside the checks that go on by themselves."""

import json
import os
import subprocess
import unittest
import unittest.mock

from tests.api import schemas
from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import daemons, topology
from tools.labkit.namespaces import inside, wait_until

FAILED, INVALID, NOT_FOUND = 1, 3, 4


class Health(LabCase):
    # A server is down after a minute of failures: whoever tests it meanwhile must not hasten that.
    check = {**daemons.PATIENT_CHECK, "fall": 60}

    def fulcrum(self, *words):
        command = inside(self.lab.box, str(self.box.cli), *words, "--runtime-dir", str(self.box.runtime_dir))
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def asked(self, *words, status=0):
        done = self.fulcrum(*words, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def assert_described(self, path, method, answer):
        """It is as the OpenAPI document says, and nothing in it is not in the document."""
        document = self.asked("api", "GET", "/api/v1/openapi.json")
        content = document["paths"][path][method]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
        self.assertEqual(schemas.faults(document, schema, answer), [])
        self.assertEqual(schemas.unknown(document, schema, answer), [])

    def steps(self, test):
        return {step["step"]: step["text"] for step in test["steps"]}

    def test_a_server_that_answers(self):
        answer = self.asked("test", "server", "shop-nat/s1")
        self.assert_described("/api/v1/test", "post", answer)
        self.assertTrue(answer["passed"])
        self.assertEqual([one["address"] for one in answer["tests"]], list(topology.NAT.server_addresses("s1")))
        for one in answer["tests"]:
            self.assertEqual((one["result"], one["state"], one["port"]), ("answered", "up", 80))
            self.assertLess(one["took_us"], 1_000_000)
            steps = self.steps(one)
            self.assertRegex(steps["way"], r"^by port back, on its network: MAC address [0-9a-f:]{17}$")
            near = "[fd00:1::1]:" if ":" in one["address"] else "10.1.1.1:"
            self.assertTrue(steps["connect"].startswith(f"from {near}"), steps)
        done = self.fulcrum("test", "farm", "shop-dsr")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("6 of 6 passed.", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80, done.stdout)

    def test_a_server_that_is_dead_stays_as_it_was(self):
        self.addCleanup(self.box.wait_for_servers, ALL_UP, 10)
        self.addCleanup(self.servers["s2"].start)
        self.servers["s2"].kill()
        before = self.box.show("servers")["servers"]
        for _ in range(70):
            answer = self.asked("api", "POST", "/api/v1/test", '{"farm": "shop-nat", "server": "s2"}')
            self.assertEqual((answer["passed"], answer["tests"][0]["result"]), (False, "refused"))
        after = self.box.show("servers")["servers"]
        since = lambda rows: [(row["farm"], row["name"], row["state"], row["since"]) for row in rows]
        self.assertEqual(since(before), since(after), "a test was counted as a check")
        done = self.fulcrum("test", "server", "shop-nat/s2")
        self.assertEqual(done.returncode, FAILED, done.stdout)
        self.assertIn("connection refused after", done.stdout)
        self.assertIn("not passed", done.stdout)
        self.assertIn("fails; by its checks the server is up", " ".join(done.stdout.split()))

    def checks(self, *words):
        return self.asked("show", "health", *words)["health"]

    def test_how_the_checks_stand(self):
        wait_until(lambda: min(row["successes_in_a_row"] for row in self.checks()) > 1, 10, "two checks of each")
        rows = self.checks()
        self.assertEqual({(row["farm"], row["name"], row["address"]) for row in rows},
                         {(farm.name, name, address) for farm in topology.FARMS for name in topology.SERVERS
                          for address in farm.server_addresses(name)})
        for row in rows:
            self.assertEqual((row["state"], row["last"]["result"], row["contradictions"]), ("up", "answered", 0))
            self.assertEqual((row["rise"], row["fall"], row["interval_ms"]), (1, 60, 1000))
            self.assertGreater(row["last"]["took_us"], 0)
            self.assertTrue(row["activity"] == "under_way" or 0 <= row["next_in_ms"] <= 1050, row)
        self.addCleanup(self.box.wait_for_servers, ALL_UP, 10)
        self.addCleanup(self.servers["s2"].start)
        self.servers["s2"].kill()
        wait_until(lambda: min(row["contradictions"] for row in self.checks("server", "shop-nat/s2")) > 1, 10,
                   "two failures of each")
        for row in self.checks("shop-nat/s2"):
            self.assertEqual((row["state"], row["last"]["result"]), ("up", "refused"))
            self.assertEqual((row["failures_in_a_row"], row["successes_in_a_row"]), (row["contradictions"], 0))
        page = self.fulcrum("show", "health", "shop-nat")
        self.assertRegex(page.stdout, r"shop-nat/s2 .* [0-9]+/60 bad .* [0-9]+ us")
        self.assertLessEqual(max(map(len, page.stdout.splitlines())), 80, page.stdout)
        whole = self.asked("api", "GET", "/api/v1/status/health?farm=shop-nat&server=s2")
        self.assertEqual((whole["total"], whole["health"][0]["name"]), (2, "s2"))
        self.assert_described("/api/v1/status/health", "get", whole)
        self.assertEqual(self.fulcrum("show", "health", "shop-nat/s9").returncode, NOT_FOUND)

    def test_an_address_that_nobody_has(self):
        answer = self.asked("test", "address", "10.1.1.77:80", "timeout", "200", status=FAILED)
        self.assert_described("/api/v1/test", "post", answer)
        (one,) = answer["tests"]
        self.assertEqual((one["result"], one["reason"], one["server"]), ("silent", "no answer within 200 ms", None))
        self.assertIn("nobody has answered ARP", self.steps(one)["way"])
        self.assertTrue(self.asked("test", "address", "[fd00:1::11]:80")["passed"])
        for words, status in ((("server", "shop-nat/s9"), NOT_FOUND), (("farm", "nowhere"), NOT_FOUND),
                              (("address", "10.1.1.77"), INVALID), (("address", "127.0.0.1:80"), INVALID),
                              (("server", "shop-nat/s1", "port", "81"), NOT_FOUND)):
            done = self.fulcrum("test", *words)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)

    def test_control_starts_again_and_has_no_news_of_the_dataplane(self):
        told = lambda: [one["text"] for one in self.box.show("events")["events"] if one["kind"] == "dataplane"]
        before = told()
        self.assertRegex(before[-1], r"\(process [0-9]+\)$")
        for _ in range(2):
            self.box.control.kill()
            self.box.control.start()
            self.box.wait_for_servers(ALL_UP, 10)
        self.assertEqual(told(), before)
        self.box.dataplane.kill()
        self.box.dataplane.start()
        wait_until(lambda: told()[-1] not in before and "process" in told()[-1], 10, "news of the next life")
        self.box.wait_for_servers(ALL_UP, 10)

    def test_it_is_on_record_and_needs_a_dataplane(self):
        self.asked("test", "server", "shop-nat/s3")
        (newest,) = self.asked("show", "audit", "limit", "1")["records"]
        self.assertEqual((newest["action"], newest["object"], newest["note"]),
                         ("test-servers", "farms.shop-nat.servers.s3", "passed"))
        self.box.dataplane.kill()
        wait_until(lambda: not self.box.show("farms")["dataplane"]["alive"], 10, "control to notice")
        done = self.fulcrum("test", "farm", "shop-nat")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("the dataplane is not running", done.stderr)
        self.box.dataplane.start()
        self.box.wait_for_servers(ALL_UP, 10)


if __name__ == "__main__":
    unittest.main()
