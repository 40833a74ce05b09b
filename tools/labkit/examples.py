"""The example files in the lab: what tools/demo runs, and what tests/net/examples_test.py tests.

The lab is built like the network that the examples describe, so fulcrum.cfg.example is taken as it is, and of
dataplane.cfg.example only what names the machine is another: cores, memory and devices. Each of the lab's three
servers plays two of the example's: s1 is web1 on its back leg and cache1 on its front leg.
"""

import dataclasses
import os
import pathlib
import re
import textwrap

from tools.labkit import topology
from tools.labkit.namespaces import LabError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATAPLANE = pathlib.Path("dataplane/app/dataplane.cfg.example")
CONTROL = pathlib.Path("control/app/fulcrum.cfg.example")

SHOP = dataclasses.replace(topology.NAT, name="shop")
DOWNLOADS = dataclasses.replace(topology.DSR, name="downloads")
FARMS = (SHOP, DOWNLOADS)
# Where the example's servers listen; a few ports of the range stand for all of it.
SERVER_PORTS = (53, 80, 8080, 8443, 9000, 9001, 9002)

# The settings that are the lab's own: file, the line as the example says it, and as the lab does. A line that the
# example does not have exactly once is an error, so none is left out when somebody edits an example.
_WORKER = min(1, (os.cpu_count() or 1) - 1)
_DIRECTORY = (r'runtime_dir = "[^"]*"', 'runtime_dir = "{runtime_dir}"')
_OWN = {
    CONTROL: (_DIRECTORY,),
    DATAPLANE: (
        _DIRECTORY,
        (r"memory_mb = \d+", "memory_mb = 128"),
        (r"connections = \d+", "connections = 200000"),
        (r'idle = "spin"', 'idle = "sleep"'),
        (r"worker_cores = \[[^]]*\]", f"worker_cores = [ {_WORKER} ]"),
        (r'twin_namespace = "[^"]*"', 'twin_namespace = "{twin}"'),
        (r'profile = "\w+"; device = "[^"]*0"', 'profile = "af_packet"; device = "veth-front"'),
        (r'profile = "\w+"; device = "[^"]*1"', 'profile = "af_packet"; device = "veth-back"'),
    ),
}


def texts(lab, runtime_dir):
    """The texts of dataplane.cfg and fulcrum.cfg in the lab."""
    return tuple(_text(file, lab, runtime_dir) for file in (DATAPLANE, CONTROL))


def told(lab, runtime_dir):
    """What is the lab's own, for a person."""
    lines = [f"configuration: {CONTROL} and {DATAPLANE}, but for"]
    own = "; ".join(_settings(DATAPLANE, lab, runtime_dir))  # has what is the lab's own in the other file too
    lines += textwrap.wrap(own, 110, initial_indent="  ", subsequent_indent="  ")
    lines.append("servers: s1 to s3 are the examples' web1 to web3 (NAT) and cache1 to cache3 (DSR)")
    return "\n".join(lines)


def player(server):
    """Which server of the lab plays this one of the example."""
    return topology.SERVERS[int(server[-1]) - 1]


def noticed_ms():
    """How long the example's slowest check of the two farms that the demo drives may take to notice a dead server."""
    check = r"interval_ms = (\d+); timeout_ms = (\d+);\s*rise = \d+; fall = (\d+);"
    found = re.findall(check, (ROOT / CONTROL).read_text())
    if len(found) != len(FARMS):
        raise LabError(f"{CONTROL} has {len(found)} checks where the demo expects {len(FARMS)}")
    return max(int(fall) * int(interval) + int(timeout) for interval, timeout, fall in found)


def _settings(file, lab, runtime_dir):
    return [instead.format(runtime_dir=runtime_dir, twin=lab.twin) for _, instead in _OWN[file]]


def _text(file, lab, runtime_dir):
    text = (ROOT / file).read_text()
    for (found, _), instead in zip(_OWN[file], _settings(file, lab, runtime_dir)):
        text, count = re.subn(rf"(?m)^(?!#)(.*){found}", lambda line, own=instead: line.group(1) + own, text)
        if count != 1:
            raise LabError(f"{file} has {count} lines with {found} where the lab expects one")
    return text
