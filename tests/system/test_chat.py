"""chat: people who say lines, hear them, leave, and do not read."""
import os
import resource
import socket
import struct

from host import SLOW, HostTest, waits
from varlink import wait_for

CHAT = "io.troupe.chat"


class Chat(HostTest):
    def chat(self, tasks=1000, **config):
        host = self.daemon({"chat": {"Plugin": "chat", "Worker": 1, "Tasks": tasks, "Config": {
            "Listen": "tcp:127.0.0.1:0", **config}}, "hello": {"Plugin": "hello", "Worker": 1}})
        return host, self.port(host)

    def port(self, host):
        return int(self.status(host)["listening"].rsplit(":", 1)[1])

    def status(self, host):
        return host.call("chat", f"{CHAT}.Status")

    def wait_people(self, host, count, seconds=20):
        wait_for(lambda: self.status(host)["people"] == count, seconds * SLOW, f"{count} people")

    def come(self, host, port, count=1):
        before = self.status(host)["people"]
        people = []
        for _ in range(count):
            people.append(socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW))
            self.addCleanup(people[-1].close)
        self.wait_people(host, before + count)
        return people if count > 1 else people[0]

    def hear(self, person):
        line = b""
        while not line.endswith(b"\n"):
            byte = person.recv(1)
            self.assertTrue(byte, f"the end after {line!r}")
            line += byte
        return line

    def assert_gone(self, person):
        try:
            while person.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def test_what_one_says_all_others_hear(self):
        host, port = self.chat()
        people = self.come(host, port, 50)
        people[0].sendall(b"hello\nall\n")
        for person in people[1:]:
            self.assertEqual(self.hear(person), b"hello\n")
            self.assertEqual(self.hear(person), b"all\n")
        people[1].sendall(b"and you\n")
        self.assertEqual(self.hear(people[0]), b"and you\n")

    def test_people_come_and_leave_in_every_way(self):
        host, port = self.chat()
        stays, closes, ends, breaks = self.come(host, port, 4)
        closes.close()
        # who has said his last word is heard to the end, and leaves
        ends.sendall(b"bye\n")
        ends.shutdown(socket.SHUT_WR)
        breaks.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        breaks.close()
        self.assertEqual(self.hear(stays), b"bye\n")
        self.wait_people(host, 1)
        other = self.come(host, port)
        other.sendall(b"anybody?\n")
        self.assertEqual(self.hear(stays), b"anybody?\n")
        status = self.status(host)
        self.assertEqual((status["came"], status["lines"], status["slow"]), (5, 2, 0))

    def test_people_wait_while_there_are_no_two_tasks_for_them(self):
        host, port = self.chat(tasks=10)
        people = [socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW) for _ in range(30)]
        for person in people:
            self.addCleanup(person.close)
        host.wait_log("connections have to wait: each takes 2 of the actor's 10 tasks: Tasks=")
        self.wait_people(host, 4)
        # the first who came are those who are there
        for left in range(30, 4, -1):
            people.pop(0).close()
            wait_for(lambda: self.status(host)["came"] == 35 - left, 20 * SLOW, "the next one")
        people[0].sendall(b"we all came\n")
        for person in people[1:]:
            self.assertEqual(self.hear(person), b"we all came\n")
        self.assertEqual(host.log().count("connections have to wait"), 1)
        self.assertNotIn("of a connection failed", host.log())

    def test_who_does_not_read_has_to_leave_and_holds_up_nobody(self):
        host, port = self.chat(Behind=16)
        speaker, deaf, listener = self.come(host, port, 3)
        line = b"l" * 4000 + b"\n"
        for _ in range(200_000):
            speaker.sendall(line)
            self.assertEqual(len(self.read(listener, len(line))), len(line))
            if self.is_slow(deaf, host):
                break
        self.assertEqual(self.status(host)["slow"], 1)
        self.wait_people(host, 2)
        speaker.sendall(b"still\n")
        self.assertEqual(self.hear(listener), b"still\n")

    def is_slow(self, _, host):
        return self.status(host)["slow"] > 0

    def read(self, person, size):
        data = bytearray()
        while len(data) < size:
            more = person.recv(size - len(data))
            self.assertTrue(more, "the end")
            data += more
        return data

    def test_a_line_that_is_too_long_is_answered(self):
        host, port = self.chat(Line=10)
        one, other = self.come(host, port, 2)
        one.sendall(b"123456789\n")
        self.assertEqual(self.hear(other), b"123456789\n")
        one.sendall(b"1234567890\n")
        self.assertEqual(self.hear(one), b"* that line is too long\n")
        self.assert_gone(one)
        self.wait_people(host, 1)

    @waits(2)
    def test_who_says_nothing_has_to_leave(self):
        host, port = self.chat(IdleMs=1000 * SLOW)
        with socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW) as silent:
            self.assert_gone(silent)
        self.wait_people(host, 0)
        self.assertEqual(self.status(host)["came"], 1)

    def test_actors_and_clients_say_something_too(self):
        host, port = self.chat(Line=10)
        person = self.come(host, port)
        self.assertEqual(host.call("chat", f"{CHAT}.Say", {"text": "from out"}), {"heard": 1})
        self.assertEqual(self.hear(person), b"from out\n")
        for text in ("two\nlines", "0123456789"):
            self.assert_error(f"{CHAT}.BadLine", host.call, "chat", f"{CHAT}.Say", {"text": text})

    def test_as_many_as_there_is_room_for(self):
        host, port = self.chat(People=2)
        one, other = self.come(host, port, 2)
        third = socket.create_connection(("127.0.0.1", port), timeout=20 * SLOW)
        self.addCleanup(third.close)
        third.sendall(b"may I?\n")
        one.close()
        self.assertEqual(self.hear(other), b"may I?\n")

    def test_a_stop_ends_all_connections(self):
        host, port = self.chat()
        people = self.come(host, port, 10)
        host.control("Stop", {"name": "chat"})
        for person in people:
            self.assert_gone(person)
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_a_worker_that_is_killed_hangs_up_and_the_next_one_listens(self):
        host, port = self.chat()
        people = self.come(host, port, 20)
        people[0].sendall(b"before\n")
        for person in people[1:]:
            self.assertEqual(self.hear(person), b"before\n")
        # one is in the middle of a line
        people[0].sendall(b"half of a li")
        host.kill_worker(1)
        for person in people:
            self.assert_gone(person)
        host.wait_unit("chat", "running")
        one, other = self.come(host, self.port(host), 2)
        one.sendall(b"after\n")
        self.assertEqual(self.hear(other), b"after\n")
        self.assertEqual(self.status(host)["came"], 2)

    def test_who_finds_no_descriptor_waits_and_takes_part_later(self):
        host, port = self.chat()
        worker = host.worker(1)["pid"]
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (64, 64))
        people = [socket.create_connection(("127.0.0.1", port), timeout=60 * SLOW) for _ in range(100)]
        for person in people:
            self.addCleanup(person.close)
        host.wait_log("connections have to wait")
        self.assertLess(self.status(host)["came"], 64)
        for n, person in enumerate(people):
            person.sendall(b"%d\n" % n)
            person.shutdown(socket.SHUT_WR)
            # he leaves, and makes room
            wait_for(lambda: self.status(host)["lines"] > n, 60 * SLOW, f"line {n}")
        for person in people:
            self.assert_gone(person)
        self.wait_people(host, 0)
        status = self.status(host)
        self.assertEqual((status["came"], status["lines"], status["slow"]), (100, 100, 0))
        self.assertEqual(host.log().count("connections have to wait"), 1)
        self.assertEqual(host.worker(1)["restarts"], 0)

    def test_ten_thousand_people_hear_one(self):
        # ThreadSanitizer takes a task for a thread, and has room for 8,128.
        count = 10_000 if SLOW < 4 else 2_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if os.geteuid() != 0 and hard < count + 1000:
            self.skipTest("so many descriptors are not ours to have")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 1000, max(hard, count + 1000)))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, max(hard, count + 1000)))
        host, port = self.chat(tasks=2 * count + 1, People=count)
        resource.prlimit(host.worker(1)["pid"], resource.RLIMIT_NOFILE, (count + 1000, count + 1000))
        people = []
        for _ in range(count):
            people.append(socket.create_connection(("127.0.0.1", port), timeout=60 * SLOW))
            self.addCleanup(people[-1].close)
        self.wait_people(host, count, 60)
        people[0].sendall(b"hello all\n")
        for person in people[1:]:
            self.assertEqual(self.read(person, 10), b"hello all\n")
        for person in people:
            person.close()
        self.wait_people(host, 0, 60)
        self.assertEqual(self.status(host)["slow"], 0)
