"""Network namespaces by their names, with the programs and sockets inside them."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


class LabError(Exception):
    """Something about the lab that a person must know; a whole sentence."""


def run(*command, check=True, **options):
    """Runs a command with its output kept. Raises LabError with the output when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done


def batch(lines, namespace, *options):
    """Runs many `ip` commands in one process."""
    run("ip", *options, "-n", namespace, "-batch", "-", input="\n".join(lines) + "\n")


def inside(namespace, *command):
    """The command line that runs a command in the namespace."""
    return ["ip", "netns", "exec", namespace, *command]


def exists(namespace):
    """Whether there is a namespace of that name."""
    return os.path.exists(f"/run/netns/{namespace}")


def sysctl(namespace, **values):
    """Sets kernel parameters below net/ of the namespace. Double underscores stand for slashes."""
    run(*inside(namespace, "sysctl", "-q", "-w", *(f"net/{key.replace('__', '/')}={values[key]}" for key in values)))


@contextlib.contextmanager
def entered(namespace):
    """The calling thread is in the namespace for the length of the block. What it opens there stays there."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as away:
        _set_namespace(away.fileno())
        try:
            yield
        finally:
            _set_namespace(home.fileno())


def _set_namespace(descriptor):
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        raise LabError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}: run this as root")


def processes(namespace):
    """The processes in the namespace."""
    done = run("ip", "netns", "pids", namespace, check=False)
    return [int(pid) for pid in done.stdout.split()]


def alive(pid):
    """Whether the process runs. One that has ended and waits for its parent does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def send_signal(pid, number):
    """Sends a signal; a process that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def end(pids, patience_s=3.0):
    """Ends processes: asks first, kills what is left, and returns when all are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            send_signal(pid, number)
        with contextlib.suppress(LabError):
            wait_until(lambda: not any(alive(pid) for pid in pids), patience_s, "processes to end")
            return


def wait_until(condition, patience_s, what, every_s=0.02):
    """Waits for a condition and returns what it returned. Raises LabError when it does not come true in time."""
    deadline = time.monotonic() + patience_s
    while True:
        outcome = condition()
        if outcome:
            return outcome
        if time.monotonic() > deadline:
            raise LabError(f"waited {patience_s:g} s in vain for {what}")
        time.sleep(every_s)
