"""Results for people: a table of 80 columns."""

_WIDTHS = (36, 8, 8, 8, 7, 13)


def head(facts):
    """The lines above the table."""
    lines = [f"{name + ':':<9}{text}" for name, text in facts.items()]
    return "\n".join(line[:80] for line in lines)


def titles():
    """The table's first line."""
    return _line("", "median", "min", "max", "ratio", "unit")


def _line(name, *cells):
    text, end = f"{name:<{_WIDTHS[0]}}", _WIDTHS[0]
    for cell, width in zip(cells, _WIDTHS[1:]):
        end += width
        # After a long name a cell comes closer, and the next one stands where it should.
        text += f" {cell:>{max(end - len(text) - 1, 0)}}"
    return text


def _number(value):
    if value >= 1e5:
        return f"{value / 1e6:.2f} M"
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def line(result):
    """One row, from its JSON object."""
    if "error" in result:
        return f"{result['name']}: {result['error']}"
    ratio = "" if result["ratio"] is None else f"{result['ratio']:.2f}"
    values = [_number(result[key]) for key in ("median", "min", "max")]
    return _line(result["name"], *values, ratio, result["unit"])
