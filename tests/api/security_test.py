"""What somebody who means no good may try against the HTTPS server and the API."""

import collections
import contextlib
import http.client
import itertools
import json
import os
import select
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from tests.api.box import PASSWORD, Box, wait_for

HEADERS = {
    "Strict-Transport-Security": "max-age=",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class SecurityTest(unittest.TestCase):
    """One program for all; each test uses accounts of its own."""

    @classmethod
    def setUpClass(cls):
        cls.box = Box()
        cls.box.add_account("root", "administrator")
        cls.admin = cls.box.token("root", "administrator")

    @classmethod
    def tearDownClass(cls):
        assert cls.box.cli("audit", "verify").returncode == 0
        assert cls.box.close() == 0, "fulcrum-control did not end well"

    def audit(self):
        return self.box.ask("GET", "/api/v1/audit?limit=1000", token=self.admin).json["records"]

    def raw(self, data, source="127.0.0.1", end=True):
        """Everything that the server says to these bytes."""
        with self.box.tls(source) as tls:
            tls.sendall(data)
            return self.rest(tls) if end else b""

    def rest(self, tls):
        said = b""
        try:
            while chunk := tls.recv(65536):
                said += chunk
        except (ssl.SSLError, OSError):
            pass
        return said

    def test_brute_force_is_stopped_and_recorded(self):
        self.box.add_account("victim", "viewer")
        for _ in range(5):
            self.assertEqual(self.box.log_in("victim", "guess", "127.0.0.9").status, 401)
        locked = self.box.log_in("victim", PASSWORD, "127.0.0.9")
        self.assertEqual(locked.status, 429)
        self.assertGreater(int(locked.headers["Retry-After"]), 30)
        self.assertEqual(self.box.log_in("victim", PASSWORD, "127.0.0.10").status, 200, "the owner is elsewhere")
        self.assertEqual(self.box.console("POST", "/api/v1/accounts/victim/unlock")[0], 204)
        self.assertEqual(self.box.log_in("victim", PASSWORD, "127.0.0.9").status, 200)
        tries = [r for r in self.audit() if r["action"] == "login" and r["source"] == "127.0.0.9"]
        self.assertEqual([r["result"] for r in tries], ["done"] + ["refused (401)"] * 5)

    def test_one_source_cannot_try_all_accounts(self):
        outcomes = [self.box.log_in(f"user{i}", "guess", "127.0.0.11").status for i in range(30)]
        self.assertEqual(outcomes.count(401), 20)
        self.assertEqual(outcomes.count(429), 10)

    def test_unknown_and_known_accounts_look_alike(self):
        self.box.add_account("known", "viewer")
        known = self.box.log_in("known", "guess", "127.0.0.12")
        unknown = self.box.log_in("unknown", "guess", "127.0.0.12")
        self.assertEqual((known.status, known.json), (unknown.status, unknown.json))

    def test_there_is_no_default_account(self):
        box = Box()
        try:
            for name in ("admin", "root", "fulcrum", "administrator"):
                for password in ("admin", "password", "fulcrum", "root", name):
                    answer = box.log_in(name, password, f"127.0.1.{len(name)}")
                    self.assertIn(answer.status, (401, 429))
            self.assertIn("access setup", box.log_in("admin", "x", "127.0.2.1").json["detail"])
            done = box.cli("access", "setup", text=PASSWORD + "\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(box.log_in("admin", source="127.0.2.2").status, 200)
        finally:
            box.close()

    def test_sessions_need_their_csrf_token(self):
        self.box.add_account("csrf", "administrator")
        good = self.box.session("csrf")
        change = lambda headers: self.box.ask("POST", "/api/v1/accounts/csrf/unlock", headers=headers).status
        self.assertEqual(change(good), 204)
        self.assertEqual(change({"Cookie": good["Cookie"]}), 403)
        self.assertEqual(change({**good, "X-CSRF-Token": "wrong"}), 403)
        self.assertEqual(change({**good, "X-CSRF-Token": self.box.session("csrf")["X-CSRF-Token"]}), 403)
        self.assertEqual(change({**good, "Origin": "https://evil.example"}), 403)
        self.assertEqual(change({**good, "Origin": "null"}), 403)
        self.assertEqual(change({**good, "Sec-Fetch-Site": "cross-site"}), 403)
        self.assertEqual(change({**good, "Origin": f"https://127.0.0.1:{self.box.port}"}), 204)
        self.assertEqual(self.box.log_in("csrf", headers={"Origin": "https://evil.example"}).status, 403)
        form = self.box.ask("POST", "/api/v1/session", "name=csrf", headers={"Content-Type": "text/plain"})
        self.assertEqual(form.status, 415)

    def test_cookies_are_for_this_server_only(self):
        self.box.add_account("cookie", "viewer")
        cookie = self.box.log_in("cookie").headers["Set-Cookie"]
        for part in ("__Host-fulcrum=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"):
            self.assertIn(part, cookie)
        self.assertNotIn("Domain", cookie)

    def test_sessions_end(self):
        self.box.add_account("ends", "viewer")
        one, two = self.box.session("ends"), self.box.session("ends")
        who = lambda headers: self.box.ask("GET", "/api/v1/session", headers=headers).status
        self.assertEqual(self.box.ask("DELETE", "/api/v1/session", headers=one).status, 204)
        self.assertEqual((who(one), who(two)), (401, 200))
        self.box.add_account("ends", "viewer")  # a new password
        self.assertEqual(who(two), 401)

    def test_tokens_end(self):
        self.box.add_account("tokens", "operator")
        token = self.box.token("tokens", "viewer")
        listed = self.box.ask("GET", "/api/v1/tokens", token=token).json["tokens"]
        self.assertEqual([one["account"] for one in listed], ["tokens"])
        for scheme, status in (("bearer", 200), ("BEARER", 200), ("Basic", 401), ("Bear", 401), ("Bearer:", 401)):
            said = self.box.ask("GET", "/api/v1/tokens", headers={"Authorization": f"{scheme} {token}"})
            self.assertEqual(said.status, status, scheme)
        name = listed[0]["name"]
        self.assertEqual(self.box.ask("DELETE", f"/api/v1/tokens/{name}", token=token).status, 204)
        self.assertEqual(self.box.ask("GET", "/api/v1/tokens", token=token).status, 401)
        short = self.box.token("tokens", "viewer", seconds=1)
        wait_for(lambda: self.box.ask("GET", "/api/v1/tokens", token=short).status == 401)
        more = {"name": "more", "role": "administrator", "expires_in_s": 60}
        refused = self.box.ask("POST", "/api/v1/tokens", more, headers=self.box.session("tokens"))
        self.assertEqual(refused.status, 409)

    def test_every_answer_has_the_security_headers(self):
        answers = [
            self.box.ask("GET", "/api/"),
            self.box.ask("GET", "/api/v1/session"),
            self.box.ask("GET", "/nothing"),
            self.box.ask("DELETE", "/metrics"),
            self.box.ask("GET", "/api/v1/status/farms", token=self.admin),
        ]
        for answer in answers:
            for name, value in HEADERS.items():
                self.assertIn(value, answer.headers.get(name, ""), f"{name} in {answer}")
            self.assertNotIn("Server", answer.headers)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        broken = self.raw(b"NONSENSE\r\n\r\n").decode()
        self.assertTrue(broken.startswith("HTTP/1.1 400"), broken)
        for name in HEADERS:
            self.assertIn(name, broken)

    def test_oversized_requests(self):
        self.assertIn(b" 431 ", self.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n").split(b"\r\n")[0])
        self.assertIn(b" 431 ", self.raw(b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n").split(b"\r\n")[0])
        many = b"".join(b"X%d: 1\r\n" % i for i in range(3000))
        self.assertIn(b" 431 ", self.raw(b"GET / HTTP/1.1\r\n" + many + b"\r\n").split(b"\r\n")[0])
        self.assertEqual(self.box.ask("POST", "/api/v1/session", "x" * 5000).status, 413)
        known = self.box.ask("POST", "/api/v1/tokens", "x" * 5000, token=self.admin)
        self.assertEqual(known.status, 400, "who is known may send more")
        head = f"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.admin}\r\n"
        huge = self.raw(head.encode() + b"Content-Length: 99999999999\r\n\r\n")
        self.assertIn(b" 413 ", huge.split(b"\r\n")[0])
        chunked = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertIn(b" 413 ", self.raw(chunked + b"2000\r\n" + b"x" * 0x2000 + b"\r\n0\r\n\r\n").split(b"\r\n")[0])
        self.assertIn(b" 413 ", self.raw(chunked + b"fffffffffffffff\r\nx").split(b"\r\n")[0])

    def test_requests_that_two_servers_would_read_differently(self):
        post = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"
        both = post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        twice = post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}"
        folded = b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\nContent-Length : 5\r\n\r\n"
        chunks = b"\r\n\r\n0\r\n\r\n"
        hosts = (b"GET /api/ HTTP/1.1\r\n\r\n", b"GET /api/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        codings = (post + b"Transfer-Encoding: xchunked" + chunks, post + b"Transfer-Encoding: chunked, gzip" + chunks,
                   post.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked" + chunks)
        for request in hosts + codings:
            said = self.raw(request + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(said.startswith(b"HTTP/1.1 400"), request)
            self.assertEqual(said.count(b"\nContent-Length:"), 1, request)
        for request in (both, twice, folded, b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/3.7\r\n\r\n"):
            said = self.raw(request + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1 200", said, request)
            self.assertLessEqual(said.count(b"\nContent-Length:"), 1, request)

    def test_slow_clients_push_out_only_each_other(self):
        held = []
        try:
            # More than there is room for, from many sources: some without a handshake, some in a header.
            for i in range(320):
                held.append(socket.create_connection(("127.0.0.1", self.box.port), 10, (f"127.0.3.{1 + i // 20}", 0)))
            for i in range(40):
                slow = self.box.tls(f"127.0.4.{1 + i // 20}")
                slow.sendall(b"GET / HTTP/1.1\r\nHo")
                held.append(slow)
            for _ in range(20):
                answer = self.box.ask("GET", "/api/v1/status/farms", token=self.admin, source="127.0.5.1")
                self.assertEqual(answer.status, 200)
            standing = self.box.ask("GET", "/api/v1/status/management", token=self.admin, source="127.0.5.1").json
            self.assertLessEqual(standing["connections"], 256)
        finally:
            for one in held:
                one.close()

    def test_one_account_does_not_keep_others_from_large_answers(self):
        box = Box(servers=3000)
        held = []
        try:
            box.add_account("root", "administrator")
            box.add_account("greedy", "viewer")
            admin, greedy = box.token("root", "administrator"), box.token("greedy", "viewer")
            head = "GET /api/v1/status/servers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
            for i in range(24):
                held.append(box.tls(f"127.0.13.{1 + i}"))
            for one in held:
                one.sendall(f"{head}{greedy}\r\n\r\n".encode())
            wait_for(lambda: len(select.select(held, [], [], 0)[0]) > 8)  # 8 were refused at once, one is written
            self.assertEqual(box.ask("GET", "/api/v1/status/farms", token=admin).status, 200)
            waiting = [one for one in held if not select.select([one], [], [], 0)[0]]
            self.assertGreater(len(waiting), 5, "of 16 answers of one account only some were written before")
            refused = sum(self.rest(one).startswith(b"HTTP/1.1 429") for one in held)
            self.assertGreater(refused, 0, "one account has no more than 16 waiting")
        finally:
            for one in held:
                one.close()
            box.close()

    def test_who_never_reads_answers_makes_room(self):
        request = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        held = []
        try:
            for i in range(300):
                plain = socket.socket()
                held.append(plain)
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                plain.bind((f"127.0.12.{1 + i // 30}", 0))
                plain.connect(("127.0.0.1", self.box.port))
                try:
                    held.append(self.box.context().wrap_socket(plain, server_hostname="127.0.0.1"))
                    held[-1].sendall(request * 20)
                    select.select([held[-1]], [], [], 10)  # its answer is on the way
                except OSError:
                    pass  # there was no room
            for _ in range(10):
                answer = self.box.ask("GET", "/api/v1/status/farms", token=self.admin, source="127.0.5.3")
                self.assertEqual(answer.status, 200)
        finally:
            for one in held:
                one.close()

    def test_guessers_from_everywhere_hold_up_nobody_who_is_known(self):
        box = Box()
        stop = threading.Event()
        outcomes = collections.Counter()

        def guess(number):
            for i in itertools.count():
                if stop.is_set():
                    return
                name = "root" if i % 2 else f"user{i}"
                try:
                    outcomes[box.log_in(name, "guess", f"127.{20 + number}.{i // 8 % 250}.1").status] += 1
                except (OSError, http.client.HTTPException):
                    outcomes["cut"] += 1

        guessers = [threading.Thread(target=guess, args=(number,)) for number in range(80)]
        try:
            box.add_account("root", "administrator")
            self.assertEqual(box.log_in("root", source="127.0.5.4").status, 200)
            token = box.token("root", "administrator")
            for guesser in guessers:
                guesser.start()
            wait_for(lambda: outcomes[503] > 100)
            for _ in range(5):
                self.assertEqual(box.log_in("root", source="127.0.5.4").status, 200)
                change = box.ask(
                    "PATCH", "/api/v1/farms/shop?dry_run=true", {}, token=token, source="127.0.5.5")
                self.assertEqual(change.status, 200, change)
        finally:
            stop.set()
            for guesser in guessers:
                guesser.join()
            box.close()

    def test_one_source_has_so_many_connections(self):
        held = []
        try:
            for _ in range(100):
                held.append(socket.create_connection(("127.0.0.1", self.box.port), 10, ("127.0.6.1", 0)))
            standing = self.box.ask("GET", "/api/v1/status/management", token=self.admin, source="127.0.5.2").json
            self.assertLessEqual(standing["connections"], 60)
        finally:
            for one in held:
                one.close()

    def test_every_phase_has_a_deadline(self):
        silent = socket.create_connection(("127.0.0.1", self.box.port), 10, ("127.0.7.1", 0))
        trickle = self.box.tls("127.0.7.2")
        trickle.sendall(b"GET / HTTP/1.1\r\n")
        body = self.box.tls("127.0.7.3")
        body.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        for slow, name in ((silent, "handshake"), (trickle, "header"), (body, "body")):
            slow.settimeout(60)
            with self.subTest(phase=name):
                try:
                    self.assertEqual(slow.recv(1), b"")
                except (ConnectionResetError, ssl.SSLError):
                    pass
            slow.close()

    def test_listeners_are_bounded_and_do_not_disturb(self):
        self.box.add_account("ears", "viewer")
        token = self.box.token("ears", "viewer")
        head = "GET /api/v1/events?topics=farms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        request = f"{head}{token}\r\n\r\n".encode()
        ears = []
        try:
            for _ in range(8):
                ear = self.box.tls("127.0.8.1")
                ear.sendall(request)
                self.assertIn(b"200 OK", ear.recv(65536))
                ears.append(ear)
            with self.box.tls("127.0.8.1") as ninth:
                ninth.sendall(request)
                self.assertIn(b" 503 ", ninth.recv(65536))
            ear = ears[0]
            said = ear.recv(65536)
            while b"\n\n" not in said:
                said += ear.recv(65536)
            self.assertIn(b"event: farms\ndata: {\"rows\":[{", said)
            self.box.console("DELETE", "/api/v1/accounts/ears")
            self.rest(ear)  # ends: whose account is gone hears nothing more
        finally:
            for ear in ears:
                ear.close()

    def test_one_account_has_so_many_listeners(self):
        self.box.add_account("crowd", "viewer")
        self.box.add_account("alone", "viewer")
        crowd, alone = self.box.token("crowd", "viewer"), self.box.token("alone", "viewer")
        with contextlib.ExitStack() as held:
            ask = lambda token, source: self.first_word(held, token, source)
            for i in range(16):
                self.assertIn(b" 200 ", ask(crowd, f"127.0.{40 + i // 6}.1"))
            self.assertIn(b" 429 ", ask(crowd, "127.0.50.1"))
            self.assertIn(b" 200 ", ask(alone, "127.0.50.1"), "somebody else has a place")

    def first_word(self, held, token, source):
        """What a new listener hears first. It goes on listening until the end of `held`."""
        ear = held.enter_context(self.box.tls(source))
        ear.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        return ear.recv(65536)

    def test_tls_is_modern_only(self):
        def shake(minimum, maximum, ciphers=None):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers((ciphers or "ALL") + ":@SECLEVEL=0")
            context.minimum_version, context.maximum_version = minimum, maximum
            with socket.create_connection(("127.0.0.1", self.box.port), 10, ("127.0.9.1", 0)) as plain:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                    return tls.version(), tls.cipher()[0]

        version = ssl.TLSVersion
        self.assertEqual(shake(version.TLSv1_2, version.TLSv1_2)[0], "TLSv1.2")
        self.assertEqual(shake(version.TLSv1_3, version.TLSv1_3)[0], "TLSv1.3")
        for old in (version.TLSv1, version.TLSv1_1):
            with self.assertRaises((ssl.SSLError, OSError)):
                shake(old, old)
        for weak in ("AES128-SHA", "AES256-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "NULL"):
            with self.assertRaises((ssl.SSLError, OSError), msg=weak):
                shake(version.TLSv1_2, version.TLSv1_2, weak)

    @unittest.skipUnless(shutil.which("sslscan"), "sslscan is not installed")
    def test_sslscan_finds_nothing(self):
        scan = subprocess.run(
            ["sslscan", "--no-colour", f"127.0.0.1:{self.box.port}"], capture_output=True, text=True, check=True
        ).stdout
        for line in ("SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled",
                     "TLSv1.2   enabled", "TLSv1.3   enabled", "Session renegotiation not supported"):
            self.assertIn(line, scan)
        ciphers = [line.split()[4] for line in scan.splitlines() if line.startswith(("Preferred", "Accepted"))]
        self.assertTrue(ciphers)
        for cipher in ciphers:
            self.assertTrue("GCM" in cipher or "POLY1305" in cipher, cipher)
        self.assertNotIn("vulnerable to heartbleed", scan.replace("not vulnerable to heartbleed", ""))

    def test_allowed_hosts_and_the_rescue(self):
        box = Box()
        try:
            box.add_account("root", "administrator")
            token = box.token("root", "administrator")
            box.allowed = ["192.0.2.0/24"]
            box.write_config()
            box.reload()

            def is_shut():
                try:
                    box.ask("GET", "/api/")
                    return False
                except (OSError, http.client.HTTPException):
                    return True

            wait_for(is_shut)
            self.assertEqual(box.ask("POST", "/api/v1/rescue", token=token).status if not is_shut() else 0, 0)
            done = box.cli("access", "rescue")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(box.ask("GET", "/api/v1/session", token=token).status, 200)
            self.assertEqual(box.ask("POST", "/api/v1/rescue", token=token).status, 403)
            self.assertEqual(box.console("DELETE", "/api/v1/rescue")[0], 204)
            wait_for(is_shut)
        finally:
            box.close()

    def test_accounts_and_audit_survive_a_kill(self):
        box = Box()
        try:
            box.add_account("root", "administrator")
            token = box.token("root", "auditor")
            box.kill()
            box.start()
            self.assertEqual(box.ask("GET", "/api/v1/audit/verification", token=token).json["intact"], True)
            self.assertEqual(box.log_in("root").status, 200)
            state = os.path.join(box.directory, "state")
            for name in ("access.json", "api-key.pem", "audit/audit.log"):
                self.assertEqual(os.stat(os.path.join(state, name)).st_mode & 0o077, 0, name)
            with open(os.path.join(state, "access.json"), encoding="utf-8") as file:
                self.assertNotIn(PASSWORD, file.read())
            self.assertNotIn(PASSWORD, json.dumps(box.console("GET", "/api/v1/audit")[1]) + box.words())
            with open(os.path.join(state, "audit/audit.log"), "r+", encoding="utf-8") as file:
                text = file.read()
                file.seek(0)
                file.write(text.replace("put-account", "get-account", 1))
            self.assertEqual(box.ask("GET", "/api/v1/audit/verification", token=token).json["intact"], False)
            self.assertEqual(box.cli("audit", "verify").returncode, 1)
        finally:
            box.close()

    def test_broken_accounts_let_nobody_in_and_traffic_on(self):
        box = Box()
        try:
            box.add_account("root", "administrator")
            box.kill()
            with open(os.path.join(box.directory, "state/access.json"), "w", encoding="utf-8") as file:
                file.write("{}")
            box.start(until=lambda: box.cli("show", "farms").returncode == 0)
            self.assertIn("no REST API", box.words())
            self.assertEqual(box.cli("show", "farms").returncode, 0)
        finally:
            box.close()


if __name__ == "__main__":
    unittest.main()
