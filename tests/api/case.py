"""Tests of which each has a box of its own, because they all change it."""

import unittest

from tests.api.box import Box


class BoxCase(unittest.TestCase):
    def setUp(self):
        self.box = Box()
        self.tokens = self.box.tokens_of_all_roles()

    def tearDown(self):
        self.assertEqual(self.box.cli("audit", "verify").returncode, 0)
        self.assertEqual(self.box.close(), 0, "fulcrum-control did not end well")

    def ask(self, method, path, body=None, role="administrator", **more):
        return self.box.ask(method, "/api/v1" + path, body, token=self.tokens[role], **more)

    def good(self, method, path, body=None, status=200, **more):
        answer = self.ask(method, path, body, **more)
        self.assertEqual(answer.status, status, answer)
        return answer

    def revision(self):
        return self.good("GET", "/revisions?limit=1").json["current"]
