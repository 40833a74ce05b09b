"""The three web servers: one nginx per server namespace, and a client's single requests."""

import pathlib
import random
import signal

from tools.labkit import namespaces, topology
from tools.labkit.namespaces import LabError, inside, run, wait_until

BIG_SIZE = 100_000_000
_PIECE = 1_000_000

CONFIGURATION = """\
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    log_format requests '$msec $server_addr $remote_addr $status $request_uri';
    access_log {folder}/access.log requests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type text/plain;
    sendfile on;
    keepalive_requests 1000000;
    server {{
{listens}
        add_header X-Server {name} always;
        location / {{ return 200 "{name}\\n"; }}
        location /big {{ alias {big}; }}
    }}
}}
"""


def big_content(size=BIG_SIZE):
    """What /big says, or its beginning, in pieces: no two parts of it are alike, so that a lost or doubled segment
    shows. Always the same."""
    source = random.Random(2)
    for at in range(0, size, _PIECE):
        yield source.randbytes(_PIECE)[: size - at]


def big_file(lab):
    """The file of 100 MB that the lab's servers serve. On a disk: it would take memory beside the lab's state."""
    file = lab.scratch / "100MB"
    if not file.exists():
        lab.scratch.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            for piece in big_content():
                out.write(piece)
    return file


class WebServer:
    """One nginx of the lab."""

    def __init__(self, lab, name, ports=(80,)):
        self.lab = lab
        self.name = name
        self.namespace = lab.server(name)
        self.folder = lab.state / name
        self.log = self.folder / "access.log"
        self.ports = ports

    def start(self):
        """Starts it; it listens when this returns."""
        self.folder.mkdir(exist_ok=True)
        configuration = self.folder / "nginx.conf"
        listens = "\n".join(
            f"        listen {address}{port} backlog=4096;" for port in self.ports for address in ("", "[::]:")
        )
        configuration.write_text(
            CONFIGURATION.format(folder=self.folder, name=self.name, listens=listens, big=big_file(self.lab))
        )
        (self.folder / "nginx.pid").unlink(missing_ok=True)
        errors = str(self.folder / "error.log")
        command = inside(self.namespace, "nginx", "-e", errors, "-c", str(configuration))
        # An nginx that was killed leaves its port to the kernel for a moment.
        wait_until(lambda: run(*command, check=False).returncode == 0, 5, f"nginx to start (see {errors})")
        wait_until(self.pids, 5, f"nginx to write {self.folder}/nginx.pid")

    def pids(self):
        """The master and its worker."""
        return [pid for pid in namespaces.processes(self.namespace) if _program(pid) == "nginx"]

    def kill(self):
        """Dies like a server that crashes: all its processes at once, no goodbye. Its address stays."""
        pids = self.pids()
        for pid in pids:
            namespaces.send_signal(pid, signal.SIGKILL)
        wait_until(lambda: not any(namespaces.alive(pid) for pid in pids), 5, "nginx to die")

    def requests(self, start=0):
        """The log from a position on: (number of requests, position after them)."""
        if not self.log.exists():
            return 0, start
        with self.log.open("rb") as log:
            log.seek(start)
            count = 0
            while piece := log.read(1 << 20):
                count += piece.count(b"\n")
            return count, log.tell()


def start_all(lab, ports=(80,)):
    """All three servers, at these ports of all their addresses."""
    servers = {name: WebServer(lab, name, ports) for name in topology.SERVERS}
    for server in servers.values():
        server.start()
    return servers


def curl(lab, url, *options, timeout_s=20):
    """What the client gets. Raises LabError when the request fails."""
    command = inside(lab.client, "curl", "-sS", "--fail", "--noproxy", "*", "--max-time", str(timeout_s), *options, url)
    done = run(*command, check=False)
    if done.returncode != 0:
        raise LabError(f"curl {url}: {done.stderr.strip()}")
    return done.stdout


def _program(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
    except OSError:
        return ""
