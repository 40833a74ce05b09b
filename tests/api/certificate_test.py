"""Certificates of the administrator's: what a commit refuses, and what happens when the files change."""

import os
import subprocess
import unittest

from tests.api.box import Box, wait_for


class CertificateTest(unittest.TestCase):
    """Each test has a program of its own."""

    def certificate(self, box, name, days, more="-nodes"):
        """Makes a pair in the box's directory."""
        base = os.path.join(box.directory, name)
        subprocess.run(
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 {more} -days {days}"
            f" -keyout {base}.key -out {base}.pem -subj /CN={name} -addext subjectAltName=IP:127.0.0.1".split(),
            check=True, capture_output=True)
        return {"certificate": base + ".pem", "key": base + ".key"}

    def refuses_unfit_pairs(self, box, good):
        """None, one of a pass phrase, somebody else's and a pipe: by commit, check, dry run and command line."""
        locked = self.certificate(box, "locked", 90, "-passout pass:abcd1")
        other = self.certificate(box, "other", 90)
        gone, pipe = box.directory + "/gone.pem", box.directory + "/pipe.pem"
        os.mkfifo(pipe)
        for pair, path, words in (
            ({**good, "certificate": gone}, "management.certificate", "there is no such file"),
            ({**good, "key": gone}, "management.key", "there is no such file"),
            ({**good, "key": pipe}, "management.key", "is no plain file"),
            (locked, "management.key", "without a pass phrase"),
            ({**other, "key": good["key"]}, "management.key", "is not the certificate's private key"),
        ):
            for query in ("", "?dry_run=true"):
                status, said = box.console("PATCH", "/api/v1/management" + query, pair)
                faults = said["problems"]
                self.assertEqual((status, [one["path"] for one in faults]), (200 if query else 422, [path]), said)
                self.assertIn(words, str(faults))
                self.assertIn("first, or leave both settings empty", str(faults))
        for verb in ("commit check", "commit now"):
            refused = box.cli(text=f"configure\nset management certificate {gone}\n{verb}\n")
            said = refused.stdout + refused.stderr
            self.assertIn(f"management.certificate: {gone}: there is no such file; put a", said)
            self.assertNotEqual(refused.returncode, 0)

    def test_certificates_change_while_connections_live(self):
        box = Box()
        standing = lambda: box.console("GET", "/api/v1/status/management")[1]
        alarms = lambda: [one["text"] for one in box.console("GET", "/api/v1/status/alarms")[1]["alarms"]
                          if one["object"] == "management"]
        subject = lambda: standing()["certificate"]["subject"]
        try:
            with box.tls() as living:
                first = self.certificate(box, "first", 90)
                self.assertEqual(box.console("PATCH", "/api/v1/management", first)[0], 200)
                wait_for(lambda: subject() == "CN=first")
                self.assertEqual((alarms(), standing()["certificate"]["own"]), ([], False))
                # Renewed on the disk, for a few days only: noticed by itself, and in the alarms.
                soon = self.certificate(box, "soon", 3)
                os.replace(soon["certificate"], first["certificate"])
                self.assertEqual(subject(), "CN=first")
                os.replace(soon["key"], first["key"])
                wait_for(lambda: subject() == "CN=soon", 40)
                wait_for(lambda: any("ends at" in text for text in alarms()))
                self.refuses_unfit_pairs(box, first)
                self.assertEqual((subject(), box.console("GET", "/api/v1/management")[1]["key"]),
                                 ("CN=soon", first["key"]))
                living.sendall(b"GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b"200 OK", living.recv(65536))
                # What goes bad later stops nobody: the pair before stays, and an alarm tells.
                os.replace(self.certificate(box, "bad", 90)["key"], first["key"])
                wait_for(lambda: any("private key" in text for text in alarms()), 40)
                self.assertEqual(subject(), "CN=soon")
                self.assertEqual(box.console("PATCH", "/api/v1/farms/shop", {"scheduler": "round_robin"})[0], 200)
            box.kill()
            box.start()
            self.assertTrue(wait_for(lambda: standing().get("certificate"))["own"], "somebody must get in to mend it")
            self.assertEqual(box.ask("GET", "/api/").status, 200)
        finally:
            box.close()


if __name__ == "__main__":
    unittest.main()
