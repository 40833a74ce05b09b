"""Group `peers`: other load balancers from Debian's packages on the same capture file and sink, in the same run.

Open vSwitch with DPDK, as an administrator would set it up for the same job: connection tracking with DNAT to a range
of a hundred addresses, and a stateless select group of a hundred. Beside them, as fixed references, what VPP's lb
plugin, DPVS and Katran needed on a machine of this class, scaled by today's 5tswap: they are not packaged and cannot be
measured here. Those figures are medians of three runs; below fifteen per cent they say nothing.

nftables (DNAT by a hash of the client to a hundred servers) gets the same packets over a veth pair from a packet socket
on the other core; its figure is the time of the kernel thread that receives them, so its floor is not that of the rows
beside it.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from tools.benchkit import forward
from tools.benchkit.block import CAPTURE_FRAMES_MIN, packets_mb, region_mb
from tools.benchkit.contenders import BenchError, thread_ns
from tools.benchkit.nftables import Nftables
from tools.benchkit.rows import Row

SIZES = (1024, 65536)
SERVERS = 100
OVS_MB = 1024
SWITCH = pathlib.Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
SCHEMA = pathlib.Path("/usr/share/openvswitch/vswitch.ovsschema")

# ns per packet where 5tswap took 31.1 (1,024 flows) and 38.4 (65,536): measured on 22 November 2026, AMD EPYC, DPDK
# 22.11, one worker, 60-byte frames, 100 servers.
REFERENCE_5TSWAP = {1024: 31.1, 65536: 38.4}
REFERENCES = {
    "vpp-lb": {1024: 40.8, 65536: 55.5},
    "dpvs-dr": {1024: 96.7, 65536: 431.0},
    "dpvs-fullnat": {1024: 135.5, 65536: 593.0},
    "katran": {1024: 140.0, 65536: 425.0},
}


def megabytes(block):
    """Of huge pages, for all contenders of the block."""
    frames = max(block[1], CAPTURE_FRAMES_MIN)
    return region_mb(block[1]) + packets_mb(2 * frames) + packets_mb(frames) + 2 * (OVS_MB + 64)


class OpenVswitch:
    """A switch of its own beside whatever the machine runs: own database, own sockets, two ports. It polls for ever, so
    it is stopped between samples."""

    _SETTLE_S = 0.05
    _PATIENCE_S = 30

    def __init__(self, capture, flows, core, scratch):
        self._folder = scratch
        self._tracks = any("ct(" in words[-1] for words in flows)
        self._processes = []
        self._environment = {**os.environ, "OVS_RUNDIR": str(scratch), "OVS_LOGDIR": str(scratch)}
        try:
            self._start(core)
            self._add_ports(capture)
            self._set_flows(flows)
            self._check()
        except BaseException:
            self.close()
            raise
        self._switch.send_signal(signal.SIGSTOP)

    def _run(self, *words):
        done = subprocess.run(
            words, env=self._environment, capture_output=True, text=True, check=False, timeout=self._PATIENCE_S
        )
        if done.returncode != 0:
            raise BenchError(f"{words[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def _spawn(self, *words):
        log = (self._folder / f"{pathlib.Path(words[0]).name}.out").open("ab")
        process = subprocess.Popen(words, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def _vsctl(self, *words):
        return self._run("ovs-vsctl", f"--db=unix:{self._folder}/db.sock", "--timeout=20", *words)

    def _start(self, core):
        database = self._folder / "conf.db"
        self._run("ovsdb-tool", "create", str(database), str(SCHEMA))
        self._spawn("ovsdb-server", str(database), f"--remote=punix:{self._folder}/db.sock", "--no-chdir")
        self._wait(lambda: (self._folder / "db.sock").exists(), "its database does not start")
        extra = "--no-pci --in-memory --no-telemetry"
        settings = {"dpdk-init": "true", "pmd-cpu-mask": hex(1 << core), "dpdk-lcore-mask": "0x1"}
        settings |= {"dpdk-socket-mem": str(OVS_MB), "dpdk-extra": extra}
        self._vsctl("--no-wait", "init")
        words = [f'other_config:{name}="{value}"' for name, value in settings.items()]
        self._vsctl("--no-wait", "set", "Open_vSwitch", ".", *words)
        # In a network namespace of its own, which takes the devices that it makes for its bridge away with it.
        switch = ["unshare", "--net", str(SWITCH)]
        self._switch = self._spawn(*switch, f"unix:{self._folder}/db.sock", "--no-chdir", "--unixctl=switch.ctl")

    def _add_ports(self, capture):
        self._vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for name, arguments in {
            "source": f"net_pcap0,rx_pcap={capture},infinite_rx=1",
            "sink": "net_null0,no-rx=1",
        }.items():
            device = f'options:dpdk-devargs="{arguments}"'
            number = 1 if name == "source" else 2
            port = ["add-port", "br0", name, "--", "set", "Interface", name, "type=dpdk", device]
            self._vsctl(*port, f"ofport_request={number}")
            wrong = self._vsctl("get", "Interface", name, "error").strip()
            if wrong not in ("[]", ""):
                raise BenchError(f"Open vSwitch: port {name}: {wrong}")

    def _set_flows(self, flows):
        bridge = self._folder / "br0.mgmt"
        self._wait(bridge.exists, "its bridge does not come up")
        self._run("ovs-ofctl", "-O", "OpenFlow15", "del-flows", f"unix:{bridge}")
        for words in flows:
            self._run("ovs-ofctl", "-O", "OpenFlow15", words[0], f"unix:{bridge}", *words[1:])

    def _sent(self):
        shown = self._run("ovs-ofctl", "-O", "OpenFlow15", "dump-ports", f"unix:{self._folder}/br0.mgmt", "2")
        return int(re.search(r"tx pkts=(\d+)", shown)[1])

    def _pmd_ns(self):
        for task in pathlib.Path(f"/proc/{self._switch.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            if name.startswith("pmd-"):
                return thread_ns(self._switch.pid, name)
        raise BenchError("Open vSwitch has no forwarding thread")

    def _wait(self, condition, words):
        end = time.monotonic() + self._PATIENCE_S
        while not condition():
            if time.monotonic() > end or any(process.poll() is not None for process in self._processes):
                raise BenchError(f"Open vSwitch: {words} (its files are in {self._folder})")
            time.sleep(self._SETTLE_S)

    def _check(self):
        """Packets come out, and they are translated: the flows send on nothing else, and what is tracked says so."""
        self._wait(lambda: self._sent() > 0, "nothing is forwarded")
        if not self._tracks:
            return
        shown = self._run("ovs-appctl", "-t", str(self._folder / "switch.ctl"), "dpctl/dump-conntrack")
        translated = len(re.findall(r"reply=\(src=10\.1\.1\.", shown))
        if translated == 0 or translated != len(shown.splitlines()):
            raise BenchError(f"Open vSwitch translates {translated} of {len(shown.splitlines())} connections")

    def ns_per_packet(self, milliseconds):
        """One sample."""
        self._switch.send_signal(signal.SIGCONT)
        time.sleep(self._SETTLE_S)
        sent, spent = self._sent(), self._pmd_ns()
        sent_after, end = sent, time.monotonic() + self._PATIENCE_S
        while sent_after == sent:
            if time.monotonic() > end:
                raise BenchError("Open vSwitch forwards nothing")
            time.sleep(milliseconds / 1000)
            sent_after, spent_after = self._sent(), self._pmd_ns()
        self._switch.send_signal(signal.SIGSTOP)
        return (spent_after - spent) / (sent_after - sent)

    def close(self):
        """Ends switch and database."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []


