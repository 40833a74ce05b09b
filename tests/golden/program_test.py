"""The golden cases through the real program: fulcrum-dataplane on capture files (net_pcap), without hugepages.

What goes in comes from pipes in place of the files, so that the box is up, and somebody listens at its kernel twins,
before the first frame. A pipe blocks the worker until a burst is full or the pipe's end: so a case runs in phases
(cases.py), each with a start of the program over the same region. Between two phases the connections must survive.

Environment: FULCRUM_DATAPLANE, FULCRUM_GOLDEN_REGION (the programs), FULCRUM_GOLDEN_OUT (a folder).
"""

import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402
import generate  # noqa: E402

SECONDS_MAX = 60
EVERY_PROTOCOL = 0x0003  # ETH_P_ALL
CLONE_NEWNET = 0x40000000
NAMESPACE = f"golden{os.getpid()}"


def read_capture(path):
    """The frames of a capture file."""
    data = path.read_bytes()
    frames = []
    at = 24
    while at < len(data):
        length = int.from_bytes(data[at + 8 : at + 12], "little")
        frames.append(data[at + 16 : at + 16 + length])
        at += 16 + length
    return frames


def in_namespace(*words):
    """Runs a program in the twins' namespace."""
    subprocess.run(["ip", "netns", "exec", NAMESPACE, *words], check=True, stdout=subprocess.DEVNULL)


def stop(program):
    """Stops a process that this test started; its exit status."""
    program.send_signal(signal.SIGTERM)
    try:
        return program.wait(SECONDS_MAX)
    except subprocess.TimeoutExpired:
        program.kill()
        return program.wait()


class Listener:
    """What Linux gets by a kernel twin. The socket is made by a thread that enters the namespace."""

    def __init__(self, interface):
        self.error = None
        worker = threading.Thread(target=self.open, args=(interface,))
        worker.start()
        worker.join()
        if self.error is not None:
            raise self.error

    def open(self, interface):
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            with open(f"/run/netns/{NAMESPACE}") as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
            self.socket.bind((interface, EVERY_PROTOCOL))
            self.socket.settimeout(SECONDS_MAX)
        except OSError as error:
            self.error = error

    def take(self, count):
        """That many frames; a time-out is a failure of the test."""
        frames = [self.socket.recv(65536) for _ in range(count)]
        self.socket.settimeout(0)
        try:
            frames.append(self.socket.recv(65536))
        except BlockingIOError:
            pass
        self.socket.close()
        return frames


