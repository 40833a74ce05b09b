"""`fulcrum --login` on the console of a box that nobody has set up yet."""

import os
import unittest

from tests.api.box import PASSWORD, Box
from tests.cli.person import Person

HOST = os.uname().nodename.split(".")[0][:20]
OPERATE = f"{HOST}>"
ADDRESSES = "Addresses for management (HTTPS) [127.0.0.1]:"
NAME = "Name of the first administrator [admin]:"


class LoginTest(unittest.TestCase):
    """A fresh box for each test."""

    def setUp(self):
        self.box = Box()
        self.addCleanup(self.box.close)

    def person(self, *words, name=None):
        program = str(self.box.build / "control/surface/cli/fulcrum")
        command = [name or program, *words, "--runtime-dir", self.box.directory]
        person = Person(*command, environment={"HOME": self.box.directory}, executable=program)
        self.addCleanup(person.close)
        return person

    def answer(self, person, question, line):
        person.see_line(question)
        person.type(line if isinstance(line, bytes) else line.encode())
        person.type("\r")

    def accounts(self):
        return {one["name"]: one for one in self.box.console("GET", "/api/v1/accounts")[1]["accounts"]}

    def test_a_box_is_set_up(self):
        person = self.person("--login")
        person.see("First-time setup.")
        self.answer(person, ADDRESSES, "127.0.0.1, 127.0.0.2")
        self.answer(person, NAME, "")
        self.answer(person, "New password:", PASSWORD)
        self.answer(person, "The same again:", PASSWORD)
        person.see("The box is set up.")
        person.see_line(OPERATE)
        self.assertNotIn(PASSWORD.encode(), person.bytes)
        self.assertEqual(self.accounts()["admin"]["role"], "administrator")
        self.assertEqual(self.box.local({"config": "get", "path": "management.addresses"})["value"][1], "127.0.0.2")
        self.assertEqual(self.box.log_in("admin").status, 200)
        person.say("show farms", OPERATE)
        again = self.person(name="-fulcrum")
        again.see_line(OPERATE)
        self.assertNotIn(b"First-time", again.bytes)

    def test_wrong_answers_are_explained_and_asked_again(self):
        person = self.person(name="-fulcrum")
        self.answer(person, ADDRESSES, "nonsense")
        person.see("management.addresses")
        self.answer(person, ADDRESSES, b"\x00\xff\x1b[Aa noise")
        person.see('"noise" is not')
        self.answer(person, ADDRESSES, "")
        self.answer(person, NAME, "no/such name")
        self.answer(person, "New password:", PASSWORD)
        self.answer(person, "The same again:", PASSWORD)
        self.answer(person, NAME, "anna")
        self.answer(person, "New password:", "short")
        self.answer(person, "The same again:", "short")
        person.see("12")
        self.answer(person, NAME, "anna")
        self.answer(person, "New password:", PASSWORD)
        self.answer(person, "The same again:", PASSWORD + "!")
        person.see("not the same")
        self.answer(person, NAME, "anna")
        self.answer(person, "New password:", PASSWORD)
        self.answer(person, "The same again:", PASSWORD)
        person.see("The box is set up.")
        person.see_line(OPERATE)
        self.assertEqual(set(self.accounts()), {"anna"})
        self.assertEqual(self.box.local({"config": "candidates"})["candidates"], [])

    def test_who_leaves_comes_to_the_prompt(self):
        for key in ("\x03", "\x04"):
            for questions in ((ADDRESSES,), (ADDRESSES, NAME), (ADDRESSES, NAME, "New password:")):
                with self.subTest(key=key, questions=questions):
                    person = self.person("--login")
                    for question in questions[:-1]:
                        self.answer(person, question, "")
                    person.see_line(questions[-1])
                    person.type(key)
                    person.see("setup was left")
                    person.see_line(OPERATE)
                    person.say("show version", OPERATE)
                    person.close()
        self.assertEqual(self.accounts(), {})
        person = self.person("--login")
        person.see_line(ADDRESSES)
        person.type("\x03")
        person.see_line(OPERATE)
        person.type("setup\r")
        person.see_line(ADDRESSES)

    def test_a_cut_line_leaves_nothing_half_done(self):
        person = self.person("--login")
        self.answer(person, ADDRESSES, "")
        person.see_line(NAME)
        person.hang_up()
        self.assertIsNotNone(person.process.wait(20))
        self.assertEqual(self.accounts(), {})
        self.person("--login").see_line(ADDRESSES)

    def test_a_second_console_takes_nobodys_password(self):
        people = [self.person("--login"), self.person("--login")]
        for person in people:
            self.answer(person, ADDRESSES, "")
            self.answer(person, NAME, "")
            person.see_line("New password:")
        for person, password in zip(people, (PASSWORD, PASSWORD + "!")):
            self.answer(person, "New password:", password)
            self.answer(person, "The same again:", password)
            person.wait(lambda: "set up." in person.screen.text or "already" in person.screen.text, "an answer")
        people[1].see("admin has a password already, and keeps it")
        self.assertEqual(self.box.log_in("admin").status, 200)
        self.answer(people[1], NAME, "berta")
        self.answer(people[1], "New password:", PASSWORD)
        self.answer(people[1], "The same again:", PASSWORD)
        people[1].see("The box is set up.")
        self.assertEqual(set(self.accounts()), {"admin", "berta"})

    def test_it_waits_for_the_box(self):
        self.box.kill()
        person = self.person("--login")
        person.see("Waiting for fulcrum-control")
        self.box.start()
        person.see_line(ADDRESSES)
        person.type("\x03")
        person.see_line(OPERATE)
        self.box.kill()
        impatient = self.person("--login")
        impatient.see("Waiting for fulcrum-control")
        impatient.type(" ")
        impatient.see_line(OPERATE)
        self.assertIn("not running", impatient.say("show farms", OPERATE))
        self.box.start()

    def test_setup_by_a_script(self):
        done = self.box.cli(text=f"setup\n127.0.0.1\nroot\n{PASSWORD}\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.accounts()), {"root"})
        self.assertEqual(self.box.cli(text="setup\n").returncode, 7)
        self.assertEqual(self.box.cli(text="setup\nnonsense\n").returncode, 3)


if __name__ == "__main__":
    unittest.main()