def _nft(flows):
    def sample(block):
        if not shutil.which("nft"):
            raise BenchError("not installed: tools/setup bench")
        peer = block.contender(
            "nft", lambda: Nftables(block.settings.program, flows, block.settings.core, block.scratch)
        )
        return peer.ns_per_packet(block.settings.milliseconds)

    return sample


def _dnat_flows():
    servers = f"10.1.1.10-10.1.1.{9 + SERVERS}"
    return [
        ("add-flow", "table=0,priority=10,in_port=1,tcp,actions=ct(nat,table=1)"),
        ("add-flow", f"table=1,priority=10,ct_state=+trk+new,tcp,actions=ct(commit,nat(dst={servers})),output:2"),
        ("add-flow", "table=1,priority=10,ct_state=+trk+est,tcp,actions=output:2"),
        ("add-flow", "table=1,priority=0,actions=drop"),
    ]


def _select_flows():
    buckets = "".join(
        f",bucket=weight=1,actions=set_field:10.1.1.{10 + n}->ip_dst,output:2" for n in range(SERVERS)
    )
    method = "selection_method=hash,fields(ip_src,tcp_src)"
    return [
        ("add-group", f"group_id=1,type=select,{method}{buckets}"),
        ("add-flow", "table=0,priority=10,in_port=1,tcp,actions=group:1"),
    ]


def _switch(kind, flows):
    def sample(block):
        if not SWITCH.exists() or not shutil.which("ovs-ofctl"):
            raise BenchError("not installed: tools/setup bench")
        if not block.hugepages:
            raise BenchError("needs huge pages")
        forward.write_capture(block, flows)
        folder = block.scratch / kind
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        rules = _dnat_flows() if kind == "ovs-dpdk-ct-dnat" else _select_flows()
        switch = block.contender(
            kind, lambda: OpenVswitch(block.scratch / "0.pcap", rules, block.settings.core, folder)
        )
        return switch.ns_per_packet(block.settings.milliseconds)

    return sample


def _reference(name, flows):
    def sample(block):
        today = forward.testpmd("5tswap", flows)(block)
        return REFERENCES[name][flows] / REFERENCE_5TSWAP[flows] * today

    return sample


def rows(sizes=SIZES):
    """All rows of the group, and our own beside them."""
    made = []
    for flows in sizes:
        block = ("peer", flows)
        floor = f"peer/5tswap/{flows}"
        made.append(Row(floor, block, forward.testpmd("5tswap", flows)))
        made.append(Row(f"peer/fulcrum-nat/{flows}", block, forward.ask("nat", "capture", flows), ratio_to=floor))
        for kind in ("ovs-dpdk-select", "ovs-dpdk-ct-dnat"):
            made.append(Row(f"peer/{kind}/{flows}", block, _switch(kind, flows), ratio_to=floor))
        made.append(Row(f"peer/nft-dnat/{flows}", block, _nft(flows), ratio_to=floor))
        for name in REFERENCES:
            made.append(Row(f"peer/reference/{name}/{flows}", block, _reference(name, flows), ratio_to=floor))
    return made
