"""A block: the contenders of some rows, started when a row first asks for them, stopped together."""

import dataclasses
import os
import pathlib
import tempfile

from tools.benchkit.contenders import Ours, Testpmd


@dataclasses.dataclass
class Settings:
    """How much is measured."""

    program: pathlib.Path  # fulcrum-bench
    milliseconds: int = 200  # of a sample
    repetitions: int = 7
    tiny: bool = False  # everything runs, nothing is measured
    core: int = (os.cpu_count() or 1) - 1


CAPTURE_FRAMES_MIN = 1024
REGION_MB = 112  # snapshots, counters, load, neighbours
BYTES_PER_CONNECTION = 76
BYTES_PER_FRAME = 2500  # a packet buffer


def region_mb(connections):
    """Of the region with so many connections."""
    return connections * BYTES_PER_CONNECTION // 2**20 + REGION_MB


def packets_mb(frames):
    """Of the packet buffers for capture files with so many frames."""
    return (frames + 8192) * BYTES_PER_FRAME // 2**20 + 128


class Samples:
    """Measurements of which each is a sample of several rows: the first row that wants a new one takes it, whichever of
    them are measured."""

    def __init__(self):
        self._last = {}

    def answer(self, what, part, take):
        """What `take` says, for the row `part` of those that share `what`."""
        answer, read = self._last.get(what, (None, {part}))
        if part in read:
            answer, read = take(), set()
            self._last[what] = answer, read
        read.add(part)
        return answer

    def close(self):
        """Nothing."""


class Block:
    """Contenders by name."""

    def __init__(self, settings, scratch, hugepages):
        self.settings = settings
        self.scratch = scratch  # a folder of its own
        self.hugepages = hugepages  # the mount point, or None
        self._contenders = {}

    def contender(self, name, make):
        """The contender of this name, made now if there is none."""
        if name not in self._contenders:
            self._contenders[name] = make()
        return self._contenders[name]

    def ours(self, **options):
        """The one fulcrum-bench of this block."""
        return self.contender("ours", lambda: self.start_ours(**options))

    def start_ours(self, **options):
        """Another fulcrum-bench."""
        runtime = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        return Ours(
            self.settings.program,
            self.scratch / "fulcrum-bench.log",
            core=self.settings.core,
            hugepages=self.hugepages,
            runtime=runtime if self.hugepages else None,
            **options,
        )

    def testpmd(self, mode, frames):
        """testpmd over the capture file of clients' packets, which fulcrum-bench has written."""
        log = self.scratch / f"testpmd-{mode}.log"
        capture = self.scratch / "0.pcap"
        core = self.settings.core
        return self.contender(
            f"testpmd-{mode}", lambda: Testpmd(mode, capture, frames, core, log, bool(self.hugepages))
        )

    def close(self):
        """Ends all contenders."""
        for contender in self._contenders.values():
            contender.close()
