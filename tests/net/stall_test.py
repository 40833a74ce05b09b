"""The box stands still for a moment, like a virtual machine that is moved or a machine that swaps: no server is blamed
for it."""

import signal
import time
import unittest

from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import namespaces, web
from tools.labkit.topology import NAT

STALL_S = 1.5  # several intervals of the check, and longer than both of its failures in a row take


class Stall(LabCase):
    def verdicts(self):
        """What the trail says about servers, in words, the oldest first."""
        return [event for event in self.box.show("events")["events"] if event["kind"] == "server"]

    def stall(self, *daemons):
        before = len(self.verdicts())
        pids = [daemon.pid() for daemon in daemons]
        for pid in pids:
            namespaces.send_signal(pid, signal.SIGSTOP)
        try:
            time.sleep(STALL_S)
        finally:
            for pid in pids:
                namespaces.send_signal(pid, signal.SIGCONT)
        # A server that dies is seen, so the checks go on; and nothing else was seen until then.
        self.addCleanup(self.box.wait_for_servers, ALL_UP, 10)
        self.addCleanup(self.servers["s2"].start)
        self.servers["s2"].kill()
        self.box.wait_for_servers({"s1": "up", "s2": "down", "s3": "up"}, 10)
        told = self.verdicts()[before:]
        self.assertTrue(told)
        for event in told:
            self.assertTrue(event["object"].startswith("s2 of farm "), event)
            self.assertIn("connection refused", event["text"], event)
        self.assertIn(web.curl(self.lab, f"http://{NAT.ipv4}/").strip(), ("s1", "s3"))

    def test_dataplane(self):
        self.stall(self.box.dataplane)

    def test_control(self):
        self.stall(self.box.control)

    def test_both(self):
        self.stall(self.box.dataplane, self.box.control)


if __name__ == "__main__":
    unittest.main()
