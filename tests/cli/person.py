"""A person at a terminal of 80 columns and 24 rows: types at a program, and sees what stands on the screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

COLUMNS, ROWS = 80, 24
PATIENCE_S = 20
ESCAPE = re.compile(rb"\x1b(?:\[([0-9;?]*)([@-~])|([@-Z\\-_]))")
BEGUN = re.compile(rb"\x1b(?:\[[0-9;?]*)?\Z")
# An interrupt throws away what the line has not sent yet, in the middle of a sequence too (termios(3), NOFLSH).
CUT = re.compile(rb"\x1b(?:\[[0-9;?]*)?(?=[\r\n]*\^C)")


class Screen:
    """What a VT100 would show of the bytes that came; only what one has, anything else fails."""

    def __init__(self):
        self.rows = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.colours = 0
        self.bells = 0
        self._rest = b""

    def feed(self, data):
        data = self._rest + data
        self._rest = b""
        at = 0
        while at < len(data):
            byte = data[at : at + 1]
            if byte == b"\x1b":
                if cut := CUT.match(data, at):
                    at = cut.end()
                    continue
                match = ESCAPE.match(data, at)
                if not match:
                    assert BEGUN.match(data, at), data[at : at + 20]
                    self._rest = data[at:]
                    return
                self._escape(match[1] or b"", match[2])
                at = match.end()
            elif byte >= b"\x80":
                length = 2 if byte < b"\xe0" else 3 if byte < b"\xf0" else 4
                if len(data) < at + length:
                    self._rest = data[at:]
                    return
                self._put(data[at : at + length].decode())
                at += length
            else:
                self._plain(byte.decode())
                at += 1

    def _plain(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._down()
        elif letter == "\b":
            self.column = max(self.column - 1, 0)
        elif letter == "\a":
            self.bells += 1
        else:
            assert letter >= " ", repr(letter)
            self._put(letter)

    def _put(self, letter):
        if self.column == COLUMNS:
            self.column = 0
            self._down()
        self.rows[self.row][self.column] = letter
        self.column += 1

    def _down(self):
        if self.row + 1 < ROWS:
            self.row += 1
        else:
            self.rows = self.rows[1:] + [[" "] * COLUMNS]

    def _escape(self, parameters, kind):
        number = int(parameters) if parameters.isdigit() else 1
        if kind == b"K":
            self.rows[self.row][self.column :] = [" "] * (COLUMNS - self.column)
        elif kind == b"A":
            self.row = max(self.row - number, 0)
        elif kind == b"C":
            self.column = min(self.column + number, COLUMNS - 1)
        elif kind == b"D":
            self.column = max(self.column - number, 0)
        elif kind == b"m":
            self.colours += 1
        else:
            assert kind in (b"h", b"l") and parameters == b"?2004", (parameters, kind)

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]

    @property
    def line(self):
        """The one with the cursor."""
        return self.lines[self.row]

    @property
    def text(self):
        return "\n".join(self.lines)


class Person:
    """Runs the program on a terminal of its own."""

    def __init__(self, *command, environment=None, executable=None):
        self.screen = Screen()
        self.bytes = b""
        self._mark = 0
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [str(word) for word in command],
            executable=executable,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "vt100", **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def read(self, seconds, most=65536):
        """Takes what comes within that time. Whether something came."""
        if self.master is None or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, most)
        except OSError:
            return False
        self.bytes += data
        self.screen.feed(data)
        return bool(data)

    def type(self, text):
        """Types it, and reads meanwhile: who types more than a program takes must not wait for each other."""
        data = text if isinstance(text, bytes) else text.encode()
        self._mark = len(self.bytes)
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], PATIENCE_S)
            assert readable or writable, f"nothing moves; on the screen:\n{self.screen.text}"
            if readable:
                self.read(0)
            if writable:
                data = data[os.write(self.master, data[:1024]) :]

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, f"{what} did not come; on the screen:\n{self.screen.text}"
            self.read(0.2)

    def see(self, text):
        """Until the screen shows the text."""
        self.wait(lambda: text in self.screen.text, repr(text))

    def see_line(self, line):
        """Until the cursor's line is this one: a prompt, and what was typed at it."""
        self.wait(lambda: self.screen.line == line.rstrip(), repr(line))

    def say(self, line, prompt):
        """A line, its answer, and the next prompt. What came meanwhile, without escape sequences."""
        before = len(self.bytes)
        self.type(line + "\r")
        self.wait(lambda: self.screen.line == prompt.rstrip() and b"\n" in self.bytes[before:], f"{prompt!r}")
        return ESCAPE.sub(b"", self.bytes[before:]).decode(errors="replace").replace("\r", "")

    def hang_up(self):
        """The line is cut."""
        os.close(self.master)
        self.master = None

    def status(self):
        """The exit status, once it has ended."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; on the screen:\n{self.screen.text}"
            self.read(0.05)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        if self.master is not None:
            self.hang_up()
