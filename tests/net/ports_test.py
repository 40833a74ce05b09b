"""Farms with more than one port, with real web and name servers: bound ports, ranges of ports,
and services of one packet."""

import re
import unittest

from tests.net.labcase import ALL_UP, LabCase, LabError
from tools.labkit import daemons, dns, topology, web
from tools.labkit.namespaces import inside, run, wait_until

BOUND = "198.51.100.31"
RANGE, RANGE6 = "198.51.100.32", "2001:db8:1::32"
ALL = "198.51.100.33"
OWN = "198.51.100.39"
DNS, DNS6 = "198.51.100.34", "2001:db8:1::34"


STICKY = 'persistence = { type = "client_address"; };'

# Whichever server it goes to, a question from here comes back to here.
FROM, FROM6 = ("-b", f"{topology.CLIENT_V4}#40000"), ("-b", f"{topology.CLIENT_V6}#40000")
ONE_PACKET = '{ protocol = "udp"; port = 53; one_packet = true; check_port = 53; }'


def farm(name, mode, address, ports, more=""):
    """One farm of all servers, by one address of either family."""
    base = topology.NAT if mode == "nat" else topology.DSR
    family = 1 if ":" in address else 0
    servers = ", ".join(
        f'{{ name = "{server}"; addresses = [ "{base.server_addresses(server)[family]}" ]; }}'
        for server in topology.SERVERS
    )
    check = " ".join(f"{key} = {value};" for key, value in daemons.FAST_CHECK.items())
    return f"""{{ name = "{name}"; mode = "{mode}"; scheduler = "round_robin"; addresses = [ "{address}" ];
      ports = ( {ports} ); servers = ( {servers} ); check = {{ {check} }}; {more} }}"""


FARMS = [
    farm("bound", "nat", BOUND, "{ port = 80; }, { port = 53; }"),
    farm("own", "nat", OWN, '{ port = 80; check = { rise = 1; }; }, { port = 53; check = { type = "none"; }; }'),
    farm("range", "nat", RANGE, "{ port = 8000; last_port = 8099; server_port = 1; check_port = 80; }", STICKY),
    farm("range6", "nat", RANGE6, "{ port = 8000; last_port = 8099; server_port = 1; check_port = 80; }"),
    farm(
        "all",
        "nat",
        ALL,
        "{ port = 1; last_port = 65535; check_port = 80; },"
        ' { protocol = "udp"; port = 1; last_port = 65535; check_port = 53; }',
    ),
    farm("dns", "nat", DNS, ONE_PACKET),
    farm("dns6", "nat", DNS6, ONE_PACKET, STICKY),
    # The name servers answer at the lab's DSR address too, which its own farm serves at TCP port 80 only.
    farm("dns-dsr", "dsr", topology.DSR.ipv4, ONE_PACKET),
]


