"""The words in which golden cases are written: scapy's, and the stations of the lab.

  router --- front [box] back --- web1, web2, direct1, direct2

Clients are behind the router unless a case says otherwise. All addresses are those of lab.cfg. Checksums and lengths
are scapy's, so what is expected does not come from the code under test.
"""

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_NOP, IPOption_SSRR  # noqa: F401
from scapy.layers.inet6 import (  # noqa: F401
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Padding, Raw  # noqa: F401

# The box's ports as net_pcap names them: the number of the port is the last byte.
FRONT = "02:70:63:61:70:00"
BACK = "02:70:63:61:70:01"

ROUTER = "02:00:00:00:00:fe"
NEAR_CLIENT = "02:00:00:00:00:aa"
WEB1 = "02:00:00:00:00:11"
WEB2 = "02:00:00:00:00:12"
DIRECT1 = "02:00:00:00:00:21"
DIRECT2 = "02:00:00:00:00:22"
STRANGER = "02:00:00:00:00:99"

VIP4, VIP6 = "198.51.100.10", "2001:db8:1::10"
DSR4, DSR6 = "198.51.100.20", "2001:db8:1::20"
WEB1_4, WEB1_6 = "10.1.1.11", "fd00:1::11"
WEB2_4, WEB2_6 = "10.1.1.12", "fd00:1::12"
CLIENT4, CLIENT6 = "203.0.113.7", "2001:db8:99::7"

# Frames between neighbours, named by where they come from and go to.
from_router = Ether(src=ROUTER, dst=FRONT)
to_router = Ether(src=FRONT, dst=ROUTER)
from_web1 = Ether(src=WEB1, dst=BACK)
from_web2 = Ether(src=WEB2, dst=BACK)
to_web1 = Ether(src=BACK, dst=WEB1)
to_web2 = Ether(src=BACK, dst=WEB2)
to_direct1 = Ether(src=BACK, dst=DIRECT1)
to_direct2 = Ether(src=BACK, dst=DIRECT2)


# Everything there is at once: both families and protocols, NAT and DSR. The servers of the farms are web1, web2 ... and
# direct1, direct2 ..., and have their numbers in their addresses.
EVERYTHING = [(vip, protocol) for vip in (VIP4, VIP6, DSR4, DSR6) for protocol in ("tcp", "udp")]


def _packet(vip, destination, source, protocol, ports, tcp, hops):
    """A client's packet; TCP as `tcp` says, UDP with some text."""
    if ":" in vip:
        layers = IPv6(src=source[1], dst=destination, hlim=hops)
    else:
        layers = IP(src=source[0], dst=destination, ttl=hops)
    if protocol == "tcp":
        return layers / TCP(sport=ports[0], dport=ports[1], **tcp)
    return layers / UDP(sport=ports[0], dport=ports[2]) / text


def opens(port, source=(CLIENT4, CLIENT6), **tcp):
    """New connections to everything, each from this port; or with flags and the like, segments of those there are."""
    tcp = tcp or {"flags": "S"}
    return [from_router / _packet(vip, vip, source, what, (port, 80, 53), tcp, 64) for vip, what in EVERYTHING]


def arrive(server, port, source=(CLIENT4, CLIENT6), **tcp):
    """How they arrive at the farms' servers of that number. Of two numbers, the second is that of UDP."""
    tcp = tcp or {"flags": "S"}
    frames = []
    for vip, what in EVERYTHING:
        number = server if isinstance(server, int) else server[what == "udp"]
        if vip in (VIP4, VIP6):
            host = f"fd00:1::{10 + number}" if ":" in vip else f"10.1.1.{10 + number}"
            to = Ether(src=BACK, dst=f"02:00:00:00:00:{10 + number}")
            frames.append(to / _packet(vip, host, source, what, (port, 8080, 5353), tcp, 63))
        else:
            to = Ether(src=BACK, dst=f"02:00:00:00:00:{20 + number}")
            frames.append(to / _packet(vip, vip, source, what, (port, 80, 53), tcp, 64))
    return frames


def padded(frame):
    """An answer to a frame that was long enough: as short as Ethernet allows."""
    return frame / Padding(bytes(max(60 - len(frame), 0)))


text = Raw(b"an odd number of letters, and more")


def cut(frame, length):
    """The first bytes of a frame, whatever its headers say."""
    return bytes(frame)[:length]


def change(frame, offset, *values):
    """The frame with some bytes replaced, and nothing made right again."""
    data = bytearray(bytes(frame))
    data[offset : offset + len(values)] = bytes(values)
    return bytes(data)
