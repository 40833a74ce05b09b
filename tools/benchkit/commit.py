"""Group `commit`: how long a change of a large configuration takes until every worker has it. The real fulcrum-control,
with workers that only read their mailboxes; over ordinary pages."""

import json
import subprocess

from tools.benchkit.block import Samples
from tools.benchkit.contenders import BenchError
from tools.benchkit.rows import Row

FARMS, SERVERS, COMMITS = 1000, 16, 20
TINY_FARMS, TINY_SERVERS, TINY_COMMITS = 3, 2, 2
PROGRAMS = ("control/app/fulcrum-commit-bench", "control/app/fulcrum-control")
_PATIENCE_S = 120


def megabytes(_block):
    """Of huge pages: none."""
    return 0


def _run(block, sizes):
    build = block.settings.program.resolve().parents[2]
    words = [*(str(build / program) for program in PROGRAMS), *map(str, sizes)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode != 0:
        raise BenchError(f"{PROGRAMS[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def _sample(name, value, sizes):
    def sample(block):
        runs = block.contender("commits", Samples)
        return value(runs.answer("run", name, lambda: _run(block, sizes)))

    return sample


def rows(tiny):
    """Milliseconds: from the program's start to the first snapshot at every worker; of a dry run; of a commit until the
    last worker has acknowledged it (the median of some commits is one sample)."""
    sizes = (TINY_FARMS, TINY_SERVERS, TINY_COMMITS) if tiny else (FARMS, SERVERS, COMMITS)
    name = f"commit/{sizes[0]}x{sizes[1]}"
    values = {
        f"{name}/load": lambda answer: answer["load"],
        f"{name}/check": lambda answer: answer["check"]["median"],
        name: lambda answer: answer["commit"]["median"],
    }
    return [
        Row(row, ("commit", sizes), _sample(row, value, sizes), unit="ms") for row, value in values.items()
    ]
