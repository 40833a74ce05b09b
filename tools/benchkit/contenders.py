"""The programs that are measured. All of one block run at the same time, but only one is awake at any moment: a
contender sleeps until it is asked for a sample, so that samples of several can be interleaved.

A sample is nanoseconds of the forwarding thread's processor time for each packet that came through as it should.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time


class BenchError(Exception):
    """What a person needs to know about a measurement that could not be taken."""


class Ours:
    """fulcrum-bench (tests/bench/main.cc): takes a sample for each line that it reads."""

    def __init__(self, program, log, prefix=(), **options):
        words = [*prefix, str(program)]
        for name, value in options.items():
            if value not in (None, ""):
                words += ["--" + name.replace("_", "-"), str(value)]
        self._log = log
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("ab"), text=True
        )
        self.live = self._answer()["live"]

    def ask(self, *words):
        """The answer to one line."""
        print(*words, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise BenchError(f"fulcrum-bench ended: {_last_words(self._log)}")
        return json.loads(line)

    def ns_per_packet(self, *words):
        """One sample; an error when packets were lost, because a dropped packet is a cheap one."""
        answer = self.ask(*words)
        if answer["packets"] == 0 or answer["lost"] > answer["packets"] / 1000:
            raise BenchError(f"{' '.join(map(str, words))}: {answer['packets']} packets through, {answer['lost']} lost")
        return answer["ns"] / answer["packets"]

    def close(self):
        """Ends the program."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


class Testpmd:
    """DPDK's own forwarder over the same capture file and sink: the floor of everything that has ports."""

    _SETTLE_S = 0.02
    _PATIENCE_S = 10

    def __init__(self, mode, capture, frames, core, log, hugepages):
        buffers = frames + 8192
        memory = ["--in-memory"] if hugepages else ["--no-huge", "--no-shconf"]
        words = ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", f"0@0,1@{core}", "--no-pci", "--no-telemetry", *memory]
        words += ["--file-prefix", f"bench-{os.getpid()}-{mode}", "-m", str(buffers * 2500 // 2**20 + 64)]
        words += ["--vdev", f"net_pcap0,rx_pcap={capture},infinite_rx=1", "--vdev", "net_null0,no-rx=1"]
        words += ["--", "-i", f"--forward-mode={mode}", "--burst=32", f"--total-num-mbufs={buffers}"]
        words += ["--port-topology=paired", "--no-mlockall"]
        self._log = log
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("ab"), text=True
        )
        self._command("start", " packet forwarding")
        self._process.send_signal(signal.SIGSTOP)

    def _command(self, text, until):
        print(text, file=self._process.stdin, flush=True)
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if until in line:
                return lines
        raise BenchError(f"testpmd ended: {_last_words(self._log)}")

    def _counters(self):
        """Packets sent, and the processor time of the forwarding thread in ns."""
        lines = self._command("show port stats 1", "Tx-pps")
        sent = next(int(match[1]) for line in lines if (match := re.search(r"TX-packets:\s*(\d+)", line)))
        return sent, thread_ns(self._process.pid, "lcore-worker-1", "rte-worker-1")

    def ns_per_packet(self, milliseconds):
        """One sample."""
        self._process.send_signal(signal.SIGCONT)
        time.sleep(self._SETTLE_S)
        sent, spent = self._counters()
        sent_after, patience = sent, time.monotonic() + self._PATIENCE_S
        while sent_after == sent:  # the machine may give it nothing for a while
            if time.monotonic() > patience:
                raise BenchError(f"testpmd forwards nothing: {_last_words(self._log)}")
            time.sleep(milliseconds / 1000)
            sent_after, spent_after = self._counters()
        self._process.send_signal(signal.SIGSTOP)
        return (spent_after - spent) / (sent_after - sent)

    def close(self):
        """Ends the program."""
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # as good as `quit`
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def thread_ns(pid, *names):
    """Processor time of the process's thread with one of these names, in ns."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() in names:
            return int((task / "schedstat").read_text().split()[0])
    raise BenchError(f"process {pid} has no thread {' or '.join(names)}")


def _last_words(log):
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "without a word"
