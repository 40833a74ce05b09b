"""The base of the net tests: a lab per class, Fulcrum running in it, and the accounts checked after each test."""

import functools
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import unittest

from tools.labkit import daemons, topology, web
from tools.labkit.daemons import Box
from tools.labkit.namespaces import LabError, inside

BUILD = pathlib.Path(os.environ.get("FULCRUM_BUILD", "build-release"))
ALL_UP = {name: "up" for name in topology.SERVERS}
WAYS = [(farm, family) for farm in topology.FARMS for family in ("ipv4", "ipv6")]
CLIENT_PROGRAM = pathlib.Path(__file__).resolve().parent / "client.py"


class LabCase(unittest.TestCase):
    """Tests in this class share one lab; each begins with all servers up."""

    check = daemons.FAST_CHECK
    server_ports = (80,)
    lab: topology.Lab
    box: Box
    servers: dict

    @classmethod
    def setUpClass(cls):
        cls.lab = topology.Lab("ftest")
        cls.enterClassContext(cls.lab.locked())
        cls.addClassCleanup(cls.lab.down)
        cls.lab.up()
        cls.servers = web.start_all(cls.lab, cls.server_ports)
        cls.box = Box(cls.lab, BUILD)
        cls.box.configure(dataplane=cls.start_file(), control=cls.configuration())
        cls.start_box()

    @classmethod
    def start_box(cls):
        """Starts both daemons; all servers are up then."""
        cls.box.start()

    @classmethod
    def start_file(cls):
        """The text of dataplane.cfg for these tests; None: the usual one."""
        return None

    @classmethod
    def configuration(cls, weights=None):
        """The text of fulcrum.cfg for these tests."""
        return daemons.control_configuration(cls.box.runtime_dir, weights, cls.check)

    def tearDown(self):
        # Also when a test leaves one of the two dead: the accounts outlive both.
        for daemon in (self.box.dataplane, self.box.control):
            if daemon.pid() is None:
                daemon.start()
        self.check_accounts()

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failures:
            for daemon in (self.box.dataplane, self.box.control):
                print(f"# last words of {daemon.program.name}:")
                for line in daemon.last_words().splitlines():
                    print(f"#   {line}")
            sys.stdout.flush()

    def check_accounts(self):
        """Every packet in is a packet out, a packet to Linux, or a drop with a name."""
        drops = self.box.accounts_at_rest()
        came = drops["received"] + drops["from_linux"]
        went = drops["sent"] + drops["punted"] + sum(drops["drops"].values())
        self.assertEqual(drops["unaccounted"], 0, drops)
        self.assertEqual(came, went, drops)
        return drops

    def start_client(self, *arguments):
        """Starts the program client.py in the client's namespace."""
        command = inside(self.lab.client, sys.executable, str(CLIENT_PROGRAM), *map(str, arguments))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, **pipes, text=True)

    def config(self, verb, **words):
        """A request to the configuration desk (control/surface/local/configuration_desk.h)."""
        return self.request({"config": verb, **words})

    def request(self, question):
        """A question of the local socket (control/surface/local/answers.h)."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.box.runtime_dir / "control.sock"))
            line.sendall(json.dumps(question).encode() + b"\n")
            answer = json.loads(line.makefile().readline())
        self.assertNotIn("error", answer)
        return answer

    def start_download(self, farm, family, megabytes_per_s, size=web.BIG_SIZE):
        """Starts a download of the big file, or of its first `size` bytes, at a pace, so that something can happen
        meanwhile. What nobody reads yet stops it after a few megabytes, which is all that the kernel and curl hold."""
        command = inside(
            self.lab.client,
            "curl",
            *("-sS", "--fail", "--max-time", "60", "--limit-rate", f"{megabytes_per_s}M"),
            *("--range", f"0-{size - 1}", "--write-out", "%{stderr}%header{x-server}"),
            f"http://{farm.address(family)}/big",
        )
        return Download(command)


class Download:
    """A running curl whose output is hashed as it comes."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.received = 0
        self._hash = hashlib.sha256()

    def read_until(self, size):
        """Reads on until so many bytes came in all."""
        while self.received < size and (piece := self._process.stdout.read1(1 << 16)):
            self._hash.update(piece)
            self.received += len(piece)
        return self.received >= size

    def leave(self):
        """Ends curl, whatever it has got."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()

    def finish(self):
        """Reads the rest. (the checksum, or None when curl failed; what curl says: the server's name or an error)"""
        while piece := self._process.stdout.read1(1 << 20):
            self._hash.update(piece)
            self.received += len(piece)
        words = self._process.stderr.read().decode(errors="replace").strip()
        self._process.stdout.close()
        self._process.stderr.close()
        return (self._hash.hexdigest() if self._process.wait() == 0 else None), words


@functools.cache
def big_checksum(size=web.BIG_SIZE):
    """The checksum that every download of the big file, or of its first `size` bytes, must have."""
    digest = hashlib.sha256()
    for piece in web.big_content(size):
        digest.update(piece)
    return digest.hexdigest()


__all__ = ["ALL_UP", "BUILD", "WAYS", "Download", "LabCase", "LabError", "big_checksum"]
