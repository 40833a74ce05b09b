"""Real clients reach real servers through the box, by NAT and DSR, over IPv4 and IPv6, and every byte is right."""

import json
import os
import socket
import struct
import unittest

from tests.net.labcase import LabCase, big_checksum
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import entered, wait_until

NAT, DSR = topology.NAT, topology.DSR


def checksum(packet):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Traffic(LabCase):
    check = daemons.PATIENT_CHECK

    def every_server_answers(self, farm, family):
        url = f"http://{farm.address(family)}/"
        answers = [web.curl(self.lab, url).strip() for _ in range(6)]
        self.assertEqual(sorted(answers), sorted(2 * topology.SERVERS), "round robin with equal weights")

    def test_curl_nat_ipv4(self):
        self.every_server_answers(NAT, "ipv4")

    def test_curl_nat_ipv6(self):
        self.every_server_answers(NAT, "ipv6")

    def test_curl_dsr_ipv4(self):
        self.every_server_answers(DSR, "ipv4")

    def test_curl_dsr_ipv6(self):
        self.every_server_answers(DSR, "ipv6")

    def download_is_right(self, farm, family):
        digest, words = self.start_download(farm, family, 1000).finish()
        self.assertEqual(digest, big_checksum(), words)

    def test_download_nat_ipv4(self):
        self.download_is_right(NAT, "ipv4")

    def test_download_nat_ipv6(self):
        self.download_is_right(NAT, "ipv6")

    def test_download_dsr_ipv4(self):
        self.download_is_right(DSR, "ipv4")

    def test_download_dsr_ipv6(self):
        self.download_is_right(DSR, "ipv6")

    def five_hundred(self, address):
        client = self.start_client("parallel", address, 500, 300_000)
        output, errors = client.communicate(timeout=120)
        self.assertEqual(client.returncode, 0, errors)
        self.assertEqual(json.loads(output), {"right": 500, "failures": {}})

    def test_500_parallel_downloads_nat_ipv4(self):
        self.five_hundred(NAT.ipv4)

    def test_500_parallel_downloads_nat_ipv6(self):
        self.five_hundred(NAT.ipv6)

    def test_500_parallel_downloads_dsr_ipv4(self):
        self.five_hundred(DSR.ipv4)

    def test_500_parallel_downloads_dsr_ipv6(self):
        self.five_hundred(DSR.ipv6)

    def test_servers_see_the_client_itself(self):
        for farm in (NAT, DSR):
            for family, client in (("ipv4", topology.CLIENT_V4), ("ipv6", topology.CLIENT_V6)):
                path = f"/who-{farm.name}-{family}"
                log = self.servers[web.curl(self.lab, f"http://{farm.address(family)}{path}").strip()].log
                # nginx writes the line after the answer, and others' may come later still.
                lines = wait_until(lambda: [a for a in log.read_text().splitlines() if a.endswith(path)], 5, "the log")
                line = lines[-1]
                self.assertEqual(line.split()[2], client, line)

    def test_box_answers_ping(self):
        with entered(self.lab.client):
            echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with echo:
            echo.settimeout(5)
            for address in ("198.51.100.1", NAT.ipv4):
                identity = os.getpid() & 0xFFFF
                body = struct.pack("!HH", identity, 1) + b"fulcrum!"
                request = struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + body)) + body
                echo.sendto(request, (address, 0))
                packet, sender = echo.recvfrom(2048)
                self.assertEqual((sender[0], packet[20], packet[24:]), (address, 0, body))

    def test_a_port_that_no_farm_serves_is_a_named_drop(self):
        before = self.box.accounts()["drops"].get("no_service", 0)
        with entered(self.lab.client):
            stray = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stray:
            stray.sendto(b"anybody?", (NAT.ipv4, 81))
        wait_until(lambda: self.box.accounts()["drops"].get("no_service", 0) > before, 5, "the drop to be counted")


if __name__ == "__main__":
    unittest.main()
