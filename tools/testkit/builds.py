"""The builds that tests run in, and what meson knows about them.

A build folder is set up once and kept. It remembers the options it was set up with and is made anew when they change,
so a folder left by an older checkout does no harm.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree


@dataclasses.dataclass(frozen=True)
class Build:
    """One build folder: how to set it up, and how its tests run."""

    folder: str
    compiler: str
    options: tuple
    environment: tuple = ()  # of its tests: (name, value)
    wrapper: str = ""  # a command put before each test
    timeout_factor: int = 1  # sanitizers are slow
    linker: str = "bfd"


ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

SANITIZER_OPTIONS = (
    ("ASAN_OPTIONS", "halt_on_error=1:abort_on_error=1:detect_leaks=1:strict_string_checks=1"),
    ("LSAN_OPTIONS", f"suppressions={ROOT}/tests/support/leaks.txt:print_suppressions=0"),
    ("UBSAN_OPTIONS", "halt_on_error=1:abort_on_error=1:print_stacktrace=1"),
    ("TSAN_OPTIONS", "halt_on_error=1:abort_on_error=1:second_deadlock_stack=1"),
)

# What proves figures, not memory: with sanitizers it takes minutes and shows what fewer rounds show.
FIGURES = (
    "Schedulers/WholePipeline.*",
    "Maglev.SharesOutWithinOnePercent",
    "Rewrite.SendsAUdpChecksumOfZeroAsItsOtherForm",  # of 2 * 65,535 packets
)
FEWER_ROUNDS = (
    ("GTEST_FILTER", "-" + ":".join(FIGURES)),
    ("FULCRUM_CATCH2_TESTS", "~[figures]"),
    ("FULCRUM_COMPARE_CASES", "200"),
    ("FULCRUM_EXPLAIN_CASES", "1000"),
)

# The headers of the standard library, of DPDK, of JSON and of GoogleTest are most of what there is to compile. A few
# files at a time take a third of it, and a changed file is still compiled again in seconds; where nobody changes one
# file and builds again, each library and each program is one compilation.
RELEASE = Build(
    "build-release",
    "g++",
    ("--buildtype=release", "--unity=on", "--unity-size=16"),
    timeout_factor=3,  # meson's own 30 s are for a machine that does nothing else
)
WHOLE = ("--unity=on", "--unity-size=1000")
# The sanitizers, the fuzzers and the second compiler in one build. Unoptimized: compiling is most of its cost, and
# clang compiles code that sanitizers were woven into three times faster than GCC, and without optimization three
# times faster again. Of debug information a sanitizer's report needs the lines only.
CLANG = Build(
    "build-clang",
    "clang++-16",
    (
        *("--buildtype=debug", "-Ddebug=false", "-Dcpp_args=-gline-tables-only"),
        *("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dfuzzers=true", *WHOLE),
    ),
    SANITIZER_OPTIONS + FEWER_ROUNDS,
    timeout_factor=6,
    linker="lld",
)
# ThreadSanitizer maps its shadow at fixed addresses, which address space randomization of newer kernels runs over.
# GCC's flow warnings are wrong about code that sanitizers were woven into, so this build does not judge.
TSAN = Build(
    "build-tsan",
    "g++",
    ("--buildtype=debug", "-Doptimization=1", "-Db_sanitize=thread", "-Dwarning_level=0", "-Dwerror=false", *WHOLE),
    SANITIZER_OPTIONS,
    wrapper="setarch -R",
    timeout_factor=10,
)


class Failure(Exception):
    """A step failed; the text is what a person needs to see."""


def command(arguments, *, environment=(), root):
    """Runs a command with its output kept. Raises Failure with the output when it fails."""
    done = subprocess.run(
        arguments,
        cwd=root,
        env={**os.environ, **dict(environment)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise Failure(f"$ {' '.join(map(str, arguments))}\n{shortened(done.stdout)}")
    return done.stdout


def shortened(text):
    """One message of a compiler about templates can fill a screen in a single line."""
    return "\n".join(line if len(line) < 400 else line[:400] + " ..." for line in text.splitlines())


def for_this_machine(flags):
    """What a build must say where the processor, by its flags in /proc/cpuinfo, is older than meson.build assumes, as
    that of many a virtual machine. What it cannot execute would end our programs without a word."""
    return () if {"avx2", "bmi1", "bmi2", "fma", "movbe"} <= flags else ("-Dmachine=x86-64-v2",)


def processor_flags():
    """The words in /proc/cpuinfo."""
    return set(pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())


def set_up(build, root):
    """Makes the build folder unless it is there with these options."""
    folder = root / build.folder
    stamp = folder / "fulcrum-options"
    options = (*build.options, *for_this_machine(processor_flags()))
    wanted = repr((build.compiler, build.linker, options))
    if stamp.exists() and stamp.read_text() == wanted and (folder / "build.ninja").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    compiler = (("CXX", f"ccache {build.compiler}"), ("CXX_LD", build.linker))
    command(["meson", "setup", build.folder, *options], environment=compiler, root=root)
    stamp.write_text(wanted)


def watched(arguments, *, environment=(), root):
    """Runs ninja where a person sees how far it is. Whatever ends us meanwhile ends its compilers too."""
    quiet = () if sys.stdout.isatty() else ("--quiet",)
    with subprocess.Popen([*arguments, *quiet], cwd=root, env={**os.environ, **dict(environment)}) as ninja:
        try:
            failed = ninja.wait() != 0
        except BaseException:
            ninja.terminate()
            ninja.wait()
            raise
    if failed:
        raise Failure("the build failed: its last words are above")


def compile_targets(build, root, targets=(), progress=False):
    """Sets up and compiles everything, or only some targets (paths inside the build folder)."""
    set_up(build, root)
    (watched if progress else command)(ninja(build, targets), environment=cached(root), root=root)


def ninja(build, targets=()):
    """The command that compiles everything, or some targets."""
    return ["ninja", "-C", build.folder, "-j", str(os.cpu_count()), *targets]


def cached(root):
    """What the next clone, wherever it lies, needs to find what this one compiled: the compiler cache sees paths from
    the root."""
    return (("CCACHE_NOHASHDIR", "true"), ("CCACHE_BASEDIR", str(root)))


class Beside:
    """A compilation of everything beside tests that mostly wait: it takes the time that they leave. For `with`: the
    compilers end with the block."""

    def __init__(self, build, root):
        self._build = build
        self._root = root
        self._started = None
        self._output = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._started and self._started.poll() is None:
            self._started.terminate()
            self._started.wait()
        if self._output:
            self._output.close()

    def start(self):
        """Begins. Raises Failure when the folder cannot be set up."""
        set_up(self._build, self._root)
        self._output = tempfile.TemporaryFile()
        self._started = subprocess.Popen(
            ["nice", "-n", "19", *ninja(self._build)],
            cwd=self._root,
            env={**os.environ, **dict(cached(self._root))},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def finish(self):
        """Waits for the rest. Raises Failure with what a compiler said."""
        if self._started is None:
            return compile_targets(self._build, self._root)
        if self._started.wait() != 0:
            self._output.seek(0)
            raise Failure(shortened(self._output.read().decode(errors="replace")))
        return None


def introspect(build, root, what):
    """What meson knows: "tests" or "targets" of a build that was set up."""
    text = subprocess.run(
        ["meson", "introspect", f"--{what}", build.folder], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    return json.loads(text)


def suite_names(test):
    """The suites of an introspected test, without the project's name before them."""
    return {suite.split(":")[-1] for suite in test["suite"]}


