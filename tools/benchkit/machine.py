"""What the figures were measured on, for the head of every report."""

import os
import pathlib
import platform
import subprocess


def _field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return "?"


def _output(*words, folder=None):
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.strip()


def describe(root, build):
    """Facts by name, in the order in which they are shown."""
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", folder=root) != ""
    commit = _output("git", "rev-parse", "--short=12", "HEAD", folder=root) or "unknown"
    memory_gb = int(_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    compiler = _output("g++", "--version").splitlines()
    return {
        "machine": f"{_field('/proc/cpuinfo', 'model name')}, family {_field('/proc/cpuinfo', 'cpu family')} "
        f"model {_field('/proc/cpuinfo', 'model	')}, {os.cpu_count()} cores, {memory_gb:.0f} GiB",
        "caches": f"L3 {_field('/proc/cpuinfo', 'cache size')} a core as it says, "
        f"{_field('/proc/cpuinfo', 'cpu MHz').split('.')[0]} MHz",
        "system": f"Linux {platform.release()}, DPDK {_output('pkg-config', '--modversion', 'libdpdk')}",
        "build": f"{build}, {compiler[0] if compiler else 'g++'}",
        "commit": commit + (", with changes that are not committed" if changed else ""),
        "load": "{:.1f} {:.1f} {:.1f} when it began".format(*os.getloadavg()),
    }
