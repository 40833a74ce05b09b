"""100 commits while requests come as fast as the machine can make them: none fails and no packet is lost."""

import json
import unittest

from tests.net.labcase import LabCase
from tools.labkit import daemons, topology

COMMITS = 100
REQUESTS = 20_000
HARMLESS = {"no_connection"}  # a server's or client's last words on a connection that both have ended


class Commits(LabCase):
    check = daemons.PATIENT_CHECK

    def commit(self, number):
        """One of the changes that nobody's connection may notice: a weight, a name, a timeout, a server that comes."""
        farm = ("shop-nat", "shop-dsr")[number // 4 % 2]
        changes = (
            ("set", {"path": f"farms.{farm}.servers.s1.weight", "value": 2 + number % 90}),
            ("set", {"path": f"farms.{farm}.timeouts.udp_s", "value": 100 + number}),
            ("rename", {}),
            ("set", {"path": f"farms.{farm}.persistence.timeout_s", "value": 300 + number}),
        )
        verb, words = changes[number % 4]
        if verb == "rename":
            renamed = self.names.get(farm, "s3")
            self.names[farm] = "tres" if renamed == "s3" else "s3"
            words = {"path": f"farms.{farm}.servers.{renamed}", "name": self.names[farm]}
        self.config("open", candidate="next", who="anna")
        self.config(verb, candidate="next", **words)
        done = self.config("commit", candidate="next", who="anna")
        self.assertTrue(done["acknowledged"], done)

    def drops(self):
        return {row["reason"]: row["packets"] for row in self.box.show("drops")["drops"]}

    def test_a_hundred_commits_cost_nothing(self):
        self.names = {}
        before = self.drops()
        revision = self.config("history", limit=1)["current"]
        clients = [
            self.start_client("requests", address, REQUESTS, 8) for address in (topology.NAT.ipv4, topology.DSR.ipv6)
        ]
        committed = 0
        while committed < COMMITS:
            self.commit(committed)
            committed += 1
        still_busy = [client.poll() is None for client in clients]
        for client in clients:
            output, errors = client.communicate(timeout=180)
            self.assertEqual(client.returncode, 0, errors)
            result = json.loads(output)
            self.assertEqual(result["failures"], {})
            self.assertEqual(result["answered"], REQUESTS)
        self.assertTrue(any(still_busy), "the load ended before the commits did")
        lost = {reason: count - before.get(reason, 0) for reason, count in self.drops().items()}
        self.assertEqual({reason for reason, count in lost.items() if count} - HARMLESS, set(), lost)
        self.assertEqual(self.config("history", limit=1)["current"], revision + COMMITS)


if __name__ == "__main__":
    unittest.main()
