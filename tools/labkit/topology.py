"""The wires of the lab.

                         net (namespace): two bridges
      client eth0 --------- br-front ---------- box veth-front
        198.51.100.2            | | |             (the twin "front" of fulcrum-dataplane: 198.51.100.1)
                          s1 s2 s3 front
                               198.51.100.11 .12 .13, and the DSR farm's addresses on lo

                          s1 s2 s3 back
                               10.1.1.11 .12 .13; what leaves from these goes through the box
                                | | |
                            br-back ---------- box veth-back
                                                  (the twin "back": 10.1.1.1)

IPv6 likewise: 2001:db8:1::/64 in front, fd00:1::/64 behind. The box's ends carry no addresses: its addresses belong to
fulcrum-control. A NAT farm (shop-nat) balances to the back legs, a DSR farm (shop-dsr) to the front legs.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil

from tools.labkit import hugepages, locks, namespaces
from tools.labkit.namespaces import LabError, batch, exists, run, sysctl

SERVERS = ("s1", "s2", "s3")
CLIENT_V4, CLIENT_V6 = "198.51.100.2", "2001:db8:1::2"
BOX_ADDRESSES = {"front": ("198.51.100.1/24", "2001:db8:1::1/64"), "back": ("10.1.1.1/24", "fd00:1::1/64")}
STATE_ROOT = pathlib.Path("/run/fulcrum-lab")
SCRATCH_ROOT = pathlib.Path("/var/tmp/fulcrum-lab")


@dataclasses.dataclass(frozen=True)
class Farm:
    """A farm of the lab: its name, its addresses, and where its servers are reached."""

    name: str
    mode: str
    ipv4: str
    ipv6: str
    leg: str  # the servers' interface

    def address(self, family):
        """The VIP, as a URL wants it."""
        return self.ipv4 if family == "ipv4" else f"[{self.ipv6}]"

    def server_addresses(self, server):
        """The two addresses of one server in this farm."""
        number = 11 + SERVERS.index(server)
        prefixes = ("10.1.1.", "fd00:1::") if self.leg == "back" else ("198.51.100.", "2001:db8:1::")
        return tuple(prefix + str(number) for prefix in prefixes)


NAT = Farm("shop-nat", "nat", "198.51.100.10", "2001:db8:1::10", "back")
DSR = Farm("shop-dsr", "dsr", "198.51.100.20", "2001:db8:1::20", "front")
FARMS = (NAT, DSR)


class Lab:
    """One lab, told from others by its prefix (at most five characters, for names of interfaces are short)."""

    def __init__(self, prefix="fl"):
        if not (prefix.isalnum() and len(prefix) <= 5):
            raise LabError(f'"{prefix}" is no prefix of a lab: use one to five letters and digits')
        self.prefix = prefix
        self.state = STATE_ROOT / prefix
        self.scratch = SCRATCH_ROOT / prefix  # for what is large
        self.hugepages_note = STATE_ROOT / f"{prefix}.hugepages"
        self.client = f"{prefix}-client"
        self.box = f"{prefix}-box"
        self.net = f"{prefix}-net"
        self.twin = f"{prefix}-twin"  # made by fulcrum-dataplane

    def server(self, name):
        """The namespace of a server."""
        return f"{self.prefix}-{name}"

    def namespaces(self):
        """All that the lab makes, and the twins' namespace, which ends with it."""
        return [self.client, self.box, self.net, *(self.server(name) for name in SERVERS), self.twin]

    @contextlib.contextmanager
    def locked(self):
        """Keeps a second program from building or running the same lab at the same time."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locks.file_lock(STATE_ROOT / f"{self.prefix}.lock", wait=False))
            except BlockingIOError:
                words = f'another program uses the lab "{self.prefix}": wait for it, or take another --prefix'
                raise LabError(words) from None
            yield self

    def is_up(self):
        """Whether the namespaces are there."""
        return all(exists(name) for name in self.namespaces() if name != self.twin)

    def up(self):
        """Builds the namespaces and wires. What an earlier run left behind goes first."""
        if os.geteuid() != 0:
            raise LabError("network namespaces need root: run this as root")
        self.down()
        self.state.mkdir(parents=True)
        for name in self.namespaces():
            if name != self.twin:
                run("ip", "netns", "add", name)
                sysctl(name, ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0)
                sysctl(name, ipv6__conf__default__accept_ra=0, ipv6__conf__all__accept_ra=0)
                sysctl(name, ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0)
        for name in (self.net, self.box):
            sysctl(name, ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        self._bridges()
        self._client()
        self._wire(self.box, "veth-front", "box-front", "br-front")
        self._wire(self.box, "veth-back", "box-back", "br-back")
        for name in SERVERS:
            self._server(name)

    def down(self):
        """Ends every process of the lab and removes all it made. Right also when there is no lab, or half of one."""
        if self.state.exists():
            self._forget_region()
        pids = {pid for name in self.namespaces() if exists(name) for pid in namespaces.processes(name)}
        namespaces.end(pids - {os.getpid()})
        for name in self.namespaces():
            if exists(name):
                run("ip", "netns", "del", name)
        hugepages.give_back(self.hugepages_note)
        for folder in (self.state, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # other labs have theirs in there
                folder.parent.rmdir()

    def _forget_region(self):
        """The region outlives its process by design; where it is a link, what it points to goes too."""
        region = self.state / "run" / "region"
        if region.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(region.resolve())

    def _bridges(self):
        lines = []
        for bridge in ("br-front", "br-back"):
            lines.append(f"link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
            lines.append(f"link set {bridge} up")
        batch(lines, self.net)

    def _wire(self, namespace, inner, outer, bridge):
        """A veth pair from a namespace to a bridge, with all offloads off: the dataplane sees each packet as a wire
        would carry it, with a finished checksum and no longer than the MTU."""
        run("ip", "link", "add", inner, "netns", namespace, "type", "veth", "peer", "name", outer, "netns", self.net)
        for space, device in ((namespace, inner), (self.net, outer)):
            offloads = ("tx", "off", "tso", "off", "gso", "off", "gro", "off")
            run(*namespaces.inside(space, "ethtool", "-K", device, *offloads))
        batch([f"link set {outer} master {bridge}", f"link set {outer} up"], self.net)
        batch(["link set lo up", f"link set {inner} up"], namespace)

    def _client(self):
        self._wire(self.client, "eth0", "client", "br-front")
        batch(
            [f"address add {CLIENT_V4}/24 dev eth0", f"address add {CLIENT_V6}/64 dev eth0 nodad"],
            self.client,
        )
        # A load of short connections uses many ports in a short time.
        sysctl(self.client, ipv4__ip_local_port_range="1024 65535", ipv4__tcp_tw_reuse=1)

    def _server(self, name):
        space = self.server(name)
        self._wire(space, "front", f"{name}-front", "br-front")
        self._wire(space, "back", f"{name}-back", "br-back")
        # A DSR server has the farm's address but leaves it to the box to answer ARP for it. Neighbour discovery needs
        # no setting: Linux answers for an address only on the interface that has it.
        sysctl(space, ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2, core__somaxconn=4096)
        front, back = DSR.server_addresses(name), NAT.server_addresses(name)
        batch(
            [
                f"address add {front[0]}/24 dev front",
                f"address add {front[1]}/64 dev front nodad",
                f"address add {back[0]}/24 dev back",
                f"address add {back[1]}/64 dev back nodad",
                f"address add {DSR.ipv4}/32 dev lo",
                f"address add {DSR.ipv6}/128 dev lo nodad",
            ],
            space,
        )
        # What a server answers from its back leg goes home through the box.
        for version, network, box in (("-4", "10.1.1.0/24", "10.1.1.1"), ("-6", "fd00:1::/64", "fd00:1::1")):
            batch(
                [
                    f"rule add from {network} table 100",
                    f"route add {network} dev back table 100",
                    f"route add default via {box} dev back table 100",
                ],
                space,
                version,
            )
