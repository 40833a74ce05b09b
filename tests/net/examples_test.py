"""The example files run: both daemons start from them, and the farms that they describe answer. Only what names the
machine is another: the cores, the memory and the devices of dataplane.cfg, the runtime directory of both."""

import pathlib
import re
import unittest

from tests.net.labcase import LabCase
from tools.labkit import topology, web
from tools.labkit.namespaces import batch, run, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The example's servers, in the lab's namespaces. web1 to web3 have the addresses that the lab's servers have.
CACHES = {"s1": ("198.51.100.31", "2001:db8:1::31"), "s2": ("198.51.100.32", "2001:db8:1::32")}
SERVER_PORTS = (53, 8080, 8443, *range(9000, 9003))


class Examples(LabCase):
    @classmethod
    def start_file(cls):
        text = (ROOT / "dataplane/app/dataplane.cfg.example").read_text()
        for found, instead in (
            (r'runtime_dir = "/run/fulcrum"', f'runtime_dir = "{cls.box.runtime_dir}"'),
            (r"memory_mb = \d+", "memory_mb = 128"),
            (r"connections = \d+", "connections = 100000"),
            (r'idle = "spin"', 'idle = "sleep"'),
            (r"worker_cores = \[[^]]*\]", "worker_cores = [ 0 ]"),
            (r'twin_namespace = "fulcrum"', f'twin_namespace = "{cls.lab.twin}"'),
            (r'profile = "ixgbe"; device = "0000:03:00.0"', 'profile = "af_packet"; device = "veth-front"'),
            (r'profile = "ixgbe"; device = "0000:03:00.1"', 'profile = "af_packet"; device = "veth-back"'),
        ):
            text, count = re.subn(rf"(?m)^(?!#)(.*){found}", lambda match: match.group(1) + instead, text)
            assert count == 1, f"the example has {count} lines with {found}"
        return text

    @classmethod
    def configuration(cls, weights=None):
        text = (ROOT / "control/app/fulcrum.cfg.example").read_text()
        # In the lab a server has this address.
        text = text.replace('"198.51.100.11"', '"198.51.100.40"')
        return text.replace("version = 1;", f'version = 1;\nruntime_dir = "{cls.box.runtime_dir}";', 1)

    @classmethod
    def start_box(cls):
        """The services that the example's farms lead to, then the daemons."""
        for name, addresses in CACHES.items():
            batch([f"address add {addresses[0]}/24 dev front", f"address add {addresses[1]}/64 dev front nodad"],
                  cls.lab.server(name))
        for server in cls.servers.values():
            server.listen_also(SERVER_PORTS)
        cls.box.dataplane.start()
        cls.box.control.start()

    def test_every_farm_answers(self):
        wait_until(self.all_up, 30, "the example's servers to be up")
        # NAT over both ports and both versions of IP, DSR, and a range of ports; by turns, so all are met.
        for url, servers in (
            ("http://198.51.100.10/", {"s1", "s2", "s3"}),
            ("http://198.51.100.10:443/", {"s1", "s2", "s3"}),
            ("http://[2001:db8:1::10]/", {"s1", "s2"}),
            ("http://198.51.100.20/", {"s1", "s2"}),
            ("http://[2001:db8:1::20]/", {"s1", "s2"}),
            ("http://198.51.100.40:8000/", {"s1", "s2"}),
            ("http://198.51.100.40:8002/", {"s1", "s2"}),
        ):
            with self.subTest(url=url):
                self.assertIn(web.curl(self.lab, url).strip(), servers)

    def all_up(self):
        answer = self.box.show("servers")
        return answer and answer["servers"] and all(row["since"] and row["state"] == "up" for row in answer["servers"])

    def test_they_pass_the_check(self):
        for daemon in (self.box.dataplane, self.box.control):
            done = run(str(daemon.program), "--config", str(daemon.configuration), "--check")
            self.assertEqual(done.stdout + done.stderr, "")


if __name__ == "__main__":
    unittest.main()