@dataclasses.dataclass
class Tally:
    """How many test cases passed and failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self


def run_tests(build, root, suites, jobs=0):
    """Runs the tests of some suites which are compiled. (Tally of cases, text about the failures)

    A list of suites that no test is in gives an empty tally.
    """
    present = set().union(*(suite_names(test) for test in introspect(build, root, "tests")), set())
    chosen = [suite for suite in suites if suite in present]
    if not chosen:
        return Tally(), ""
    arguments = ["meson", "test", "-C", build.folder, "--no-rebuild", "--print-errorlogs"]
    arguments += ["--timeout-multiplier", str(build.timeout_factor), "--logbase", "-".join(["tests", *chosen])]
    arguments += ["--num-processes", str(jobs or os.cpu_count())]
    for suite in chosen:
        arguments += ["--suite", suite]
    if build.wrapper:
        arguments += ["--wrapper", build.wrapper]
    environment = {**os.environ, **dict(build.environment), "PYTHON": sys.executable}
    done = subprocess.run(
        arguments, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    tally = count_cases(root / build.folder / "meson-logs", log_base(build, chosen))
    if done.returncode != 0 and tally.failed == 0:
        tally.failed = 1
    return tally, done.stdout if tally.failed else ""


def log_base(build, suites):
    """How meson names the logs of such a run: it adds the name of the wrapper's program by itself."""
    wrapper = [pathlib.Path(build.wrapper.split()[0]).name] if build.wrapper else []
    return "-".join(["tests", *suites, *wrapper])


def count_cases(logs, base):
    """The cases in the logs of one run of meson test. A binary that failed without naming a case counts as one."""
    tally = Tally()
    failed_suites = []
    report = logs / f"{base}.junit.xml"
    if report.exists():
        for suite in xml.etree.ElementTree.parse(report).getroot():
            count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped", "disabled")}
            failed = count["failures"] + count["errors"]
            tally.failed += failed
            tally.skipped += count["skipped"]
            tally.passed += count["tests"] - failed - count["skipped"] - count["disabled"]
            if failed:
                failed_suites.append(suite.get("name", ""))
    for line in (logs / f"{base}.json").read_text().splitlines():
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        if not any(name in suite for suite in failed_suites):
            tally.failed += 1
    return tally


def fuzz_targets(root):
    """The fuzzers of the clang build, as paths."""
    found = []
    for target in introspect(CLANG, root, "targets"):
        if target["type"] == "executable" and target["name"].endswith("fuzz"):
            found.append(pathlib.Path(target["filename"][0]))
    return sorted(found)
