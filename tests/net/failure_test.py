"""A server dies under load: new connections stop going to it as soon as the health check says so, connections to the
others do not notice, and it is used again when it comes back."""

import json
import time
import unittest

from tests.net.labcase import ALL_UP, WAYS, LabCase, big_checksum
from tools.labkit import topology, web
from tools.labkit.load import Load
from tools.labkit.namespaces import inside, run, wait_until
from tools.labkit.watch import SynWatch

BOX = [address for port in topology.BOX_ADDRESSES.values() for address in port]
# Between the moment when we see "down" and the kernel's stamp on a SYN lie the loops of two busy cores.
SLACK_S = 0.1
# More than the buffers between a server and a client who does not read hold, so each download outlives the death.
DOWNLOAD = 30_000_000


class Failure(LabCase):
    def server_dies_under_load(self, farm, family):
        watch = SynWatch(self.lab.server("s2"), farm.leg, BOX)
        downloads = [self.start_download(farm, family, 30, DOWNLOAD) for _ in range(6)]
        for download in downloads:
            download.read_until(1_000_000)
        load = Load(self.lab, f"http://{farm.address(family)}/", 60)
        try:
            self.servers["s2"].kill()
            self.box.wait_for_servers({"s1": "up", "s2": "down", "s3": "up"}, 10)
            down_at = time.time()
            # From here on nobody can meet the dead server, so nothing may fail.
            clean = Load(self.lab, f"http://{farm.address(family)}/", 1).wait()
            self.assertEqual((clean.failed, clean.requests > 0), (0, True), clean)
            finished = [download.finish() for download in downloads]
        finally:
            load.stop()
            syns = watch.stop()
            self.servers["s2"].start()
            self.box.wait_for_servers(ALL_UP, 10)
        self.assertEqual([seen - down_at for seen in syns if seen > down_at + SLACK_S], [])
        self.assertTrue(syns, "the load never reached s2")
        right = [words for digest, words in finished if digest == big_checksum(DOWNLOAD)]
        self.assertEqual(sorted(right), ["s1", "s1", "s3", "s3"], finished)
        answers = {web.curl(self.lab, f"http://{farm.address(family)}/").strip() for _ in range(6)}
        self.assertEqual(answers, set(topology.SERVERS), "s2 is back")

    def test_nat_ipv4(self):
        self.server_dies_under_load(topology.NAT, "ipv4")

    def test_nat_ipv6(self):
        self.server_dies_under_load(topology.NAT, "ipv6")

    def test_dsr_ipv4(self):
        self.server_dies_under_load(topology.DSR, "ipv4")

    def test_dsr_ipv6(self):
        self.server_dies_under_load(topology.DSR, "ipv6")

    def test_network_card_is_replaced(self):
        """A server comes back with other MACs and tells nobody. All its clients find it, each way by itself."""
        server = self.lab.server("s1")
        before = {farm.leg: self.mac(server, farm.leg) for farm in topology.FARMS}
        after = {leg: f"02:00:00:00:99:{number:02x}" for number, leg in enumerate(before, 1)}
        for leg, address in before.items():
            self.addCleanup(run, "ip", "-n", server, "link", "set", leg, "address", address)
        for addresses in (after, before):
            for leg, address in addresses.items():
                run("ip", "-n", server, "link", "set", leg, "address", address)
            for farm, family in WAYS:
                with self.subTest(mode=farm.mode, family=family, address=addresses[farm.leg]):
                    wait_until(lambda: self.answers_once(farm, family, "s1"), 15, "traffic to reach s1", 0.1)
        self.box.wait_for_servers(ALL_UP, 10)

    def test_a_port_loses_its_link(self):
        """Somebody pulls a cable: the log, an alarm, an event and the list of ports say which."""
        self.addCleanup(self.box.wait_for_servers, ALL_UP, 10)
        self.addCleanup(run, "ip", "-n", self.lab.net, "link", "set", "box-back", "up")
        run("ip", "-n", self.lab.net, "link", "set", "box-back", "down")
        wait_until(lambda: self.links() == {"front": "up", "back": "down"}, 10, "the port to be seen without a link")
        wait_until(lambda: "Port back has no link" in " ".join(self.alarms()), 10, "an alarm")
        self.assertIn("port back: no link", self.box.dataplane.last_words())
        run("ip", "-n", self.lab.net, "link", "set", "box-back", "up")
        wait_until(lambda: self.links() == {"front": "up", "back": "up"}, 10, "the port to have its link again")
        wait_until(lambda: not self.alarms(), 10, "the alarm to go")
        told = [event["text"] for event in self.box.show("events")["events"] if event["kind"] == "port"]
        self.assertEqual(sorted(text.split(":")[0] for text in told), ["has a link again", "has no link"])

    def links(self):
        """What the ports say of themselves: {port: word}."""
        answer = self.box.show("drops") or {"ports": []}
        return {port["name"]: port["link"] for port in answer["ports"]}

    def alarms(self):
        return self.box.show("farms")["dataplane"]["alarms"]

    @staticmethod
    def mac(server, leg):
        """The address of a server's interface."""
        return json.loads(run("ip", "-j", "-n", server, "link", "show", leg).stdout)[0]["address"]

    def answers_once(self, farm, family, server):
        """Whether the next three new connections reach the server."""
        url = f"http://{farm.address(family)}/"
        done = [run(*inside(self.lab.client, "curl", "-sgm", "0.5", url), check=False) for _ in range(3)]
        return server in {answer.stdout.strip() for answer in done}


if __name__ == "__main__":
    unittest.main()
