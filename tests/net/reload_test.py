"""SIGHUP: a good configuration is taken over without disturbing what runs, a bad one changes nothing and is named."""

import signal
import unittest

from tests.net.labcase import ALL_UP, LabCase, big_checksum
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import wait_until

DOWNLOAD = 40_000_000
URL = f"http://{topology.NAT.ipv4}/"


class Reload(LabCase):
    check = daemons.PATIENT_CHECK

    def tearDown(self):
        self.apply(self.configuration())
        self.box.wait_for_servers(ALL_UP, 10)
        super().tearDown()

    def apply(self, text):
        """Writes the file and asks control to read it."""
        self.box.control.configuration.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.box.control.send(signal.SIGHUP)

    def who_answers(self, count=6):
        return sorted(web.curl(self.lab, URL).strip() for _ in range(count))

    def test_weights_take_effect(self):
        self.apply(self.configuration({"s1": 1, "s2": 2, "s3": 3}))
        wanted = ["s1", "s2", "s2", "s3", "s3", "s3"]
        # A round of the new sequence begins anywhere in it; any six in a row are one whole round.
        wait_until(lambda: self.who_answers() == wanted, 10, "the new weights")

    def test_a_removed_server_gets_nothing_new(self):
        download = self.start_download(topology.NAT, "ipv4", 30, DOWNLOAD)
        self.assertTrue(download.read_until(5_000_000))
        self.apply(self.configuration({"s1": 1, "s3": 1}))
        wait_until(lambda: ("shop-nat", "s2") not in self.box.server_states(), 10, "s2 to leave the farm")
        wait_until(lambda: "s2" not in self.who_answers(), 10, "s2 to get no request")
        self.assertEqual(self.who_answers(), ["s1", "s1", "s1", "s3", "s3", "s3"])
        digest, words = download.finish()
        if words != "s2":
            self.assertEqual(digest, big_checksum(DOWNLOAD), words)

    def test_a_rename_cuts_nothing(self):
        downloads = [self.start_download(topology.NAT, "ipv4", 20, DOWNLOAD) for _ in range(3)]  # one from each server
        for download in downloads:
            self.assertTrue(download.read_until(2_000_000))
        swapped = self.configuration().replace('"s1"', '"sx"').replace('"s2"', '"s1"').replace('"sx"', '"s2"')
        renamed = swapped.replace('"s3"', '"tres"').replace('"shop-nat"', '"boutique"')
        self.apply(renamed)
        wait_until(lambda: ("boutique", "tres") in self.box.server_states(), 10, "the new names")
        for download in downloads:
            self.assertEqual(download.finish()[0], big_checksum(DOWNLOAD))
        drops = {drop["reason"] for drop in self.box.show("drops")["drops"]}
        self.assertNotIn("server_gone", drops)

    def rejected(self, text, *sentences):
        """The bad text is refused with these words, and the old configuration goes on."""
        before = len(self.box.control.log.read_bytes())
        before_names = self.farm_names()
        self.apply(text)

        def said():
            return self.box.control.log.read_bytes()[before:].decode(errors="replace")

        wait_until(lambda: all(sentence in said() for sentence in sentences), 10, f"{sentences} in control's log")
        self.assertEqual(self.who_answers(), ["s1", "s1", "s2", "s2", "s3", "s3"])
        self.assertEqual(self.farm_names(), before_names)

    def farm_names(self):
        return [farm["name"] for farm in self.box.show("farms")["farms"]]

    def test_unknown_key(self):
        good = self.configuration()
        self.rejected(good.replace("scheduler", "sheduler"), "sheduler", "fulcrum.cfg:")

    def test_all_problems_at_once(self):
        good = self.configuration()
        bad = good.replace("port = 80;", "port = 70000;").replace('mode = "dsr"', 'mode = "dst"')
        self.rejected(bad, "70000", "dst", "fulcrum.cfg:")

    def test_empty_file(self):
        self.rejected("", "fulcrum.cfg")

    def test_binary_garbage(self):
        self.rejected(bytes(range(256)) * 16, "fulcrum.cfg")

    def test_missing_file(self):
        configuration = self.box.control.configuration
        before = len(self.box.control.log.read_bytes())
        configuration.unlink()
        self.box.control.send(signal.SIGHUP)
        wait_until(lambda: b"fulcrum.cfg" in self.box.control.log.read_bytes()[before:], 10, "a sentence in the log")
        self.assertEqual(self.who_answers(), ["s1", "s1", "s2", "s2", "s3", "s3"])


if __name__ == "__main__":
    unittest.main()
