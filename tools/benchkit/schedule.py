"""What a scheduler's choice of a server costs, by scheduler and number of servers.

Also where it finds nobody by itself: `full`, all servers at their limit but one, another one each time, and `down`,
where there is nobody. Neither may cost more the more servers there are."""

from tools.benchkit.contenders import BenchError
from tools.benchkit.rows import Row

KINDS = (
    "round_robin",
    "weighted_round_robin",
    "least_connections",
    "weighted_least_connections",
    "two_choices",
    "source_hash",
    "maglev",
    "fastest_response",
    "least_bandwidth",
)
SERVERS = (4, 16, 100, 1000)
HARD = ("full", "down")
HARD_KINDS = ("round_robin", "weighted_least_connections", "maglev")
HARD_SERVERS = (16, 1000, 4000)
BLOCK = ("schedule",)
LIVE = 1024  # connections of the box beside it, which take no part


def megabytes(_):
    """Of huge pages: next to none, the schedulers have their own memory."""
    return 128


def _decide(kind, servers, state="well"):
    def sample(block):
        answer = block.ours(live=LIVE).ask("schedule", kind, block.settings.milliseconds, servers, state)
        if answer["lost"] or answer["packets"] == 0:
            raise BenchError(f"{kind}: {answer['lost']} of {answer['packets']} choices led to the wrong end")
        return answer["ns"] / answer["packets"]

    return sample


def rows():
    """All of them, beside taking turns."""
    hard = [
        Row(f"schedule/{state}/{kind}/{servers}", BLOCK, _decide(kind, servers, state), unit="ns/decision")
        for state in HARD
        for servers in HARD_SERVERS
        for kind in HARD_KINDS
    ]
    return hard + [
        Row(
            f"schedule/{kind}/{servers}",
            BLOCK,
            _decide(kind, servers),
            unit="ns/decision",
            ratio_to="" if kind == KINDS[0] else f"schedule/{KINDS[0]}/{servers}",
        )
        for servers in SERVERS
        for kind in KINDS
    ]
