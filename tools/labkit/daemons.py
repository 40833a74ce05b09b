"""The box of the lab: fulcrum-dataplane and fulcrum-control. The configuration files are generated where nobody gives
others (tools/demo: the examples)."""

import json
import os
import pathlib
import signal
import subprocess

from tools.labkit import namespaces, topology
from tools.labkit.namespaces import LabError, inside, run, wait_until

START_PATIENCE_S = 30  # a dataplane without hugepages touches all its memory page by page

# How fast a dead server is noticed: two failed checks in a row, a fifth of a second apart.
FAST_CHECK = {"interval_ms": 200, "timeout_ms": 200, "rise": 2, "fall": 2}
# For loads that leave servers without a processor for a moment: they are slow then, not dead.
PATIENT_CHECK = {"interval_ms": 1000, "timeout_ms": 1000, "rise": 1, "fall": 5}


def dataplane_configuration(lab, runtime_dir, hugepages="auto"):
    """The text of dataplane.cfg."""
    cores = os.cpu_count() or 1
    return f"""\
version = 1;
runtime_dir = "{runtime_dir}";
hugepages = "{hugepages}";
memory_mb = 128;
connections = 200000;
idle = "sleep";                      # the clients and servers of the lab need the cores too
twin_namespace = "{lab.twin}";
housekeeping_core = 0;
worker_cores = [ {min(1, cores - 1)} ];
ports = ( {{ name = "front"; profile = "af_packet"; device = "veth-front"; mtu = 1500; }},
          {{ name = "back";  profile = "af_packet"; device = "veth-back";  mtu = 1500; }} );
"""


def farm_configuration(farm, weights, check):
    """One farm of fulcrum.cfg."""
    servers = ",\n".join(
        f'        {{ name = "{name}"; addresses = [ {_quoted(farm.server_addresses(name))} ]; weight = {weight}; }}'
        for name, weight in weights.items()
    )
    check_text = " ".join(f"{key} = {value};" for key, value in check.items())
    return f"""\
    {{
      name = "{farm.name}";
      mode = "{farm.mode}";
      scheduler = "weighted_round_robin";
      addresses = [ "{farm.ipv4}", "{farm.ipv6}" ];
      ports = ( {{ protocol = "tcp"; port = 80; }} );
      servers = (
{servers} );
      check = {{ type = "tcp_connect"; {check_text} }};
    }}"""


def control_configuration(runtime_dir, weights=None, check=None):
    """The text of fulcrum.cfg."""
    weights = weights or {name: 1 for name in topology.SERVERS}
    ports = ",\n          ".join(
        f'{{ name = "{name}"; addresses = [ {_quoted(addresses)} ]; }}'
        for name, addresses in topology.BOX_ADDRESSES.items()
    )
    farm_texts = ",\n".join(farm_configuration(farm, weights, check or FAST_CHECK) for farm in topology.FARMS)
    return f"""\
version = 1;
runtime_dir = "{runtime_dir}";
ports = ( {ports} );
farms = (
{farm_texts} );
"""


def _quoted(texts):
    return ", ".join(f'"{text}"' for text in texts)


