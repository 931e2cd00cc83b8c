"""Watches: descriptors of an actor's own on its worker's loop, and what plug-ins do wrong with
them."""
import os
import socket
import struct
import threading

from host import SLOW, HostTest, waits
from varlink import wait_for

WIRES = "io.troupe.test.wires"
GREET = "io.troupe.hello.Greet"


class Watches(HostTest):
    def wires(self, **more):
        return self.daemon({"wires": {"Plugin": "wires", "Worker": 1, **more}, "hello": {"Plugin": "hello", "Worker": 1}})

    def listen(self, host):
        path = os.path.join(host.directory, "wires")
        host.call("wires", f"{WIRES}.Listen", {"path": path})
        return path

    def connect(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        connection.settimeout(20 * SLOW)
        self.addCleanup(connection.close)
        return connection

    def read(self, connection, size):
        data = b""
        while len(data) < size:
            more = connection.recv(size - len(data))
            self.assertTrue(more, "the connection was closed")
            data += more
        return data

    def wait_connections(self, host, count):
        wait_for(lambda: host.call("wires", f"{WIRES}.Count")["connections"] == count, 20 * SLOW, f"{count} connections")

    def test_hundreds_of_connections_are_served_by_one_actor(self):
        host = self.wires()
        path = self.listen(host)
        connections = [self.connect(path) for _ in range(300)]
        for n, connection in enumerate(connections):
            connection.sendall(f"line {n}\n".encode())
        for n, connection in enumerate(connections):
            self.assertEqual(self.read(connection, len(f"line {n}\n")), f"line {n}\n".encode())
        self.wait_connections(host, 300)
        # closed, closed for writing only, and broken off
        for connection in connections[:100]:
            connection.close()
        for connection in connections[100:200]:
            connection.shutdown(socket.SHUT_WR)
        for connection in connections[200:299]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.send(b"x")
            connection.close()
        self.wait_connections(host, 1)
        connections[299].sendall(b"still here")
        self.assertEqual(self.read(connections[299], 10), b"still here")

    def test_a_slow_reader_holds_up_itself_alone(self):
        host = self.wires()
        path = self.listen(host)
        slow, quick = self.connect(path), self.connect(path)
        size = 4 << 20
        writer = threading.Thread(target=slow.sendall, args=(b"s" * size,))
        writer.start()
        for _ in range(100):
            quick.sendall(b"quick")
            self.assertEqual(self.read(quick, 5), b"quick")
        self.assertEqual(self.read(slow, size), b"s" * size)
        writer.join()

    @waits(3)
    def test_the_next_file_of_a_number_gets_its_own_events(self):
        host = self.wires()
        self.assertEqual(host.call("wires", f"{WIRES}.Reuse", {"times": 100000 // SLOW, "copies": 0})["wrong"], 0)
        # copies of what was closed stay readable meanwhile
        self.assertEqual(host.call("wires", f"{WIRES}.Reuse", {"times": 2000, "copies": 200})["wrong"], 0)
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def test_what_is_never_read_holds_up_nobody(self):
        host = self.wires()
        host.call("wires", f"{WIRES}.Ignore")
        before = host.call("wires", f"{WIRES}.Ignored")["events"]
        for n in range(200):
            self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], n + 1)
        self.assertGreater(host.call("wires", f"{WIRES}.Ignored")["events"], before)

    def test_watches_end_with_their_actor_and_begin_again(self):
        host = self.wires()
        path = self.listen(host)
        connection = self.connect(path)
        connection.sendall(b"x")
        self.assertEqual(self.read(connection, 1), b"x")
        host.ctl("restart", "wires")
        host.wait_unit("wires", "running")
        self.assertEqual(connection.recv(1), b"")
        self.assertEqual(self.listen(host), path)
        connection = self.connect(path)
        connection.sendall(b"y")
        self.assertEqual(self.read(connection, 1), b"y")
        self.assertEqual(host.worker(1)["incarnation"], 1)
