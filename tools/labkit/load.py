"""HTTP load from the client: wrk, with a new connection for every request.

wrk because it alone of the usual tools keeps a 2-core machine's load generator cheap enough to see the box, counts
errors by kind and speaks IPv6. "Connection: close" because a balancer decides per connection: with kept-alive ones a
dead server would show in 32 decisions, not in thousands.
"""

import dataclasses
import re
import subprocess

from tools.labkit.namespaces import LabError, inside


@dataclasses.dataclass
class LoadResult:
    """What wrk reports."""

    requests: int
    errors: dict  # by kind: connect, read, write, timeout, status
    seconds: float

    @property
    def failed(self):
        """All errors."""
        return sum(self.errors.values())


class Load:
    """A running wrk."""

    def __init__(self, lab, url, seconds, connections=32, keep_alive=False):
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "5s", url]
        if not keep_alive:
            command[-1:-1] = ["-H", "Connection: close"]
        self._process = subprocess.Popen(
            inside(lab.client, *command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def wait(self):
        """Its result. Raises LabError when wrk itself failed, for example could not connect at all."""
        output, _ = self._process.communicate()
        return parse(output)

    def stop(self):
        """Ends it, when it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def parse(output):
    """The figures in wrk's report."""
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", output)
    if not total:
        raise LabError(f"wrk failed:\n{output.strip()}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[total.group(3)]
    errors = dict.fromkeys(("connect", "read", "write", "timeout", "status"), 0)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if sockets:
        errors.update(zip(("connect", "read", "write", "timeout"), map(int, sockets.groups())))
    status = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if status:
        errors["status"] = int(status.group(1))
    return LoadResult(requests=int(total.group(1)), errors=errors, seconds=float(total.group(2)) * unit)
