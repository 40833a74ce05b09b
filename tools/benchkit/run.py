"""tools/bench: builds the release, measures, prints a table, and JSON if asked."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

from tools.benchkit import commit, forward, lifecycle, machine, peers, report, rows, schedule
from tools.benchkit.block import Block, Settings
from tools.benchkit.contenders import BenchError
from tools.labkit import hugepages
from tools.testkit import builds, interrupts

PROGRAM = "tests/bench/fulcrum-bench"
FREE_MB = 2048  # of the machine's memory that is left alone
QUICK_SIZES = (1024, 65536, 1_000_000)
TINY_SIZES = (1, 2000)
REPETITIONS_MIN = 5  # fewer say nothing about the spread


def catalogue(options):
    """All rows there are, in the order in which they are measured, and the memory of each kind of block."""
    sizes, live, room, warm_up_ms = forward.SIZES, lifecycle.LIVE, lifecycle.ROOM, lifecycle.WARM_UP_MS
    memory_sizes = lifecycle.MEMORY_SIZES
    if options.quick:
        sizes, live, room, warm_up_ms = QUICK_SIZES, lifecycle.QUICK_LIVE, lifecycle.QUICK_ROOM, 100
        memory_sizes = (lifecycle.LIVE,)
    if options.tiny:
        sizes, live, room, warm_up_ms = TINY_SIZES, lifecycle.TINY_LIVE, lifecycle.TINY_ROOM, 1
        memory_sizes = (lifecycle.TINY_LIVE,)
    made = forward.rows(sizes)
    made += lifecycle.connect_rows(live, room, warm_up_ms)
    made += lifecycle.churn_rows(live) + lifecycle.memory_rows(memory_sizes) + lifecycle.scale_rows(live)
    made += commit.rows(options.tiny) + schedule.rows()
    if not options.tiny:
        made += peers.rows(peers.SIZES[:1] if options.quick else peers.SIZES)
    needs = {"forward": forward.megabytes, "commit": commit.megabytes, "peer": peers.megabytes}
    needs["schedule"] = schedule.megabytes
    for group in ("connect", "churn", "memory", "scale"):
        needs[group] = lifecycle.megabytes
    return made, needs


def settings(options):
    """From the command line."""
    program = options.program or builds.ROOT / builds.RELEASE.folder / PROGRAM
    if options.tiny:
        return Settings(program, milliseconds=2, repetitions=1, tiny=True)
    if options.quick:
        return Settings(program, milliseconds=60, repetitions=5)
    return Settings(program, milliseconds=options.milliseconds, repetitions=options.repetitions)


@contextlib.contextmanager
def huge_pages(megabytes, scratch, wanted):
    """Huge pages for one block, if the machine has room: the mount point, or None."""
    note = scratch / "hugepages.json"
    available = int(re.search(r"MemAvailable:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) // 1024
    if not wanted or available < megabytes + FREE_MB:
        if wanted:
            print(f"  ordinary pages: {megabytes} MB are needed, {available} MB are available")
        yield None
        return
    words = hugepages.reserve(megabytes, note)
    try:
        if words.startswith("no huge pages"):
            print(f"  {words}")
        yield "/dev/hugepages" if note.exists() else None
    finally:
        hugepages.give_back(note)


def measure_block(block, members):
    """Interleaved samples of the block's rows. A row that cannot be measured carries its error and stops there."""
    results = [rows.Result(row, []) for row in members]
    for _ in range(block.settings.repetitions):
        for result in results:
            if result.error:
                continue
            try:
                result.samples.append(result.row.sample(block))
            except (BenchError, OSError) as error:
                result.error = str(error)
    return results


def measure(chosen, needs, options):
    """All rows, block after block; prints each block's rows when they are there. The JSON objects."""
    how = settings(options)
    by_name, objects = {}, []
    for key in dict.fromkeys(row.block for row in chosen):
        members = [row for row in chosen if row.block == key]
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="fulcrum-bench-"))
        try:
            with huge_pages(needs[key[0]](key), scratch, not options.tiny and not options.ordinary_pages) as mount:
                block = Block(how, scratch, mount)
                try:
                    results = measure_block(block, members)
                finally:
                    block.close()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        by_name.update((result.row.name, result) for result in results)
        for result in results:
            objects.append(result.as_json(by_name))
            print(report.line(objects[-1]), flush=True)
    return objects


def at_least(least):
    """The type of a number on the command line."""

    def number(text):
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} on")
        return int(text)

    return number


def parse_arguments(words=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Measures Fulcrum beside floors and peers. See tools/benchkit."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a group or a row, such as forward/nat/io; else all")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, shorter samples: under a minute")
    parser.add_argument("--list", action="store_true", help="only say which rows there are")
    parser.add_argument(
        "--repetitions", type=at_least(REPETITIONS_MIN), default=7, help=f"samples of a row, {REPETITIONS_MIN} at least"
    )
    parser.add_argument("--milliseconds", type=at_least(1), default=200, help="of a sample")
    parser.add_argument("--ordinary-pages", action="store_true", help="reserve no huge pages")
    parser.add_argument("--tiny", action="store_true", help="run everything once without measuring (tools/test)")
    parser.add_argument("--program", type=pathlib.Path, help="a fulcrum-bench that is built already")
    return parser.parse_args(words)


def perform(options):
    """What was asked for. The exit status."""
    every, needs = catalogue(options)
    try:
        chosen = rows.chosen(every, options.names)
    except KeyError as error:
        print(f"bench: nothing is called {error}: see tools/bench --list", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(row.name for row in chosen))
        return 0
    if not options.tiny and os.geteuid() != 0:
        print("bench: run it as root: it reserves huge pages", file=sys.stderr)
        return 2
    if options.json:
        try:
            options.json.touch()
        except OSError as error:
            print(f"bench: --json: {error.strerror}: {options.json}", file=sys.stderr)
            return 2
    if not options.program:
        builds.compile_targets(builds.RELEASE, builds.ROOT, [PROGRAM, *commit.PROGRAMS])
    facts = machine.describe(builds.ROOT, " ".join(builds.RELEASE.options))
    print(report.head(facts))
    print(report.titles())
    objects = measure(chosen, needs, options)
    if options.json:
        options.json.write_text(json.dumps(objects, indent=1) + "\n")
    return 1 if any("error" in row for row in objects) else 0


def main():
    options = parse_arguments()
    return interrupts.run("bench", lambda: perform(options))


if __name__ == "__main__":
    sys.exit(main())
