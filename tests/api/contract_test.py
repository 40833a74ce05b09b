"""Every operation of the OpenAPI document, with every role and with bad input: the document is fetched from the running
program, so what is tested is what the program promises."""

import json
import unittest

from tests.api import schemas
from tests.api.box import ROLES, Box

UNSAFE = ("post", "put", "patch", "delete")
# One's own password and session: a token has neither, and says so.
OWN_SESSION = ("/api/v1/session", "/api/v1/session/password")
NEW = {"name": "new", "addresses": ["198.51.100.50"], "ports": [{"port": 443}],
       "servers": [{"name": "a", "addresses": ["10.1.1.31"]}]}
ENABLE = {"verb": "enable"}
# What each role is answered, about objects that are there: viewer, operator, farm-admin of "shop", administrator,
# auditor.
DECISIONS = (
    ("PATCH", "/farms/shop/servers/web1?dry_run=true", {"weight": 3}, (403, 200, 200, 200, 403)),
    ("PATCH", "/farms/mail/servers/web1?dry_run=true", {"weight": 3}, (403, 200, 403, 200, 403)),
    ("PATCH", "/farms/shop/servers/web1?dry_run=true", {"addresses": ["10.1.1.9"]}, (403, 403, 200, 200, 403)),
    ("PATCH", "/farms/shop?dry_run=true", {"scheduler": "round_robin"}, (403, 403, 200, 200, 403)),
    ("PATCH", "/farms/mail?dry_run=true", {"scheduler": "round_robin"}, (403, 403, 403, 200, 403)),
    ("PATCH", "/farms/shop/check?dry_run=true", {"rise": 7}, (403, 403, 200, 200, 403)),
    ("PATCH", "/farms/mail/check?dry_run=true", {"rise": 7}, (403, 403, 403, 200, 403)),
    ("PUT", "/farms/shop/servers/new?dry_run=true", {"addresses": ["10.1.1.9"]}, (403, 403, 200, 200, 403)),
    ("POST", "/farms?dry_run=true", NEW, (403, 403, 403, 200, 403)),
    ("DELETE", "/farms/shop?dry_run=true", None, (403, 403, 200, 200, 403)),
    ("DELETE", "/farms/mail?dry_run=true", None, (403, 403, 403, 200, 403)),
    ("DELETE", "/farms/shop/servers/web2?dry_run=true", None, (403, 403, 200, 200, 403)),
    ("PATCH", "/management?dry_run=true", {"allowed_hosts": ["127.0.0.0/8"]}, (403, 403, 403, 200, 403)),
    ("PATCH", "/management?dry_run=true", {}, (403, 403, 403, 200, 403)),
    ("PATCH", "/ports/front?dry_run=true", {"addresses": ["198.51.100.2/24"]}, (403, 403, 403, 200, 403)),
    ("POST", "/farms/shop/servers/web1/verbs", ENABLE, (403, 200, 200, 200, 403)),
    ("POST", "/farms/mail/servers/web1/verbs", ENABLE, (403, 200, 403, 200, 403)),
    ("POST", "/status/connections/clear", {"farm": "shop"}, (403, 503, 503, 503, 403)),
    ("POST", "/status/connections/clear", {"farm": "mail"}, (403, 503, 403, 503, 403)),
    ("POST", "/status/connections/clear", {"all": True}, (403, 503, 403, 503, 403)),
    ("POST", "/test", {"farm": "shop"}, (403, 503, 503, 503, 403)),
    ("POST", "/test", {"farm": "mail", "server": "web1"}, (403, 503, 403, 503, 403)),
    ("POST", "/test", {"address": "10.1.1.11", "port": 80}, (403, 503, 403, 503, 403)),
    ("POST", "/test", {"farm": "shop", "server": "no"}, (403, 404, 404, 404, 403)),
    ("POST", "/revisions/1/rollback", None, (403, 403, 403, 422, 403)),
    ("POST", "/revisions/1/revert", None, (403, 422, 422, 422, 403)),
    ("POST", "/confirmation", None, (403, 403, 403, 404, 403)),
    ("POST", "/candidates/held/rebase", None, (403, 403, 403, 200, 403)),
    ("POST", "/candidates/held/schedule?at=03:00", None, (403, 422, 422, 422, 403)),
    ("GET", "/candidates/held/check", None, (200, 200, 200, 200, 200)),
    ("GET", "/configuration", None, (200, 200, 200, 200, 200)),
    ("GET", "/accounts/viewer", None, (403, 403, 403, 200, 403)),
    ("GET", "/sessions", None, (403, 403, 403, 200, 403)),
    ("GET", "/audit", None, (403, 403, 403, 200, 200)),
    ("GET", "/tokens", None, (200, 200, 200, 200, 200)),
    ("POST", "/rescue", None, (403, 403, 403, 403, 403)),
)


