#!/usr/bin/python3
"""Turns the golden cases into files that programs read, then runs a program on them.

  tests/golden/generate.py FOLDER [PROGRAM ARGUMENT...]

For each case FOLDER/NAME has
  case.txt               the steps, one a line, frames in hexadecimal (tests/golden/case_file.h)
  config-N.cfg           the configurations
  PORT-in.pcap, PORT-out.pcap, PORT-punt.pcap      the frames, for people with Wireshark

The program finds FOLDER in the environment variable FULCRUM_GOLDEN_CASES.
"""

import os
import pathlib
import shutil
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases  # noqa: E402
import lab  # noqa: E402

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
MTU = {"front": 9000, "back": 1500}


def pcap_record(frame):
    """One frame of a capture file, at time 0: a case has no clock."""
    return struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame


def lines_of(case):
    """case.txt."""
    yield f"connections {case.connections}"
    for port in cases.PORTS:
        yield f"port {port} {getattr(lab, port.upper())} {MTU[port]}"
    for neighbour in case.neighbours:
        yield " ".join(["neighbour", *neighbour])
    for word, number, server in case.unwell:
        yield f"{word} {number} {server}"
    if case.configs:
        yield "config 1"
    for step in case.steps:
        if step.kind == "reload":
            yield f"config {step.word}"
        elif step.kind == "drop":
            yield f"drop {step.word}"
        elif step.kind == "answer":
            yield f"answer {step.word} {step.port} {step.frame.hex()}"
        elif step.kind != "pause":
            yield f"{step.kind} {step.port} {step.frame.hex()}"
    for server, values in case.counters:
        for name, value in values.items():
            yield f"counter {server} {name} {value}"


def write(case, folder):
    """All files of a case."""
    folder.mkdir(parents=True)
    (folder / "case.txt").write_text("".join(line + "\n" for line in lines_of(case)))
    for number, text in case.configs.items():
        (folder / f"config-{number}.cfg").write_text(text)
    for port in cases.PORTS:
        for kinds in (("in",), ("out", "answer"), ("punt",)):
            kind = kinds[0]
            frames = [step.frame for step in case.steps if step.kind in kinds and step.port == port]
            if frames:
                (folder / f"{port}-{kind}.pcap").write_bytes(PCAP_HEADER + b"".join(map(pcap_record, frames)))


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for case in cases.read_all():
            write(case, folder / case.name)
    except cases.CaseError as error:
        print(f"generate.py: {error}", file=sys.stderr)
        return 1
    if len(sys.argv) > 2:
        os.environ["FULCRUM_GOLDEN_CASES"] = str(folder)
        os.execv(sys.argv[2], sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
