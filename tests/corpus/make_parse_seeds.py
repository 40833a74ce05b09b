#!/usr/bin/python3
"""Writes the seeds of parse-fuzz: one small frame per way through the parser.

  tests/corpus/make_parse_seeds.py        (Debian's python3-scapy)

A seed is one byte (what the port knows of the checksum: 0 unknown, 3 verify) and a frame.
"""

import pathlib

from scapy.all import (
    ARP,
    ICMP,
    IP,
    TCP,
    UDP,
    Dot1Q,
    Ether,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    IPOption,
    Raw,
)

VERIFY = b"\x03"
ETH = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01")
V4 = ETH / IP(src="192.0.2.1", dst="198.51.100.10", id=1)
V6 = ETH / IPv6(src="2001:db8::1", dst="2001:db8:1::10")
X = Raw(b"odd")

SEEDS = {
    "tcp4": V4 / TCP(sport=40000, dport=80, flags="S", options=[("MSS", 1460)]),
    "tcp6": V6 / TCP(sport=40000, dport=80, flags="PA") / X,
    "udp4": V4 / UDP(sport=40000, dport=53) / X,
    "udp4-no-checksum": V4 / UDP(sport=40000, dport=53, chksum=0) / X,
    "udp6": V6 / UDP(sport=40000, dport=53) / X,
    "icmp4": V4 / ICMP() / X,
    "icmp6": V6 / ICMPv6EchoRequest(),
    "options4": ETH / IP(src="192.0.2.1", dst="198.51.100.10", options=IPOption(b"\x94\x04\x00\x00")) / TCP(dport=80),
    "fragment4": ETH / IP(src="192.0.2.1", dst="198.51.100.10", flags="MF") / X,
    "dhcp": ETH / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67),
    "extensions6": V6 / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / TCP(dport=80),
    "routing6": V6 / IPv6ExtHdrRouting(type=4, segleft=0, addresses=[]) / UDP(dport=53),
    "atomic6": V6 / IPv6ExtHdrFragment(nh=6, id=1) / TCP(dport=80),
    "tagged": Ether(src=ETH.src, dst=ETH.dst) / Dot1Q(vlan=0, prio=3) / V4[IP] / TCP(dport=80),
    "arp": ETH / ARP(hwsrc="02:00:00:00:00:02", psrc="192.0.2.1", pdst="192.0.2.254"),
}


def main():
    folder = pathlib.Path(__file__).resolve().parent / "parse"
    folder.mkdir(exist_ok=True)
    for name, frame in SEEDS.items():
        (folder / name).write_bytes(VERIFY + bytes(frame))


if __name__ == "__main__":
    main()
