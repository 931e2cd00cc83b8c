"""Logs: what is said of actors, what is left out of it, and that nothing waits for a reader."""
import fcntl
import os
import re
import socket
import threading
import time

from host import CONTROL, HostTest, SLOW
from varlink import VarlinkError, wait_for

NOISY = "io.troupe.test.noisy"


def fill(fd):
    """Write until nothing more fits, not even a byte."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (4096, 1):
        try:
            while True:
                os.write(fd, b"x" * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


class Lost(HostTest):
    """Messages that nobody gets."""

    def test_every_send_to_a_full_mailbox_elsewhere_is_accounted_for(self):
        host = self.daemon({"sender": {"Plugin": "noisy", "Type": "noisy", "Worker": 1},
                            "blocked": {"Plugin": "noisy", "Type": "noisy", "Worker": 2}})
        count = 5000
        events = []
        watcher = host.client(60)
        watcher.send(f"{CONTROL}.Watch", more=True)
        self.assertEqual(watcher.receive()[0]["event"], "watching")

        def watch():
            while (event := watcher.receive()[0])["event"] != "stopping":
                if event["event"] == "deadLetters":
                    events.append(event)
            watcher.close()
        threading.Thread(target=watch, daemon=True).start()
        # They come faster than they are handled.
        self.assertEqual(host.call("sender", f"{NOISY}.Blast", {"to": "blocked", "count": count, "holdMs": 1}),
                         {"sent": count, "refused": 0})

        def lost():
            return sum(event["count"] for event in events)

        def taken():
            try:
                return host.call("blocked", f"{NOISY}.Taken")["count"]
            except VarlinkError:  # its mailbox is still full
                return 0
        wait_for(lambda: taken() + lost() == count, 30 * SLOW, "all to be accounted for")
        self.assertGreater(lost(), 0)
        for event in events:
            self.assertEqual((event["sender"], event["receiver"], event["method"], event["reason"], event["worker"]),
                             ("sender/0", "blocked/0", f"{NOISY}.Take", "mailbox-full", 2))
        self.assertEqual(host.worker(2)["deadLetters"], lost())
        # The log has them all, too: few lines, and at the end of the interval the others' number.

        def logged():
            return sum(int(n) for n in re.findall(r"worker 2: (\d+) (?:more )?messages? (?:was|were|not)", host.log()))
        wait_for(lambda: logged() == lost(), 40 * SLOW, "the log to have them all")
        self.assertIn(f"not delivered: {NOISY}.Take from sender/0 to blocked/0: mailbox-full\n", host.log())
        self.assertLess(host.log().count("not delivered"), 20)


class Unread(HostTest):
    """Nobody reads the log."""

    def nothing_waits(self, read, write):
        fill(write)
        flags = fcntl.fcntl(write, fcntl.F_GETFL)
        host = self.unstarted({"noisy": {"Plugin": "noisy", "Type": "noisy", "Worker": 1}})
        host.launch(output=write)
        host.wait_ready()
        # The worker says more than anything holds, and the master has something to say of it, too.
        host.call("noisy", f"{NOISY}.Say", {"text": "unread", "lines": 5000, "childLines": 0})
        host.kill_worker(1)
        host.wait_unit("noisy", "running")
        host.call("noisy", f"{NOISY}.Say", {"text": "unread", "lines": 5000, "childLines": 0})
        host.control("Reload")
        began = time.monotonic()
        self.assertEqual(host.control("Status")["state"], "running")
        self.assertLess(time.monotonic() - began, 2 * SLOW)
        # Somebody reads again: both say what was left out, though nothing else happens.
        text = bytearray()
        reader = threading.Thread(target=self.read_all, args=(read, text), daemon=True)
        reader.start()
        for who in ("trouped", "worker 1"):
            wait_for(lambda: re.search(rf"^{who}: \d+ lines? w(ere|as) not written: the log was not read$", text.decode(), re.M),
                     20 * SLOW, f"{who} to say what was left out")
        host.call("noisy", f"{NOISY}.Say", {"text": "read", "lines": 1, "childLines": 0})
        wait_for(lambda: "worker 1: noisy: read 0\n" in text.decode(), 20 * SLOW, "a line as usual")
        # Lines are whole, and add up; what the first process of worker 1 left out died with it.
        lines = text.decode().lstrip("x").splitlines()
        self.assertEqual([line for line in lines if not line.startswith(("trouped: ", "worker "))], [])
        said = len([line for line in lines if line.startswith("worker 1: noisy: unread")])
        left_out = sum(int(n) for n in re.findall(r"worker 1: (\d+) lines? w", text.decode()))
        self.assertEqual(said + left_out, 5000)
        self.assertEqual(fcntl.fcntl(write, fcntl.F_GETFL), flags)
        self.assertEqual(host.terminate(), 0)
        os.close(write)
        reader.join(20 * SLOW)

    def read_all(self, fd, text):
        while data := os.read(fd, 65536):
            text += data

    def test_a_full_pipe_holds_up_nobody(self):
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        self.nothing_waits(read, write)

    def test_a_full_socket_holds_up_nobody(self):
        read, write = socket.socketpair()
        self.nothing_waits(read.detach(), write.detach())
