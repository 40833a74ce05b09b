"""The example files run, as tools/demo runs them: both daemons start from them, and the farms that they describe
answer."""

import unittest

from tests.net.labcase import LabCase
from tools.labkit import examples, topology, web
from tools.labkit.namespaces import run


class Examples(LabCase):
    server_ports = examples.SERVER_PORTS

    @classmethod
    def start_file(cls):
        return examples.texts(cls.lab, cls.box.runtime_dir)[0]

    @classmethod
    def configuration(cls, weights=None):
        return examples.texts(cls.lab, cls.box.runtime_dir)[1]

    def test_every_farm_answers(self):
        # NAT over both ports and both versions of IP, DSR, and a range of ports; by turns, so all are met.
        for url, servers in (
            ("http://198.51.100.10/", {"s1", "s2", "s3"}),
            ("http://198.51.100.10:443/", {"s1", "s2", "s3"}),
            ("http://[2001:db8:1::10]/", {"s1", "s2", "s3"}),
            ("http://198.51.100.20/", {"s1", "s2", "s3"}),
            ("http://[2001:db8:1::20]/", {"s1", "s2", "s3"}),
        ):
            with self.subTest(url=url):
                self.assertEqual({web.curl(self.lab, url).strip() for _ in range(6)}, servers)
        with self.subTest("a range of ports, whose clients stay where they are"):
            answers = {web.curl(self.lab, f"http://198.51.100.30:{port}/").strip() for port in (8000, 8001, 8002)}
            self.assertEqual(len(answers), 1)
            self.assertLessEqual(answers, {"s1", "s2"})

    def test_names_are_those_of_the_lab(self):
        farms = {farm.name for farm in examples.FARMS}
        players = {(farm, examples.player(name)) for farm, name in self.box.server_states() if farm in farms}
        self.assertEqual(players, {(farm, name) for farm in farms for name in topology.SERVERS})

    def test_the_demo_changes_only_what_names_the_machine(self):
        for file, text in zip((examples.DATAPLANE, examples.CONTROL), examples.texts(self.lab, self.box.runtime_dir)):
            lines = zip((examples.ROOT / file).read_text().splitlines(), text.splitlines(), strict=True)
            changed = {own.split("=")[0].strip() for example, own in lines if example != own}
            self.assertLessEqual(
                changed,
                {"runtime_dir", "memory_mb", "connections", "idle", "worker_cores", "twin_namespace", "{ name"},
            )
        self.assertEqual(changed, {"runtime_dir"}, "of fulcrum.cfg")

    def test_they_pass_the_check(self):
        for daemon in (self.box.dataplane, self.box.control):
            done = run(str(daemon.program), "--config", str(daemon.configuration), "--check")
            self.assertEqual(done.stdout + done.stderr, "")


if __name__ == "__main__":
    unittest.main()