class ContractTest(unittest.TestCase):
    """One program for all tests: no test here changes its configuration."""

    @classmethod
    def setUpClass(cls):
        cls.box = Box()
        cls.tokens = cls.box.tokens_of_all_roles()
        held = cls.box.ask("POST", "/api/v1/candidates", {"candidate": "held"}, token=cls.tokens["administrator"])
        assert held.status == 201, held
        cls.document = cls.box.ask("GET", "/api/v1/openapi.json").json
        cls.grants = {
            row["role"]: row["permissions"]
            for row in cls.box.ask("GET", "/api/v1/roles", token=cls.tokens["viewer"]).json["roles"]
        }

    @classmethod
    def tearDownClass(cls):
        assert cls.box.close() == 0, "fulcrum-control did not end well"

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, about in methods.items():
                yield path, method, about

    def target(self, path, about):
        """A path to something that is not there, asked so that nothing changes."""
        for parameter in about.get("parameters", []):
            if parameter["in"] == "path":
                number = parameter["name"] in ("revision", "route")
                path = path.replace("{%s}" % parameter["name"], "999999999" if number else "not-there")
        names = [one["name"] for one in about.get("parameters", [])]
        return path + "?dry_run=true" if "dry_run" in names else path

    def there(self, path):
        """The same path to something that is there; None: there is nothing of the kind."""
        path = path.replace("/api/v1/ports/{port}", "/api/v1/ports/front")
        path = path.replace("/accounts/{name}", "/accounts/viewer")
        for name, word in (("farm", "shop"), ("server", "web1"), ("port", "tcp%2F80"), ("candidate", "held"),
                           ("revision", "1")):
            path = path.replace("{%s}" % name, word)
        return None if "{" in path else path

    def body(self, about):
        return {} if "requestBody" in about else None

    def schema_of_body(self, about):
        return next(iter(about["requestBody"]["content"].values()))["schema"]

    def assert_problem(self, answer, status=None):
        self.assertGreaterEqual(answer.status, 400, answer)
        if status is not None:
            self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["status"], answer.status)
        self.assertEqual(schemas.faults(self.document, {"$ref": "#/components/schemas/Problem"}, answer.json), [])
        self.assertTrue(answer.json["detail"])

    def test_the_document_is_whole(self):
        ids = [about["operationId"] for _, _, about in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 25)
        text = json.dumps(self.document)
        for part in text.split('"$ref": "#/components/schemas/')[1:]:
            self.assertIn(part.split('"')[0], self.document["components"]["schemas"])
        for path, _, about in self.operations():
            named = {one["name"] for one in about.get("parameters", []) if one["in"] == "path"}
            self.assertEqual(named, {part[1:-1] for part in path.split("/") if part.startswith("{")}, path)

    def test_nobody_gets_in_without_identity(self):
        for path, method, about in self.operations():
            with self.subTest(operation=about["operationId"]):
                open_to_all = about["x-permission"] == "none"
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"},
                                {"Cookie": "__Host-fulcrum=wrong"}):
                    answer = self.box.ask(method.upper(), self.target(path, about), self.body(about), headers=headers)
                    if open_to_all:
                        self.assertIn(answer.status, (200, 422), answer)
                    else:
                        self.assert_problem(answer, 401)
                        self.assertIn("WWW-Authenticate", answer.headers)

    def test_permission_matrix(self):
        checked = 0
        for path, method, about in self.operations():
            permission = about["x-permission"]
            if permission == "none" or path == "/api/v1/events":
                continue
            for role in ROLES:
                with self.subTest(operation=about["operationId"], role=role):
                    answer = self.box.ask(
                        method.upper(), self.target(path, about), self.body(about), token=self.tokens[role]
                    )
                    granted = self.grants[role][permission]
                    if granted == "no":
                        self.assert_problem(answer, 403)
                    elif granted == "yes" and about["x-permission"] != "operate":
                        self.assertNotIn(answer.status, (401, 403, 500), answer)
                    else:
                        self.assertNotIn(answer.status, (401, 500), answer)
                    checked += 1
        self.assertGreater(checked, 100)

    def test_decisions(self):
        for method, path, body, statuses in DECISIONS:
            for role, status in zip(ROLES, statuses):
                with self.subTest(operation=f"{method} {path}", role=role):
                    answer = self.box.ask(method, "/api/v1" + path, body, token=self.tokens[role])
                    self.assertEqual(answer.status, status, answer)

    def test_good_answers_are_as_described(self):
        for path, method, about in self.operations():
            path = self.there(path)
            if method != "get" or path is None or path == "/api/v1/events":
                continue
            if path.startswith(("/api/v1/status/connections", "/api/v1/status/persistence")):
                continue  # need a dataplane: see tests/net/tables_test.py
            if any(one.get("required") for one in about.get("parameters", [])):
                continue  # needs an answer of its own: see tests/net/explain_test.py
            with self.subTest(operation=about["operationId"]):
                answer = self.box.ask("GET", path, token=self.tokens["administrator"])
                self.assertEqual(answer.status, 200, answer)
                content = about["responses"]["200"]["content"]
                self.assertEqual(answer.headers["Content-Type"].split(";")[0], next(iter(content)))
                if "application/json" in content:
                    schema = content["application/json"]["schema"]
                    self.assertEqual(schemas.faults(self.document, schema, answer.json), [])
                    if about["operationId"] != "openapi":
                        self.assertEqual(schemas.unknown(self.document, schema, answer.json), [])

    def test_bad_bodies_are_refused(self):
        for path, method, about in self.operations():
            if "requestBody" not in about:
                continue
            with self.subTest(operation=about["operationId"]):
                ask = lambda body, **more: self.box.ask(
                    method.upper(), self.target(path, about), body, token=self.tokens["administrator"], **more
                )
                for broken in ("", "{", "nonsense", '{"a":1,}', "\x00", "[" * 200 + "]" * 200):
                    self.assert_problem(ask(broken), 400)
                self.assert_problem(ask("{}", headers={"Content-Type": "text/plain"}), 415)
                self.assert_problem(ask("{}", headers={"Content-Type": "application/x-www-form-urlencoded"}), 415)
                unknown = ask({"no-such-field": 1})
                self.assertIn(unknown.status, (404, 422), unknown)
                self.assert_problem(unknown)
                self.wrong_fields(ask, self.schema_of_body(about))

    def wrong_fields(self, ask, schema):
        schema = schemas.resolve(self.document, schema)
        for wrong in ([], "\"text\"", 7, "null", True):
            if schema.get("type") == "object":
                self.assertIn(ask(wrong).status, (400, 404, 422))
        for name, inner in schema.get("properties", {}).items():
            for value in schemas.wrong_values(self.document, inner):
                answer = ask({name: value})
                self.assertIn(answer.status, (400, 404, 422), f"{name}={str(value)[:50]}: {answer}")
                self.assert_problem(answer)

    def test_answers_to_changes_are_as_described(self):
        asked = 0
        for path, method, about in self.operations():
            target = self.there(path)
            if method != "patch" or target is None:
                continue
            with self.subTest(operation=about["operationId"]):
                schema = about["responses"]["200"]["content"]["application/json"]["schema"]
                for query in ("", "?dry_run=true", "?candidate=held"):
                    answer = self.box.ask("PATCH", target + query, {}, token=self.tokens["administrator"])
                    self.assertEqual(answer.status, 200, answer)
                    self.assertEqual(schemas.faults(self.document, schema, answer.json), [])
                    asked += 1
        self.assertGreater(asked, 20)

    def test_every_wrong_setting_is_named(self):
        """Each setting of the configuration with each kind of wrong value, in groups and in lists, where it stands."""
        patch = self.document["paths"]["/api/v1/configuration"]["patch"]
        asked = 0
        for body, name in schemas.wrong_bodies(self.document, self.schema_of_body(patch)):
            with self.subTest(body=str(body)[:200]):
                answer = self.box.ask(
                    "PATCH", "/api/v1/configuration?dry_run=true", body, token=self.tokens["administrator"]
                )
                self.assert_problem(answer, 422)
                paths = [one["path"] for one in answer.json["problems"]]
                self.assertTrue(any(name in path for path in paths), f"{name}: {answer}")
                asked += 1
        self.assertGreater(asked, 150)

    def test_lists_come_in_pages(self):
        ask = lambda path: self.box.ask("GET", "/api/v1" + path, token=self.tokens["administrator"])
        for path, name in (("/status/farms", "farms"), ("/status/servers", "servers"), ("/status/rates", "rates"),
                           ("/status/health", "health"),
                           ("/tokens", "tokens"), ("/accounts", "accounts"), ("/sessions", "sessions"),
                           ("/candidates", "candidates")):
            with self.subTest(path=path):
                whole = ask(path).json
                first = ask(path + "?limit=1").json
                self.assertEqual((first["total"], len(first[name])), (whole["total"], min(1, whole["total"])))
                self.assertEqual(len(whole[name]), whole["total"])
                self.assertEqual(first["next"], 1 if whole["total"] > 1 else None)
                self.assertEqual(ask(path + f"?cursor={whole['total']}").json[name], [])
        only = ask("/status/servers?farm=mail&limit=1").json
        self.assertEqual((only["total"], only["servers"][0]["farm"]), (2, "mail"))
        self.assertEqual([one["name"] for one in ask("/status/farms?farm=shop").json["farms"]], ["shop"])

    def test_bad_queries_are_refused(self):
        for path, method, about in self.operations():
            if about["x-permission"] == "none":
                continue
            with self.subTest(operation=about["operationId"]):
                plain = self.target(path, about).split("?")[0]
                ask = lambda query: self.box.ask(
                    method.upper(), f"{plain}?{query}", self.body(about), token=self.tokens["administrator"]
                )
                refused = (400, 403) if about["x-permission"] == "physical" else (400,)
                for query in ("no-such-parameter=1", "%", "a=%zz", "a=%00", "a=1&a=2"):
                    self.assertIn(ask(query).status, refused, query)
                for one in about.get("parameters", []):
                    if one["in"] == "query" and one["schema"]["type"] in ("integer", "boolean"):
                        for value in schemas.wrong_values(self.document, one["schema"]):
                            self.assert_problem(ask(f"{one['name']}={value}"), 400)

    def test_bodies_where_none_belongs(self):
        for path, method, about in self.operations():
            if method in UNSAFE and "requestBody" not in about and about["x-permission"] not in ("none", "physical"):
                with self.subTest(operation=about["operationId"]):
                    answer = self.box.ask(
                        method.upper(), self.target(path, about), {"a": 1}, token=self.tokens["administrator"]
                    )
                    self.assert_problem(answer, 400)

    def test_unknown_paths_and_methods(self):
        token = self.tokens["administrator"]
        for path in ("/api/v1/nothing", "/api/v2/farms", "/api", "/api/v1", "//", "/api/v1/accounts/", "/etc/passwd",
                     "/api/../etc/passwd", "/api/v1/accounts/%00", "/api/v1/accounts/%zz"):
            self.assert_problem(self.box.ask("GET", path, token=token), 404)
        for method in ("POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
            answer = self.box.ask(method, "/api/v1/status/farms", token=token)
            self.assert_problem(answer, 405)
            self.assertEqual(answer.headers["Allow"], "GET")

    def test_head_is_get_without_the_body(self):
        token = self.tokens["viewer"]
        got = self.box.ask("GET", "/api/v1/roles", token=token)
        head = self.box.ask("HEAD", "/api/v1/roles", token=token)
        self.assertEqual((head.status, head.text), (200, ""))
        self.assertEqual(head.headers["Content-Length"], got.headers["Content-Length"])

    def test_the_page_needs_nothing_from_elsewhere(self):
        page = self.box.ask("GET", "/api/")
        self.assertEqual(page.status, 200)
        for name in ("/api/page.js", "/api/page.css"):
            self.assertIn(name, page.text)
            part = self.box.ask("GET", name)
            self.assertEqual(part.status, 200)
            self.assertNotIn("://", part.text.replace("https://" + "example", ""))
        self.assertNotIn("://", page.text)
        self.assertEqual(self.box.ask("GET", "/").headers["Location"], "/api/")

    def test_metrics_are_well_formed(self):
        lines = self.box.ask("GET", "/metrics", token=self.tokens["viewer"]).text.splitlines()
        kinds, seen = {}, set()
        for line in lines:
            if line.startswith("# TYPE"):
                _, _, name, kind = line.split()
                self.assertNotIn(name, kinds)
                kinds[name] = kind
            elif not line.startswith("#"):
                name = line.split("{")[0].split()[0]
                self.assertTrue(name.startswith("fulcrum_"))
                self.assertEqual(kinds[name] == "counter", name.endswith("_total"), line)
                self.assertNotIn(line.rsplit(" ", 1)[0], seen)
                seen.add(line.rsplit(" ", 1)[0])
                int(line.rsplit(" ", 1)[1])
        self.assertIn('fulcrum_farm_servers{farm="shop"}', seen)
        self.assertIn('fulcrum_dropped_packets_total{reason="no_service"}', seen)


if __name__ == "__main__":
    unittest.main()
