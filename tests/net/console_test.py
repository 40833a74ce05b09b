"""A person at the prompt of a box that carries traffic: looks, changes, takes back, and asks why."""

import os
import re
import unittest

from tests.cli.person import COLUMNS, Person
from tests.net.labcase import ALL_UP, LabCase
from tools.labkit import daemons, topology, web
from tools.labkit.namespaces import inside, wait_until

HOST = os.uname().nodename.split(".")[0][:20]
OPERATE = f"{HOST}>"
EDIT = f"{HOST} [edit]#"
CHANGED = f"{HOST} [edit]*#"
URL = f"http://{topology.NAT.ipv4}/"
IN_FORCE = "is in force on every worker"


class Console(LabCase):
    check = daemons.PATIENT_CHECK

    def setUp(self):
        self.box.wait_for_servers(ALL_UP, 10)
        command = inside(self.lab.box, str(self.box.cli), "--runtime-dir", str(self.box.runtime_dir))
        self.person = Person(*command, environment={"HOME": str(self.lab.state)})
        self.addCleanup(self.person.close)
        self.person.see_line(OPERATE)

    def say(self, line, prompt=EDIT):
        return self.person.say(line, prompt)

    def who_answers(self, count=6):
        return sorted(web.curl(self.lab, URL).strip() for _ in range(count))

    def test_a_change_and_the_way_back(self):
        self.say("configure")
        self.say("set farms shop-nat servers s1 weight 2", CHANGED)
        self.say("set farms shop-nat servers s3 weight 3", CHANGED)
        said = self.say("commit check", CHANGED)
        self.assertIn("Farms touched: shop-nat.", said)
        self.assertRegex(said, r"Connections: \d+ kept, 0 drained, 0 reset.")
        said = self.say("commit confirmed 5")
        self.assertIn(IN_FORCE, said)
        self.assertIn("s3 weight 1 to 3", said)
        wanted = ["s1", "s1", "s2", "s3", "s3", "s3"]
        wait_until(lambda: self.who_answers() == wanted, 10, "the new weights")
        self.assertIn("stays in force", self.say("confirm"))
        number = int(re.search(r"Revision (\d+)", said)[1])
        self.assertIn(IN_FORCE, self.say(f"revert {number}"))
        wait_until(lambda: self.who_answers() == ["s1", "s1", "s2", "s2", "s3", "s3"], 10, "the old weights")

    def test_a_candidate_is_explained_before_it_is_committed(self):
        self.say("configure")
        self.say("delete farms shop-nat servers s1", CHANGED)
        self.say("delete farms shop-nat servers s2", CHANGED)
        said = self.say("run show candidates", CHANGED)
        name = re.search(r"^(cli-\S+)", said, re.MULTILINE)[1]
        question = f"explain tcp {topology.CLIENT_V4}:40000 {topology.NAT.ipv4}:80 candidate {name} | no-more"
        said = self.say("run " + question, CHANGED)
        self.assertIn(f"With candidate {name}", said)
        self.assertIn("Sent to server s3", said)
        self.assertIn("shop-nat/s1 loses weight", self.say("commit check", CHANGED))
        self.say("discard")

    def test_what_a_person_looks_at(self):
        self.who_answers()
        tables = ("farms", "servers", "connections", "persistence", "drops", "rates", "rates servers", "events")
        for what in (*tables, "version"):
            said = self.say(f"show {what} | no-more", OPERATE)
            for row in said.split("\n"):
                self.assertLessEqual(len(row), COLUMNS, what)
        self.assertIn("s1", self.say("show connections farm shop-nat server s1 | match time_wait", OPERATE))
        self.assertRegex(self.say("show servers | match ^shop-nat | count", OPERATE), r"\n6\n")
        self.person.type("clear connections all\r")
        self.person.see("[y/N]")
        self.person.type("y\r")
        self.person.see("ended.")
        self.person.see_line(OPERATE)
        self.assertIn("no farm", self.say("clear connections farm nowhere", OPERATE))
        self.person.type("monitor farms\r")
        self.person.see("shop-dsr")
        self.person.type("q")
        self.person.see_line(OPERATE)


if __name__ == "__main__":
    unittest.main()
