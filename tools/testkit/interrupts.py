"""How the tools end when a signal asks them to: at once, with 128 + signal, and with everything that they started.

A signal becomes the exception Interrupted in the main thread, so that what is under way unwinds and tidies up; further
ones are ignored meanwhile. What descends from us is found by its parents, not by process groups: meson and the lab give
their programs sessions of their own. An orphan becomes a child of ours (PR_SET_CHILD_SUBREAPER), so none escapes.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 5  # for tests that take their lab down


class Interrupted(BaseException):
    """A signal asked us to stop. No Exception: nobody is to go on after it."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


def run(name, action, first=lambda: None):
    """Does it and returns its exit status; 128 + signal when one came, and then `first` is called before anything
    unwinds. What we started has ended then."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def interrupt(number, _frame):
        ignore()
        first()
        raise Interrupted(number)

    for each in _SIGNALS:
        signal.signal(each, interrupt)
    try:
        return action()
    except Interrupted as interrupted:
        end_descendants()
        print(f"\n{name}: stopped by {interrupted}; everything is tidied up", file=sys.stderr)
        return interrupted.exit_status


def ignore():
    """From now on signals do nothing: for what must be finished. What is started from here on ignores them too."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)


def end_descendants():
    """Ends all processes that descend from this one, and removes the network namespaces that they named by their
    process ids.

    Our children (ninja, meson) are stopped first, so that they start nothing more; what they started (compilers, tests)
    is asked and has some seconds to tidy up; then all that is left is killed.
    """
    parents = _parents()
    ours = [pid for pid, parent in parents.items() if parent == os.getpid()]
    for pid in ours:
        _send(pid, signal.SIGSTOP)
    parents = _parents()
    asked = [pid for pid, parent in parents.items() if parent in ours]
    seen = _descendants(parents)
    for pid in asked:
        _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and not _parents().keys().isdisjoint(asked):
        time.sleep(0.02)
    while left := _descendants(_parents()):
        seen |= left
        for pid in left:
            _send(pid, signal.SIGKILL)
        time.sleep(0.02)
    _remove_namespaces(seen)


def _remove_namespaces(pids):
    """The C++ tests call theirs by their pid, so those of killed ones can be told from everybody else's."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/run/netns"):
            if pids.intersection(map(int, re.findall(r"\d+", name))):
                subprocess.run(["ip", "netns", "del", name], check=False)


def _send(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _parents():
    """The parent of each process that runs; one that only waits for its parent to ask how it ended does not."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text(errors="replace").rsplit(")", 1)[1].split()[:2]
            if state not in "ZX":
                found[int(stat.parent.name)] = int(parent)
    return found


def _descendants(parents):
    found, wanted = set(), {os.getpid()}
    while wanted:
        wanted = {pid for pid, parent in parents.items() if parent in wanted}
        found |= wanted
    return found
