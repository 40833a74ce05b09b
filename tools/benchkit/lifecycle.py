"""Groups `connect`, `churn`, `memory` and `scale`: what happens to connections besides forwarding their packets."""

from tools.benchkit.block import Samples, packets_mb, region_mb
from tools.benchkit.contenders import BenchError
from tools.benchkit.rows import Row

LIVE = 5_500_000
QUICK_LIVE = 1_000_000
TINY_LIVE = 2_000
# What is over stays in the table for a while, which a real table has room for. With two seconds for it this much is
# enough at two and a half million lives a second; a tiny run, which is over before anything is swept, needs room for
# all its lives.
OVER_S = 2
ROOM = 14_000_000
QUICK_ROOM = 3_000_000
TINY_ROOM = 2_500_000
WARM_UP_MS = 5000  # until as many connections end by the sweep as begin
FIRST_LIVES_MS = 500  # until the first life has come to its end
MEMORY_SIZES = (5_500_000, 100_000_000)


def megabytes(block):
    """Of huge pages, for all contenders of the block."""
    return region_mb(block[1] + (block[2] if len(block) > 2 else 0)) + packets_mb(0) // 4


# ---- connect


def _connect(case, live, room, warm_up_ms):
    def sample(block):
        ours = block.ours(live=live, capacity=live + room, closing_s=OVER_S, time_wait_s=OVER_S)
        # In DSR nobody sees the servers' FIN, in NAT everybody does: the table fills up in both.
        block.contender(f"warm-{case}", lambda: _Done(ours.ask("connect", case, max(warm_up_ms, FIRST_LIVES_MS))))
        answer = ours.ask("connect", case, block.settings.milliseconds)
        if answer["packets"] == 0 or answer["lost"]:
            raise BenchError(f"connect {case}: {answer['packets']} lives, {answer['lost']} packets lost")
        return answer["packets"] / answer["ns"] * 1e9

    return sample


class _Done:
    """Something that was done once for a block and has nothing to close."""

    def __init__(self, answer):
        self.answer = answer

    def close(self):
        """Nothing."""


def connect_rows(live, room, warm_up_ms):
    """New connections per second of processor time, the making of their packets included. A block for each case: the
    connections that are over need the room."""
    return [
        Row(f"connect/{case}", ("connect", live, room, case), _connect(case, live, room, warm_up_ms), unit="per second")
        for case in ("nat", "dsr")
    ]


# ---- churn

PERCENTILES = ("p50", "p99", "p99.9")


def _churn(what, percentile, live):
    def sample(block):
        # With some room: a table that is full has a worker look for connections to give up in every turn.
        ours = block.ours(live=live, capacity=live + live // 16)
        taken = block.contender("churn-samples", Samples)
        answer = taken.answer(what, percentile, lambda: ours.ask("churn", what, 4 * block.settings.milliseconds))
        if what != "none" and answer["changes"] == 0 and not block.settings.tiny:
            raise BenchError(f"churn {what}: nothing happened meanwhile")
        return answer[percentile]

    return sample


def churn_rows(live):
    """Microseconds of one turn, beside the same without churn."""
    return [
        Row(
            f"churn/{what}/{percentile}",
            ("churn", live),
            _churn(what, percentile, live),
            unit="us",
            ratio_to="" if what == "none" else f"churn/none/{percentile}",
        )
        for what in ("none", "age", "adopt", "show")
        for percentile in PERCENTILES
    ]


# ---- memory

_BASE = 1024


def _memory(live, everything):
    def sample(block):
        size = block.ours(live=live).ask("sizes")
        if everything:
            return size["bytes"] / size["live"]
        base = block.contender("base", lambda: block.start_ours(live=_BASE)).ask("sizes")
        return (size["bytes"] - base["bytes"]) / (size["live"] - base["live"])

    return sample


def memory_rows(sizes):
    """Bytes per connection by the kernel's account of the whole process: what each one adds, and all there is (program,
    snapshots for the largest configuration, counters) shared out among them."""
    made = []
    for live in sizes:
        made.append(Row(f"memory/{live}", ("memory", live), _memory(live, False), unit="bytes"))
        made.append(Row(f"memory/{live}/process", ("memory", live), _memory(live, True), unit="bytes"))
    return made


# ---- scale


def _scale(what, live):
    def sample(block):
        ours = block.ours(live=live, workers=2)
        one = ours.ask("scale", what, block.settings.milliseconds, 1)["rate"]
        return ours.ask("scale", what, block.settings.milliseconds, 2)["rate"] / one

    return sample


def scale_rows(live):
    """Two workers against one over one table, and the memory floor's own scaling."""
    block = ("scale", live)
    return [
        Row("scale/memory", block, _scale("memory", live), unit="times"),
        Row("scale/nat", block, _scale("nat", live), unit="times", ratio_to="scale/memory"),
    ]
