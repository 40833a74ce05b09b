"""`fulcrum` as a person meets it: on a terminal of 80x24 that may be slow, noisy, or cut off."""

import json
import os
import re
import select
import time
import unittest

from tests.api.box import Box
from tests.cli.person import COLUMNS, Person

HOST = os.uname().nodename.split(".")[0][:20]
OPERATE = f"{HOST}>"
EDIT = f"{HOST} [edit]#"
CHANGED = f"{HOST} [edit]*#"
PASTE = "\x1b[200~{}\x1b[201~"


class TerminalTest(unittest.TestCase):
    """One box for all; each test has a terminal of its own."""

    @classmethod
    def setUpClass(cls):
        cls.box = Box()
        cls.addClassCleanup(cls.box.close)

    def person(self, *words, **environment):
        program = self.box.build / "control/surface/cli/fulcrum"
        home = {"HOME": self.box.directory, "NO_COLOR": "", **environment}
        person = Person(program, "--runtime-dir", self.box.directory, *words, environment=home)
        self.addCleanup(person.close)
        person.see_line(OPERATE)
        return person

    def revision(self):
        return self.config("history", limit=1)["current"]

    def config(self, verb, **words):
        return self.box.local({"config": verb, **words})

    def value(self, path):
        return self.config("get", path=path).get("value")

    def test_a_change_from_the_first_key_to_the_last(self):
        person = self.person()
        self.assertIn("shop", person.say("show farms", OPERATE))
        person.say("configure", EDIT)
        said = person.say("set farms shop servers web3 addresses 10.1.1.13 weight 7", CHANGED)
        self.assertIn("farms.shop.servers.web3 is new.", said)
        person.say("edit farms shop servers web3", f"{HOST} [edit farms.shop.servers.web3]*#")
        self.assertIn("weight 7", person.say("show", f"{HOST} [edit farms.shop.servers.web3]*#"))
        person.say("top", CHANGED)
        self.assertIn("web3", person.say("compare", CHANGED))
        self.assertIn("Nothing stands in the way", person.say("commit check", CHANGED))
        before = self.revision()
        self.assertIn(f"Revision {before + 1}", person.say('commit comment "one more"', EDIT))
        self.assertEqual(self.value("farms.shop.servers.web3.weight"), 7)
        self.assertIn("There is no difference.", person.say("compare", EDIT))
        person.say("exit", OPERATE)
        self.assertIn("one more", person.say("show history limit 1", OPERATE))
        person.say("configure", EDIT)
        self.assertIn(f"Revision {before + 2}", person.say(f"revert {before + 1}", EDIT))
        self.assertIsNone(self.value("farms.shop.servers.web3.weight"))
        self.assertIn(f"Revision {before + 3}", person.say(f"rollback {before + 1}", EDIT))
        self.assertEqual(self.value("farms.shop.servers.web3.weight"), 7)
        person.say("delete farms shop servers web3", CHANGED)
        person.say("commit", EDIT)
        person.say("quit", OPERATE)
        person.type("exit\r")
        self.assertEqual(person.status(), 0)

    def test_a_confirmed_commit(self):
        person = self.person()
        person.say("configure", EDIT)
        person.say("set farms shop servers web1 weight 3", CHANGED)
        self.assertIn("It goes back by itself in 5 min.", person.say("commit confirmed 5", EDIT))
        self.assertIn("goes back by itself at", person.say("run show history", EDIT))
        self.assertIn("stays in force", person.say("confirm", EDIT))
        self.assertEqual(self.value("farms.shop.servers.web1.weight"), 3)

    def test_changes_that_cut_off_are_asked_about(self):
        person = self.person()
        person.say("configure", EDIT)
        person.say("set management allowed_hosts 127.0.0.0/8", CHANGED)
        before = self.revision()
        person.type("commit\r")
        person.see("[Y/n]")
        person.type("\x03")
        person.see_line(CHANGED)
        person.see("nothing was committed")
        self.assertEqual(self.revision(), before)
        person.type("commit\r")
        person.see("[Y/n]")
        person.type("\r")
        person.see_line(EDIT)
        person.see("It goes back by itself")
        person.say("confirm", EDIT)

    def test_two_who_change_the_same(self):
        anna, ben = self.person(), self.person()
        for person in (anna, ben):
            person.say("configure", EDIT)
        anna.say("set farms mail servers web1 weight 11", CHANGED)
        ben.say("set farms mail servers web1 weight 12", CHANGED)
        anna.say("commit", EDIT)
        said = ben.say("commit", CHANGED)
        self.assertIn("Others have committed since you began", said)
        self.assertIn("theirs:", said)
        self.assertEqual(self.value("farms.mail.servers.web1.weight"), 11)
        ben.say("discard", EDIT)

    def test_tab_and_question_mark(self):
        person = self.person()
        person.type("sh\tfar\t")
        person.see_line(f"{OPERATE} show farms")
        person.type("\x15show con\t")
        person.see("connections")
        person.see_line(f"{OPERATE} show con")
        person.type("n\t")
        person.see_line(f"{OPERATE} show connections")
        person.type("farm \t")
        person.see("shop")
        person.type("\x15?")
        person.see("change the configuration")
        person.type("\x15configure\rset farms shop sched ?")
        person.see("weighted_round_robin")
        person.see_line(f"{EDIT} set farms shop sched")
        person.type("\x15set farms shop servers web1 weight ?")
        person.see("default")
        person.type("\x15shwo ?")
        person.see('"shwo" is no command')
        person.see_line(f"{EDIT} shwo")
        person.type("\x03")
        person.see_line(EDIT)

    def test_errors_point_at_the_word(self):
        person = self.person()
        said = person.say("show farms shop", OPERATE)
        self.assertRegex(said, r"\n  show farms shop\n {13}\^\n")
        person.say("configure", EDIT)
        self.assertIn("weight: ", person.say("set farms shop servers web1 weight 1000000", EDIT))
        self.assertIn("nothing to commit", person.say("commit", EDIT))
        person.say("set farms new addresses 198.51.100.99", CHANGED)
        said = person.say("commit", CHANGED)
        self.assertIn("nothing was committed", said)
        self.assertIn("farms.new", said)
        person.type("exit\r")
        person.see("[y/N]")
        person.type("y\r")
        person.see_line(OPERATE)

    def test_history_and_editing(self):
        person = self.person()
        person.say("show version", OPERATE)
        person.type("\x1b[A")
        person.see_line(f"{OPERATE} show version")
        person.type("\x17farms\x01\x1b[C\x1b[C\x1b[C\x1b[C\x0b")
        person.see_line(f"{OPERATE} show")
        person.type("\x15")
        another = self.person()
        another.type("\x1b[A")
        another.see_line(f"{OPERATE} show version")
        another.type("\x15")
        body = '{"role": "viewer", "password": "hidden in history"}'
        another.say(f"api PUT /api/v1/accounts/eve '{body}'", OPERATE)
        history = os.path.join(self.box.directory, ".fulcrum_history")
        with open(history, encoding="utf-8") as file:
            self.assertNotIn("hidden in history", file.read())
        self.assertEqual(os.stat(history).st_mode & 0o777, 0o600)

    def test_long_lines_scroll_and_long_answers_stop(self):
        person = self.person()
        person.type("show " + "x" * 200)
        person.wait(lambda: person.screen.line.startswith(OPERATE) and person.screen.line.endswith("x"), "the end")
        self.assertEqual(person.screen.row, 0, person.screen.text)
        person.type("\x15api GET /api/v1/openapi.json\r")
        person.see("-- more")
        person.type(" ")
        person.wait(lambda: person.bytes.count(b"-- more") > 1, "the next page")
        person.type("q")
        person.see_line(OPERATE)

    def test_filters(self):
        person = self.person()
        self.assertIn("\n2\n", person.say('show farms | match "^(shop|mail)" | count', OPERATE))
        self.assertNotIn("shop", person.say("show farms | except shop", OPERATE).split("\n", 1)[1])
        self.assertIn('"farms": [', person.say("show farms | json | match farms", OPERATE))
        person.type("show farms | every 1\r")
        person.wait(lambda: len(re.findall(rb"\x1b\[\d+A", person.bytes)) >= 2, "the third drawing")
        person.type("q")
        person.see_line(OPERATE)
        drawn = person.screen.text.rpartition("every 1")[2]
        self.assertEqual(len(re.findall("^mail", drawn, re.M)), 1, person.screen.text)
        self.assertIn("no pattern", person.say('show farms | match "("', OPERATE))

    def test_a_paste_of_many_lines(self):
        person = self.person()
        person.say("configure", EDIT)
        lines = [f"set farms shop servers w{i} addresses 10.1.{i // 200 + 1}.{i % 200 + 20}" for i in range(400)]
        person.type("\n".join(lines) + "\ncompare | count\n")
        person.wait(lambda: person.screen.line == CHANGED and b"\n400\r" in person.bytes, "400 changes")
        person.say("discard", EDIT)

    def test_a_paste_in_brackets_is_text(self):
        person = self.person()
        person.type(PASTE.format("show\tfarms ? # no help here"))
        person.see_line(f"{OPERATE} show farms ? # no help here")
        person.type("\x15")
        person.type(PASTE.format("x" * 100000) + "\r")
        person.see("longer than")
        person.see_line(OPERATE)

    def test_noise(self):
        person = self.person()
        noise = bytes(i * 167 % 256 for i in range(20000)).replace(b"\x1a", b"").replace(b"\x04", b"")
        person.type(noise)
        person.type("\x11\x03\x1b[201~\x03")  # XON: an XOFF was in it
        person.type("\x15show version\r")
        person.wait(lambda: person.screen.line == OPERATE and b"show version" in person.bytes, "the prompt")
        self.assertIsNone(person.process.poll())
        self.assertIn("shop", person.say("show farms", OPERATE))

    def test_an_interrupt_ends_the_line_and_not_the_program(self):
        person = self.person()
        person.type("show far\x03")
        person.see("^C")
        person.see_line(OPERATE)
        person.type("\x04")
        self.assertEqual(person.status(), 0)

    def test_a_line_cut_in_the_middle_of_a_commit(self):
        for pause_ms in (0, 1, 3, 10, 30):
            with self.subTest(pause_ms=pause_ms):
                path, weight = "farms.mail.servers.web2.weight", 20 + pause_ms
                person = self.person()
                person.say("configure", EDIT)
                person.say(f"set farms mail servers web2 weight {weight}", CHANGED)
                old = self.config("get", path=path)
                person.type("commit now\r")
                select.select([], [], [], pause_ms / 1000)
                person.hang_up()
                self.assertIsNotNone(person.process.wait(20))
                new = self.config("get", path=path)
                committed = new["revision"] != old["revision"]
                self.assertLessEqual(new["revision"] - old["revision"], 1)
                self.assertEqual(new["value"], weight if committed else old["value"])
                self.assertIsNone(self.box.process.poll())
        another = self.person()
        another.say("configure", EDIT)

    def test_what_a_lost_session_changed_is_found_again(self):
        person = self.person()
        person.say("configure", EDIT)
        person.say("set farms shop servers web2 weight 33", CHANGED)
        person.hang_up()
        person.process.wait(20)
        another = self.person()
        said = another.say("configure", EDIT)
        name = f"cli-root-{person.process.pid}"
        self.assertIn(f"`configure {name}` goes on", said)
        another.say("quit", OPERATE)
        another.say(f"configure {name}", CHANGED)
        self.assertIn("33", another.say("compare", CHANGED))
        another.say("discard", EDIT)

    def test_a_serial_line_of_9600_baud(self):
        person = self.person()
        person.type("show farms\r")
        end = time.monotonic() + 20
        while person.screen.line != OPERATE or b"shop" not in person.bytes:
            self.assertLess(time.monotonic(), end, person.screen.text)
            person.read(0.1, most=96)
            select.select([], [], [], 0.1)  # 96 bytes take so long
        before = len(person.bytes)
        for letter in "show servers":
            person.type(letter)
        person.see_line(f"{OPERATE} show servers")
        self.assertLessEqual(len(person.bytes) - before, len("show servers"), "one byte for each key")
        person.type("\x15")
        start = len(person.bytes)
        person.type("show farms | every 1\r")
        back_up = re.compile(rb"\x1b\[\d+A")  # how it begins to draw again
        person.wait(lambda: len(back_up.findall(person.bytes[start:])) >= 2, "drawing again")
        self.assertEqual(person.bytes[start:].count(b"\nmail "), 1, "what has not changed is not drawn again")
        person.type("q")
        person.see_line(OPERATE)

    def test_colour_only_on_a_terminal_that_wants_it(self):
        coloured = self.person()
        coloured.say("show farms", OPERATE)
        coloured.say("nonsense", OPERATE)
        self.assertGreater(coloured.screen.colours, 0)
        for words, environment in (((), {"NO_COLOR": "1"}), (("--no-color",), {}), ((), {"TERM": "dumb"})):
            plain = self.person(*words, **environment)
            plain.say("show farms", OPERATE)
            plain.say("nonsense", OPERATE)
            self.assertEqual(plain.screen.colours, 0)
        self.assertNotIn("\x1b", self.box.cli("show", "farms").stdout)

    def test_a_terminal_that_only_prints(self):
        for kind in ("dumb", ""):
            with self.subTest(kind=kind):
                person = self.person(TERM=kind)
                person.type("sow fa\x01\x1b[Ch\x05\x7farms\x1b[D\x1b[D\x1b[Dx\x7f")
                person.see_line(f"{OPERATE} show farms")
                person.type("\x05\r")
                person.see("mail")
                person.type("help\r")
                person.see("-- more")
                person.type(" ")
                person.see_line(OPERATE)
                self.assertNotIn("-- more", person.screen.text)
                person.type("show farms | every 1\r")
                person.wait(lambda: person.bytes.count(b"\nmail ") >= 3, "the second page")
                person.type("q")
                person.see_line(OPERATE)
                self.assertNotIn(b"\x1b", person.bytes)

    def test_an_interrupted_password_brings_the_echo_back(self):
        program = f"{self.box.build}/control/surface/cli/fulcrum --runtime-dir {self.box.directory}"
        shell = Person("dash", "-i", environment={"PS1": "shell> ", "ENV": "", "P": program})
        self.addCleanup(shell.close)
        shell.see_line("shell>")
        shell.type("$P access account zoe operator\r")
        shell.see_line("New password:")
        shell.type("never\x1a\x03")
        shell.see_line("shell>")
        shell.type("echo seen")
        shell.see_line("shell> echo seen")
        self.assertNotIn("zoe", self.box.cli("show", "accounts").stdout)

    def test_pages_fit_the_screen(self):
        person = self.person()
        for line in ("help", "show farms", "show servers", "show drops", "show version", "show history", "show events"):
            for row in person.say(line + " | no-more", OPERATE).split("\n"):
                self.assertLessEqual(len(row), COLUMNS, line)


