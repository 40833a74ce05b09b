"""Changes through the REST API: resources, conditions, dry runs, transactions, candidates, revisions, and who may."""

import json
import select
import unittest

from tests.api import schemas
from tests.api.box import Box, wait_for
from tests.api.case import BoxCase

FARM = {
    "addresses": ["198.51.100.50"],
    "ports": [{"port": 443}],
    "servers": [{"name": "a", "addresses": ["10.1.1.31"]}],
}


class ConfigurationTest(BoxCase):
    def test_farms_come_change_and_go(self):
        added = self.good("POST", "/farms", {"name": "new", **FARM}, status=201)
        self.assertEqual(added.headers["Location"], "/api/v1/farms/new")
        self.assertEqual(self.ask("POST", "/farms", {"name": "new", **FARM}).status, 409)
        farm = self.good("GET", "/farms/new").json
        self.assertEqual((farm["mode"], farm["servers"][0]["weight"]), ("nat", 10))
        self.good("PATCH", "/farms/new/servers/a", {"weight": 5})
        self.assertEqual(self.good("GET", "/farms/new/servers/a").json["weight"], 5)
        self.good("PUT", "/farms/new/servers/b", {"addresses": ["10.1.1.32"]}, status=201)
        self.assertEqual(self.good("GET", "/farms/new/servers").json["total"], 2)
        self.assertEqual(self.good("GET", "/farms/new/ports/tcp%2F443").json["port"], 443)
        self.good("PATCH", "/farms/new/check", {"interval_ms": 1000, "timeout_ms": 500})
        self.good("DELETE", "/farms/new/servers/b")
        self.good("DELETE", "/farms/new")
        self.assertEqual(self.ask("GET", "/farms/new").status, 404)
        self.assertEqual(self.ask("PATCH", "/farms/new", {"mode": "dsr"}).status, 404)
        names = [f["name"] for f in self.ask("GET", "/status/farms").json["farms"]]
        self.assertEqual(names, ["shop", "mail"])

    def test_bad_values_change_nothing_and_are_named(self):
        before = self.revision()
        wrong = self.ask("PATCH", "/farms/shop/servers/web1", {"weight": 1000})
        self.assertEqual(wrong.status, 422)
        self.assertEqual(wrong.json["problems"][0]["path"], "farms.shop.servers.web1.weight")
        two = self.ask("PUT", "/farms/new", {**FARM, "addresses": ["10.1.1.1"], "mode": "nonsense"})
        self.assertEqual(two.status, 422)
        clash = self.ask("PUT", "/farms/new", {**FARM, "addresses": ["198.51.100.10"], "ports": [{"port": 80}]})
        self.assertEqual(clash.status, 422)
        self.assertTrue(clash.json["problems"])
        self.assertEqual(self.ask("PUT", "/farms/new", {}).status, 422)
        self.assertEqual(self.ask("PATCH", "/farms/shop", {"nonsense": 1}).status, 422)
        self.assertEqual(self.ask("DELETE", "/farms/none").status, 404)
        self.assertEqual(self.revision(), before)

    def test_nothing_that_steers_a_terminal_is_kept(self):
        before = self.revision()
        for why in ("%1b]0;pwned%07", "a%0ab", "%c2%9b1m", "%7f", "%ff"):
            wrong = self.ask("PATCH", f"/farms/shop/servers/web1?why={why}", {"weight": 3})
            self.assertEqual((wrong.status, wrong.json["problems"][0]["path"]), (400, "why"), wrong)
        self.assertEqual(self.ask("POST", "/candidates", {"candidate": "a\x1bb"}).status, 422)
        self.assertEqual(self.ask("GET", "/farms/shop/servers/%1b[2J").status, 404)
        self.assertEqual(self.ask("PATCH", "/management", {"certificate": "/a\x9bb"}).status, 422)
        self.assertEqual(self.revision(), before)
        self.good("PATCH", "/farms/shop/servers/web1?why=f%C3%BCr%20Anna", {"weight": 3})
        self.assertEqual(self.good("GET", "/revisions?limit=1").json["revisions"][0]["why"], "für Anna")

    def test_conditions(self):
        etag = self.good("GET", "/farms/shop").headers["ETag"]
        whole = self.good("GET", "/configuration").headers["ETag"]
        self.good("PATCH", "/farms/mail", {"scheduler": "round_robin"})
        self.assertEqual(self.ask("GET", "/farms/shop", headers={"If-None-Match": etag}).status, 304)
        weights = self.good("PATCH", "/farms/shop/servers/web1", {"weight": 3}, headers={"If-Match": "*"})
        self.assertEqual(weights.headers["ETag"], self.good("GET", "/farms/shop/servers/web1").headers["ETag"])
        self.good("GET", "/farms/shop", headers={"If-None-Match": etag})
        late = self.ask("PATCH", "/farms/shop", {"scheduler": "round_robin"}, headers={"If-Match": etag})
        self.assertEqual(late.status, 412)
        both = f'{etag}, {late.headers["ETag"]}'
        self.good("PATCH", "/farms/shop", {"scheduler": "round_robin"}, headers={"If-Match": both})
        for path in ("/revisions/1/rollback", "/revisions/2/revert"):
            self.assertEqual(self.ask("POST", path, headers={"If-Match": whole}).status, 412, path)
        server = {"addresses": ["10.1.1.40"]}
        there = self.ask("PUT", "/farms/shop/servers/web1", server, headers={"If-None-Match": "*"})
        self.assertEqual(there.status, 412)
        self.assertEqual(self.ask("DELETE", "/farms/none", headers={"If-Match": "*"}).status, 412)
        same = self.good("PATCH", "/farms/shop", {"scheduler": "round_robin"})
        self.assertEqual(same.json["changes"], [])

    def test_dry_run(self):
        before = self.revision()
        would = self.good("PATCH", "/farms/shop/servers/web1?dry_run=true", {"weight": 3}).json
        self.assertEqual(self.good("PATCH", "/farms/shop/servers/web1?dry_run=1", {"weight": 3}).json, would)
        self.assertEqual(would["problems"], [])
        self.assertIn("web1 weight 10 (default) to 3", would["changes"][0]["words"])
        self.assertEqual(self.ask("PATCH", "/farms/shop/servers/web1?dry_run=true", {"weight": 101}).status, 422)
        self.assertEqual(self.revision(), before)
        self.assertEqual(self.good("GET", "/candidates").json["candidates"], [])

    def test_a_key_stands_once(self):
        before = self.revision()
        for body, path in (
            ('{"weight": 1, "weight": 2}', "weight"),
            ('{"servers": [{"name": "a", "name": "b"}]}', "servers[0].name"),
        ):
            wrong = self.ask("PATCH", "/farms/shop/servers/web1", body)
            self.assertEqual((wrong.status, [one["path"] for one in wrong.json["problems"]]), (400, [path]), wrong)
        self.assertEqual(self.revision(), before)

    def test_transactions_are_all_or_nothing(self):
        before = self.revision()
        steps = [
            {"op": "set", "path": "farms.shop.servers.web1.weight", "value": 3},
            {"op": "set", "path": "farms.shop.servers.web2.weight", "value": 7},
            {"op": "delete", "path": "farms.mail"},
        ]
        broken = self.ask("POST", "/transactions", {"changes": [*steps, {"op": "delete", "path": "farms.none"}]})
        self.assertEqual(broken.status, 404)
        bad = [{"op": "set", "path": "farms.shop.servers.web1.weight", "value": 101},
               {"op": "delete", "path": "farms.none"}]
        several = self.ask("POST", "/transactions", {"changes": [*steps, *bad]})
        self.assertEqual([one["path"] for one in several.json["problems"]],
                         ["farms.shop.servers.web1.weight", "farms.none"])
        self.assertEqual(self.revision(), before)
        done = self.good("POST", "/transactions?why=tidy", {"changes": steps}).json
        self.assertEqual(done["revision"]["revision"], before + 1)
        self.assertEqual((done["revision"]["why"], done["revision"]["face"]), ("tidy", "api"))
        self.assertEqual(len(done["changes"]), 3)

    def test_who_may_change_what(self):
        weight = ("PATCH", "/farms/shop/servers/web1")
        for role, status in (("viewer", 403), ("auditor", 403), ("operator", 200), ("farm-admin", 200)):
            with self.subTest(role=role):
                self.assertEqual(self.ask(*weight, {"weight": 20 + status // 100 + len(role)}, role).status, status)
        for role, path, body, status in (
            ("operator", "/farms/shop", {"scheduler": "round_robin"}, 403),
            ("operator", "/farms/shop/servers/web1", {"addresses": ["10.1.1.99"]}, 403),
            ("farm-admin", "/farms/shop", {"scheduler": "round_robin"}, 200),
            ("farm-admin", "/farms/mail", {"scheduler": "round_robin"}, 403),
            ("farm-admin", "/farms/mail/servers/web1", {"weight": 1}, 403),
            ("farm-admin", "/farms/shop", {"name": "stolen"}, 422),
            ("farm-admin", "/management", {"port": 4443}, 403),
            ("operator", "/management", {"allowed_hosts": []}, 403),
            ("operator", "/configuration", {"farms": []}, 403),
        ):
            with self.subTest(role=role, path=path, body=body):
                answer = self.ask("PATCH", path, body, role)
                self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.ask("POST", "/farms", {"name": "mine", **FARM}, "farm-admin").status, 403)
        self.assertEqual(self.ask("DELETE", "/farms/mail", role="farm-admin").status, 403)
        steal = {"changes": [{"op": "rename", "path": "farms.mail", "value": "shop2"}]}
        self.assertEqual(self.ask("POST", "/transactions", steal, "farm-admin").status, 403)
        away = {"changes": [{"op": "rename", "path": "farms.shop", "value": "elsewhere"}]}
        self.assertEqual(self.ask("POST", "/transactions", away, "farm-admin").status, 403)
        self.assertEqual(self.ask("POST", "/revisions/1/rollback", role="farm-admin").status, 403)

    def test_who_may_say_what_about_servers(self):
        leave = ({"verb": "drain"}, {"verb": "maintenance", "for_s": 60})
        verbs = (*leave, {"verb": "weight", "weight": 3}, {"verb": "enable"})
        for body in verbs:
            with self.subTest(body=body):
                self.good("POST", "/farms/shop/servers/web1/verbs", body, role="farm-admin")
                refused = self.ask("POST", "/farms/mail/servers/web1/verbs", body, role="farm-admin")
                self.assertEqual(refused.status, 403, refused)
                for role in ("viewer", "auditor"):
                    self.assertEqual(self.ask("POST", "/farms/shop/servers/web1/verbs", body, role=role).status, 403)
        said = {
            (row["farm"], row["name"]): row["operator"] for row in self.good("GET", "/status/servers").json["servers"]
        }
        self.assertEqual({name for name, words in said.items() if words}, {("shop", "web1")})
        self.assertEqual(said["shop", "web1"]["weight"]["value"], 3)
        self.assertIn("farm-admin", said["shop", "web1"]["weight"]["who"])
        self.assertIsNone(said["shop", "web1"]["state"], "enabled, as the configuration says")
        self.good("POST", "/farms/mail/servers/web1/verbs", {"verb": "drain"}, role="operator")

    def test_candidates_of_two_people(self):
        for name in ("anna", "otto"):
            self.good("POST", "/candidates", {"candidate": name}, status=201)
        self.good("PATCH", "/farms/shop/servers/web1?candidate=anna", {"weight": 3})
        self.good("PATCH", "/farms/shop/servers/web1?candidate=otto", {"weight": 4})
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1?candidate=anna").json["weight"], 3)
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1").json["weight"], 10)
        check = self.good("GET", "/candidates/anna/check").json
        self.assertEqual(check["problems"], [])
        self.good("POST", "/candidates/anna/commit?why=load")
        self.assertEqual(self.ask("POST", "/candidates/otto/commit").status, 409)
        self.assertEqual(len(self.good("GET", "/candidates/otto/check").json["conflicts"]), 1)
        self.assertEqual(self.ask("POST", "/candidates/otto/rebase").status, 409)
        self.good("PATCH", "/farms/shop/servers/web2?candidate=otto", {"weight": 6})
        self.assertEqual(self.ask("POST", "/candidates/otto/rebase?wins=both").status, 400)
        self.assertEqual(self.good("POST", "/candidates/otto/rebase?wins=theirs").json["changes"], 1)
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1?candidate=otto").json["weight"], 3)
        self.good("PATCH", "/farms/shop/servers/web1?candidate=otto", {"weight": 7})
        self.good("PATCH", "/farms/shop/servers/web1", {"weight": 8})
        self.assertEqual(self.good("POST", "/candidates/otto/rebase?wins=mine").json["changes"], 2)
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1?candidate=otto").json["weight"], 7)
        self.good("DELETE", "/candidates/otto")
        self.assertEqual(self.good("GET", "/candidates").json["candidates"], [])

    def test_a_candidate_waits_for_its_time(self):
        self.good("POST", "/candidates", {"candidate": "later"}, status=201)
        self.good("PATCH", "/farms/shop/servers/web1?candidate=later", {"weight": 3})
        self.assertEqual(self.ask("POST", "/candidates/later/schedule").status, 400, "no time")
        self.assertEqual(self.ask("POST", "/candidates/later/schedule?at=25:00").status, 422)
        self.assertEqual(self.ask("POST", "/candidates/later/schedule?at=03:00", role="viewer").status, 403)
        waits = self.good("POST", "/candidates/later/schedule?at=03:00&why=quiet").json
        self.assertRegex(waits["commit_at"], r"T03:00:00\.000Z$")
        self.assertTrue(waits["commit_for"].startswith("administrator"), waits)
        self.assertEqual(self.good("GET", "/candidates").json["candidates"], [waits])
        self.assertEqual(self.ask("PATCH", "/farms/shop?candidate=later", {"scheduler": "round_robin"}).status, 409)
        self.good("DELETE", "/candidates/later")
        self.good("POST", "/candidates", {"candidate": "net"}, status=201)
        self.good("PATCH", "/ports/front?candidate=net", {"addresses": ["198.51.100.2/24"]})
        self.assertEqual(self.ask("POST", "/candidates/net/schedule?at=03:00").status, 409, "it could cut off")
        self.good("DELETE", "/candidates/net")

    def test_a_candidate_is_judged_by_who_commits_it(self):
        self.good("POST", "/candidates", {"candidate": "shared"}, status=201)
        self.good("PATCH", "/farms/mail?candidate=shared", {"scheduler": "round_robin"})
        self.assertEqual(self.ask("POST", "/candidates/shared/commit", role="farm-admin").status, 403)
        self.assertEqual(self.ask("PATCH", "/farms/mail?candidate=shared", {"mode": "dsr"}, "farm-admin").status, 403)

    def test_a_candidate_is_its_owners(self):
        self.good("POST", "/candidates", {"candidate": "mine"}, status=201, role="operator")
        weight = "/farms/shop/servers/web1?candidate=mine"
        self.good("PATCH", weight, {"weight": 3}, role="operator")
        for method, path, body in (("PATCH", weight, {"weight": 4}), ("POST", "/candidates/mine/rebase", None),
                                   ("DELETE", "/candidates/mine", None)):
            refused = self.ask(method, path, body, "farm-admin")
            self.assertEqual(refused.status, 403, refused)
            self.assertIn("operator", refused.json["detail"])
        self.good("PATCH", "/farms/shop/servers/web2?candidate=mine", {"weight": 5})  # an administrator may
        mine = self.good("GET", "/candidates").json["candidates"][0]
        self.assertTrue(mine["who"].startswith("operator (token "), mine)
        self.assertEqual([who.split()[0] for who in mine["editors"]], ["administrator", "operator"])
        self.good("POST", "/candidates/mine/commit", role="farm-admin")
        revision = self.good("GET", "/revisions?limit=1").json["revisions"][0]
        self.assertTrue(revision["who"].startswith("farm-admin"), revision)
        self.assertEqual([who.split()[0] for who in revision["editors"]], ["administrator", "operator"])
        self.good("PATCH", "/farms/shop/servers/web1", {"weight": 9})
        self.assertEqual(self.good("GET", "/revisions?limit=1").json["revisions"][0]["editors"], [])

    def test_revisions_go_back_and_forth(self):
        start = self.revision()
        self.good("PATCH", "/farms/shop/servers/web1", {"weight": 3})
        self.good("PATCH", "/farms/mail/servers/web1", {"weight": 4})
        shown = self.good("GET", f"/revisions/{start + 1}").json
        self.assertIn("web1 weight 10 (default) to 3", shown["words"][0])
        self.good("POST", f"/revisions/{start + 1}/revert")
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1").json["weight"], 10)
        self.assertEqual(self.good("GET", "/farms/mail/servers/web1").json["weight"], 4)
        self.good("POST", f"/revisions/{start}/rollback")
        self.assertEqual(self.good("GET", "/farms/mail/servers/web1").json["weight"], 10)
        old = self.good("GET", f"/farms/mail/servers/web1?revision={start + 2}")
        self.assertEqual(old.json["weight"], 4)
        self.assertEqual(self.ask("GET", "/revisions/999").status, 404)

    def test_one_change_of_several_is_undone(self):
        start = self.revision()
        steps = [
            {"op": "set", "path": "farms.shop.servers.web1.weight", "value": 3},
            {"op": "set", "path": "farms.mail.scheduler", "value": "round_robin"},
        ]
        self.good("POST", "/transactions", {"changes": steps})
        words = [step["words"] for step in self.good("GET", f"/revisions/{start + 1}").json["steps"]]
        weight = 1 + next(i for i, one in enumerate(words) if "weight" in one)
        scheduler = 1 + next(i for i, one in enumerate(words) if "scheduler" in one)
        revert = f"/revisions/{start + 1}/revert?change="
        for role, change in (("operator", scheduler), ("farm-admin", scheduler), ("viewer", weight)):
            self.assertEqual(self.ask("POST", f"{revert}{change}", role=role).status, 403, role)
        self.assertEqual(self.ask("POST", f"{revert}3").status, 404)
        self.assertEqual(self.ask("POST", f"{revert}0").status, 400)
        self.good("POST", f"{revert}{weight}", role="operator")
        self.assertEqual(self.good("GET", "/farms/shop/servers/web1").json["weight"], 10)
        self.assertEqual(self.good("GET", "/farms/mail").json["scheduler"], "round_robin")

    def test_committed_for_a_time(self):
        self.good("PATCH", "/farms/shop/servers/web1?confirm_within_s=600", {"weight": 3})
        alarms = lambda: self.good("GET", "/status/alarms").json["alarms"]
        pending = lambda: [one for one in alarms() if "confirmed" in one["text"]]
        self.assertIn("of administrator", wait_for(pending)[0]["text"])
        self.assertIn("goes back by itself", " ".join(self.box.cli("show", "farms").stdout.split()))
        self.assertEqual(self.ask("PATCH", "/farms/mail/servers/web1", {"weight": 3}).status, 409)
        self.assertEqual(self.ask("POST", "/confirmation", role="operator").status, 403)
        self.good("POST", "/confirmation")
        wait_for(lambda: not pending())
        events = json.dumps(self.box.local({"show": "events"}))
        self.assertIn("unless confirmed", events)
        self.assertIn("confirmed by administrator", events)
        self.good("PATCH", "/farms/mail/servers/web1", {"weight": 3})
        self.assertEqual(self.ask("PATCH", "/farms/shop?confirm_within_s=5", {"mode": "nat"}).status, 400)

    def test_nobody_is_cut_off_unawares(self):
        before = self.revision()
        cut = self.ask("PATCH", "/management", {"allowed_hosts": ["192.0.2.1/32"]})
        self.assertEqual((cut.status, cut.json["confirm_advised_s"]), (409, 300), cut)
        self.assertEqual([one["path"] for one in cut.json["problems"]], ["management.allowed_hosts"])
        step = {"op": "set", "path": "ports.front.addresses", "value": ["198.51.100.2/24"]}
        self.assertEqual(self.ask("POST", "/transactions", {"changes": [step]}).status, 409)
        would = self.good("POST", "/transactions?dry_run=true", {"changes": [step]}).json
        self.assertEqual(would["confirm_advised_s"], 300)
        self.good("POST", "/candidates", {"candidate": "net"}, status=201)
        self.good("POST", "/transactions?candidate=net", {"changes": [step]})
        self.assertEqual(self.ask("POST", "/candidates/net/commit").status, 409)
        self.assertEqual(self.revision(), before)
        self.good("POST", "/candidates/net/commit?confirm_within_s=600")
        self.good("POST", "/confirmation")
        for path in (f"/revisions/{before}/rollback", f"/revisions/{before + 1}/revert"):
            self.assertEqual(self.ask("POST", path).status, 409, path)
        self.good("POST", f"/revisions/{before}/rollback?now=true")

    def test_a_listener_hears_of_alarms_events_and_rates(self):
        connection = self.box.connection()
        self.addCleanup(connection.close)
        token = {"Authorization": "Bearer " + self.tokens["viewer"]}
        connection.request("GET", "/api/v1/events?topics=alarms,events,rates", headers=token)
        stream = connection.getresponse()
        self.good("PATCH", "/farms/shop/servers/web1?confirm_within_s=600", {"weight": 3})
        wanted = ("goes back by itself", "unless confirmed", "event: alarms", "event: events", "event: rates")
        said = ""
        for _ in range(1000):
            said += stream.readline().decode()
            if all(words in said for words in wanted):
                break
        self.assertEqual([words for words in wanted if words not in said], [])
        ids = [int(line[4:]) for line in said.splitlines() if line.startswith("id: ")]
        self.assertEqual(ids, list(range(ids[0], ids[0] + len(ids))))

    def test_every_change_is_on_record(self):
        self.good("PATCH", "/farms/shop/servers/web1", {"weight": 3})
        self.ask("PATCH", "/farms/shop", {"mode": "dsr"}, "viewer")
        records = self.good("GET", "/audit?limit=2", role="auditor").json["records"]
        self.assertEqual(records[0]["result"], "refused (403)")
        self.assertEqual(records[1]["action"], "patch-farm-server")
        self.assertIn("web1 weight 10 (default) to 3", records[1]["note"])
        self.assertIn("revision", records[1]["object"])

    def test_the_api_moves_with_its_own_configuration(self):
        before = self.box.port
        self.good("PATCH", "/management?now=true", {"allowed_hosts": ["127.0.0.0/8"]})
        listed = self.good("GET", "/status/management").json
        self.assertEqual(listed["allowed_hosts"], ["127.0.0.0/8"])
        moved = self.box.console("PATCH", "/api/v1/management", {"port": before + 1})
        self.assertEqual(moved[0], 200, moved)
        self.box.port = before + 1
        wait_for(lambda: self.box.console("GET", "/api/v1/status/management")[1]["port"] == before + 1)
        self.good("GET", "/farms/shop")

    def test_lists_come_in_pages(self):
        page = self.good("GET", "/farms?limit=1").json
        self.assertEqual(([f["name"] for f in page["items"]], page["next"], page["total"]), (["shop"], 1, 2))
        page = self.good("GET", "/farms?limit=1&cursor=1").json
        self.assertEqual(([f["name"] for f in page["items"]], page["next"]), (["mail"], None))


class AnswersTest(unittest.TestCase):
    """What stands in answers only after something was said or set."""

    def setUp(self):
        self.box = Box()
        self.addCleanup(self.box.close)
        self.token = self.box.tokens_of_all_roles()["administrator"]

    def ask(self, method, path, body=None, status=200):
        answer = self.box.ask(method, "/api/v1" + path, body, token=self.token)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def test_everything_in_them_is_described(self):
        server = {"name": "web1", "addresses": ["10.1.1.11"], "connections_max": 3}
        self.ask("PATCH", "/farms/shop", {"connections_max": 5, "servers": [server]})
        self.ask("POST", "/farms/shop/servers/web1/verbs", {"verb": "drain", "for_s": 600})
        self.ask("POST", "/farms/shop/servers/web1/verbs", {"verb": "weight", "weight": 3})
        self.ask("POST", "/candidates", {"candidate": "held"}, 201)
        self.ask("PATCH", "/farms/mail?candidate=held", {"scheduler": "round_robin"})
        document = self.ask("GET", "/openapi.json")
        for path, pattern in (
            ("/status/servers", None),
            ("/status/farms", None),
            ("/status/rates?of=servers&farm=shop", "/status/rates"),
            ("/candidates/held", "/candidates/{candidate}"),
            ("/candidates/held/check", "/candidates/{candidate}/check"),
            ("/revisions/2", "/revisions/{revision}"),
        ):
            with self.subTest(path=path):
                about = document["paths"]["/api/v1" + (pattern or path)]["get"]
                schema = about["responses"]["200"]["content"]["application/json"]["schema"]
                answer = self.ask("GET", path)
                self.assertEqual(schemas.faults(document, schema, answer), [])
                self.assertEqual(schemas.unknown(document, schema, answer), [])

    def test_rates_of_one_farm(self):
        names = lambda query: [row["name"] for row in self.ask("GET", "/status/rates?" + query)["rates"]]
        self.assertEqual(names("of=servers&farm=shop"), ["shop/web1", "shop/web2"])
        self.assertEqual(names("of=servers&farm=sho"), [])
        self.assertEqual(names("farm=mail"), ["mail"])

    def test_a_token_from_the_console(self):
        made = self.box.cli("access", "token", "ci", "operator", "operator", "12h", "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        token = json.loads(made.stdout)
        self.assertEqual((token["account"], token["role"]), ("operator", "operator"))
        weight = ("PATCH", "/api/v1/farms/shop/servers/web1?dry_run=1", {"weight": 3})
        self.assertEqual(self.box.ask(*weight, token=token["token"]).status, 200)
        more = self.box.cli("access", "token", "more", "operator", "administrator", "12h")
        self.assertNotEqual(more.returncode, 0)
        self.assertIn("operator", more.stderr)
        nobody = self.box.cli("access", "token", "x", "nobody", "viewer", "12h")
        self.assertIn("none named", nobody.stderr)
        self.assertNotEqual(self.box.cli("access", "token", "x", "operator", "viewer", "soon").returncode, 0)
        self.assertNotIn(token["token"], self.box.cli("show", "audit").stdout)
        body = {"name": "y", "account": "viewer", "role": "viewer", "expires_in_s": 60}
        self.assertEqual(self.box.ask("POST", "/api/v1/tokens", body, token=token["token"]).status, 409)


class LargeBoxTest(unittest.TestCase):
    """What is large is written beside everything else."""

    def setUp(self):
        self.box = Box(servers=4000)
        self.addCleanup(self.box.close)
        self.tokens = self.box.tokens_of_all_roles()

    def viewer(self):
        """A connection that has had an answer, so that what can be read next is the next one."""
        connection = self.box.connection()
        self.addCleanup(connection.close)
        self.send(connection, "/api/v1/roles")
        self.assertEqual(connection.getresponse().read()[:1], b"{")
        return connection

    def send(self, connection, path):
        connection.request("GET", path, headers={"Authorization": "Bearer " + self.tokens["viewer"]})

    def test_a_change_does_not_wait_for_large_answers(self):
        for path in ("/api/v1/status/servers", "/api/v1/configuration", "/metrics"):
            with self.subTest(path=path):
                viewers = [self.viewer() for _ in range(16)]
                for connection in viewers:
                    self.send(connection, path)
                administrator = self.tokens["administrator"]
                weight = {"weight": len(path)}
                change = self.box.ask("PATCH", "/api/v1/farms/shop/servers/web1", weight, token=administrator)
                self.assertEqual(change.status, 200, change)
                answered = select.select([one.sock for one in viewers], [], [], 0)[0]
                self.assertLess(len(answered), len(viewers))
                for connection in viewers:
                    answer = connection.getresponse()
                    self.assertEqual(answer.status, 200)
                    self.assertGreater(len(answer.read()), 100_000)


if __name__ == "__main__":
    unittest.main()
