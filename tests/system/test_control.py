"""The control socket with users who mean harm: others must not notice."""
import os
import signal
import subprocess
import sys
import time
import unittest

import varlink
from host import CONTROL, SLOW, HostTest, measures, waits
from varlink import wait_for

# Whoever may only look: of no group that trouped.conf knows. The tests run as root, and so is
# the asker.
NOBODY = 65534

# What a user does to the socket, as a process of that user's own (which it becomes itself: the
# interpreter may lie where only root can read). It says "ready" on standard output when all is
# connected, and goes on until it is killed.
USER = r"""
import os, resource, select, socket, sys
what, path = sys.argv[1:3]
n, frames = int(sys.argv[3]), int(sys.argv[4])
method, uid = sys.argv[5], int(sys.argv[6])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
flags = b',"oneway":true' if what == "oneway" else b',"more":true' if what == "more" else b""
frame = b'{"method":"io.troupe.Control.' + method.encode() + b'"' + flags + b"}\0"
poll = select.poll()
clients = {}

def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(60)
    while True:
        try:
            client.connect(path)
            break
        except BlockingIOError:
            pass
    client.setblocking(False)
    clients[client.fileno()] = [client, frame * frames]
    poll.register(client, select.POLLOUT | select.POLLIN)

for _ in range(n):
    connect()
if what == "first":
    for entry in clients.values():
        entry[1] = entry[1][entry[0].send(entry[1]):]
print("ready", flush=True)
while True:
    for fd, events in poll.poll():
        client, left = clients[fd]
        try:
            if events & select.POLLIN and not client.recv(1 << 18):
                raise ConnectionError
            if events & select.POLLOUT:
                sent = client.send(left)
                clients[fd][1] = left = left[sent:]
                if not left and what == "again":
                    clients[fd][1] = frame * frames
                elif not left:
                    poll.modify(client, select.POLLIN)
        except BlockingIOError:
            pass
        except ConnectionError:
            poll.unregister(client)
            client.close()
            del clients[fd]
            if what == "again":
                connect()
"""


def may_be_another_user():
    return os.geteuid() == 0


