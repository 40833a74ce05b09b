"""Golden cases: what goes into the box, and what must become of it. One text file each, in cases/:

  # A sentence that says what the case shows. Lines that begin with # and empty lines do not count.

  connections: 1024              capacity of the connection table; this is the default
  config: none                   nothing is ever published

  [config]                       fulcrum.cfg; without this section lab.cfg
  [config 2]                     what `reload 2` publishes, when 2,000 seconds of the administrator's time have passed
  [config 2 like 1]              the same as configuration 1 (or lab: lab.cfg) but for these lines: TEXT => TEXT
  [down] and [down 2]            servers whose check fails in that configuration, as farm/server;
                                with a port behind it only that of the server's
  [untested] and [untested 2]    the same of those whose check has not answered yet
  [neighbours]                   port, address, MAC; without this section lab.neighbours

  [names]                        Python: words for the packets below, on top of lab.py's

  [packets]                      one step a line; an indented line goes on with the one before
  in PORT EXPRESSION             a frame, or a list of frames, that arrives by this port. Then what becomes of it:
  out PORT EXPRESSION              it leaves like this
  punt PORT [EXPRESSION]           Linux gets it by this port's twin, unchanged if nothing is said
  drop REASON                      it is dropped and counted so
  answer PORT REASON EXPRESSION    it is dropped and counted so, and this leaves in its place
  reload N                       the next configuration is published
  pause                          what comes next comes later, not in one burst with what came before

  [counters]                     what the box counted for a server in the end: farm/server name=value ...

The real program is started anew at each pause, and wherever a frame of the front follows one of the back (phases()).
Connections outlive that, the scheduler's turn does not: open what shall be balanced before the first answer comes in.

An expression is Python with scapy (lab.py). Every frame has one fate, so the counters of packets follow from the steps
and are checked in every case.
"""

import dataclasses
import pathlib

import lab

HERE = pathlib.Path(__file__).resolve().parent
PORTS = ("front", "back")
# The worker takes in so many frames of one port before it looks at the next.
BURST = 32


class CaseError(Exception):
    """A case that cannot be read. The text names file and line."""


@dataclasses.dataclass
class Step:
    """One frame and what becomes of it, or a reload."""

    kind: str  # in, out, punt, drop, answer, reload, pause
    port: str = ""
    frame: bytes = b""
    word: str = ""  # reason, or number of the configuration


@dataclasses.dataclass
class Case:
    """A case as read."""

    name: str
    connections: int = 1024
    configs: dict = dataclasses.field(default_factory=dict)  # number: text
    unwell: list = dataclasses.field(default_factory=list)  # (down or untested, number, name)
    neighbours: list = dataclasses.field(default_factory=list)
    steps: list = dataclasses.field(default_factory=list)
    counters: list = dataclasses.field(default_factory=list)  # (server, {name: value})

    def drops(self):
        """Drops by reason."""
        counts = {}
        for step in self.steps:
            if step.kind in ("drop", "answer"):
                counts[step.word] = counts.get(step.word, 0) + 1
        return counts

    def phases(self):
        """The steps in runs of which each gives the same result when every port's frames are there from the start: the
        worker polls the ports in turn, a burst of each."""
        phases = [[]]
        last = 0
        taken = 0
        for step in self.steps:
            new = step.kind in ("reload", "pause")
            if step.kind == "in":
                port = PORTS.index(step.port)
                new = new or port < last or (port > last and taken > BURST)
                taken = taken + 1 if port == last and not new else 1
                last = port
            if new and phases[-1]:
                phases.append([])
            phases[-1].append(step)
            if step.kind != "in" and new:
                last = taken = 0
        return phases


def sections_of(path):
    """The sections of a file, by title: lists of (line number, line). The part before the first has the title ""."""
    sections = {"": []}
    title = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("[") and line.rstrip().endswith("]"):
            title = line.strip()[1:-1]
            if title in sections:
                raise CaseError(f"{path}:{number}: a second section [{title}]")
            sections[title] = []
        elif line.strip() and not line.lstrip().startswith("#"):
            sections[title].append((number, line))
    return sections


def logical_lines(lines):
    """Joins indented lines to the one before."""
    joined = []
    for number, line in lines:
        if line[0].isspace() and joined:
            joined[-1] = (joined[-1][0], joined[-1][1] + " " + line.strip())
        else:
            joined.append((number, line.strip()))
    return joined


def text_of(lines):
    """The lines of a section as they were."""
    return "\n".join(line for _, line in lines) + "\n"


