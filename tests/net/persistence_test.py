"""Clients that stay with their servers, over two bound ports, in NAT and DSR: while the configuration is reloaded 50
times, and when the server drains, fails, goes into maintenance or leaves; that a binding ends with its time, and holds
for a network; who comes in for whom; and what a client gets when nobody can take it."""

import ipaddress
import json
import pathlib
import subprocess
import sys
import unittest

from tests.net.labcase import ALL_UP, LabCase, LabError
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import batch, inside, wait_until

RELOADS = 50
PROGRAM = pathlib.Path(__file__).resolve().parent / "clients.py"
CLIENTS4 = [f"198.51.100.{number}" for number in range(101, 125)]
CLIENTS6 = [f"2001:db8:1::{number}" for number in range(101, 125)]
BINDS = 'persistence = { type = "client_address"; timeout_s = 600; };'
TIMES = "removed_flows = \"keep\"; timeouts = { time_wait_s = 1; closing_s = 1; };"
BOUND = 'ports = ( { protocol = "tcp"; port = 80; }, { protocol = "tcp"; port = 81; server_port = 80; } );'
ONE_PORT = 'ports = ( { protocol = "tcp"; port = 80; } );'


class Persistence(LabCase):
    check = daemons.PATIENT_CHECK

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lines = [f"address add {address}/24 dev eth0" for address in CLIENTS4]
        batch(lines + [f"address add {address}/64 dev eth0 nodad" for address in CLIENTS6], cls.lab.client)

    @classmethod
    def configuration(cls, weights=None):
        text = super().configuration(weights)
        for farm in topology.FARMS:
            text = text.replace(f'name = "{farm.name}";', f'name = "{farm.name}"; {BINDS} {TIMES}')
        return text.replace(ONE_PORT, BOUND, 1)  # of the NAT farm: in DSR the servers would have to listen there

    def setUp(self):
        self.loads = []
        self.command("clear", "persistence", "--all")

    def tearDown(self):
        for client in self.loads:
            if client.poll() is None:
                client.kill()
                client.communicate()
        self.commit(("replace", {"text": self.configuration()}))
        for name in topology.SERVERS:
            if not self.servers[name].pids():
                self.servers[name].start()
        self.box.wait_for_servers(ALL_UP, 20)
        super().tearDown()

    def command(self, *words):
        """The lines that the command line answers."""
        command = inside(self.lab.box, str(self.box.cli), *words, "--json", "--runtime-dir", str(self.box.runtime_dir))
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()

    def commit(self, *changes):
        """One revision with these changes, in force everywhere when this returns."""
        self.config("open", candidate="next", who="anna")
        for verb, words in changes:
            self.config(verb, candidate="next", **words)
        if self.config("diff", candidate="next")["changes"]:
            done = self.config("commit", candidate="next", who="anna")
            self.assertTrue(done["acknowledged"], done)
        else:
            self.config("discard", candidate="next")

    def state(self, server, word):
        """What the administrator wants of a server, in both farms."""
        return [
            ("set", {"path": f"farms.{farm.name}.servers.{server}.state", "value": word}) for farm in topology.FARMS
        ]

    def load(self, ports, *groups):
        """Clients that go on asking; all have been answered when this returns."""
        words = [f"{address}={','.join(sources)}" for address, sources in groups]
        command = inside(self.lab.client, sys.executable, str(PROGRAM), ports, *words)
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loads.append(client)
        self.assertEqual(client.stdout.readline(), "ready\n")
        return client

    def result(self, client):
        """Ends them, and says what they saw; nothing may have failed."""
        output, _ = client.communicate("stop\n", timeout=60)
        result = json.loads(output)
        self.assertEqual(result["failures"], {})
        return result

    def both(self, part=slice(None)):
        """The groups of clients of both farms and families."""
        return ((topology.NAT.ipv4, CLIENTS4[part]), (topology.DSR.ipv6, CLIENTS6[part]))

    def bindings(self):
        """Who is bound to whom."""
        rows = map(json.loads, self.command("show", "persistence", "--all"))
        return {row["client"].split("/")[0]: row["server"] for row in rows}

    def test_50_reloads_move_nobody(self):
        half, rest = slice(0, 12), slice(12, 24)
        loads = [
            self.load("80,81", (topology.NAT.ipv4, CLIENTS4[half]), (topology.NAT.ipv6, CLIENTS6[half])),
            self.load("80", (topology.DSR.ipv4, CLIENTS4[rest]), (topology.DSR.ipv6, CLIENTS6[rest])),
        ]
        bound = self.bindings()
        self.assertEqual(set(bound), set(CLIENTS4 + CLIENTS6))
        self.assertEqual(set(bound.values()), set(topology.SERVERS))
        for number in range(RELOADS):
            farm = topology.FARMS[number // 4 % 2].name
            order = list(topology.SERVERS) if number % 2 else list(reversed(topology.SERVERS))
            changes = (
                ("set", {"path": f"farms.{farm}.servers.s1.weight", "value": 2 + number}),
                ("order", {"path": f"farms.{farm}.servers", "names": order}),
                ("set", {"path": f"farms.{farm}.persistence.timeout_s", "value": 700 + number}),
                ("set", {"path": f"farms.{farm}.scheduler", "value": ("maglev", "least_connections")[number // 4 % 2]}),
            )
            self.commit(changes[number % 4])
        for result in map(self.result, loads):
            for client, servers in result["servers"].items():
                self.assertEqual(servers, [bound[client]], client)
                self.assertEqual(result["held"][client], servers, client)
        self.assertEqual(self.bindings(), bound)

    def moves(self, leave, come_back):
        """All clients of one server move when it leaves, nobody else does, and they stay where they went."""
        load = self.load("80", *self.both())
        before = self.bindings()
        self.assertEqual(set(before.values()), set(topology.SERVERS))
        leave()
        wait_until(lambda: "s2" not in self.bindings().values(), 20, "the clients of s2 to move")
        moved = self.bindings()
        come_back()
        result = self.result(load)
        for client, server in before.items():
            wanted = [server] if server != "s2" else ["s2", moved[client]]
            self.assertEqual(result["servers"][client], wanted, client)
            self.assertEqual(result["held"][client], [server], "what is open goes on")
        self.assertEqual(self.bindings(), moved)

    def test_maintenance_moves(self):
        self.moves(
            lambda: self.commit(*self.state("s2", "maintenance")),
            lambda: self.commit(*self.state("s2", "enabled")),
        )

    def test_removed_moves(self):
        before = self.config("history", limit=1)["current"]
        self.moves(
            lambda: self.commit(
                *(("delete", {"path": f"farms.{farm.name}.servers.s2"}) for farm in topology.FARMS)
            ),
            lambda: self.config("rollback", revision=before, who="anna"),
        )

    def test_draining_stays_and_down_moves(self):
        old = self.load("80", *self.both(slice(0, 12)))
        before = self.bindings()
        self.commit(*self.state("s2", "drain"))
        new = self.load("80", *self.both(slice(12, 24)))
        both = self.bindings()
        self.assertEqual({client: both[client] for client in before}, before)
        self.assertEqual(set(both.values()), set(topology.SERVERS))
        self.assertNotIn("s2", {both[client] for client in set(both) - set(before)})
        stayed = self.result(old)
        for client, server in before.items():
            self.assertEqual((stayed["servers"][client], stayed["held"][client]), ([server], [server]))
        self.result(new)
        # Then it dies: who asks next goes elsewhere, and stays there when it is back.
        self.servers["s2"].kill()
        self.box.wait_for_servers({"s2": "down"}, 20)
        moved = self.result(self.load("80", *self.both(slice(0, 12))))
        self.servers["s2"].start()
        self.commit(*self.state("s2", "enabled"))
        self.box.wait_for_servers(ALL_UP, 20)
        for client, server in before.items():
            (now,) = moved["servers"][client]
            self.assertTrue(now == server if server != "s2" else now != "s2", client)
        again = self.result(self.load("80", *self.both(slice(0, 12))))
        self.assertEqual(again["servers"], moved["servers"])

    def test_a_binding_ends_with_its_time(self):
        self.commit(
            *(("set", {"path": f"farms.{farm.name}.persistence.timeout_s", "value": 1}) for farm in topology.FARMS)
        )
        self.result(self.load("80", *self.both(slice(0, 6))))
        self.assertEqual(len(self.bindings()), 12)
        wait_until(lambda: not self.bindings(), 20, "the bindings to end")
        self.result(self.load("80", *self.both(slice(0, 6))))
        rows = map(json.loads, self.command("show", "connections", "--all", "--client", CLIENTS4[0]))
        self.assertEqual({row["reason"] for row in rows} - {"persistence"}, {"weighted_round_robin"})


    def settings(self, farm, **values):
        """Changes of a farm's settings."""
        return [("set", {"path": f"farms.{farm.name}.{key}", "value": value}) for key, value in values.items()]

    def test_a_network_is_one_client(self):
        masks = {"persistence.mask_v4": 28, "persistence.mask_v6": 124}
        self.commit(*(change for farm in topology.FARMS for change in self.settings(farm, **masks)))
        result = self.result(self.load("80", *self.both()))
        networks = {}
        for client, servers in result["servers"].items():
            network = ipaddress.ip_network((client, 124 if ":" in client else 28), strict=False)
            networks.setdefault(str(network), set()).update(servers[-1:])  # two may have come at the same moment
        rows = list(map(json.loads, self.command("show", "persistence", "--all")))
        self.assertEqual({row["client"]: {row["server"]} for row in rows}, networks)
        self.assertEqual(len(networks), 2 + 3)

    def test_new_connections_refresh_a_binding(self):
        seconds = 2
        self.commit(*(self.settings(topology.NAT, **{"persistence.timeout_s": seconds})))
        load = self.load("80", (topology.NAT.ipv4, CLIENTS4[:3]))
        bound = self.bindings()
        wait_until(lambda: min(self.ages()) > 2 * seconds, 20, "bindings to be older than they hold unused")
        for client, servers in self.result(load)["servers"].items():
            self.assertEqual(servers, [bound[client]], client)

    def ages(self):
        return [json.loads(row)["age_s"] for row in self.command("show", "persistence", "--all")]

    def test_who_comes_in_for_whom(self):
        roles = {"servers.s1.role": "favorite", "servers.s2.role": "standby", "servers.s3.role": "last_resort"}
        self.commit(*(change for farm in topology.FARMS for change in self.settings(farm, **roles)))
        ways = ((topology.NAT, topology.NAT.ipv4, CLIENTS4[0]), (topology.DSR, topology.DSR.ipv6, CLIENTS6[0]))
        for farm, _, _ in ways:
            for server in ("s1", "s2"):
                self.addCleanup(self.command, "enable", f"{farm.name}/{server}")

        def serves(verb, server, expected):
            for farm, address, client in ways:
                if verb:
                    self.command(verb, f"{farm.name}/{server}")
                url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
                self.assertEqual(web.curl(self.lab, url, "--interface", client).strip(), expected, (verb, server))

        serves(None, None, "s1")
        serves("drain", "s1", "s1")
        serves("maintenance", "s1", "s2")
        serves("maintenance", "s2", "s3")
        serves("enable", "s2", "s2")
        serves("maintenance", "s2", "s3")
        serves("enable", "s1", "s1")

    def test_what_a_client_gets_when_the_farm_is_full(self):
        download = self.start_download(topology.NAT, "ipv4", 1)
        self.addCleanup(download.leave)
        self.assertTrue(download.read_until(1000))
        url = f"http://{topology.NAT.ipv4}/"
        answers = {"drop": ("timed out", set()), "reset": ("connect to server", {"tcp_reset"}),
                   "unreachable": ("connect to server", {"unreachable"})}
        for choice, (words, counted) in answers.items():
            self.commit(*self.settings(topology.NAT, connections_max=1, no_server=choice))
            before = self.answered()
            with self.subTest(no_server=choice), self.assertRaisesRegex(LabError, words):
                web.curl(self.lab, url, timeout_s=1)
            after = self.answered()
            self.assertEqual({name for name in after if after[name] > before.get(name, 0)}, counted, choice)
        self.commit(*self.settings(topology.NAT, connections_max=0))
        web.curl(self.lab, url)

    def answered(self):
        return {row["answer"]: row["packets"] for row in self.request({"show": "drops"})["answers"]}


if __name__ == "__main__":
    unittest.main()
