"""Rows: what is measured, with which contender, against which floor. A block is a set of contenders that run at the
same time; its rows are sampled in turns, so that whatever the machine does meanwhile happens to all of them."""

import dataclasses
import statistics
import typing


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure. `sample` takes the block and returns one value."""

    name: str
    block: tuple
    sample: typing.Callable
    unit: str = "ns/packet"
    ratio_to: str = ""


@dataclasses.dataclass
class Result:
    """A row's samples."""

    row: Row
    samples: list
    error: str = ""

    def as_json(self, results):
        """The JSON object of this row; `results` by name, for the ratio."""
        if self.error:
            return {"name": self.row.name, "error": self.error}
        median = statistics.median(self.samples)
        ratio = None
        floor = results.get(self.row.ratio_to)
        if floor and floor.samples and min(floor.samples) > 0:
            if self.row.block == floor.row.block:
                # Taken one after the other, so their ratios are steadier than the medians'.
                ratio = statistics.median(own / its for own, its in zip(self.samples, floor.samples))
            else:
                ratio = median / statistics.median(floor.samples)
        return {
            "name": self.row.name,
            "value": round(median, 3),
            "unit": self.row.unit,
            "median": round(median, 3),
            "min": round(min(self.samples), 3),
            "max": round(max(self.samples), 3),
            "repetitions": len(self.samples),
            "ratio_to": self.row.ratio_to or None,
            "ratio": round(ratio, 3) if ratio is not None else None,
        }


# Groups that are called otherwise than their rows.
GROUPS = {"peers": "peer"}


def chosen(rows, names):
    """The rows with these names or in these groups, and the floors they are compared with. None at all: all rows.
    Raises KeyError with the first name that fits nothing."""
    by_name = {row.name: row for row in rows}
    wanted = set()
    for name in names:
        group = GROUPS.get(name.rstrip("/"), name.rstrip("/"))
        fitting = {row.name for row in rows if row.name == name or row.name.startswith(group + "/")}
        if not fitting:
            raise KeyError(name)
        wanted |= fitting
    if not names:
        wanted = set(by_name)
    wanted |= {by_name[name].ratio_to for name in wanted} & set(by_name)
    return [row for row in rows if row.name in wanted]