class Ports(LabCase):
    @classmethod
    def setUpClass(cls):
        cls.names = {}
        super().setUpClass()

    @classmethod
    def configuration(cls, weights=None):
        # The name servers first: the box waits until every server is up.
        for name in topology.SERVERS:
            cls.names[name] = dns.DnsServer(cls.lab, name)
            cls.names[name].start()
            cls.addClassCleanup(cls.names[name].kill)
        text = super().configuration(weights)
        return text[: text.rindex(");")] + ",\n    " + ",\n    ".join(FARMS) + " );\n"

    def who_serves(self, url, count=6):
        return {web.curl(self.lab, url).strip() for _ in range(count)}

    def duties(self, farm_name):
        rows = self.box.show("servers")["servers"]
        return {(row["name"], row["port"]): row for row in rows if row["farm"] == farm_name}

    def wait_for_duty(self, farm_name, server, duty):
        wait_until(
            lambda: all(row["duty"] == duty for key, row in self.duties(farm_name).items() if key[0] == server),
            10,
            f"{server} to be {duty} in {farm_name}",
        )

    def test_a_server_leaves_all_bound_ports(self):
        for server in topology.SERVERS:
            self.wait_for_duty("bound", server, "up")
        self.assertEqual(self.who_serves(f"http://{BOUND}/"), set(topology.SERVERS))
        self.names["s2"].kill()
        try:
            self.wait_for_duty("bound", "s2", "down")
            row = self.duties("bound")[("s2", 80)]
            self.assertEqual((row["state"], row["reason"]), ("up", "connected"))
            self.assertEqual(row["duty_reason"], "tcp port 53 is down, and the farm's ports are bound")
            self.assertEqual(self.who_serves(f"http://{BOUND}/"), {"s1", "s3"}, "nor for the web")
            self.assertEqual(self.who_serves(f"http://{topology.NAT.ipv4}/"), set(topology.SERVERS), "another farm")
            self.assertEqual({dns.dig(self.lab, BOUND, "+tcp") for _ in range(4)}, {"s1", "s3"})
            # Where that port is not checked nobody leaves for it.
            self.assertEqual({row["duty"] for row in self.duties("own").values()}, {"up"})
            self.assertEqual(self.who_serves(f"http://{OWN}/"), set(topology.SERVERS))
        finally:
            self.names["s2"].start()
        self.wait_for_duty("bound", "s2", "up")
        self.assertEqual(self.who_serves(f"http://{BOUND}/"), set(topology.SERVERS))
        self.assertEqual({dns.dig(self.lab, BOUND, "+tcp") for _ in range(3)}, set(topology.SERVERS))
        self.box.wait_for_servers(ALL_UP, 10)

    def test_a_range_of_ports(self):
        for server in topology.SERVERS:
            self.wait_for_duty("range", server, "up")
            self.wait_for_duty("range6", server, "up")
        # 8079 leads to port 80, 8052 to 53; nobody listens at 8000's.
        (web_server,) = self.who_serves(f"http://{RANGE}:8079/")
        self.assertEqual(
            {dns.dig(self.lab, RANGE, "+tcp", "-p", "8052") for _ in range(4)}, {web_server}, "one client, one server"
        )
        self.assertEqual(self.who_serves(f"http://[{RANGE6}]:8079/"), set(topology.SERVERS))
        for port, why in ((8000, "(7)"), (8100, "(28)")):  # refused by the server, dropped by the box
            with self.assertRaisesRegex(LabError, re.escape(why)):
                web.curl(self.lab, f"http://{RANGE}:{port}/", timeout_s=1)
        rows = self.box.show("connections")["connections"]
        services = {row["service"] for row in rows if row["farm"] == "range"}
        self.assertEqual(services, {f"{RANGE}:{port}" for port in (8000, 8052, 8079)})
        at_servers = {row["server_address"].rsplit(":", 1)[1] for row in rows if row["farm"] == "range"}
        self.assertEqual(at_servers, {"1", "53", "80"})
        row = self.duties("range")[(web_server, 1)]
        self.assertEqual((row["port"], row["last_port"]), (1, 100))

    def test_all_ports_of_an_address(self):
        for server in topology.SERVERS:
            self.wait_for_duty("all", server, "up")
        self.assertEqual(self.who_serves(f"http://{ALL}/"), set(topology.SERVERS))
        self.assertEqual({dns.dig(self.lab, ALL, "+tcp") for _ in range(3)}, set(topology.SERVERS))
        self.assertEqual({dns.dig(self.lab, ALL) for _ in range(3)}, set(topology.SERVERS))
        # The address itself is still the box's.
        run(*inside(self.lab.client, "ping", "-c", "1", "-W", "5", ALL))

    def farm_row(self, name):
        return next(row for row in self.box.show("farms")["farms"] if row["name"] == name)

    def test_a_service_of_one_packet(self):
        for name in ("dns", "dns6", "dns-dsr"):
            for server in topology.SERVERS:
                self.wait_for_duty(name, server, "up")
        before = self.farm_row("dns")
        answers = [dns.dig(self.lab, DNS, *FROM) for _ in range(6)]
        self.assertEqual(sorted(answers), sorted(2 * topology.SERVERS), "each question by itself, from one port")
        after = self.farm_row("dns")
        self.assertEqual(after["packets_in"] - before["packets_in"], 6)
        self.assertEqual(after["packets_out"] - before["packets_out"], 6)
        self.assertEqual(after["total_connections"], 0)
        self.assertEqual(len({dns.dig(self.lab, DNS6, *FROM6) for _ in range(6)}), 1, "persistence counts here too")
        self.assertEqual({dns.dig(self.lab, topology.DSR.ipv4, *FROM) for _ in range(6)}, set(topology.SERVERS))
        farms = {row["farm"] for row in self.box.show("connections")["connections"]}
        self.assertEqual(farms & {"dns", "dns6", "dns-dsr"}, set())
        # A server answers for its connections as well: to the client of all ports from that address.
        self.assertEqual({dns.dig(self.lab, ALL, *FROM) for _ in range(3)} - set(topology.SERVERS), set())
        told = run(
            *inside(self.lab.box, str(self.box.cli), "explain", "udp", f"{topology.CLIENT_V4}:40000", f"{DNS}:53"),
            *("--runtime-dir", str(self.box.runtime_dir)),
        ).stdout
        self.assertIn("keeps no connections", told)
        self.assertIn("This packet goes to server", " ".join(told.split()))


if __name__ == "__main__":
    unittest.main()
