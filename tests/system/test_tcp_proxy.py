"""tcp-proxy: real connections through a real worker, and all that goes wrong with them."""
import os
import resource
import socket
import struct
import threading
import time

from host import SLOW, HostTest, most_descriptors, silent_place, waits
from varlink import wait_for

PROXY = "io.troupe.tcpproxy"


def port_of(place):
    return int(place.rsplit(":", 1)[1])


class Target:
    """What the proxy connects to: `serve` handles each connection, in threads of their own."""

    def __init__(self, test, serve):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.place = f"tcp:127.0.0.1:{self.socket.getsockname()[1]}"
        self.serve, self.open = serve, True
        threading.Thread(target=self.run, daemon=True).start()
        test.addCleanup(self.close)

    def run(self):
        while self.open:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass

    def close(self):
        self.open = False
        self.socket.close()


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


class Proxy(HostTest):
    def proxy(self, target, tasks=1000, **config):
        host = self.daemon({"tcp-proxy": {"Plugin": "tcp-proxy", "Worker": 1, "Tasks": tasks, "Config": {
            "Listen": "tcp:127.0.0.1:0", "Connect": target, **config}}, "hello": {"Plugin": "hello", "Worker": 1}})
        return host, port_of(self.status(host)["listening"])

    def status(self, host):
        return host.call("tcp-proxy", f"{PROXY}.Status")

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW)
        self.addCleanup(connection.close)
        return connection

    def read_all(self, connection):
        data = bytearray()
        while more := connection.recv(1 << 16):
            data += more
        return bytes(data)

    def read(self, connection, size):
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            self.assertTrue(more, f"the end after {data!r}")
            data += more
        return data

    def assert_echo(self, connections):
        for connection in connections:
            connection.sendall(b"still")
            self.assertEqual(self.read(connection, 5), b"still")

    def wait_open(self, host, count):
        wait_for(lambda: self.status(host)["open"] == count, 20 * SLOW, f"{count} open connections")

    def test_many_connections_go_both_ways_at_once(self):
        host, port = self.proxy(Target(self, echo).place)
        connections = [self.connect(port) for _ in range(200)]
        for n, connection in enumerate(connections):
            connection.sendall(b"%08d" % n * 1000)
        for n, connection in enumerate(connections):
            self.assertEqual(self.read(connection, 8000), b"%08d" % n * 1000)
        self.assertEqual(self.status(host)["open"], 200)
        for connection in connections:
            connection.close()
        self.wait_open(host, 0)
        status = self.status(host)
        self.assertEqual((status["total"], status["failed"], status["sent"], status["received"]), (200, 0, 1600000, 1600000))

    def test_an_end_goes_on_as_a_half_close(self):
        def answers_at_the_end(connection):
            connection.sendall(b"%d bytes" % len(self.read_all(connection)))

        host, port = self.proxy(Target(self, answers_at_the_end).place)
        connection = self.connect(port)
        connection.sendall(b"x" * 12345)
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_all(connection), b"12345 bytes")
        self.wait_open(host, 0)
        self.assertEqual(self.status(host)["failed"], 0)

    def test_a_reset_ends_both_sides(self):
        ended = threading.Event()

        def notices(connection):
            try:
                connection.sendall(connection.recv(1))
                self.read_all(connection)
            finally:
                ended.set()

        host, port = self.proxy(Target(self, notices).place)
        connection = self.connect(port)
        connection.sendall(b"x")
        self.assertEqual(self.read(connection, 1), b"x")
        self.wait_open(host, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        self.assertTrue(ended.wait(20 * SLOW), "the target heard nothing of the reset")
        self.wait_open(host, 0)
        self.assertEqual(self.status(host)["failed"], 1)

    def test_a_slow_reader_slows_its_sender_in_little_memory(self):
        total = 64 << 20

        def pours(connection):
            connection.sendall(b"p" * total)

        host, port = self.proxy(Target(self, pours).place)
        connection = self.connect(port)
        worker = host.worker(1)["pid"]

        def resident():
            with open(f"/proc/{worker}/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()

        before, received = resident(), None

        def still():
            nonlocal received
            now = self.status(host)["received"]
            same, received = now == received and now > 0, now
            return same

        wait_for(still, 20 * SLOW, "the proxy to be full")
        self.assertLess(received, total // 2)
        self.assertLess(resident() - before, 8 << 20)
        self.assertEqual(len(self.read_all(connection)), total)

    def test_a_target_that_is_not_there_closes_the_connection(self):
        host, port = self.proxy(f"tcp:127.0.0.1:{silent_place(self).getsockname()[1]}")
        self.assertEqual(self.read_all(self.connect(port)), b"")
        host.wait_log("Connection refused")
        self.assertEqual(self.status(host)["failed"], 1)

    @waits(12)
    def test_idle_connections_end_and_busy_ones_do_not(self):
        def ticks(connection):
            for _ in range(20):
                connection.sendall(b"t")
                time.sleep(0.4 + 0.1 * SLOW)
            self.read_all(connection)

        host, port = self.proxy(Target(self, ticks).place, IdleMs=6000 + 2000 * SLOW)
        # nothing comes from the client, but what goes to it keeps both alive
        connection = self.connect(port)
        self.assertEqual(self.read_all(connection), b"t" * 20)
        self.wait_open(host, 0)

    def test_what_is_too_much_waits(self):
        host, port = self.proxy(Target(self, echo).place, Connections=2)
        connections = [self.connect(port) for _ in range(4)]
        for connection in connections:
            connection.sendall(b"hello")
        for connection in connections[:2]:
            self.assertEqual(self.read(connection, 5), b"hello")
        self.assertEqual(self.status(host)["open"], 2)
        connections[0].close()
        connections[1].close()
        for connection in connections[2:]:
            self.assertEqual(self.read(connection, 5), b"hello")

    def assert_each_is_served(self, host, connections):
        """In the order in which they came, each one when others have left."""
        for n, connection in enumerate(connections):
            connection.sendall(b"%05d" % n)
            self.assertEqual(self.read(connection, 5), b"%05d" % n)
            connection.close()
        self.wait_open(host, 0)
        self.assertEqual(host.log().count("connections have to wait"), 1)
        self.assertNotIn("cannot connect", host.log())
        self.assertEqual(self.status(host)["failed"], 0)

    def test_connections_wait_while_there_are_no_two_tasks_for_them(self):
        host, port = self.proxy(Target(self, echo).place, tasks=10)
        connections = [self.connect(port) for _ in range(30)]
        host.wait_log("connections have to wait: each takes 2 of the actor's 10 tasks: Tasks=")
        self.wait_open(host, 4)
        self.assert_each_is_served(host, connections)

    @waits(3)
    def test_connections_wait_while_there_are_no_two_descriptors_for_them(self):
        host, port = self.proxy(Target(self, echo).place)
        resource.prlimit(host.worker(1)["pid"], resource.RLIMIT_NOFILE, (64, 64))
        connections = [self.connect(port) for _ in range(80)]
        host.wait_log("connections have to wait: Too many open files")
        time.sleep(2)
        self.assertLess(self.status(host)["open"], 32)
        self.assert_each_is_served(host, connections)

    def test_a_worker_that_is_killed_closes_all_and_the_next_one_listens(self):
        host, port = self.proxy(Target(self, echo).place)
        connection = self.connect(port)
        connection.sendall(b"before")
        self.assertEqual(self.read(connection, 6), b"before")
        host.kill_worker(1)
        with self.assertRaises((ConnectionResetError, AssertionError)):
            self.read(connection, 1)
        host.wait_unit("tcp-proxy", "running")
        connection = self.connect(port_of(self.status(host)["listening"]))
        connection.sendall(b"after")
        self.assertEqual(self.read(connection, 5), b"after")

    def assert_ends(self, connection):
        try:
            while connection.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass

    def full_place(self):
        """A place whose queue is full of others: who connects is neither refused nor taken."""
        full = socket.socket()
        self.addCleanup(full.close)
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):
            one = socket.socket()
            self.addCleanup(one.close)
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        return f"tcp:127.0.0.1:{full.getsockname()[1]}"

    def test_a_stop_ends_connections_in_each_phase(self):
        stopped, ended = threading.Event(), threading.Semaphore(0)

        def reads_late(connection):
            connection.sendall(b"hello")
            if stopped.wait(60 * SLOW):
                self.assert_ends(connection)
                ended.release()

        def unit(target):
            return {"Plugin": "tcp-proxy", "Worker": 1, "Config": {"Listen": "tcp:127.0.0.1:0", "Connect": target}}

        host = self.daemon({"tcp-proxy": unit(Target(self, reads_late).place), "stuck": unit(self.full_place()),
                            "hello": {"Plugin": "hello", "Worker": 1}})
        port = port_of(self.status(host)["listening"])
        connecting = self.connect(port_of(host.call("stuck", f"{PROXY}.Status")["listening"]))
        idle, writing = self.connect(port), self.connect(port)
        for connection in (idle, writing):
            self.assertEqual(self.read(connection, 5), b"hello")
        writing.setblocking(False)
        sent = None

        def is_full():
            nonlocal sent
            try:
                while True:
                    writing.send(b"w" * 65536)
            except BlockingIOError:
                before, sent = sent, self.status(host)["sent"]
                return sent == before

        wait_for(is_full, 60 * SLOW, "the target to take no more")
        writing.settimeout(20 * SLOW)
        wait_for(lambda: host.call("stuck", f"{PROXY}.Status")["open"] == 1, 20 * SLOW, "the proxy to connect")
        for name in ("stuck", "tcp-proxy"):
            host.control("Stop", {"name": name})
        stopped.set()
        for connection in (connecting, idle, writing):
            self.assert_ends(connection)
        for _ in range(2):
            self.assertTrue(ended.acquire(timeout=20 * SLOW), "the target heard nothing of the end")
        host.control("Start", {"name": "tcp-proxy"})
        host.wait_unit("tcp-proxy", "running")
        self.assertEqual(self.read(self.connect(port_of(self.status(host)["listening"])), 5), b"hello")
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_a_lack_of_descriptors_harms_no_connection_that_is_there(self):
        host, port = self.proxy(Target(self, echo).place)
        worker = host.worker(1)["pid"]

        def descriptors():
            return len(os.listdir(f"/proc/{worker}/fd"))

        limit = descriptors() + 25
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (limit, limit))
        first = [self.connect(port) for _ in range(5)]
        self.assert_echo(first)
        before = most_descriptors(worker)
        crowd = [self.connect(port) for _ in range(60)]
        self.assert_echo(first)
        # who has no two descriptors yet waits, until others have gone
        for connection in crowd:
            connection.sendall(b"crowd")
            self.assertEqual(self.read(connection, 5), b"crowd")
            connection.close()
        self.assert_echo(first)
        wait_for(lambda: descriptors() <= before, 20 * SLOW, "the descriptors of the others to be free")
        self.wait_open(host, 5)
        self.assert_echo([self.connect(port)])
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_ten_thousand_connections(self):
        # Two halves, since each connection takes two descriptors. ThreadSanitizer takes a task
        # for a thread, and has room for 8,128.
        half = 5_000 if SLOW < 4 else 750
        room = 2 * half + 1000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if os.geteuid() != 0 and hard < room:
            self.skipTest("so many descriptors are not ours to have")
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, max(hard, room)))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, max(hard, room)))
        host = self.daemon({"lines": {"Plugin": "lines", "Worker": 3, "Tasks": 2 * half + 1},
                            "hello": {"Plugin": "hello", "Worker": 2}}, daemon={"Workers": 3})
        for name, worker in (("tcp-proxy", 1), ("other", 2)):
            host.actor(name, {"Plugin": "tcp-proxy", "Worker": worker, "Tasks": 2 * half + 1, "Config": {
                "Listen": "tcp:127.0.0.1:0", "Connections": half,
                "Connect": host.call("lines", "io.troupe.test.lines.Status")["place"]}})
        for number in (1, 2, 3):
            resource.prlimit(host.worker(number)["pid"], resource.RLIMIT_NOFILE, (room, room))
        host.control("Reload")
        connections = []
        for name in ("tcp-proxy", "other"):
            host.wait_unit(name, "running")
            port = port_of(host.call(name, f"{PROXY}.Status")["listening"])
            connections += [self.connect(port) for _ in range(half)]
        for connection in connections:
            connection.sendall(b"hello\n")
        for connection in connections:
            self.assertEqual(self.read(connection, 6), b"hello\n")
        for name in ("tcp-proxy", "other"):
            self.assertEqual(host.call(name, f"{PROXY}.Status")["open"], half)
        for connection in connections:
            connection.close()
        for name in ("tcp-proxy", "other"):
            wait_for(lambda: host.call(name, f"{PROXY}.Status")["open"] == 0, 60 * SLOW, "all to be closed")
            self.assertEqual(host.call(name, f"{PROXY}.Status")["failed"], 0)

    def test_a_wrong_configuration_is_refused_with_its_reason(self):
        for config, reason in (({"Listen": "nonsense"}, "cannot listen on nonsense"),
                               ({"Connections": 0}, "connections must be 1 to 50000")):
            with self.subTest(config):
                host = self.daemon({"tcp-proxy": {"Plugin": "tcp-proxy", "Config": {
                    "Listen": "tcp:127.0.0.1:0", "Connect": "tcp:127.0.0.1:1", **config}}})
                host.wait_log(reason)
