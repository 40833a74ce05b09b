"""Runs Python unittest files and writes TAP: one line per test case, so that meson sees and counts each.

  tap.py FILE...

A failure's traceback stands in comment lines after its test. The exit status is that of TAP: 0, also with failures.
SIGTERM ends it after the cleanups that tests have asked for: a lab is taken down.
"""

import importlib.util
import pathlib
import signal
import sys
import time
import unittest


class TapResult(unittest.TestResult):
    """Writes one line when a test ends."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def line(self, verdict, test, directive=""):
        self.number += 1
        seconds = time.monotonic() - self.started
        name = test.id().replace("#", " ")
        print(f"{verdict} {self.number} - {name} ({seconds:.1f} s){directive}", flush=True)

    def detail(self, text):
        for row in text.rstrip().splitlines():
            print(f"# {row}")
        sys.stdout.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("not ok", test)
        self.detail(self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.line("not ok", test)
        self.detail(self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("ok", test, f" # SKIP {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.line("not ok", subtest)
            self.detail((self.failures + self.errors)[-1][1])


def load(path):
    """All tests of one file. The repository's root is importable, so a test imports `tools.labkit`."""
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def tests_of(suites):
    """The test cases of suites of suites."""
    for part in suites:
        yield from tests_of(part) if isinstance(part, unittest.TestSuite) else (part,)


def interrupt(_number, _frame):
    """KeyboardInterrupt is what unittest lets through."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def clean_up(tests):
    """What unittest leaves out when it is interrupted."""
    for test in tests:
        test.doCleanups()
        type(test).doClassCleanups()
    unittest.case.doModuleCleanups()


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))
    signal.signal(signal.SIGTERM, interrupt)
    # A list of our own: a suite forgets its tests as it runs them.
    suites = [load(path) for path in sys.argv[1:]]
    tests = [*tests_of(suites)]
    result = TapResult()
    try:
        unittest.TestSuite(suites).run(result)
    except KeyboardInterrupt:
        clean_up(tests)
        return 128 + signal.SIGTERM
    print(f"1..{result.number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