@unittest.skipUnless(may_be_another_user(), "takes a second user, so root")
class Users(HostTest):
    def large(self, **more):
        """A pool of 20,000 instances: what a listing can show at most."""
        return self.daemon({"pool": {"Plugin": "hello", "Instances": 20000, "Mailbox": 16}}, **more)

    def user(self, host, what, n, frames, method):
        """Somebody who may only look does so with n connections, of that many calls each."""
        os.chmod(host.directory, 0o755)
        process = subprocess.Popen([sys.executable, "-c", USER, what, host.socket, str(n), str(frames), method,
                                    str(NOBODY)], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def worst_status(self, host, seconds):
        """The longest time that Status took, asked again and again on connections of its
        own."""
        worst, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            host.control("Status")
            worst = max(worst, time.monotonic() - begin)
        return worst

    def assert_quick(self, host, seconds=3):
        """The aim is 100 ms, which make trial measures; half a minute was the fault, beyond the
        watchdog of the service. Other load may spoil some of the tries."""
        for _ in range(5):
            worst = self.worst_status(host, seconds)
            print(f"# worst Status: {worst * 1000:.1f} ms", flush=True)
            if worst < 1 * SLOW:
                return
        self.fail(f"Status took {worst} s, after four in vain")

    @measures
    def test_oneway_lists_keep_nobody_waiting(self):
        host = self.large()
        self.user(host, "oneway", 100, 64, "List")
        self.assert_quick(host)

    @measures
    def test_lists_that_are_read_keep_nobody_waiting(self):
        host = self.large()
        self.user(host, "again", 100, 64, "List")
        self.assert_quick(host)

    @measures
    def test_a_thousand_connections_keep_nobody_waiting(self):
        host = self.large()
        self.user(host, "again", 1000, 1, "List")
        self.assert_quick(host)

    @measures
    def test_questions_to_workers_keep_nobody_waiting(self):
        host = self.large()
        self.user(host, "again", 1000, 1, "Actors")
        self.assert_quick(host)

    def test_large_replies_are_whole(self):
        host = self.large()
        # Others ask meanwhile, close in the middle, and something changes all the time.
        self.user(host, "again", 20, 64, "List")
        whole = list(range(20000))
        for n in range(4):
            with host.client(60) as left, host.client(60) as client:
                for method in ("List", "Describe"):
                    left.send(f"{CONTROL}.{method}", {"name": "pool"} if method == "Describe" else {})
                client.send(f"{CONTROL}.Stop", {"name": f"pool/{n}"})
                client.send(f"{CONTROL}.Start", {"name": f"pool/{n}"})
                client.send(f"{CONTROL}.Describe", {"name": "pool"})
                client.send(f"{CONTROL}.List")
                left.close()
                client.receive()
                units = [client.receive()[0]["unit"] for _ in range(2)] + client.receive()[0]["units"]
            self.assertEqual(len(units), 3)
            for unit in units:
                self.assertEqual([instance["instance"] for instance in unit["instances"]], whole)

    def test_a_large_list_is_up_to_date(self):
        host = self.large()
        host.actor("other", {"Plugin": "hello"})
        self.user(host, "again", 10, 64, "List")
        for _ in range(5 if SLOW == 1 else 2):
            # What has been answered shows at once, though others are given what was made
            # before.
            for method, state in (("Stop", "stopped"), ("Start", "running")):
                host.control(method, {"name": "pool/7"})
                pool = next(unit for unit in host.control("List")["units"] if unit["name"] == "pool")
                self.assertEqual(pool["instances"][7]["state"], state)
        host.control("Reload")
        self.assertEqual({unit["name"] for unit in host.control("List")["units"]}, {"pool", "other"})
        host.call("pool/7", "io.troupe.hello.Greet", {"name": "x"})

    @measures
    def test_calls_that_wait_for_a_unit_among_thousands_keep_nobody_waiting(self):
        units = {f"unit{number}": {"Plugin": "hello", "Worker": 1} for number in range(4000)}
        # Ten times a second it fails, and whoever waits for it has to be looked at.
        host = self.daemon({**units, "fails": {"Plugin": "fail_in_init", "GiveUp": "never", "RestartDelay": "50ms", "RestartDelayMax": "50ms",
                                               "Config": {"Code": -5}}})
        for _ in range(16):
            client = host.client()
            self.addCleanup(client.close)
            for _ in range(64):
                client.send("io.troupe.test.fail-in-init.Ping", {})

        def processor_ms():
            with open(f"/proc/{host.process.pid}/stat") as file:
                return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) * 1000 // os.sysconf("SC_CLK_TCK")
        self.assert_quick(host)
        # While nobody asks for its status, which takes time, too.
        before = processor_ms()
        time.sleep(3)
        self.assertLess(processor_ms() - before, 700 * SLOW, "of three seconds: it looks at all units for each call that waits")

    def test_calls_that_have_ended_do_not_cost_a_worker_that_reads_slowly_its_life(self):
        host = self.daemon({"hello": {"Plugin": "hello"}}, daemon={"Workers": 1, "WorkerWatchdog": 0})
        pid = host.worker(1)["pid"]
        # As a packet each, and as a block beside its packet, of which thousands fit into the
        # socket's buffer.
        for size in 50000, 900000:
            call = {"name": "hello", "method": "io.troupe.hello.Greet", "parameters": {"name": "x" * size}, "timeoutMs": 1}
            os.kill(pid, signal.SIGSTOP)
            try:
                # Each is over, and has not been read by the worker: at most 48 MiB of them.
                n = 0
                while n * size < 64 << 20:
                    with self.assertRaises(varlink.VarlinkError) as ended:
                        host.control("Call", call)
                    if not ended.exception.name.endswith(".Timeout"):
                        break
                    n += 1
                self.assertEqual(ended.exception.name, f"{CONTROL}.Overloaded")
            finally:
                os.kill(pid, signal.SIGCONT)
            # What it has read counts no more.
            wait_for(lambda: self.greets(host, "you"), 20 * SLOW)
        self.assertEqual(host.worker(1)["pid"], pid)

    def greets(self, host, name):
        try:
            return host.call("hello", "io.troupe.hello.Greet", {"name": name})["text"] == f"hello, {name}"
        except varlink.VarlinkError as error:
            self.assertEqual(error.name, f"{CONTROL}.Overloaded")
            return False

    @measures
    def test_a_thousand_watchers_keep_nobody_waiting(self):
        host = self.daemon({"pool": {"Plugin": "hello", "Instances": 2000, "Mailbox": 16}})
        self.user(host, "more", 1000, 1, "Watch")
        with host.client() as client:
            events = client.stream(f"{CONTROL}.Watch")
            self.assertEqual(next(events)["event"], "watching")
            os.kill(host.worker(1)["pid"], signal.SIGKILL)
            self.assert_quick(host)
            ended = 0
            while ended < 1000:
                event = next(events)
                self.assertNotEqual(event["event"], "lost")
                ended += event["event"] == "actorEnded"

    def test_no_user_gets_all_watchers(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        self.user(host, "more", 300, 1, "Watch")
        clients = [host.client() for _ in range(33)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients[:32]:
            self.assertEqual(client.call(f"{CONTROL}.Watch", more=True)["event"], "watching")
        # Root is a user, too.
        self.assert_error("Overloaded", clients[32].call, f"{CONTROL}.Watch", more=True)
        clients[0].close()

        def has_room():
            try:
                return clients[32].call(f"{CONTROL}.Watch", more=True)["event"] == "watching"
            except varlink.VarlinkError:
                return False
        wait_for(has_room, 20 * SLOW, "room for a watcher")

    @waits(5)
    def test_no_user_gets_all_questions(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        pids = [worker["pid"] for worker in host.workers()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.user(host, "first", 300, 1, "Actors")
            # All have been taken on, after some rounds of turns.
            wait_for(lambda: host.control("Status")["connections"] >= 300, 20 * SLOW, "300 connections")
            for _ in range(50):
                host.control("Status")
            # For two seconds, in which no worker answers; nothing is refused for want of room.
            self.assertEqual(host.control("Actors")["actors"], [])
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    @waits(10)
    def test_refused_requests_do_not_fill_the_log(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        self.user(host, "once", 100, 64, "Shutdown")
        host.wait_log("refused: and ", 30)
        self.assertIn(f"more requests by uid {NOBODY}", host.log())
        self.assertLess(host.log().count("refused: io.troupe.Control.Shutdown"), 100)
        self.assertEqual(host.control("Status")["state"], "running")
