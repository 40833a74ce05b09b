"""Either process is killed with -9 and started again. Control's death costs no request; the dataplane's death costs the
packets of a moment, which TCP sends again, and no connection."""

import concurrent.futures
import json
import signal
import unittest

from tests.net.labcase import ALL_UP, WAYS, LabCase, big_checksum
from tools.labkit import daemons, namespaces, topology, web
from tools.labkit.namespaces import inside, run, wait_until

REQUESTS = 10_000
DOWNLOAD = 40_000_000


class Restart(LabCase):
    check = daemons.PATIENT_CHECK

    def control_dies_during_requests(self, address):
        client = self.start_client("requests", address, REQUESTS, 16)
        self.wait_for_progress(client, 2000)
        self.box.control.kill()
        self.wait_for_progress(client, 5000)
        self.box.control.start()
        self.box.wait_for_servers(ALL_UP, 10)
        output, errors = client.communicate(timeout=120)
        self.assertEqual(client.returncode, 0, errors)
        result = json.loads(output)
        self.assertEqual(result["failures"], {})
        self.assertEqual(result["answered"], REQUESTS)
        self.assertEqual(set(result["servers"]), set(topology.SERVERS))

    @staticmethod
    def wait_for_progress(client, count):
        """Reads the client's progress until it has begun its request number `count`."""
        for line in client.stderr:
            if line.strip().isdigit() and int(line) >= count:
                return
        raise AssertionError("the client ended early")

    def test_control_dies_nat_ipv4(self):
        self.control_dies_during_requests(topology.NAT.ipv4)

    def test_control_dies_dsr_ipv6(self):
        self.control_dies_during_requests(topology.DSR.ipv6)

    def downloads_under_way(self):
        """A download each way, every one of them well begun, far from its end and read on by a thread of its own. What
        each will say in the end: {(farm, family): future}."""
        downloads = {way: self.start_download(*way, 20, DOWNLOAD) for way in WAYS}
        for download in downloads.values():
            self.assertTrue(download.read_until(5_000_000))
        readers = self.enterContext(concurrent.futures.ThreadPoolExecutor(len(WAYS)))
        return {way: readers.submit(download.finish) for way, download in downloads.items()}

    def assert_all_finish(self, downloads):
        """Whatever happened meanwhile, every byte comes and is right."""
        for (farm, family), download in downloads.items():
            with self.subTest(mode=farm.mode, family=family):
                digest, words = download.result()
                self.assertEqual(digest, big_checksum(DOWNLOAD), words)

    def test_dataplane_dies(self):
        downloads = self.downloads_under_way()
        self.box.dataplane.kill()
        self.box.dataplane.start()
        self.assert_all_finish(downloads)
        self.box.wait_for_servers(ALL_UP, 10)
        for farm, family in WAYS:
            web.curl(self.lab, f"http://{farm.address(family)}/")

    def dataplane_comes_back_alone(self, away):
        """Control is dead when the dataplane comes back: the downloads go on, new connections and pings are answered,
        as if it were there."""
        self.addCleanup(self.box.wait_for_servers, ALL_UP, 10)
        self.addCleanup(self.box.start)
        downloads = self.downloads_under_way()
        away()
        self.box.dataplane.start()
        self.assert_all_finish(downloads)
        for farm, family in WAYS:
            with self.subTest(mode=farm.mode, family=family):
                self.forget_neighbours()
                self.assert_ping_answered(family)
                answers = {web.curl(self.lab, f"http://{farm.address(family)}/").strip() for _ in range(6)}
                self.assertEqual(answers, set(topology.SERVERS))
        self.assertIsNone(self.box.control.pid(), "control is dead")

    def forget_neighbours(self):
        """So that the client must ask for the box's addresses again."""
        run("ip", "-n", self.lab.client, "neigh", "flush", "all")

    def assert_ping_answered(self, family):
        box = topology.BOX_ADDRESSES["front"][0 if family == "ipv4" else 1].split("/")[0]
        run(*inside(self.lab.client, "ping", "-c", "3", "-i", "0.2", "-W", "2", box))

    def both_killed(self):
        self.box.control.kill()
        self.box.dataplane.kill()

    def stopped_one_after_the_other(self):
        """The dataplane is away while control still looks after everything; then control goes too."""
        pid = self.box.dataplane.pid()
        self.box.dataplane.send(signal.SIGTERM)
        wait_until(lambda: not namespaces.alive(pid), 10, "the dataplane to stop")
        wait_until(lambda: not self.box.show("version")["dataplane"]["alive"], 10, "control to notice")
        self.box.control.kill()

    def test_dataplane_comes_back_alone(self):
        self.dataplane_comes_back_alone(self.both_killed)

    def test_dataplane_stopped_before_control(self):
        self.dataplane_comes_back_alone(self.stopped_one_after_the_other)

    def test_both_die(self):
        downloads = self.downloads_under_way()
        self.box.dataplane.kill()
        self.box.control.kill()
        self.box.control.start()
        self.box.dataplane.start()
        self.assert_all_finish(downloads)
        self.box.wait_for_servers(ALL_UP, 10)

    def say(self, verb, server):
        run(*inside(self.lab.box, str(self.box.cli), verb, server, "--runtime-dir", str(self.box.runtime_dir)))

    def test_what_an_operator_said_outlives_both(self):
        name = f"{topology.NAT.name}/s2"
        self.say("maintenance", name)
        self.addCleanup(self.say, "enable", name)
        self.both_killed()
        self.box.dataplane.start()
        self.box.control.start()
        self.box.wait_for_servers(ALL_UP, 10)
        answers = {web.curl(self.lab, f"http://{topology.NAT.ipv4}/").strip() for _ in range(6)}
        self.assertEqual(answers, {"s1", "s3"})
        (said,) = {
            str(row["operator"] and row["operator"]["state"]["value"])
            for row in self.box.show("servers")["servers"]
            if (row["farm"], row["name"]) == (topology.NAT.name, "s2")
        }
        self.assertEqual(said, "maintenance")

    def test_traffic_goes_on_without_control(self):
        self.box.control.kill()
        answers = {web.curl(self.lab, f"http://{topology.NAT.ipv4}/").strip() for _ in range(6)}
        self.assertEqual(answers, set(topology.SERVERS))
        self.assertIsNone(self.box.show("farms"), "nobody answers for a dead control")
        self.box.control.start()
        wait_until(lambda: self.box.show("farms"), 10, "control to answer again")
        self.box.wait_for_servers(ALL_UP, 10)


if __name__ == "__main__":
    unittest.main()
