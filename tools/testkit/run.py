"""The steps of tools/test, in order: cheap checks first, then the builds and their tests.

Every test case counts, and so does every step that is a check of its own (format, a build, a fuzzer). A failed step
does not stop the ones that do not need it: one run tells everything that is wrong.
"""

import argparse
import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from tools.labkit import hugepages
from tools.testkit import builds, interrupts
from tools.testkit.builds import CLANG, RELEASE, ROOT, TSAN, Failure, Tally

# From a kept corpus: a run that looks for new inputs takes hours. The packet parser's fuzzer covers 1,009 edges with
# its corpus, 1,119 after 5 s and 1,123 after 10.
FUZZ_SECONDS = 5
UNIT_SUITES = ("unit", "behaviour")
# `net` needs root and times real programs: only with the release build.
IN_PROCESS_SUITES = ("unit", "behaviour", "contract", "golden", "concurrency")


class Run:
    """The steps so far."""

    def __init__(self):
        self.tally = Tally()

    def step(self, name, action):
        """Runs one step and prints its line. The action returns a Tally and a text, or None for a plain check, which
        fails by raising Failure. Whether all of it passed."""
        print(f"{name:<48}", end="", flush=True)
        started = time.monotonic()
        try:
            outcome = action()
            tally, text = (Tally(passed=1), "") if outcome is None else outcome
        except Failure as failure:
            tally, text = Tally(failed=1), str(failure)
        seconds = time.monotonic() - started
        self.tally += tally
        words = f"{tally.passed} passed" + (f", {tally.failed} FAILED" if tally.failed else "")
        words += f", {tally.skipped} skipped" if tally.skipped else ""
        print(f"{seconds:7.1f} s  {words}", flush=True)
        if text:
            print(text.rstrip(), flush=True)
        return tally.failed == 0


def check_scripts():
    """shellcheck over every shell script."""
    scripts = []
    for folder in ("tools", "tests", ".ci", "appliance-image"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.stat().st_size > 2:
                first = path.open("rb").readline()
                if first.startswith(b"#!") and first.strip().endswith(b"sh"):
                    scripts.append(str(path.relative_to(ROOT)))
    builds.command(["shellcheck", *scripts], root=ROOT)


def plain(*arguments):
    """A step that is one command."""
    return lambda: builds.command(arguments, root=ROOT) and None


def compiled(build):
    """A step that compiles everything."""
    return lambda: builds.compile_targets(build, ROOT)


def tests(build, suites, jobs=2 * os.cpu_count()):
    """A step that runs tests. Some of them wait for real programs, so there are more of them at a time than cores."""

    def ran():
        tally, text = builds.run_tests(build, ROOT, suites, jobs)
        if tally == Tally():
            raise Failure(f"{build.folder} has no test of the suites {', '.join(suites)}: nothing was tested")
        return tally, text

    return ran


def beside(build, action):
    """A step beside which a build compiles."""

    def both():
        with contextlib.suppress(Failure):  # shows again when the build is waited for
            build.start()
        return action()

    return both


def build_concurrency():
    """Compiles the programs of the suite `concurrency` with ThreadSanitizer, and nothing else."""
    builds.set_up(TSAN, ROOT)
    programs = []
    for test in builds.introspect(TSAN, ROOT, "tests"):
        if "concurrency" in builds.suite_names(test):
            programs.append(os.path.relpath(test["cmd"][0], ROOT / TSAN.folder))
    if programs:
        builds.compile_targets(TSAN, ROOT, programs)


def run_fuzzer(program):
    """One fuzzer for its time, from a copy of its corpus. A text about the crash, or None."""
    name = program.name
    corpus = ROOT / "tests" / "corpus" / name.removesuffix("-fuzz").removesuffix("_fuzz")
    scratch = ROOT / CLANG.folder / "fuzz" / name
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "found").mkdir(parents=True)
    command = [program, "-max_total_time=%d" % FUZZ_SECONDS, "-timeout=10", "-rss_limit_mb=2048", scratch / "found"]
    if corpus.is_dir():
        command.append(corpus)
    environment = {**os.environ, **dict(CLANG.environment)}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=scratch,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return None
    return f"{name}: the input that failed is kept in {scratch}\n" + done.stdout[-8000:]


def fuzz():
    """All fuzzers, as many at a time as there are cores."""
    programs = builds.fuzz_targets(ROOT)
    if not programs:
        raise Failure("the build has no fuzzer: nothing was fuzzed")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            crashes = [text for text in pool.map(run_fuzzer, programs) if text]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return Tally(passed=len(programs) - len(crashes), failed=len(crashes)), "\n".join(crashes)


def checks(run):
    """The steps that build nothing."""
    run.step("format", plain("tools/format", "check"))
    run.step("layers, self-contained headers, lengths", plain("tools/check-layers"))
    run.step("shellcheck", check_scripts)


def quick(run):
    """The inner loop."""
    checks(run)
    if run.step("build: release", compiled(RELEASE)):
        run.step("test: release, unit", tests(RELEASE, UNIT_SUITES))


def everything(run):
    """All steps. The tests with the release build wait for real programs much of the time: the sanitizer build compiles
    beside them."""
    checks(run)
    with builds.Beside(CLANG, ROOT) as clang:
        if run.step("build: release", compiled(RELEASE)):
            run.step("test: release", beside(clang, tests(RELEASE, IN_PROCESS_SUITES)))
            run.step("test: release, net", tests(RELEASE, ("net",)))
            run.step("benches, once each", tests(RELEASE, ("bench",), jobs=1))
        sanitized = run.step("build: clang, address and undefined sanitizers", clang.finish)
    if sanitized:
        run.step("test: address and undefined sanitizers", tests(CLANG, IN_PROCESS_SUITES))
        run.step(f"fuzz: {FUZZ_SECONDS} s each", fuzz)
    if run.step("build: thread sanitizer", build_concurrency):
        run.step("test: thread sanitizer", tests(TSAN, ("concurrency",)))


@contextlib.contextmanager
def temporary_files():
    """A directory for what tests and compilers write for a moment, so that it is gone also when they were killed. Its
    name is short: sockets' names are made of it."""
    with tempfile.TemporaryDirectory(prefix="ft-") as directory:
        os.chmod(directory, 0o1777)  # some tests are nobody for a while
        os.environ["TMPDIR"] = directory
        try:
            yield
        finally:
            hugepages.forget_regions(directory)


def perform(options):
    """The steps. The exit status."""
    run = Run()
    started = time.monotonic()
    with temporary_files():
        if options.quick:
            quick(run)
        else:
            everything(run)
    print(f"{time.monotonic() - started:.0f} s altogether")
    print(f"{run.tally.passed} passed, {run.tally.failed} failed")
    return 1 if run.tally.failed or not run.tally.passed else 0


def main():
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds Fulcrum and runs its tests.")
    parser.add_argument("--quick", action="store_true", help="format, layers, release build, unit tests")
    options = parser.parse_args()
    return interrupts.run("test", lambda: perform(options), first=interrupts.end_descendants)


if __name__ == "__main__":
    sys.exit(main())
