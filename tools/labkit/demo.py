"""tools/demo: see there. The daemons run the example configuration (tools/labkit/examples.py). For each mode and IP
version: load, a server dies, it comes back, the load ends.

How long the dead server still got new connections is measured outside of Fulcrum: by the SYN packets that reach the
server's interface after it was killed, without those of the health check. The server's address stays up, so it answers
them with a reset; the clients see these as errors. The figure is the time of the last such SYN.
"""

import argparse
import json
import os
import pathlib
import sys
import time

from tools.labkit import examples, hugepages, screen, topology, web
from tools.labkit.daemons import Box
from tools.labkit.load import Load
from tools.labkit.namespaces import LabError
from tools.labkit.watch import SynWatch
from tools.testkit import builds, interrupts

VICTIM = "s2"
HUGEPAGES_MB = 384
LOAD_S = 6
KILL_AT, BACK_AT = 1 / 6, 2 / 3  # of the load's length
TICK_S = 0.25


class Meter:
    """Requests per server by their own logs, since it was made."""

    def __init__(self, servers):
        self._servers = servers
        self._positions = {name: server.requests(_size(server.log))[1] for name, server in servers.items()}
        self.totals = dict.fromkeys(servers, 0)
        self._last = time.monotonic()

    def read(self):
        """The requests per second of each server since the last reading."""
        now = time.monotonic()
        span, self._last = max(now - self._last, 1e-3), now
        rates = {}
        for name, server in self._servers.items():
            count, self._positions[name] = server.requests(self._positions[name])
            self.totals[name] += count
            rates[name] = count / span
        return rates


def _size(path):
    return path.stat().st_size if path.exists() else 0


class Demo:
    """The lab, the box in it, and the figures so far."""

    def __init__(self, build, load_s):
        self.lab = topology.Lab("demo")
        self.load_s = load_s
        self.box = Box(self.lab, build)
        self.servers = {}
        self.table = screen.LiveTable()
        self.results = {}

    def start(self):
        """The lab and both daemons, with all servers up."""
        self.lab.up()
        print(f"memory: {hugepages.reserve(HUGEPAGES_MB, self.lab.hugepages_note)}", flush=True)
        print(examples.told(self.lab, self.box.runtime_dir), flush=True)
        self.servers = web.start_all(self.lab, examples.SERVER_PORTS)
        self.box.configure(*examples.texts(self.lab, self.box.runtime_dir))
        self.box.start()

    def drive(self, farm, family):
        """One farm over one IP version."""
        url = f"http://{farm.address(family)}/"
        self.table.title(f"{farm.mode.upper()} over {family}: {url}")
        box_addresses = [address for port in topology.BOX_ADDRESSES.values() for address in port]
        watch = SynWatch(self.lab.server(VICTIM), farm.leg, box_addresses)
        meter = Meter(self.servers)
        started = time.monotonic()
        load = Load(self.lab, url, self.load_s)
        try:
            self._watch_until(farm, meter, started, KILL_AT * self.load_s, "load")
            killed_at = time.time()
            self.servers[VICTIM].kill()
            self._watch_until(farm, meter, started, BACK_AT * self.load_s, f"{VICTIM} was killed")
            syns, watch = watch.stop(), None
            self.servers[VICTIM].start()
            self._watch_until(farm, meter, started, self.load_s, f"{VICTIM} is back")
            result = load.wait()
        finally:
            load.stop()
            if watch is not None:
                watch.stop()
        meter.read()
        late = [seen - killed_at for seen in syns if seen > killed_at]
        self.results.setdefault(farm.mode, {})[family] = {
            "requests": result.requests,
            "errors": result.failed,
            "requests_per_server": dict(meter.totals),
            "dead_server_new_connections_ms": round(1000 * max(late, default=0.0), 1),
        }
        self.box.wait_for_all(10)

    def _watch_until(self, farm, meter, started, until_s, phase):
        while (seconds := time.monotonic() - started) < until_s:
            rates = meter.read()
            states = self.box.server_states().items()
            played = {examples.player(name): state for (of, name), state in states if of == farm.name}
            self.table.show(seconds, phase, rates, meter.totals, played)
            time.sleep(min(TICK_S, max(0.0, until_s - (time.monotonic() - started))))

    def problems(self, drops):
        """What a reader of the figures should not have to find out alone."""
        found = []
        # What the health check may take, on a busy machine; in any case before the server came back.
        allowed_ms = min(500 + examples.noticed_ms(), 900 * (BACK_AT - KILL_AT) * self.load_s)
        for mode, families in self.results.items():
            for family, figures in families.items():
                dead_ms = figures["dead_server_new_connections_ms"]
                if dead_ms > allowed_ms:
                    found.append(
                        f"{mode} over {family}: the dead server got new connections for {dead_ms:.0f} ms, and its "
                        f"health check should have ended them within {allowed_ms:.0f}"
                    )
                # While its death is unnoticed every third connection may be refused, and that is a sixth of the time.
                if figures["errors"] > figures["requests"] / 4:
                    found.append(f"{mode} over {family}: {figures['errors']} of {figures['requests']} requests failed")
                silent = [name for name, count in figures["requests_per_server"].items() if count == 0]
                if silent:
                    found.append(f"{mode} over {family}: no request reached {', '.join(silent)}")
        if drops["unaccounted"] != 0:
            found.append(f"{drops['unaccounted']} packets are neither sent, punted nor dropped with a reason")
        return found


