"""The man pages are whole and well-formed, and bash completes by what the program says."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

BUILD = pathlib.Path(os.environ["FULCRUM_BUILD"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
FULCRUM = BUILD / "control/surface/cli/fulcrum"
REQUESTS = ("TH", "SH", "TP", "PP", "br", "nf", "fi")
CONTROL = BUILD / "control/app/fulcrum-control"


def run(*words, text=None):
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class ManualTest(unittest.TestCase):
    pages = {"fulcrum.1": (FULCRUM, "--manual"), "fulcrum.cfg.5": (CONTROL, "--manual")}

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        for words in (("help",), ("--manual",), ("--json", "help")):
            with open("/dev/full", "w", encoding="ascii") as full:
                command = [str(FULCRUM), *words]
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertEqual(done.stderr, "fulcrum: cannot write the answer: No space left on device\n", words)

    def test_roff_finds_nothing_wrong(self):
        for name, command in self.pages.items():
            page = run(*command)
            if shutil.which("mandoc"):
                with self.subTest(page=name, by="mandoc"):
                    self.assertEqual(run("mandoc", "-T", "lint", "-W", "warning", text=page), "")
            if shutil.which("groff"):
                with self.subTest(page=name, by="groff"):
                    command = ("groff", "-man", "-ww", "-z", "-Kutf8")
                    done = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
                    self.assertEqual(done.stderr, "")
            for line in page.splitlines():
                self.assertFalse(line.startswith("'"), line)
                if line.startswith("."):
                    self.assertIn(re.match(r"\.(\S*)", line)[1], REQUESTS, line)

    def test_fulcrum_cfg_has_every_key(self):
        page = run(CONTROL, "--manual").replace("\\-", "-")
        keys = re.findall(r"^\s*#?\s*([a-z_]+) = ", run(CONTROL, "--help-config"), re.MULTILINE)
        self.assertGreater(len(keys), 20)
        for key in keys:
            if key != "version":
                self.assertRegex(page, rf"(?m)^\\fB([^\n]*\.)?{key}\\fR$")


class CompletionTest(unittest.TestCase):
    """Bash itself, with the script as it is installed."""

    def complete(self, line):
        script = f"""
          source {ROOT}/control/surface/cli/fulcrum.bash
          PATH={FULCRUM.parent}:$PATH
          COMP_LINE={line!r}; read -ra COMP_WORDS <<< "${{COMP_LINE//:/ : }}"  # as bash splits
          [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
          COMP_POINT=${{#COMP_LINE}}; COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
          _fulcrum
          printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        return run("bash", "-c", script).split()

    def test_bash_completes(self):
        self.assertEqual(self.complete("fulcrum sh"), ["show"])
        self.assertIn("farms", self.complete("fulcrum show "))
        self.assertEqual(self.complete("fulcrum show con"), ["connections", "configuration"])
        self.assertEqual(self.complete("fulcrum explain "), ["tcp", "udp"])
        self.assertEqual(self.complete("fulcrum --js"), ["--json"])
        self.assertEqual(self.complete("fulcrum nonsense "), [])
        self.assertEqual(self.complete("fulcrum --json sh"), ["show"])
        self.assertIn("farms", self.complete("fulcrum --runtime-dir /nowhere show "))
        self.assertEqual(self.complete("fulcrum show connections --fa"), ["--farm"])
        self.assertEqual(self.complete("fulcrum --man"), ["--manual"])
        question = "fulcrum explain tcp 198.51.100.7:40000 [2001:db8::1]:80 "
        self.assertEqual(self.complete(question + "cand"), ["candidate"])
        self.assertIn("worker", self.complete(question))
        self.assertIn("fulcrum", run("bash", "-c", f"source {ROOT}/control/surface/cli/fulcrum.bash; complete -p"))


if __name__ == "__main__":
    unittest.main()
