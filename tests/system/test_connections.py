"""Connections of tasks in a real worker: many of them, none that is lost when descriptors run
out, and what a kill -9 leaves."""
import os
import resource
import signal
import socket
import struct
import time

from host import SLOW, HostTest, waits
from varlink import wait_for

LINES = "io.troupe.test.lines"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Connections(HostTest):
    def lines(self, **more):
        host = self.daemon({"lines": {"Plugin": "lines", "Worker": 1, **more}, "hello": {"Plugin": "hello", "Worker": 1}})
        return host, int(self.status(host)["place"].rsplit(":", 1)[1])

    def status(self, host):
        return host.call("lines", f"{LINES}.Status")

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30 * SLOW)
        self.addCleanup(connection.close)
        return connection

    def read_line(self, connection):
        line = b""
        while not line.endswith(b"\n"):
            more = connection.recv(65536)
            self.assertTrue(more, f"the end after {line[:40]!r}")
            line += more
        return line

    def wait_open(self, host, count):
        wait_for(lambda: self.status(host)["open"] == count, 60 * SLOW, f"{count} open connections")

    def test_lines_are_echoed_whatever_way_they_come_and_go(self):
        host, port = self.lines()
        slow, cut, half, broken = (self.connect(port) for _ in range(4))
        cut.sendall(b"one\ntw")
        self.assertEqual(self.read_line(cut), b"one\n")
        cut.sendall(b"o\n")
        self.assertEqual(self.read_line(cut), b"two\n")
        half.sendall(b"three\nhal")
        half.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_line(half), b"three\n")
        self.assertEqual(half.recv(10), b"")
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        broken.sendall(b"four\n")
        broken.close()
        # nobody reads what comes back here, until no more is taken; others are served
        slow.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                slow.send(b"s" * 4000 + b"\n")
        cut.sendall(b"five\n")
        self.assertEqual(self.read_line(cut), b"five\n")
        cut.close()
        slow.close()
        self.wait_open(host, 0)
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_a_line_that_is_too_long_ends_its_own_connection(self):
        host, port = self.lines()
        good, bad = self.connect(port), self.connect(port)
        try:
            bad.sendall(b"x" * (1 << 20))
            self.assertEqual(bad.recv(10), b"")
        except ConnectionError:
            pass
        host.wait_log("task echo of a connection failed: Message too long")
        good.sendall(b"still\n")
        self.assertEqual(self.read_line(good), b"still\n")

    @waits(4)
    def test_a_lack_of_descriptors_is_logged_once_and_all_are_served(self):
        host, port = self.lines()
        worker = host.worker(1)["pid"]
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (64, 64))
        connections = [self.connect(port) for _ in range(80)]
        host.wait_log("connections have to wait")
        accepted = self.status(host)["open"]
        self.assertLess(accepted, 64)
        before, begin = cpu_seconds(worker), time.monotonic()
        time.sleep(3)
        self.assertLess(cpu_seconds(worker) - before, 0.25 * (time.monotonic() - begin))
        for n, connection in enumerate(connections):
            connection.sendall(b"%d\n" % n)
            self.assertEqual(self.read_line(connection), b"%d\n" % n)
            connection.close()
        self.wait_open(host, 0)
        self.assertEqual(host.log().count("connections have to wait"), 1)
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_ten_thousand_connections_in_little_memory(self):
        # ThreadSanitizer takes a task for a thread, and has room for 8,128.
        count = 10_000 if SLOW < 4 else 5_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if os.geteuid() != 0 and hard < count + 100:
            self.skipTest("so many descriptors are not ours to have")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 1000, max(hard, count + 1000)))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, max(hard, count + 1000)))
        host, port = self.lines(Tasks=count + 1)
        worker = host.worker(1)["pid"]
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (count + 1000, count + 1000))
        before = resident(worker)
        connections = [self.connect(port) for _ in range(count)]
        for connection in connections:
            connection.sendall(b"hello\n")
        for connection in connections:
            self.assertEqual(self.read_line(connection), b"hello\n")
        self.assertEqual(self.status(host)["open"], count)
        if SLOW < 4:  # sanitizers take what they take
            self.assertLess((resident(worker) - before) / count, 12 * 1024)
        for connection in connections:
            connection.close()
        self.wait_open(host, 0)

    def test_a_worker_that_is_killed_leaves_no_connection_open(self):
        host, port = self.lines()
        connections = [self.connect(port) for _ in range(50)]
        connections[0].sendall(b"before\n")
        self.assertEqual(self.read_line(connections[0]), b"before\n")
        host.kill_worker(1, signal.SIGKILL)
        for connection in connections:
            try:
                self.assertEqual(connection.recv(10), b"")
            except ConnectionResetError:
                pass
        host.wait_unit("lines", "running")
        after = self.connect(int(self.status(host)["place"].rsplit(":", 1)[1]))
        after.sendall(b"after\n")
        self.assertEqual(self.read_line(after), b"after\n")
