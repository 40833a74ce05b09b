"""`commit check` says what a commit would do to living connections. Here the commit follows, and they are asked."""

import json
import unittest

from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import daemons, topology
from tools.labkit.namespaces import wait_until

FARM = "farms.shop-nat"
HELD = 9
EACH = HELD // len(topology.SERVERS)
SILENCE_S = 2


class Radius(LabCase):
    check = daemons.PATIENT_CHECK

    def setUp(self):
        self.first_revision = self.config("history", limit=1)["current"]
        self.request({"clear": "connections", "all": True})
        # These are over, and no check may take them for living ones.
        client = self.start_client("requests", topology.NAT.ipv4, 5, 1)
        self.assertEqual(json.loads(client.communicate(timeout=30)[0])["answered"], 5)
        self.client = self.start_client("held", topology.NAT.ipv4, HELD, SILENCE_S)
        self.addCleanup(self.leave)
        servers = json.loads(self.client.stdout.readline())
        self.assertEqual(servers, {name: EACH for name in topology.SERVERS})

    def leave(self):
        self.client.kill()
        self.client.communicate()

    def tearDown(self):
        self.config("rollback", revision=self.first_revision, who="anna")
        self.box.wait_for_servers(ALL_UP, 10)
        super().tearDown()

    def check_then_commit(self, *edits, **expected):
        """What the check said of the connections, which is what was expected."""
        self.config("open", candidate="next", who="anna")
        for verb, path, words in edits:
            self.config(verb, candidate="next", path=path, **words)
        said = self.config("check", candidate="next")
        self.assertEqual(said["problems"], [])
        counts = said["radius"]["connections"]
        self.assertGreaterEqual(counts.pop("closing"), 5)
        self.assertEqual(counts, {"kept": 0, "drained": 0, "reset": 0, "lost": 0, **expected})
        self.assertTrue(self.config("commit", candidate="next", who="anna")["acknowledged"])

    def asked(self):
        """What the held connections say now."""
        self.client.stdin.write("now\n")
        self.client.stdin.flush()
        fates = json.loads(self.client.stdout.readline())
        return {"answered": sum(fates.get(name, 0) for name in topology.SERVERS)} | {
            fate: fates[fate] for fate in ("reset", "silent") if fate in fates
        }

    def test_weight_of_nothing_drains(self):
        self.check_then_commit(("set", f"{FARM}.servers.s1.weight", {"value": 0}), kept=HELD - EACH, drained=EACH)
        self.assertEqual(self.asked(), {"answered": HELD})

    def test_a_deleted_server_keeps(self):
        policy = ("set", f"{FARM}.removed_flows", {"value": "keep"})
        self.check_then_commit(policy, ("delete", f"{FARM}.servers.s2", {}), kept=HELD)
        self.assertEqual(self.asked(), {"answered": HELD})

    def test_a_deleted_server_drains(self):
        policy = ("set", f"{FARM}.removed_flows", {"value": "drain"})
        time = ("set", f"{FARM}.drain_time_s", {"value": 3})
        self.check_then_commit(policy, time, ("delete", f"{FARM}.servers.s2", {}), kept=HELD - EACH, drained=EACH)
        self.assertEqual(self.asked(), {"answered": HELD})
        wait_until(lambda: self.asked() == {"answered": HELD - EACH, "reset": EACH}, 20, "the drain to end")

    def test_a_deleted_server_resets(self):
        policy = ("set", f"{FARM}.removed_flows", {"value": "reset"})
        self.check_then_commit(policy, ("delete", f"{FARM}.servers.s2", {}), kept=HELD - EACH, reset=EACH)
        self.assertEqual(self.asked(), {"answered": HELD - EACH, "reset": EACH})

    def test_a_removed_port_resets(self):
        self.config("open", candidate="before", who="anna")
        self.config("set", candidate="before", path=f"{FARM}.removed_flows", value="reset")
        self.config("set", candidate="before", path=f"{FARM}.ports[tcp/8080]", value={"server_port": 80})
        self.assertTrue(self.config("commit", candidate="before", who="anna")["acknowledged"])
        self.check_then_commit(("delete", f"{FARM}.ports[tcp/80]", {}), reset=HELD)
        self.assertEqual(self.asked(), {"answered": 0, "reset": HELD})

    def remove_address(self, policy, **expected):
        self.config("open", candidate="before", who="anna")
        self.config("set", candidate="before", path=f"{FARM}.removed_flows", value=policy)
        self.assertTrue(self.config("commit", candidate="before", who="anna")["acknowledged"])
        self.check_then_commit(("set", f"{FARM}.addresses", {"value": [topology.NAT.ipv6]}), **expected)

    def test_a_removed_address_keeps(self):
        self.remove_address("keep", kept=HELD)
        self.assertEqual(self.asked(), {"answered": HELD})

    def test_a_removed_address_resets(self):
        self.remove_address("reset", reset=HELD)
        self.assertEqual(self.asked(), {"answered": 0, "reset": HELD})

    def test_a_deleted_farm_keeps(self):
        self.config("open", candidate="before", who="anna")
        self.config("set", candidate="before", path=f"{FARM}.removed_flows", value="keep")
        self.assertTrue(self.config("commit", candidate="before", who="anna")["acknowledged"])
        self.check_then_commit(("delete", FARM, {}), kept=HELD)
        self.assertEqual(self.asked(), {"answered": HELD})

    def test_another_mode_resets(self):
        self.check_then_commit(("set", f"{FARM}.mode", {"value": "dsr"}), reset=HELD)
        self.assertEqual(self.asked(), {"answered": 0, "reset": HELD})

    def test_a_name_and_another_scheduler_keep(self):
        edits = (
            ("set", f"{FARM}.scheduler", {"value": "least_connections"}),
            ("rename", f"{FARM}.servers.s3", {"name": "tres"}),
        )
        self.check_then_commit(*edits, kept=HELD)
        self.assertEqual(self.asked(), {"answered": HELD})


if __name__ == "__main__":
    unittest.main()