class Reader:
    """Reads one case."""

    def __init__(self, path):
        self.path = path
        self.case = Case(path.stem)
        self.words = {name: value for name, value in vars(lab).items() if not name.startswith("_")}
        self.waiting = []  # frames that came in and have no fate yet

    def read(self):
        sections = sections_of(self.path)
        published = self.read_head(sections.pop(""))
        if published and "config" not in sections and "config 1 like lab" not in sections:
            self.case.configs[1] = (HERE / "lab.cfg").read_text()
        neighbours = sections.pop("neighbours", None)
        if neighbours is None:
            neighbours = list(enumerate((HERE / "lab.neighbours").read_text().splitlines(), 1))
        self.case.neighbours = [line.split() for _, line in neighbours]
        exec(text_of(sections.pop("names", [])), self.words)
        for number, line in logical_lines(sections.pop("packets", [])):
            self.read_step(number, line)
        if self.waiting:
            raise CaseError(f"{self.path}: the last frame has no fate")
        for number, line in logical_lines(sections.pop("counters", [])):
            self.read_counters(line)
        self.read_configs(sections)
        return self.case

    def read_head(self, lines):
        published = True
        for number, line in lines:
            key, _, value = (part.strip() for part in line.partition(":"))
            if key == "connections":
                self.case.connections = int(value)
            elif key == "config" and value == "none":
                published = False
            else:
                raise CaseError(f"{self.path}:{number}: {line}: connections: N, config: none, or a section")
        return published

    def read_configs(self, sections):
        for title, lines in sections.items():
            word, _, rest = title.partition(" ")
            number, _, like = rest.partition("like ")
            number = int(number or 1)
            if word == "config" and like:
                self.case.configs[number] = self.changed(like, lines)
            elif word == "config":
                self.case.configs[number] = text_of(lines)
            elif word in ("down", "untested"):
                self.case.unwell += [(word, number, line.strip()) for _, line in lines]
            else:
                raise CaseError(f"{self.path}: what is the section [{title}]?")

    def changed(self, like, lines):
        """Another configuration with some texts replaced, wherever they stand."""
        text = (HERE / "lab.cfg").read_text() if like == "lab" else self.case.configs[int(like)]
        for number, line in lines:
            before, _, after = (part.strip() for part in line.partition("=>"))
            if before not in text:
                raise CaseError(f"{self.path}:{number}: {before}: is not in configuration {like}")
            text = text.replace(before, after)
        return text

    def read_step(self, number, line):
        kind, _, rest = line.partition(" ")
        try:
            if kind == "in":
                self.take_in(*self.port_and_frames(rest))
            elif kind == "drop":
                self.give_fate([Step("drop", word=rest.strip()) for _ in self.waiting])
            elif kind == "answer":
                port, reason, rest = rest.split(None, 2)
                port, frames = self.port_and_frames(f"{port} {rest}")
                self.give_fate([Step("answer", port, frame, reason) for frame in frames])
            elif kind in ("out", "punt"):
                port, frames = self.port_and_frames(rest)
                frames = frames or [step.frame for step in self.waiting]
                self.give_fate([Step(kind, port, frame) for frame in frames])
            elif kind in ("reload", "pause"):
                self.case.steps.append(Step(kind, word=rest.strip()))
            else:
                raise CaseError("a step begins with in, out, punt, drop, answer, reload or pause")
        except Exception as error:
            raise CaseError(f"{self.path}:{number}: {line}: {error}") from error

    def port_and_frames(self, text):
        port, _, expression = text.strip().partition(" ")
        if port not in PORTS:
            raise CaseError(f"no port {port}")
        if not expression.strip():
            return port, []
        value = eval(expression, self.words)
        return port, [bytes(frame) for frame in (value if isinstance(value, list) else [value])]

    def take_in(self, port, frames):
        if self.waiting:
            raise CaseError("the frame before has no fate")
        self.waiting = [Step("in", port, frame) for frame in frames]

    def give_fate(self, fates):
        if len(fates) != len(self.waiting) or not fates:
            raise CaseError(f"{len(self.waiting)} frames and {len(fates)} fates")
        for arrival, fate in zip(self.waiting, fates):
            self.case.steps += [arrival, fate]
        self.waiting = []

    def read_counters(self, line):
        server, *values = line.split()
        self.case.counters.append((server, {name: int(value) for name, value in (v.split("=") for v in values)}))


def read_all():
    """All cases, by name."""
    return [Reader(path).read() for path in sorted((HERE / "cases").glob("*.case"))]
