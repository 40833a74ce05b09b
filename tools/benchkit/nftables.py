"""nftables as a peer: a network namespace that translates, and one that sends to it."""

import contextlib
import json
import os
import pathlib
import re

from tools.benchkit.contenders import BenchError, Ours
from tools.labkit.namespaces import LabError, batch, inside, run, sysctl

SERVERS = 100
SERVICE = "198.51.100.10"
BOX_MAC = "02:00:00:00:00:01"  # whom the packets are for (tests/bench/flows.h)
_MAP = ", ".join(f"{n} : 10.1.1.{10 + n}" for n in range(SERVERS))
_RULES = f"""
table ip bench {{
  counter translated {{ }}
  chain in {{
    type nat hook prerouting priority dstnat;
    ip daddr {SERVICE} tcp dport 80 dnat to jhash ip saddr . tcp sport mod {SERVERS} map {{ {_MAP} }}
  }}
  chain through {{
    type filter hook forward priority filter;
    ip daddr 10.1.1.0/24 counter name translated
  }}
}}
"""


class Nftables:
    """Translates by connection tracking and counts what came out translated."""

    _WARM_UP_MS = 300

    def __init__(self, program, flows, core, scratch):
        self._box, self._sender = f"fb{os.getpid()}b", f"fb{os.getpid()}s"
        self._traffic = None
        try:
            self._make(core)
            self._traffic = Ours(
                program,
                scratch / "flood.log",
                prefix=inside(self._sender),
                live=flows,
                core=(core + 1) % (os.cpu_count() or 1),
            )
            self._traffic.ask("flood", "out", self._WARM_UP_MS)
            if self._translated() == 0:
                raise BenchError("nftables translates nothing")
        except LabError as error:
            self.close()
            raise BenchError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def _make(self, core):
        for name in (self._box, self._sender):
            run("ip", "netns", "add", name)
        run("ip", "-n", self._sender, "link", "add", "out", "type", "veth", "peer", "name", "in", "netns", self._box)
        batch(["link set lo up", "link set out up"], self._sender)
        sysctl(self._box, ipv4__ip_forward=1)
        lines = ["link set lo up", f"link set in address {BOX_MAC} up", "address add 203.0.113.1/24 dev in"]
        # A packet that was not translated has nowhere to go; one that was ends in a device that drops it.
        lines += [f"route add blackhole {SERVICE}", "link add sink type ifb", "link set sink arp off up"]
        lines += ["route add 10.1.1.0/24 dev sink"]
        batch(lines, self._box)
        run(*inside(self._box, "nft", "-f", "-"), input=_RULES)
        # A veth device polls, and so can have a thread for it, only with receive offload on, and polls for what comes
        # from a device that sends no large segments.
        run(*inside(self._box, "ethtool", "-K", "in", "gro", "on"))
        run(*inside(self._sender, "ethtool", "-K", "out", "tso", "off"))
        run(*inside(self._box, "sh", "-c", "echo 1 > /sys/class/net/in/threaded"))
        before = self._threads()
        if len(before) != 1:
            raise BenchError(f"{len(before)} kernel threads receive for the veth pair, not one")
        self._thread = before[0]
        os.sched_setaffinity(self._thread, {core})

    def _threads(self):
        """Kernel threads that poll a device called `in`, of this namespace as it is the newest."""
        found = []
        for process in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if process.name.isdigit() and re.match(r"napi/in-", (process / "comm").read_text()):
                    found.append(int(process.name))
        return found

    def _translated(self):
        shown = json.loads(run(*inside(self._box, "nft", "-j", "list", "counter", "ip", "bench", "translated")).stdout)
        return next(entry["counter"]["packets"] for entry in shown["nftables"] if "counter" in entry)

    def _spent_ns(self):
        return int(pathlib.Path(f"/proc/{self._thread}/schedstat").read_text().split()[0])

    def ns_per_packet(self, milliseconds):
        """One sample."""
        translated, spent = self._translated(), self._spent_ns()
        self._traffic.ask("flood", "out", milliseconds)
        passed = self._translated() - translated
        spent = self._spent_ns() - spent
        if passed == 0 or spent == 0:
            raise BenchError(f"nftables: {passed} packets translated in {spent} ns of its thread")
        return spent / passed

    def close(self):
        """Takes the namespaces and all that is in them away."""
        if self._traffic:
            self._traffic.close()
        for name in (self._sender, self._box):
            run("ip", "netns", "del", name, check=False)
