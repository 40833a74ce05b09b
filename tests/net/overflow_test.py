"""A dataplane that is held up loses packets before it receives them: each of them is counted."""

import json
import pathlib
import signal
import socket
import unittest

from tests.net.labcase import LabCase
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import entered, inside, run, wait_until

RING = 256  # frames
SENT = 2000
PROFILES = pathlib.Path(__file__).resolve().parent.parent.parent / "nic-profiles"


class Overflow(LabCase):
    check = daemons.PATIENT_CHECK

    @classmethod
    def start_file(cls):
        folder = cls.lab.state / "profiles"
        folder.mkdir()
        usual = (PROFILES / "af_packet.cfg").read_text()
        small = usual.replace("framecnt=8192", f"framecnt={RING}")
        assert small != usual
        (folder / "af_packet.cfg").write_text(small)
        return daemons.dataplane_configuration(cls.lab, cls.box.runtime_dir) + f'profile_dir = "{folder}";\n'

    def came_to_the_interface(self):
        """How many frames Linux says it handed to the front port's interface."""
        shown = run(*inside(self.lab.box, "ip", "-s", "-j", "link", "show", "veth-front")).stdout
        return json.loads(shown)[0]["stats64"]["rx"]["packets"]

    def front(self):
        """(received, lost for want of room, all frames that came) of the front port at one moment of rest."""

        def at_rest():
            came = self.came_to_the_interface()
            answer = self.box.show("drops")
            received = next(row["received_packets"] for row in answer["ports"] if row["name"] == "front")
            lost = sum(row["packets"] for row in answer["lost_before_receive"] if row["port"] == "front")
            return came == self.came_to_the_interface() and (received, lost, came)

        return wait_until(at_rest, 10, "the front port to come to rest")

    def balanced(self, before):
        received, lost, came = (now - then for now, then in zip(self.front(), before))
        return lost > 0 and received + lost == came

    def test_what_finds_the_ring_full_is_counted(self):
        web.curl(self.lab, f"http://{topology.NAT.ipv4}/")  # the client knows the box's MAC now
        wait_until(lambda: self.front() and self.balanced_at_start(), 10, "the accounts to balance before the test")
        before = self.front()
        with entered(self.lab.client):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.box.dataplane.send(signal.SIGSTOP)
        self.addCleanup(self.box.dataplane.send, signal.SIGCONT)
        wait_until(self.all_threads_stopped, 5, "the dataplane to stop")
        with client:
            for _ in range(SENT):
                client.sendto(b"x", (topology.NAT.ipv4, 9))
        self.box.dataplane.send(signal.SIGCONT)
        wait_until(lambda: self.balanced(before), 10, "every frame to be received or counted as lost")
        received, lost, _ = (now - then for now, then in zip(self.front(), before))
        self.assertGreaterEqual(lost, SENT - RING)
        self.assertGreaterEqual(received + lost, SENT)
        row = self.box.show("drops")["lost_before_receive"][0]
        self.assertEqual((row["port"], row["reason"]), ("front", "ring_full"))
        command = (str(self.box.cli), "show", "drops", "--runtime-dir", str(self.box.runtime_dir))
        page = run(*inside(self.lab.box, *command))
        self.assertIn("LOST BEFORE RECEIVE", page.stdout)

    def all_threads_stopped(self):
        tasks = pathlib.Path(f"/proc/{self.box.dataplane.pid()}/task").iterdir()
        return all((task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for task in tasks)

    def balanced_at_start(self):
        """Nothing waits in the ring: two looks a moment apart find the same difference of Linux's count and ours."""
        first, second = self.front(), self.front()
        return first[2] - first[0] - first[1] == second[2] - second[0] - second[1]


if __name__ == "__main__":
    unittest.main()
