"""A fulcrum-control of the test's own, and a client that says exactly what it is told to say."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

PASSWORD = "correct horse battery"
ROLES = ("viewer", "operator", "farm-admin", "administrator", "auditor")
CONFIG = """version = 1;
runtime_dir = "{directory}";
management = {{ addresses = [ {addresses} ]; port = {port}; allowed_hosts = [ {allowed} ]; }};
ports = ( {{ name = "front"; addresses = [ "198.51.100.1/24" ]; }},
          {{ name = "back"; addresses = [ "10.1.1.1/16" ]; }} );
farms = ( {farms} );
"""
FARM = """{{ name = "{name}"; addresses = [ "{vip}" ]; ports = ( {{ port = 80; }} );
  servers = ( {servers} ); }}"""


def wait_for(condition, seconds=20):
    """Polls until the condition holds, and gives its value back."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("the condition did not come to hold")


def free_port():
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.text = body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.status} {self.text[:400]}"


class Box:
    """The running program. Requests go over HTTPS; `console` goes over the local socket."""

    def __init__(self, servers=2):
        """With so many servers in each of its two farms."""
        self.servers = servers
        self.build = pathlib.Path(os.environ["FULCRUM_BUILD"])
        self.directory = tempfile.mkdtemp(prefix="fulcrum-api-")
        self.port = free_port()
        self.process = None
        self.log = open(os.path.join(self.directory, "log"), "w+", encoding="utf-8")
        self.farms = ["shop", "mail"]
        self.allowed = []
        self.addresses = ["127.0.0.1"]
        self.write_config()
        self.start()

    def write_config(self):
        address = lambda i: f"10.1.{1 + i // 240}.{11 + i % 240}"
        servers = ",\n".join(
            f'{{ name = "web{1 + i}"; addresses = [ "{address(i)}" ]; }}' for i in range(self.servers)
        )
        farms = [
            FARM.format(name=name, vip=f"198.51.100.{10 + i}", servers=servers) for i, name in enumerate(self.farms)
        ]
        text = CONFIG.format(
            directory=self.directory,
            port=self.port,
            addresses=", ".join(f'"{one}"' for one in self.addresses),
            allowed=", ".join(f'"{one}"' for one in self.allowed),
            farms=", ".join(farms),
        )
        pathlib.Path(self.directory, "fulcrum.cfg").write_text(text, encoding="utf-8")

    def start(self, until=None):
        program = self.build / "control/app/fulcrum-control"
        config = os.path.join(self.directory, "fulcrum.cfg")
        self.process = subprocess.Popen([program, "--config", config], stdout=self.log, stderr=self.log)
        wait_for(until or self.listens)

    def listens(self):
        assert self.process.poll() is None, self.words()
        try:
            return self.console("GET", "/api/v1/status/management")[1]["listening"]
        except (OSError, ValueError, KeyError):
            return False

    def words(self):
        self.log.flush()
        return pathlib.Path(self.directory, "log").read_text(encoding="utf-8")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.kill(signal.SIGTERM)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return self.process.returncode

    def context(self):
        # Told whom to trust, it does not read the machine's hundred authorities, which takes longer than a request.
        return ssl.create_default_context(cafile=os.path.join(self.directory, "state/api-certificate.pem"))

    def connection(self, source="127.0.0.1", timeout=20):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=timeout, context=self.context(), source_address=(source, 0)
        )

    def tls(self, source="127.0.0.1", timeout=20):
        """A connection on which the test writes bytes."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0))
        return self.context().wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, method, path, body=None, *, token=None, headers=None, source="127.0.0.1"):
        """One request on a connection of its own."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            merge = "application/merge-patch+json" if method == "PATCH" else "application/json"
            headers.setdefault("Content-Type", merge)
        connection = self.connection(source)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def console(self, method, path, body=None, headers=None):
        """(status, body) of a request as root over the local socket."""
        request = {"method": method, "path": path}
        if body is not None:
            request["body"] = body
        if headers:
            request["headers"] = headers
        answer = self.local({"api": request})
        return answer["status"], answer["body"]

    def local(self, request):
        """The answer to one request on the local socket."""
        with socket.socket(socket.AF_UNIX) as local:
            local.settimeout(20)
            local.connect(os.path.join(self.directory, "control.sock"))
            local.sendall(json.dumps(request).encode() + b"\n")
            line = b""
            while not line.endswith(b"\n"):
                chunk = local.recv(65536)
                if not chunk:
                    raise OSError("hung up")
                line += chunk
        return json.loads(line)

    def cli(self, *words, text=None, login=None):
        """The command line. login: of which uid the login session is that it runs in."""
        program = self.build / "control/surface/cli/fulcrum"
        log_in = lambda: pathlib.Path("/proc/self/loginuid").write_text(str(login), encoding="ascii")
        return subprocess.run(
            [program, *words, "--runtime-dir", self.directory],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=None if login is None else log_in,
        )

    def add_account(self, name, role, scope=None):
        body = {"role": role, "password": PASSWORD}
        if scope:
            body["scope"] = scope
        status, answer = self.console("PUT", f"/api/v1/accounts/{name}", body)
        assert status == 200, answer

    def log_in(self, name, password=PASSWORD, source="127.0.0.1", headers=None):
        return self.ask("POST", "/api/v1/session", {"name": name, "password": password}, source=source, headers=headers)

    def session(self, name, source="127.0.0.1"):
        """Headers that a browser with a session sends, CSRF token included."""
        answer = self.log_in(name, source=source)
        assert answer.status == 200, answer
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        return {"Cookie": cookie, "X-CSRF-Token": answer.json["csrf_token"]}

    def token(self, name, role, scope=None, seconds=3600):
        """The secret of a new token of that account."""
        body = {"name": f"t-{name}-{time.monotonic_ns()}", "role": role, "expires_in_s": seconds}
        if scope:
            body["scope"] = scope
        answer = self.ask("POST", "/api/v1/tokens", body, headers=self.session(name))
        assert answer.status == 201, answer
        return answer.json["token"]

    def tokens_of_all_roles(self):
        """Role to token. farm-admin's scope is the farm "shop"."""
        tokens = {}
        for role in ROLES:
            scope = ["shop"] if role == "farm-admin" else None
            self.add_account(role, role, scope)
            tokens[role] = self.token(role, role, scope)
        return tokens
