"""Counts new TCP connections where they arrive: on a server's own interface, outside of anything Fulcrum says.

A packet socket in the server's namespace with a filter in the kernel that passes only SYN packets without ACK. The
times are the kernel's, so a busy machine does not make them later.
"""

import ctypes
import ipaddress
import select
import socket
import struct
import threading

from tools.labkit.namespaces import entered

_ETH_P_ALL = 0x0003
_SO_ATTACH_FILTER = 26
_SO_TIMESTAMPNS = 35

# Classic BPF: (code, jump if true, jump if false, operand).
_SYN_ONLY = (
    (0x28, 0, 0, 12),  # the EtherType
    (0x15, 0, 8, 0x0800),  # IPv4, else look for IPv6
    (0x30, 0, 0, 23),  # its protocol
    (0x15, 0, 13, 6),  # TCP, else refuse
    (0x28, 0, 0, 20),  # flags and fragment offset
    (0x45, 11, 0, 0x1FFF),  # a later fragment has no TCP header: refuse
    (0xB1, 0, 0, 14),  # X = length of the IPv4 header
    (0x50, 0, 0, 27),  # the TCP flags: 14 + X + 13
    (0x54, 0, 0, 0x12),  # SYN and ACK of them
    (0x15, 6, 7, 0x02),  # SYN alone: pass
    (0x15, 0, 6, 0x86DD),  # IPv6, else refuse
    (0x30, 0, 0, 20),  # its next header
    (0x15, 0, 4, 6),  # TCP, else refuse
    (0x30, 0, 0, 67),  # the TCP flags: 14 + 40 + 13
    (0x54, 0, 0, 0x12),
    (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 128),
    (0x06, 0, 0, 0),
)


class SynWatch:
    """Counts the SYNs that reach one interface, except those from the box itself (its health checks)."""

    def __init__(self, namespace, device, box_addresses):
        self._checks = {ipaddress.ip_address(address.split("/")[0]).packed for address in box_addresses}
        with entered(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self._socket.bind((device, 0))
        program = b"".join(struct.pack("HBBI", *line) for line in _SYN_ONLY)
        memory = ctypes.create_string_buffer(program)
        header = struct.pack("HL", len(_SYN_ONLY), ctypes.addressof(memory))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        self._times = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while not self._stop.is_set():
            select.select([self._socket], [], [], 0.1)
            self._drain()

    def _drain(self):
        while True:
            try:
                packet, extra, _, _ = self._socket.recvmsg(128, 64)
            except BlockingIOError:
                return
            source = packet[26:30] if packet[12:14] == b"\x08\x00" else packet[22:38]
            if source in self._checks:
                continue
            for level, kind, data in extra:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", data[:16])
                    self._times.append(seconds + nanoseconds / 1e9)

    def stop(self):
        """Ends the watch. The times of all SYNs, in seconds as time.time() counts them."""
        self._stop.set()
        self._thread.join()
        self._drain()
        self._socket.close()
        return self._times
