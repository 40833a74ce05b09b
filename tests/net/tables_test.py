"""What the box remembers of its clients, as a person asks for it: connections with filters and pages, clients bound to
servers, and the ending of either. Clients and servers are real, and so is the death of the dataplane."""

import json
import os
import signal
import socket
import unittest
import unittest.mock

from tests.api import schemas
from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import topology, web
from tools.labkit.namespaces import entered, inside, run, wait_until

URL = f"http://{topology.NAT.ipv4}/"
URL6 = f"http://[{topology.NAT.ipv6}]/"
PERSISTENCE = 'persistence = { type = "client_address"; timeout_s = 600; };'


class Tables(LabCase):
    check = {"interval_ms": 400, "timeout_ms": 400, "rise": 1, "fall": 3}  # there is little load, and a server dies

    @classmethod
    def configuration(cls, weights=None):
        name = f'name = "{topology.NAT.name}";'
        return super().configuration(weights).replace(name, f"{name} {PERSISTENCE}")

    def setUp(self):
        self.fulcrum("clear", "persistence", "--all")
        self.fulcrum("clear", "connections", "--all")

    def fulcrum(self, *words, status=0):
        """The command line as a person has it. Its answer, or with a status what it complains of."""
        command = inside(self.lab.box, str(self.box.cli), *words, "--runtime-dir", str(self.box.runtime_dir))
        done = run(*command, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def ask(self, *words):
        return json.loads(self.fulcrum(*words, "--json"))

    def who_answers(self, url, count=6):
        return {web.curl(self.lab, url).strip() for _ in range(count)}

    def test_a_closed_connection_is_not_active(self):
        """An open one is; one that has ended is remembered for a while, and counted as closing."""

        def counts():
            farm = next(farm for farm in self.ask("show", "farms")["farms"] if farm["name"] == topology.NAT.name)
            return farm["active_connections"], farm["closing_connections"]

        self.assertEqual(counts(), (0, 0))
        with entered(self.lab.client):
            connection = socket.create_connection((topology.NAT.ipv4, 80), 10)
        wait_until(lambda: counts() == (1, 0), 10, "the connection to be counted as active")
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while connection.recv(4096):
            pass
        connection.close()
        wait_until(lambda: counts() == (0, 1), 10, "the connection to be counted as closing")

    def test_all_that_the_api_answers_is_described(self):
        """With rows in every list, which only a dataplane brings."""
        for url in (URL, URL6):
            web.curl(self.lab, url)
        with entered(self.lab.client):
            socket.create_connection((topology.NAT.ipv4, 80), 10).close()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                datagram.sendto(b"nobody listens", (topology.NAT.ipv4, 9))
        wait_until(lambda: self.box.accounts()["drops"].get("no_service"), 10, "a packet to be dropped")
        document = self.ask("api", "GET", "/api/v1/openapi.json")
        for name in ("farms", "servers", "connections", "persistence", "drops", "rates", "version", "events"):
            with self.subTest(name):
                path = f"/api/v1/status/{name}"
                content = document["paths"][path]["get"]["responses"]["200"]["content"]
                schema = content["application/json"]["schema"]
                answer = self.ask("api", "GET", path)
                self.assertTrue(answer[name] if name in answer else answer["workers"], answer)
                self.assertEqual(schemas.faults(document, schema, answer), [])
                self.assertEqual(schemas.unknown(document, schema, answer), [])

    def test_a_client_stays_with_its_server(self):
        first = self.who_answers(URL)
        self.assertEqual(len(first), 1)
        self.assertEqual(self.who_answers(f"http://{topology.DSR.ipv4}/"), set(topology.SERVERS))
        bindings = self.ask("show", "persistence")["persistence"]
        self.assertEqual(len(bindings), 1)
        self.assertEqual({bindings[0]["server"]}, first)
        self.assertEqual(bindings[0]["connections"], 6)
        self.assertEqual(bindings[0]["farm"], topology.NAT.name)
        self.assertGreater(bindings[0]["expires_s"], 500)
        reasons = [row["reason"] for row in self.ask("show", "connections", "--farm", topology.NAT.name)["connections"]]
        self.assertEqual(sorted(reasons), ["persistence"] * 5 + ["weighted_round_robin"])
        # Configurations come and go, and so do both processes.
        for _ in range(5):
            self.box.control.send(signal.SIGHUP)
            self.assertEqual(self.who_answers(URL, 2), first)
        self.box.dataplane.kill()
        self.box.dataplane.start()
        self.box.wait_for_servers(ALL_UP, 10)
        self.assertEqual(self.who_answers(URL), first)
        # A client of IPv6 is another one. Whom one asks for by its address, one finds.
        self.assertEqual(len(self.who_answers(URL6)), 1)
        client = bindings[0]["client"].split("/")[0]
        self.assertEqual(len(self.ask("show", "persistence", "--client", client)["persistence"]), 1)
        self.assertIn("1 client was let go.", self.fulcrum("clear", "persistence", "--client", client))
        self.assertEqual(self.ask("clear", "persistence", "--all")["cleared"], 1)
        self.assertEqual(self.ask("show", "persistence")["persistence"], [])

    def test_a_client_moves_when_its_server_dies(self):
        (first,) = self.who_answers(URL)
        self.servers[first].kill()
        try:
            wait_until(
                lambda: (topology.NAT.name, first) in self.box.server_states()
                and self.box.server_states()[(topology.NAT.name, first)] == "down",
                20,
                f"{first} to be down",
            )
            (second,) = self.who_answers(URL)
            self.assertNotEqual(first, second)
            rows = self.ask("show", "connections", "--farm", topology.NAT.name, "--server", second)["connections"]
            self.assertEqual(sorted(row["reason"] for row in rows), ["fallback"] + ["persistence"] * 5)
        finally:
            self.servers[first].start()
            self.box.wait_for_servers(ALL_UP, 20)
        self.assertEqual(self.who_answers(URL), {second}, "it stays where it went")

    def test_connections_by_filter_and_page(self):
        for _ in range(12):
            web.curl(self.lab, URL)
            web.curl(self.lab, f"http://{topology.DSR.ipv4}/")
        nat = self.ask("show", "connections", "--farm", topology.NAT.name)["connections"]
        self.assertEqual(len(nat), 12)
        self.assertEqual({row["state"] for row in nat}, {"time_wait"})
        dsr = self.ask("show", "connections", "--farm", topology.DSR.name, "--state", "client_closing")["connections"]
        self.assertEqual(len(dsr), 12)
        by_server = [
            len(self.ask("show", "connections", "--farm", topology.DSR.name, "--server", name)["connections"])
            for name in topology.SERVERS
        ]
        self.assertEqual(by_server, [4, 4, 4])
        self.assertEqual(self.ask("show", "connections", "--client", "203.0.113.0/24")["connections"], [])
        # Pages of five, and all of them at once.
        seen, offset = [], 0
        while offset is not None:
            page = self.ask("show", "connections", "--limit", "5", "--offset", str(offset))
            self.assertLessEqual(len(page["connections"]), 5)
            seen += [row["client"] + row["service"] for row in page["connections"]]
            offset = page["next"]
        self.assertEqual(len(seen), 24)
        lines = self.fulcrum("show", "connections", "--all", "--json").splitlines()
        self.assertEqual([row["client"] + row["service"] for row in map(json.loads, lines)], seen)
        # The worker sums up the table now and then, so the figure is a moment old.
        wait_until(
            lambda: "24 of 200000 places in use" in self.fulcrum("show", "connections"), 10, "the table's figure"
        )
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            text = self.fulcrum("show", "connections")
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)

    def test_clear_ends_what_is_named(self):
        download = self.start_download(topology.NAT, "ipv4", 5)
        other = self.start_download(topology.DSR, "ipv4", 20, 40_000_000)
        self.assertTrue(download.read_until(1_000_000) and other.read_until(1_000_000))
        self.assertIn("say which ones", self.fulcrum("clear", "connections", status=3))
        self.assertIn("no farm", self.fulcrum("clear", "connections", "--farm", "nowhere", status=4))
        named = ("--farm", topology.NAT.name, "--state", "established")
        self.assertEqual(len(self.ask("show", "connections", *named)["connections"]), 1)
        self.assertIn("1 connection was ended.", self.fulcrum("clear", "connections", *named))
        self.assertEqual(self.ask("show", "connections", *named)["connections"], [])
        self.assertEqual(self.ask("clear", "connections", *named)["cleared"], 0)
        self.assertIsNotNone(other.finish()[0], "the other goes on")
        # The server's packets find no connection any more.
        wait_until(lambda: self.box.accounts()["drops"].get("no_connection", 0) > 0, 10, "packets of the ended one")
        download.leave()
        self.assertIn("cleared by command", self.box.control.log.read_text())


if __name__ == "__main__":
    unittest.main()
