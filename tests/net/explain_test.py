"""What `fulcrum explain` says is what happens to the next real connection; and rates and events of what did."""

import json
import os
import subprocess
import unittest
import unittest.mock

from tests.api import schemas
from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import inside, wait_until

CLIENT = topology.CLIENT_V4
FAILED, INVALID, NOT_FOUND = 1, 3, 4


class Explain(LabCase):
    check = daemons.PATIENT_CHECK

    def fulcrum(self, *words):
        """The CLI in the box."""
        command = inside(self.lab.box, str(self.box.cli), *words, "--runtime-dir", str(self.box.runtime_dir))
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def explain(self, farm, *options):
        target = f"{farm.ipv4}:80"
        done = self.fulcrum("explain", "tcp", f"{CLIENT}:40000", target, "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def chosen(self, answer):
        return [server["name"] for server in answer["servers"] if server["chosen"]]

    def test_the_next_connection_goes_where_it_says(self):
        for farm in topology.FARMS:
            web.curl(self.lab, f"http://{farm.ipv4}/")  # so that neighbours are known
            for _ in range(6):
                answer = self.explain(farm)
                self.assertEqual(answer["outcome"]["action"], "send", answer["outcome"])
                self.assertEqual(self.chosen(answer), self.chosen(self.explain(farm)), "asking changed something")
                self.assertEqual([web.curl(self.lab, f"http://{farm.ipv4}/").strip()], self.chosen(answer))

    def test_a_page_for_people_fits(self):
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            done = self.fulcrum("explain", "tcp", f"{CLIENT}:40000", f"{topology.NAT.ipv4}:80")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("farms.shop-nat.servers.", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80, done.stdout)

    def assert_described(self, answer):
        """It is as the OpenAPI document says, and nothing in it is not in the document."""
        if not hasattr(type(self), "document"):
            type(self).document = self.api("/api/v1/openapi.json")[1]
        responses = self.document["paths"]["/api/v1/explain"]["get"]["responses"]
        schema = responses["200"]["content"]["application/json"]["schema"]
        self.assertEqual(schemas.faults(self.document, schema, answer), [])
        self.assertEqual(schemas.unknown(self.document, schema, answer), [])

    def api(self, path):
        """An operation of the REST API, asked at the console."""
        done = self.fulcrum("api", "GET", path)
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def test_the_api_answers_the_same(self):
        packet = f"protocol=tcp&source={CLIENT}:40000&destination={topology.NAT.ipv4}:80"
        status, answer = self.api(f"/api/v1/explain?{packet}")
        self.assertEqual(status, 0, answer)
        self.assertEqual(self.chosen(answer), self.chosen(self.explain(topology.NAT)))
        self.assert_described(answer)
        status, answer = self.api(f"/api/v1/explain?{packet}&ttl=1")
        self.assertEqual(status, 0, answer)
        self.assertEqual(answer["outcome"]["drop"], "ttl")
        self.assert_described(answer)
        for wrong in ("protocol=tcp", packet + "&ttl=256", packet + "&candidate=other", packet.replace(":80", "")):
            status, problem = self.api(f"/api/v1/explain?{wrong}")
            self.assertNotEqual(status, 0, problem)
        rows = self.api("/api/v1/status/rates?of=servers")[1]["rates"]
        self.assertIn("shop-nat/s1", {row["name"] for row in rows})
        points = self.api("/api/v1/status/rates?name=shop-nat&from=-10&step=1")[1]["points"]
        self.assertTrue(points)
        self.assertEqual(len(self.api("/api/v1/status/events?limit=1")[1]["events"]), 1)

    def test_what_nobody_serves_is_dropped(self):
        done = self.fulcrum("explain", "tcp", f"{CLIENT}:40000", f"{topology.NAT.ipv4}:81", "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["outcome"]["drop"], "no_service")
        self.assert_described(answer)
        wrong = self.fulcrum("explain", "tcp", CLIENT, f"{topology.NAT.ipv4}:81")
        self.assertEqual(wrong.returncode, INVALID)
        self.assertIn("source is an address and a port", wrong.stderr)

    def test_a_candidate_changes_nothing(self):
        self.config("open", candidate="next", who="anna")
        self.addCleanup(self.config, "discard", candidate="next")
        for name in ("s1", "s2"):
            self.config("delete", candidate="next", path=f"farms.shop-nat.servers.{name}")
        answer = self.explain(topology.NAT, "--candidate", "next")
        self.assertEqual(answer["configuration"]["in_force"], False)
        self.assertEqual(self.chosen(answer), ["s3"])
        self.assertEqual(answer["servers_total"], 1)
        now = self.explain(topology.NAT)
        self.assertEqual(now["servers_total"], 3)
        revision = now["configuration"]["revision"]
        before = self.explain(topology.NAT, "--revision", str(revision))
        self.assertEqual(before["servers_total"], 3)
        self.assertEqual(self.chosen(before), self.chosen(self.explain(topology.NAT)))
        unknown = self.fulcrum("explain", "tcp", f"{CLIENT}:40000", f"{topology.NAT.ipv4}:80", "--candidate", "other")
        self.assertEqual(unknown.returncode, NOT_FOUND, unknown.stderr)
        self.assertIn("other: there is no candidate of this name", unknown.stderr)

    def test_without_a_dataplane_it_says_so(self):
        self.box.dataplane.kill()
        done = self.fulcrum("explain", "tcp", f"{CLIENT}:40000", f"{topology.NAT.ipv4}:80")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("dataplane", done.stderr)
        self.box.dataplane.start()
        self.box.wait_for_servers(ALL_UP, 10)
        self.assertIn(self.explain(topology.NAT)["outcome"]["action"], ("send", "punt"))
        events = json.loads(self.fulcrum("show", "events", "--json").stdout)["events"]
        self.assertIn("dataplane", {event["kind"] for event in events})

    def rate(self, name):
        answer = json.loads(self.fulcrum("show", "rates", "farms", "--json").stdout)
        return {row["name"]: row["connections_s"] for row in answer["rates"]}.get(name, 0)

    def test_rates_of_a_farm(self):
        def busy():
            web.curl(self.lab, f"http://{topology.NAT.ipv4}/")
            return self.rate("shop-nat") > 0

        wait_until(busy, 20, "a rate above 0")
        past = json.loads(self.fulcrum("show", "rates", "farms", "shop-nat", "--json").stdout)
        self.assertGreater(max(point["connections_s"] for point in past["points"]), 0)
        self.assertLessEqual(max(map(len, self.fulcrum("show", "rates", "servers").stdout.splitlines())), 80)

    def rename(self, path, name):
        self.config("open", candidate="name", who="anna")
        self.config("rename", candidate="name", path=path, name=name)
        self.config("commit", candidate="name", who="anna")

    def most(self, kind, name):
        """Of the connections in a second of the last hour."""
        done = self.fulcrum("show", "rates", kind, name, "--json")
        if done.returncode == NOT_FOUND:
            return 0
        return max((point["connections_s"] for point in json.loads(done.stdout)["points"]), default=0)

    def test_a_renamed_farm_keeps_its_past(self):
        def has_past():
            # What came before the first sample is no rate, so one request may be too early.
            web.curl(self.lab, f"http://{topology.NAT.ipv4}/")
            return self.most("farms", "shop-nat") > 0

        wait_until(has_past, 20, "a past")
        wait_until(lambda: self.rate("shop-nat") == 0, 20, "silence")
        self.rename("farms.shop-nat", "boutique")
        self.addCleanup(self.rename, "farms.boutique", "shop-nat")
        self.assertGreater(self.most("farms", "boutique"), 0)
        self.assertGreater(max(self.most("servers", f"boutique/{name}") for name in ("s1", "s2", "s3")), 0)


if __name__ == "__main__":
    unittest.main()