class Box:
    """One case's region and configuration; started once for each phase."""

    def __init__(self, case, folder):
        self.case = case
        self.case_folder = folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        generate.write(case, self.case_folder)
        self.folder = folder
        self.runtime = tempfile.mkdtemp(prefix="fulcrum-golden-")  # short: DPDK makes a socket's name of it
        self.region("make")
        ports = ", ".join(
            f'{{ name = "{port}"; profile = "pcap"; device = "{self.runtime}/{port}"; mtu = {generate.MTU[port]}; }}'
            for port in cases.PORTS
        )
        self.config = folder / "dataplane.cfg"
        self.config.write_text(
            f'version = 1; runtime_dir = "{self.runtime}"; hugepages = "off"; memory_mb = 64; idle = "sleep";\n'
            f'connections = {case.connections}; twin_namespace = "{NAMESPACE}"; housekeeping_core = 0;\n'
            f"worker_cores = [ 0 ]; ports = ( {ports} );\n"
        )

    def close(self):
        shutil.rmtree(self.runtime, ignore_errors=True)

    def region(self, what, *words):
        """golden-region."""
        program = os.environ["FULCRUM_GOLDEN_REGION"]
        done = subprocess.run(
            [program, what, self.runtime, str(self.case_folder), *words], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def totals(self):
        """All counters, by name."""
        return {name: int(value) for name, value in (line.split() for line in self.region("totals").splitlines())}

    def run(self, steps, received):
        """One phase: starts the program, lets the frames in, waits until `received` in all are accounted for, and stops
        it. Returns what came out: {("out" or "punt", port): frames}."""
        pipes = {port: self.make_pipe(port) for port in cases.PORTS}
        log = open(self.folder / "dataplane.log", "a+")
        log.seek(0, os.SEEK_END)
        start = log.tell()
        program = subprocess.Popen([os.environ["FULCRUM_DATAPLANE"], "--config", self.config], stdout=log, stderr=log)
        try:
            self.wait_for(lambda: "running:" in self.log_from(start), program)
            listeners = {}
            for port in cases.PORTS:
                in_namespace("ip", "link", "set", port, "up")
                listeners[port] = Listener(port)
            for port in cases.PORTS:
                for step in steps:
                    if step.kind == "in" and step.port == port:
                        os.write(pipes[port], generate.pcap_record(step.frame))
                os.close(pipes.pop(port))
            self.wait_for(lambda: self.is_done(received), program)
            punts = {port: sum(step.kind == "punt" and step.port == port for step in steps) for port in cases.PORTS}
            came = {("punt", port): listener.take(punts[port]) for port, listener in listeners.items()}
        finally:
            for pipe in pipes.values():
                os.close(pipe)
            log.close()
            status = stop(program)
        if status != 0:
            raise AssertionError(f"exit status {status}\n{self.log_from(start)}")
        for port in cases.PORTS:
            came["out", port] = read_capture(pathlib.Path(f"{self.runtime}/{port}-out.pcap"))
        return came

    def make_pipe(self, port):
        """The pipe in place of the port's capture file, with the file's header in it."""
        path = f"{self.runtime}/{port}-in.pcap"
        if os.path.exists(path):
            os.unlink(path)
        os.mkfifo(path)
        pipe = os.open(path, os.O_RDWR)  # for reading too, so that opening does not wait for the box
        os.write(pipe, generate.PCAP_HEADER)
        return pipe

    def log_from(self, start):
        with open(self.folder / "dataplane.log") as log:
            log.seek(start)
            return log.read()

    def is_done(self, received):
        totals = self.totals()
        return totals["received"] >= received and totals["at_rest"]

    def wait_for(self, condition, program):
        end = time.monotonic() + SECONDS_MAX
        while not condition():
            if program.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the dataplane did not get there\n{self.log_from(0)}")
            time.sleep(0.01)


class Program(unittest.TestCase):
    """One test a case, added below."""

    maxDiff = None

    def check(self, case):
        box = Box(case, pathlib.Path(os.environ["FULCRUM_GOLDEN_OUT"]) / case.name)
        self.addCleanup(box.close)
        if case.configs:
            box.region("publish", "1")
        received = 0
        for number, steps in enumerate(case.phases()):
            if steps[0].kind == "reload":
                box.region("publish", steps[0].word)
            received += sum(step.kind == "in" for step in steps)
            came = box.run(steps, received)
            for (kind, port), frames in came.items():
                kinds = ("out", "answer") if kind == "out" else (kind,)
                expected = [step.frame.hex() for step in steps if step.kind in kinds and step.port == port]
                self.assertEqual([frame.hex() for frame in frames], expected, f"{kind} {port}, phase {number}")
        self.check_counters(case, box.totals())

    def check_counters(self, case, totals):
        count = {kind: sum(step.kind == kind for step in case.steps) for kind in ("in", "out", "punt")}
        expected = {"received": count["in"], "sent": count["out"], "punted": count["punt"]}
        expected.update({"from_linux": 0, "at_rest": 1})
        expected.update({f"drop.{reason}": number for reason, number in case.drops().items()})
        for server, values in case.counters:
            expected.update({f"{server}.{name}": value for name, value in values.items()})
        self.assertEqual(totals, expected)


def setUpModule():
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    atexit.register(subprocess.run, ["ip", "netns", "delete", NAMESPACE], check=False)
    # So that Linux says nothing by the twins.
    in_namespace("sysctl", "-q", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv6.conf.all.disable_ipv6=1")


# Most of the time goes into waiting for the program to start, so the cases are shared out over a few processes.
SHARD, SHARDS = map(int, os.environ.get("FULCRUM_GOLDEN_SHARD", "0/1").split("/"))

for golden in cases.read_all()[SHARD::SHARDS]:
    setattr(Program, f"test_{golden.name}", lambda self, case=golden: self.check(case))

if __name__ == "__main__":
    unittest.main()