class ScriptTest(unittest.TestCase):
    """The same words without a terminal."""

    @classmethod
    def setUpClass(cls):
        cls.box = Box()
        cls.addClassCleanup(cls.box.close)

    def run_script(self, text, status=0):
        done = self.box.cli(text=text)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_exit_statuses(self):
        for words, status in (
            (("show", "farms"), 0),
            (("shwo",), 2),
            (("show",), 2),
            (("show", "history", "limit", "0"), 3),
            (("clear", "connections"), 3),
            (("show", "connections", "--farm", "nowhere"), 4),
            (("show", "revision", "4711"), 4),
            (("-c", "configure", "-c", "commit"), 5),
            (("-c", "configure", "-c", "set management allowed_hosts 192.0.2.0/24", "-c", "commit"), 7),
        ):
            with self.subTest(words=words):
                done = self.box.cli(*words)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(done.stderr == "", status == 0)

    def test_a_script_stops_at_the_first_error(self):
        done = self.run_script("configure\nset farms shop servers web1 weight 77\nset farms shop nonsense 1\n", 2)
        self.assertIn("stopped at line 3", done.stderr)
        self.assertIn("1 change was not committed", done.stderr)

    def test_a_script_commits(self):
        script = "configure # a comment\nset farms shop servers web1 weight 9\n\ncommit\nexit\nshow farms\n"
        done = self.run_script(script, 8)  # there is no dataplane that could have it
        self.assertIn("Revision ", done.stdout)
        done = self.run_script("show configuration commands farms shop servers web1 | match weight\n")
        self.assertEqual(done.stdout, "set farms shop servers web1 weight 9\n")

    def test_what_it_prints_as_commands_makes_the_same(self):
        before = self.box.cli("show", "configuration", "commands", "farms").stdout
        self.assertIn("set farms mail ", before)
        script = "configure\ndelete farms mail\ncommit\n" + "\n".join(
            line for line in before.splitlines() if line.startswith("set farms mail")
        )
        self.run_script(script + "\ncommit\n", 8)
        after = self.box.cli("show", "configuration", "commands", "farms").stdout
        self.assertEqual(sorted(after.splitlines()), sorted(before.splitlines()))

    def test_rows_are_one_line_for_filters_and_pipes(self):
        why = "because " + "of the machines in the new hall, " * 4 + "at last"
        self.run_script(f"configure\nset farms shop servers web1 weight 11\ncommit comment '{why}'\n", 8)
        self.assertTrue(self.box.cli("show", "history").stdout.splitlines()[1].endswith(why))
        self.assertEqual(self.box.cli("show history | match 'hall.*at last' | match cli | count").stdout, "1\n")

    def test_accounts_and_tokens(self):
        secret = "correct horse battery staple"
        done = self.box.cli("access", "account", "bob", "operator", text=secret + "\n")
        self.assertEqual((done.returncode, done.stdout), (0, "account bob: operator\n"), done.stderr)
        self.assertRegex(self.box.cli("show", "accounts").stdout, r"(?m)^bob +operator ")
        self.assertEqual(self.box.cli("access", "password", "bbo", text=secret + "\n").returncode, 4)
        self.assertEqual(self.box.cli("show", "tokens").stdout, "There are no tokens.\n")
        self.assertEqual(self.box.cli("access", "revoke", "ci").returncode, 4)
        self.assertEqual(self.box.cli("access", "remove", "bob").returncode, 0)
        self.assertEqual(self.box.cli("access", "remove", "bob").returncode, 4)
        record = self.box.cli("show", "audit", "--limit", "20").stdout
        self.assertIn("bob", record)
        self.assertNotIn(secret, record)

    def test_everything_has_a_twin_in_json(self):
        for line in ("show farms", "show servers", "show drops", "show version", "show history", "show candidates"):
            self.assertIsInstance(json.loads(self.box.cli(*line.split(), "--json").stdout), dict)
        wrong = json.loads(self.box.cli("shwo", "--json").stderr)
        self.assertEqual(wrong["error"]["code"], "syntax")
        absent = json.loads(self.box.cli("show", "revision", "4711", "--json").stderr)
        self.assertEqual(absent["error"]["code"], "not_found")

    def test_a_dead_control_is_told(self):
        self.box.kill()
        done = self.box.cli("show", "farms")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fulcrum-control is not running", done.stderr)
        self.box.start()


if __name__ == "__main__":
    unittest.main()