class Daemon:
    """One of the two processes. It outlives the program that started it; its pid file finds it again."""

    def __init__(self, lab, program, configuration):
        self.lab = lab
        self.program = program
        self.configuration = configuration
        self.pid_file = lab.state / f"{program.name}.pid"
        self.log = lab.state / f"{program.name}.log"

    def start(self, *options):
        """Starts it in the box. What it writes goes to its log."""
        if not self.program.exists():
            raise LabError(f"{self.program} is not there: build first (tools/demo does), or name the folder: --build")
        # `ip netns exec` becomes the program, so the process we start is the daemon itself.
        command = inside(self.lab.box, str(self.program), "--config", str(self.configuration), *options)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self.pid_file.write_text(f"{child.pid}\n")
        return child

    def pid(self):
        """Its process, or None."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if namespaces.alive(pid) else None

    def send(self, number):
        """Sends it a signal."""
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.program.name} does not run: its last words are in {self.log}")
        namespaces.send_signal(pid, number)

    def kill(self):
        """Ends it without warning, and returns when it is gone."""
        pid = self.pid()
        self.send(signal.SIGKILL)
        wait_until(lambda: not namespaces.alive(pid), 10, f"{self.program.name} to die")

    def last_words(self):
        """The end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Box:
    """Both daemons and the command line that asks them."""

    def __init__(self, lab, build):
        self.lab = lab
        self.build = pathlib.Path(build).resolve()
        self.runtime_dir = lab.state / "run"
        self.dataplane = Daemon(lab, self.build / "dataplane/app/fulcrum-dataplane", lab.state / "dataplane.cfg")
        self.control = Daemon(lab, self.build / "control/app/fulcrum-control", lab.state / "fulcrum.cfg")
        self.cli = self.build / "control/surface/cli/fulcrum"

    def configure(self, dataplane=None, control=None):
        """Writes both files; the texts given stand in for the usual ones."""
        self.dataplane.configuration.write_text(dataplane or dataplane_configuration(self.lab, self.runtime_dir))
        self.control.configuration.write_text(control or control_configuration(self.runtime_dir))

    def start(self):
        """Starts both daemons (one that runs already goes on) and returns when all servers of all farms are up."""
        if not self.dataplane.configuration.exists():
            self.configure()
        for daemon in (self.dataplane, self.control):
            if daemon.pid() is None:
                daemon.start()
        self.wait_for_all()

    def show(self, what):
        """The answer of `fulcrum show ... --json`, or None while nobody answers."""
        done = run(
            *inside(self.lab.box, str(self.cli), "show", what, "--json", "--runtime-dir", str(self.runtime_dir)),
            check=False,
        )
        if done.returncode != 0:
            return None
        return json.loads(done.stdout)

    def server_states(self):
        """The state of each server in each farm: {(farm, server): word}. A server whose two addresses differ is
        "mixed", one that was not checked yet is "new" (Fulcrum counts it as up until it knows better). Empty while
        nobody answers, or while control has no dataplane."""
        answer = self.show("servers")
        if answer is None or not answer["dataplane"]["alive"] or answer["dataplane"]["waiting_for"]:
            return {}
        states = {}
        for row in answer["servers"]:
            key = (row["farm"], row["name"])
            state = row["state"] if row["since"] or row["reason"] == "not checked" else "new"
            states[key] = state if states.get(key, state) == state else "mixed"
        return states

    def wait_for_servers(self, states, patience_s=START_PATIENCE_S):
        """Waits until the servers named have their states in all farms."""

        def reached(seen):
            return all(
                seen.get((farm.name, name)) == state for farm in topology.FARMS for name, state in states.items()
            )

        self._wait_for_states(reached, patience_s, ", ".join(f"{name} {state}" for name, state in states.items()))

    def wait_for_all(self, patience_s=START_PATIENCE_S):
        """Waits until every server that there is in any farm is up."""
        self._wait_for_states(lambda seen: seen and set(seen.values()) == {"up"}, patience_s, "up")

    def _wait_for_states(self, reached, patience_s, words):
        def looked():
            for daemon in (self.dataplane, self.control):
                if daemon.pid() is None:
                    raise LabError(f"{daemon.program.name} ended:\n{daemon.last_words()}")
            return reached(self.server_states())

        wait_until(looked, patience_s, f"the servers to be {words}", every_s=0.05)

    def accounts(self):
        """The packet accounts: received, from_linux, sent, punted, unaccounted, and drops by their names. None while
        nobody answers."""
        answer = self.show("drops")
        if answer is not None:
            answer["drops"] = {row["reason"]: row["packets"] for row in answer["drops"]}
        return answer

    def accounts_at_rest(self, patience_s=10):
        """The packet accounts while nothing is on its way: two readings in a row that are the same. Health checks go on
        meanwhile, so it can take a few tries."""

        def at_rest():
            first, second = self.accounts(), self.accounts()
            return first is not None and first == second and first["dataplane"]["alive"] and second

        return wait_until(at_rest, patience_s, "the packet accounts to come to rest", every_s=0.01)

    def guide(self):
        """How to look around, for a person."""
        lab = self.lab
        running = all(daemon.pid() for daemon in (self.dataplane, self.control))
        lines = [f"The lab {lab.prefix} is up" + (", Fulcrum runs in it." if running else "; Fulcrum does not run.")]
        show = f"ip netns exec {lab.box} {self.cli} show servers --runtime-dir {self.runtime_dir}"
        rows = [
            ("a client's request (NAT)", f"ip netns exec {lab.client} curl http://{topology.NAT.ipv4}/"),
            ("the same by DSR, IPv6", f"ip netns exec {lab.client} curl 'http://[{topology.DSR.ipv6}]/'"),
            ("the box, asked", show + "   (also farms, connections, drops, version)"),
            ("the box's kernel twins", f"ip netns exec {lab.twin} ip addr"),
            ("packets at the first server", f"ip netns exec {lab.server('s1')} tcpdump -ni back"),
            ("configuration and logs", str(lab.state)),
            ("apply a changed fulcrum.cfg", f"kill -HUP $(cat {self.control.pid_file})"),
            ("remove everything", f"tools/lab down --prefix {lab.prefix}"),
        ]
        lines += [f"  {what:<28} {command}" for what, command in rows]
        return "\n".join(lines)
