"""TLS of actors' streams beside other implementations of it: OpenSSL's, by Python's ssl and
openssl s_server, as servers and clients, right and wrong."""
import os
import select
import signal
import socket
import ssl
import subprocess
import tempfile
import threading

from host import SLOW, HostTest, waits
from http_server import Certificates
from varlink import wait_for

SECURE = "io.troupe.test.secure"
EKEYREJECTED, EPROTO, ECONNRESET = -129, -71, -104


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


class Tls(HostTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.files.cleanup)
        cls.certificates = Certificates(cls.files.name)
        cls.good = cls.certificates.make("good")

    def host_of(self, **more):
        certificate, key = self.good
        config = {"CaFile": self.certificates.authority, "Certificate": certificate, "Key": key}
        host = self.daemon({"secure": {"Plugin": "secure", "Worker": 1, "Tasks": 5000, **more, "Config": config},
                            "hello": {"Plugin": "hello", "Worker": 2}})
        return host

    def place(self, host):
        wait_for(lambda: self.status(host)["place"], 30 * SLOW, "the listener")
        return self.status(host)["place"]

    def port(self, host):
        place = self.place(host)
        self.assertTrue(place.startswith("tls:127.0.0.1:"), place)
        return int(place.rsplit(":", 1)[1])

    def status(self, host):
        return host.call("secure", f"{SECURE}.Status")

    def ask(self, host, port, **more):
        return host.call("secure", f"{SECURE}.Ask", {"line": "a question", "place": f"tcp:127.0.0.1:{port}", **more})

    def trusting(self, **more):
        context = ssl.create_default_context(cafile=self.certificates.authority)
        for name, value in more.items():
            setattr(context, name, value)
        return context

    def connect(self, port, context=None, name="localhost"):
        plain = socket.create_connection(("127.0.0.1", port), timeout=60 * SLOW)
        self.addCleanup(plain.close)
        secure = (context or self.trusting()).wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=False)
        self.addCleanup(secure.close)
        return secure

    # ---- servers of others, and our client

    def serve(self, attend, context=None):
        """A server for one connection, in a thread; without a context it speaks no TLS."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20 * SLOW)  # when nobody comes the test has failed
        self.addCleanup(listener.close)

        def run():
            try:
                connection, _ = listener.accept()
                connection.settimeout(60 * SLOW)
                with connection:
                    if context:
                        with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as secure:
                            attend(secure)
                    else:
                        attend(connection)
            except OSError:
                pass

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return listener.getsockname()[1]

    @staticmethod
    def read_line(connection):
        line = b""
        while not line.endswith(b"\n"):
            more = connection.recv(1000)
            if not more:
                break
            line += more
        return line

    def answer(self, connection):
        """As a peer that keeps to the rules."""
        connection.sendall(self.read_line(connection).upper())
        while connection.recv(1000):
            pass
        connection.unwrap()

    def test_a_client_asks_servers_of_every_version_that_is_sound(self):
        host = self.host_of()
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            context = self.certificates.context("good")
            context.minimum_version = context.maximum_version = version
            got = self.ask(host, self.serve(self.answer, context))
            self.assertEqual(got, {"connected": 0, "answer": "A QUESTION", "ended": 0,
                                   "version": version.name.replace("v1_", "1.")})

    def test_what_is_wrong_with_a_server_is_said(self):
        host = self.host_of()
        for what, words in [({"expired": True}, "expired"), ({"signed": False}, "issuer is unknown"),
                            ({"names": "DNS:elsewhere.test"}, "does not match")]:
            context = self.certificates.context("bad", **what)
            seen = []
            got = self.ask(host, self.serve(lambda connection: seen.append(connection.recv(1)), context))
            self.assertEqual(got["connected"], EKEYREJECTED, what)
            host.wait_log(words)
            self.assertFalse(any(seen), "nothing was said")
        # the system trusts nobody of ours
        port = self.serve(self.answer, self.certificates.context("good"))
        got = host.call("secure", f"{SECURE}.Ask", {"line": "a", "system": True, "place": f"tls:localhost:{port}"})
        self.assertEqual(got["connected"], EKEYREJECTED)

    def test_a_socket_of_the_units_speaks_tls_over_the_death_of_its_worker(self):
        certificate, key = self.good
        host = self.unstarted({})
        for name, keys in (("handed", {"Sockets": "web"}), ("opened", {"Listen": f"web=unix:{host.directory}/opened"})):
            host.actor(name, {"Plugin": "secure", "Worker": 1, **keys,
                              "Config": {"Certificate": certificate, "Key": key, "Listen": "tls:socket:web"}})
        web = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.addCleanup(web.close)
        host.handed = [("web", web)]
        host.start()

        def connect(place):
            plain = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
            self.addCleanup(plain.close)
            plain.settimeout(60 * SLOW)
            plain.connect(place)
            return plain

        def ask(plain):
            secure = self.trusting().wrap_socket(plain, server_hostname="localhost")
            self.addCleanup(secure.close)
            secure.sendall(b"hello")
            with secure.makefile("rb") as answer:
                self.assertEqual(answer.read(5), b"hello")

        places = [web.getsockname(), f"{host.directory}/opened"]
        for place in places:
            ask(connect(place))
        # who was not accepted when the worker dies is served by the next one
        pid = host.worker(1)["pid"]
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: state_of(pid) == "T", 20 * SLOW, "the worker to stand still")
        waiting = [connect(place) for place in places for _ in range(3)]
        failures = []

        def ask_beside(plain):
            try:
                ask(plain)
            except (OSError, AssertionError) as error:
                failures.append(error)

        threads = [threading.Thread(target=ask_beside, args=(plain,)) for plain in waiting]
        for thread in threads:
            thread.start()
        os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_old_versions_and_what_is_no_tls_are_refused(self):
        host = self.host_of()
        server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", self.good[0], "-key", self.good[1],
                                   "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.stdin.close)
        for line in server.stdout:
            if line.startswith(b"ACCEPT"):
                break
        self.assertEqual(self.ask(host, int(line.rsplit(b":", 1)[1]))["connected"], EPROTO)
        got = self.ask(host, self.serve(lambda connection: (connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), connection.recv(1000))))
        self.assertEqual(got["connected"], EPROTO)
        got = self.ask(host, self.serve(lambda connection: connection.recv(10)))
        self.assertEqual(got["connected"], ECONNRESET)

    def test_an_end_that_was_not_said_is_no_end(self):
        host = self.host_of()

        def cut(connection):
            connection.sendall(self.read_line(connection))
            connection.shutdown(socket.SHUT_WR)  # from here on without TLS
            while connection.recv(1000):
                pass

        got = self.ask(host, self.serve(cut, self.certificates.context("good")))
        self.assertEqual((got["connected"], got["answer"], got["ended"]), (0, "a question", ECONNRESET))

    def test_a_connection_is_upgraded(self):
        host = self.host_of()
        context = self.certificates.context("good")

        def greet(connection):
            connection.sendall(b"220 ready\n")
            with context.wrap_socket(connection, server_side=True) as secure:
                self.answer(secure)

        self.assertEqual(self.ask(host, self.serve(greet), greets=True)["answer"], "A QUESTION")

        def forge(connection):
            connection.sendall(b"220 ready\n250 forged\n")
            connection.recv(1000)

        self.assertEqual(self.ask(host, self.serve(forge), greets=True)["connected"], EPROTO)
        host.wait_log("it was sent before")

    # ---- clients of others, and our server

    def test_clients_are_served(self):
        host = self.host_of()
        port = self.port(host)
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            connection = self.connect(port, self.trusting(minimum_version=version, maximum_version=version))
            connection.sendall(b"hello")
            self.assertEqual(connection.recv(100), b"hello")
            connection.sendall(b"late")
            self.assertEqual(connection.recv(100), b"late")
            connection.unwrap()  # both ends are said
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(port, name="elsewhere.test")
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60 * SLOW)
        self.assertNotEqual(done.returncode, 0)
        host.wait_log("no TLS with tls:127.0.0.1:")
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_another_agreement_is_refused(self):
        """TLS 1.2 only; by a warning, after which this client gives up."""
        host = self.host_of()
        port = self.port(host)
        client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stdin.close)

        def read_to(mark):
            said = b""
            while mark not in said:
                more = client.stdout.read1(65536)
                self.assertTrue(more, said)
                said += more

        client.stdin.write(b"an echo\n")
        client.stdin.flush()
        read_to(b"\nan echo\n")
        client.stdin.write(b"R\n")
        client.stdin.flush()
        read_to(b"no renegotiation")
        self.assertNotEqual(client.wait(60 * SLOW), 0)
        wait_for(lambda: self.status(host)["open"] == 0, 60 * SLOW, "its connection to end")
        served = self.connect(port)
        served.sendall(b"hello")
        self.assertEqual(served.recv(100), b"hello")
        self.assertEqual(host.worker(1)["restarts"], 0)

    @waits(12)
    def test_a_silent_and_a_slow_client_have_their_time(self):
        host = self.host_of()
        port = self.port(host)
        silent, slow = (socket.create_connection(("127.0.0.1", port), timeout=60 * SLOW) for _ in range(2))
        slow.sendall(b"\x16\x03\x01\x20\x00\x01\x00\x1f\xfc\x03\x03")
        stop = threading.Event()

        def trickle():
            while not stop.wait(1):
                try:
                    slow.send(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            # both are closed, and others are served meanwhile
            served = self.connect(port)
            served.sendall(b"hello")
            self.assertEqual(served.recv(100), b"hello")
            for connection in silent, slow:
                try:
                    while connection.recv(100):
                        pass
                except ConnectionResetError:
                    pass
        finally:
            stop.set()
            thread.join()
            silent.close()
            slow.close()
        host.wait_log("It took too long.")

    # ---- much and many

    @staticmethod
    def work(host, method, parameters):
        """A call that keeps a processor busy for seconds, on a machine that may have others to
        serve."""
        with host.client(300) as client:
            return client.call("io.troupe.Control.Call", {"name": "secure", "method": f"{SECURE}.{method}", "parameters": parameters,
                                                   "timeoutMs": 300_000})["parameters"]

    @waits(5)
    def test_a_hundred_megabytes_go_both_ways(self):
        size = (100 if SLOW < 4 else 10) << 20
        host = self.host_of()
        place = self.place(host).replace("tls:", "tcp:")
        got = self.work(host, "Pump", {"place": place, "name": "localhost", "bytes": size})
        self.assertEqual(got, {"result": 0, "bytes": size})
        # and with another implementation, which reads while it writes
        connection = self.connect(self.port(host))
        block, back = os.urandom(1 << 16), 0
        connection.setblocking(False)
        view, sent = memoryview(block * (size // len(block) // 4)), 0
        got = bytearray()
        while len(got) < len(view):
            select.select([connection] if not connection.pending() else [], [connection] if sent < len(view) else [], [], 1)
            for _ in range(64):
                try:
                    more = connection.recv(1 << 16)
                    self.assertTrue(more)
                    got += more
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    break
            if sent < len(view):
                try:
                    sent += connection.send(view[sent:sent + (1 << 16)])
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
        self.assertEqual(bytes(got), bytes(view))

    @waits(5)
    def test_a_thousand_connections_are_open_at_a_time(self):
        host = self.host_of()
        count = 1000 if SLOW < 4 else 200
        port = self.port(host)
        got = self.work(host, "Crowd", {"place": f"tcp:127.0.0.1:{port}", "name": "localhost", "count": count})
        self.assertEqual(got["connected"], count)
        wait_for(lambda: self.status(host)["open"] == count, 60 * SLOW, "all of them")
        served = self.connect(port)
        served.sendall(b"hello")
        self.assertEqual(served.recv(100), b"hello")
        self.assertEqual(host.worker(1)["restarts"], 0)
