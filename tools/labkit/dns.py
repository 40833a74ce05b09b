"""Name servers of the lab: a dnsmasq per server namespace that answers with its own name, and a client's questions."""

import subprocess

from tools.labkit.namespaces import LabError, inside, run, wait_until

QUESTION = "server.test"  # its TXT record is the server's name


class DnsServer:
    """One dnsmasq of the lab, at port 53 of all addresses of its server, UDP and TCP."""

    def __init__(self, lab, name):
        self.name = name
        self.namespace = lab.server(name)
        self.log = lab.state / f"{name}-dnsmasq.log"
        self._process = None

    def start(self):
        """Starts it; it answers when this returns."""
        command = inside(
            self.namespace,
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file="),
            *("--no-resolv", "--no-hosts", f"--txt-record={QUESTION},{self.name}"),
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: _dig(self.namespace, "127.0.0.1") == self.name, 10, f"dnsmasq to answer (see {self.log})")

    def kill(self):
        """Dies like a server that crashes."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None


def dig(lab, address, *options):
    """Which server answers a client's question to that address. Raises LabError when none does."""
    name = _dig(lab.client, address, *options)
    if not name:
        raise LabError(f"dig @{address} {' '.join(options)}: no answer")
    return name


def _dig(namespace, address, *options):
    command = ("dig", "+short", "+tries=1", "+time=2", *options, f"@{address}", QUESTION, "TXT")
    done = run(*inside(namespace, *command), check=False)
    return done.stdout.strip().strip('"') if done.returncode == 0 else None
