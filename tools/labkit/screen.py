"""What tools/demo prints: a live table that redraws itself on a terminal, and one line a second where there is none."""

import sys

from tools.labkit.topology import SERVERS


class LiveTable:
    """Requests and state of each server while the load runs."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self._terminal = out.isatty()
        self._drawn = 0
        self._last_line_at = None

    def title(self, text):
        """Begins a new table."""
        self._out.write(f"\n{text}\n")
        self._out.flush()
        self._drawn = 0
        self._last_line_at = None

    def show(self, seconds, phase, rates, totals, states):
        """Draws one moment. The dicts are by server."""
        if self._terminal:
            self._redraw(seconds, phase, rates, totals, states)
        elif self._last_line_at is None or seconds - self._last_line_at >= 0.95:
            self._last_line_at = seconds
            cells = "   ".join(f"{name} {states.get(name, '?'):<5}{rates[name]:>7,.0f}/s" for name in SERVERS)
            self._out.write(f"  {seconds:4.1f} s  {cells}   {phase}\n")
            self._out.flush()

    def _redraw(self, seconds, phase, rates, totals, states):
        busiest = max([1.0, *rates.values()])
        lines = [f"  {seconds:4.1f} s  {phase}", "  server  state  requests/s   requests"]
        for name in SERVERS:
            bar = "#" * round(30 * rates[name] / busiest)
            lines.append(f"  {name:<7} {states.get(name, '?'):<6} {rates[name]:>10,.0f} {totals[name]:>10,}  {bar}")
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A")
        self._out.write("".join(f"\x1b[2K{line}\n" for line in lines))
        self._out.flush()
        self._drawn = len(lines)


def summary(results):
    """The table at the end, from the figures as --json writes them."""
    head = f"  {'':<10}{'requests':>10}{'errors':>8}" + "".join(f"{name:>10}" for name in SERVERS)
    lines = ["", head + "   dead server got new connections for"]
    for mode, families in results.items():
        for family, figures in families.items():
            servers = "".join(f"{figures['requests_per_server'][name]:>10,}" for name in SERVERS)
            lines.append(
                f"  {mode:<4}{family:<6}{figures['requests']:>10,}{figures['errors']:>8,}{servers}"
                f"   {figures['dead_server_new_connections_ms']:.0f} ms"
            )
    return "\n".join(lines)


def accounts(drops):
    """The packet accounts in one line, with what was dropped and why."""
    reasons = ", ".join(f"{name} {count:,}" for name, count in drops["drops"].items() if count) or "none"
    return (
        f"  packets: received {drops['received']:,}, from Linux {drops['from_linux']:,}, sent {drops['sent']:,}, "
        f"to Linux {drops['punted']:,}, dropped: {reasons}; unaccounted {drops['unaccounted']}"
    )