def build_release():
    """The two daemons and the command line."""
    print("building, the first time for some minutes ...", flush=True)
    started = time.monotonic()
    builds.set_up(builds.RELEASE, builds.ROOT)
    box = Box(topology.Lab("demo"), builds.ROOT / builds.RELEASE.folder)
    programs = (box.dataplane.program, box.control.program, box.cli)
    targets = [os.path.relpath(program, box.build) for program in programs]
    builds.compile_targets(builds.RELEASE, builds.ROOT, targets, progress=True)
    print(f"built in {time.monotonic() - started:.0f} s", flush=True)
    return box.build


def perform(options, build):
    """The demo itself. The exit status."""
    demo = Demo(build, options.seconds)
    keep = False
    try:
        with demo.lab.locked():
            demo.start()
            for farm in examples.FARMS:
                for family in ("ipv4", "ipv6"):
                    demo.drive(farm, family)
            drops = demo.box.accounts_at_rest()
            print(screen.summary(demo.results))
            print("  errors: the killed server refuses connections until its health check has failed")
            print(screen.accounts(drops))
            if options.json:
                options.json.write_text(json.dumps(demo.results, indent=2) + "\n")
            problems = demo.problems(drops)
            for problem in problems:
                print(f"demo: {problem}", file=sys.stderr)
            if options.keep:
                keep = True
                print(f"\n{demo.box.guide()}")
            return 1 if problems else 0
    finally:
        interrupts.ignore()
        if not keep:
            demo.lab.down()


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools/demo", description="Real HTTP traffic through Fulcrum.")
    parser.add_argument("--keep", action="store_true", help="leave the lab up and say how to look around in it")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--seconds", type=int, default=LOAD_S, metavar="N", help="how long each load is (%(default)s)")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", help="use the programs there instead of building")
    options = parser.parse_args()
    if options.json and not (options.json.parent.is_dir() and os.access(options.json.parent, os.W_OK)):
        parser.error(f"--json: {options.json.parent} is no directory that can be written to")
    if options.seconds < 4:
        parser.error("--seconds: at least 4, for a server dies, is found dead and comes back meanwhile")
    return options


def attempt(options):
    """The demo with its errors told. The exit status."""
    try:
        if os.geteuid() != 0:
            raise LabError("network namespaces need root: run this as root")
        return perform(options, options.build or build_release())
    except BrokenPipeError:
        # Whoever read it has seen enough. Nobody is left to be told, also not at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (LabError, builds.Failure) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


def main():
    options = parse_arguments()
    return interrupts.run("demo", lambda: attempt(options))


if __name__ == "__main__":
    sys.exit(main())
