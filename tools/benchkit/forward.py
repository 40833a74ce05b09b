"""Groups `floor` and `forward`: packets of connections that are there already.

`pipeline` rows are what a turn of the worker costs beyond its ports: the same packets from a port in memory with the
worker behind it and without it, one taken from the other. `io` rows are everything: the product's driver receives from
a preloaded capture file through DPDK's net_pcap and sends to net_null, exactly as testpmd does for the floor beside it.
A capture file of a million frames takes 2.4 GB; rows with more flows make their frames as they go, in fresh buffers,
and are compared with the same port without a worker.
"""

from tools.benchkit.block import CAPTURE_FRAMES_MIN, packets_mb, region_mb
from tools.benchkit.contenders import BenchError
from tools.benchkit.rows import Row

SIZES = (1, 1024, 65536, 1_000_000, 5_500_000, 10_000_000, 50_000_000, 100_000_000)
CASES = ("nat", "nat-reply", "dsr")
CAPTURE_FLOWS_MAX = 1_000_000
REPLY_CAPTURE_FLOWS_MAX = 65536  # one million-frame file at a time


def _frames(flows):
    """Buffers that the capture files of this size fill."""
    if flows > CAPTURE_FLOWS_MAX:
        return 0
    files = 2 if flows <= REPLY_CAPTURE_FLOWS_MAX else 1
    return files * max(flows, CAPTURE_FRAMES_MIN)


def megabytes(block):
    """Of huge pages, for all contenders of the block."""
    flows = block[1]
    testpmd = 2 * packets_mb(max(flows, CAPTURE_FRAMES_MIN)) if flows <= CAPTURE_FLOWS_MAX else 0
    return region_mb(flows) + packets_mb(_frames(flows)) + testpmd


def _ours(block, flows):
    return block.ours(live=flows, captures=block.scratch, capture_frames=_frames(flows))


def _check(ours, case):
    answer = ours.ask("check", case)
    if answer["wrong"] or not answer["right"]:
        raise BenchError(f"{case}: {answer['wrong']} packets came out wrong, {answer['right']} right")


def _pipeline(case, flows):
    source = "source-reply" if case == "nat-reply" else "source"

    def sample(block):
        ours = _ours(block, flows)
        _check(ours, case)
        with_worker = ours.ns_per_packet(case, "pipeline", block.settings.milliseconds)
        return with_worker - ours.ns_per_packet(source, "pipeline", block.settings.milliseconds)

    return sample


def ask(case, how, flows):
    """A sample of one of our cases."""
    return lambda block: _ours(block, flows).ns_per_packet(case, how, block.settings.milliseconds)


def write_capture(block, flows):
    """Makes sure that the file of the clients' packets is there."""
    if not (block.scratch / "0.pcap").exists():
        _ours(block, flows).ask("nat", "capture", 1)


def testpmd(mode, flows):
    """A sample of testpmd."""

    def sample(block):
        write_capture(block, flows)
        frames = max(flows, CAPTURE_FRAMES_MIN)
        return block.testpmd(mode, frames).ns_per_packet(block.settings.milliseconds)

    return sample


def rows(sizes=SIZES):
    """All rows of both groups."""
    made = []
    for flows in sizes:
        block = ("forward", flows)
        captured = flows <= CAPTURE_FLOWS_MAX
        made.append(Row(f"floor/memory/{flows}", block, ask("memory", "memory", flows)))
        for case in CASES:
            made.append(
                Row(f"forward/{case}/pipeline/{flows}", block, _pipeline(case, flows), ratio_to=f"floor/memory/{flows}")
            )
        if captured:
            for mode in ("io", "5tswap"):
                made.append(Row(f"floor/{mode}/{flows}", block, testpmd(mode, flows)))
        if flows > REPLY_CAPTURE_FLOWS_MAX:
            made.append(Row(f"floor/flows/{flows}", block, ask("source", "flows", flows)))
        for case in CASES:
            reply_too_large = case == "nat-reply" and flows > REPLY_CAPTURE_FLOWS_MAX
            how = "flows" if not captured or reply_too_large else "capture"
            floor = f"floor/{'flows' if how == 'flows' else '5tswap'}/{flows}"
            made.append(Row(f"forward/{case}/io/{flows}", block, ask(case, how, flows), ratio_to=floor))
    return made
