"""Varlink's public test of implementations, org.varlink.certification: an actor is the
service."""
import os
import shutil
import subprocess
import tempfile
import unittest

from host import SLOW, HostTest

NAME = "org.varlink.certification"
# Where Debian's golang-github-varlink-go-dev puts the reference client.
GO_PATH = os.environ.get("GOPATH", "/usr/share/gocode")
GO_CLIENT = "github.com/varlink/go/cmd/varlink-go-certification"
STEPS = [*(f"Test{n:02}" for n in range(1, 12)), "End"]


class Certification(HostTest):
    def setUp(self):
        self.host = self.daemon({"certification": {"Plugin": "certification"}})

    def test_the_sequence_of_calls_with_a_client_of_ours(self):
        with self.host.client() as client:
            own = client.call(f"{NAME}.Start")["client_id"]
            given = {}
            for step in STEPS[:9]:
                given = client.call(f"{NAME}.{step}", {"client_id": own, **given})
            self.assertEqual(given["mytype"]["interface"]["foo"][0], None)
            replies = [reply["string"] for reply in client.stream(f"{NAME}.Test10", {"client_id": own, **given})]
            self.assertEqual(replies, [f"Reply number {n}" for n in range(1, 11)])
            client.send(f"{NAME}.Test11", {"client_id": own, "last_more_replies": replies}, oneway=True)
            self.assertEqual(client.call(f"{NAME}.End", {"client_id": own}), {"all_ok": True})
            self.assert_error(f"{NAME}.ClientIdError", client.call, f"{NAME}.End", {"client_id": own})

    def test_what_is_wrong_is_an_error(self):
        with self.host.client() as client:
            own = client.call(f"{NAME}.Start")["client_id"]
            self.assert_error(f"{NAME}.ClientIdError", client.call, f"{NAME}.Test01", {"client_id": "nobody"})
            self.assert_error(f"{NAME}.CertificationError", client.call, f"{NAME}.Test02", {"client_id": own, "bool": True})
            mytype = {"object": None, "enum": "two", "struct": {"first": 1, "second": ""}, "array": [], "dictionary": {},
                      "stringset": {}, "interface": {"anon": {"foo": True, "bar": True}}}
            self.assert_error("org.varlink.service.ExpectedMore", client.call, f"{NAME}.Test10", {"client_id": own, "mytype": mytype})

    def test_varlinks_go_client_is_content(self):
        go = shutil.which("go")
        if not go or not os.path.isdir(os.path.join(GO_PATH, "src", GO_CLIENT)):
            self.skipTest("needs golang-go and golang-github-varlink-go-dev")
        with tempfile.TemporaryDirectory(prefix="troupe-go-", dir="/tmp") as directory:
            client = os.path.join(directory, "client")
            subprocess.run([go, "build", "-o", client, GO_CLIENT], check=True, timeout=300 * SLOW,
                           env={"PATH": os.environ["PATH"], "HOME": directory, "GOPATH": GO_PATH, "GO111MODULE": "off",
                                "GOFLAGS": "", "CGO_ENABLED": "0", "GOCACHE": os.path.join(directory, "cache")})
            done = subprocess.run([client, "-client", "-varlink", f"unix:{self.host.socket}"], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60 * SLOW)
        # It prints what it got, or what failed, and ends with 0 either way.
        self.assertEqual([line.split(":")[0] for line in done.stdout.splitlines() if line.startswith(("Start:", "Test", "End:"))],
                         ["Start", *STEPS[:9], "Test10() Send", *STEPS[9:]], done.stdout)
        self.assertEqual(done.stdout.count("Reply number"), 20, done.stdout)
        self.assertTrue(done.stdout.endswith("End: 'true'\n"), done.stdout)


if __name__ == "__main__":
    unittest.main()
