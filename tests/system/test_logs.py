"""Logs: what is said of actors, what is left out of it, and that nothing waits for a reader."""
import errno
import fcntl
import os
import re
import socket
import threading
import time

from host import CONTROL, SLOW, HostTest, waits
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
        # The log has them all, too: few lines, and at the end of the interval the others'
        # number.

        def logged():
            return sum(int(n) for n in re.findall(r"worker 2: (\d+) (?:more )?messages? (?:was|were|not)", host.log()))
        wait_for(lambda: logged() == lost(), 40 * SLOW, "the log to have them all")
        self.assertIn(f"not delivered: {NOISY}.Take from sender/0 to blocked/0: mailbox-full\n", host.log())
        self.assertLess(host.log().count("not delivered"), 20)


class Failing(HostTest):
    """Handlers that fail, and actors that end."""

    def noisy(self, **unit):
        return self.daemon({"noisy": {"Plugin": "noisy", "Type": "noisy", "Worker": 1, **unit}})

    def fail(self, host, method, **parameters):
        return self.assert_error("Failed", host.call, "noisy", f"{NOISY}.{method}", parameters)

    def test_failing_handlers_are_logged_and_then_counted(self):
        host = self.noisy()
        for _ in range(20):
            self.assertEqual(self.fail(host, "Fail", code=-errno.EBADF)["code"], -errno.EBADF)
        host.call("noisy", f"{NOISY}.FailLater", {"code": -errno.EPIPE})
        host.wait_log("worker 1: noisy/0: a timer failed: EPIPE (32): Broken pipe\n")
        line = f"noisy/0: {NOISY}.Fail failed: EBADF (9): Bad file descriptor\n"
        self.assertEqual(host.log().count(line), 1)
        # At the end of the interval, though nothing follows; or of the worker.
        self.assertEqual(host.terminate(), 0)
        self.assertIn(f"worker 1: noisy: {NOISY}.Fail failed 19 more times, last with EBADF (9): Bad file descriptor\n", host.log())

    def test_a_value_that_breaks_its_type_names_the_field(self):
        host = self.noisy()
        data = self.fail(host, "Mumble", name="x")
        self.assertEqual(data, {"code": -errno.EINVAL, "message": "lines[1]: a string, found NULL"})
        host.wait_log(f"noisy/0: {NOISY}.Mumble failed: EINVAL (22): Invalid argument: lines[1]: a string, found NULL\n")
        self.assertEqual(self.fail(host, "Missend")["message"], "text: a string, found NULL")
        # Another -EINVAL of the same actor has nothing to do with that.
        self.assertEqual(self.fail(host, "Fail", code=-errno.EINVAL)["message"], "Invalid argument")

    def test_children_that_end_with_an_error_are_logged(self):
        host = self.noisy()
        for code in (0, -errno.EPERM, *[-errno.EIO] * 12):
            host.call("noisy", f"{NOISY}.EndChild", {"code": code})
        child = r"worker 1: noisy_child 0\.1\.1\.\d+\.\d+ of noisy ended: failed after [0-9a-z ]+: "
        wait_for(lambda: len(re.findall(child + r"EIO \(5\): Input/output error; it stays ended\n", host.log())) == 9, 20 * SLOW, "the first")
        self.assertEqual(len(re.findall(child + r"EPERM \(1\): ", host.log())), 1)
        self.assertEqual(host.terminate(), 0)
        self.assertIn("worker 1: noisy_child of noisy: 3 more ended, last with EIO (5): Input/output error\n", host.log())
        self.assertEqual(host.log().count("noisy_child"), 11)

    def test_children_that_end_well_are_logged_for_whoever_wants_to_know(self):
        host = self.daemon({"noisy": {"Plugin": "noisy", "Type": "noisy", "Worker": 1}, "flock": {"Plugin": "flock", "Type": "flock", "Worker": 1, "Config": {"Children": 1}}},
                           daemon={"LogLevel": "debug"})
        birds = host.call("flock", "io.troupe.test.flock.Hatch", {"count": 2, "detached": True})["birds"]
        time.sleep(0.3)
        host.call("noisy", f"{NOISY}.EndChild", {"code": 0})
        host.ctl("stop", birds[0])
        host.control("Stop", {"name": "flock"})
        host.wait_log("of flock ended: parent after ")
        self.assertRegex(host.log(), r"worker 1: noisy_child: 0\.1\.1\.\d+\.\d+ of noisy ended: normal after [0-9a-z ]+\n")
        self.assertRegex(host.log(), rf"worker 1: bird: {re.escape(birds[0])} of flock ended: shutdown after [3-9]\d\dms\n|ended: shutdown after \d+s")
        self.assertRegex(host.log(), r"worker 1: bird: 0\.1\.1\.\d+\.\d+ of flock ended: parent after ")


class Ends(HostTest):
    """Actors of units that end: one line each, with what comes next."""

    UNIT = {"Plugin": "noisy", "Type": "noisy", "Worker": 1}
    SPAN = r"after [0-9a-z ]+"

    def ends(self, host, name="noisy"):
        return re.findall(rf"^trouped: ({name}/\d+ (?:ended|could not be started): .*)$", host.log(), re.M)

    def wait_end(self, host, pattern, name="noisy"):
        wait_for(lambda: any(re.fullmatch(pattern, line) for line in self.ends(host, name)), 20 * SLOW,
                 f"{pattern} in\n{host.log()}")

    def test_each_end_says_why_how_long_and_what_next(self):
        host = self.daemon({"noisy": self.UNIT, "crash": {"Plugin": "crash", "Worker": 1},
                            "refuses": {"Plugin": "fail_in_init", "Config": {"code": -5}, "GiveUpAfter": 2, "RestartDelay": "20ms"}})
        host.call("noisy", f"{NOISY}.Quit", {"code": -errno.EIO})
        self.wait_end(host, rf"noisy/0 ended: failed {self.SPAN}: EIO \(5\): Input/output error; it is started again in [0-9a-z ]+")
        host.wait_unit("noisy", "running")
        with self.assertRaises(VarlinkError):
            host.call("crash", "io.troupe.test.crash.Segfault")
        self.wait_end(host, rf"crash/0 ended: crashed {self.SPAN}: SIGSEGV in crash/0 while handling .*; it is started again.*", "crash")
        self.wait_end(host, rf"noisy/0 ended: collateral {self.SPAN}: SIGSEGV in crash/0 while handling .*; it is started again.*")
        host.wait_unit("noisy", "running")
        host.call("noisy", f"{NOISY}.Quit", {"code": 0})
        self.wait_end(host, rf"noisy/0 ended: normal {self.SPAN}; it stays ended")
        host.control("Start", {"name": "noisy"})
        host.control("Stop", {"name": "noisy"})
        self.wait_end(host, rf"noisy/0 ended: shutdown {self.SPAN}; it stays stopped")
        self.wait_end(host, r"refuses/0 could not be started: init failed: .*; it is started again in [0-9a-z ]+", "refuses")
        self.wait_end(host, r"refuses/0 could not be started: init failed: .*; it is not started again", "refuses")
        self.assertEqual(len(self.ends(host)), 4)
        self.assertEqual(len(self.ends(host, "refuses")), 2)

    def test_watch_says_of_each_end_what_the_log_says(self):
        host = self.daemon({"noisy": self.UNIT, "crash": {"Plugin": "crash", "Worker": 1}})
        watcher = host.client()
        self.addCleanup(watcher.close)
        watcher.send(f"{CONTROL}.Watch", more=True)
        with self.assertRaises(VarlinkError):
            host.call("crash", "io.troupe.test.crash.Segfault")
        host.wait_unit("noisy", "running")
        host.control("Stop", {"name": "noisy"})
        texts = {}
        while len(texts.get("noisy", [])) < 2:
            event = watcher.receive()[0]
            if event["event"] == "actorEnded":
                texts.setdefault(event["unit"], []).append(event["text"])
        self.assertRegex(texts["crash"][0], rf"ended: crashed {self.SPAN}: SIGSEGV in crash/0 while .*; it is started again in [0-9a-z ]+")
        self.assertRegex(texts["noisy"][0], rf"ended: collateral {self.SPAN}: SIGSEGV in crash/0 while .*; it is started again.*")
        self.assertRegex(texts["noisy"][1], rf"ended: shutdown {self.SPAN}; it stays stopped")

    def test_the_guilty_one_is_named_though_many_end_with_it(self):
        host = self.daemon({"pool": {"Plugin": "crash", "Worker": 1, "Instances": 30, "RestartDelay": "20ms", "Isolate": "no"}})
        for number in (7, 8, 9):
            with self.assertRaises(VarlinkError):
                host.call(f"pool/{number}", "io.troupe.test.crash.Segfault")
            self.wait_end(host, rf"pool/{number} ended: crashed {self.SPAN}: SIGSEGV in pool/{number} while .*; it is started again in .*", "pool")
            host.wait_unit("pool", "running")
        # It comes before those that it took along.
        self.assertIn("pool/7 ended: crashed", self.ends(host, "pool")[0])

    @waits(30)
    def test_a_pool_that_is_given_up_is_a_few_lines_and_a_number(self):
        host = self.daemon({"refuses": {"Plugin": "fail_in_init", "Worker": 1, "Instances": 40, "Config": {"code": -5}, "Restart": "no"}})
        host.wait_unit("refuses", "failed")
        wait_for(lambda: "refuses: 30 more of its actors are given up\n" in host.log(), 40 * SLOW, "the others' number")
        self.assertEqual(host.log().count("is given up"), 10)

    @waits(30)
    def test_a_pool_that_ends_at_once_is_a_few_lines_and_a_number(self):
        host = self.daemon({"noisy": {**self.UNIT, "Instances": 50}})
        host.kill_worker(1)
        host.wait_unit("noisy", "running")
        self.assertEqual(len(self.ends(host)), 10)
        wait_for(lambda: "trouped: noisy: 40 more of its actors ended\n" in host.log(), 40 * SLOW, "the others' number")


@waits(30)
class Flood(HostTest):
    """Actors that log without end."""

    def dropped(self, host):
        return sum(int(n) for n in re.findall(r"noisy: (\d+) lines? dropped", host.log()))

    def test_lines_of_a_unit_and_its_children_are_limited_by_default(self):
        host = self.daemon({"noisy": {"Plugin": "noisy", "Type": "noisy", "Worker": 1},
                            "quiet": {"Plugin": "noisy", "Type": "noisy", "Worker": 1}})
        host.call("noisy", f"{NOISY}.Say", {"text": "flood", "lines": 8000, "childLines": 7000})
        host.call("quiet", f"{NOISY}.Say", {"text": "neighbour", "lines": 10, "childLines": 0})
        wait_for(lambda: host.log().count("neighbour") == 10, 20 * SLOW, "the neighbour's lines")
        # The flood has stopped: the interval's end says what was dropped.
        wait_for(lambda: self.dropped(host) == 5000, 40 * SLOW, "the number of lines that were dropped")
        self.assertEqual(host.log().count("flood"), 10000)
        self.assertEqual(host.log().count("noisy_child: flood"), 2000)

    def test_the_limit_is_the_units_and_a_reload_changes_it(self):
        unit = {"Plugin": "noisy", "Type": "noisy", "Worker": 1}
        host = self.daemon({"noisy": {**unit, "LogRateLimitBurst": 5, "LogRateLimitInterval": "100ms"}})
        host.call("noisy", f"{NOISY}.Say", {"text": "few", "lines": 100, "childLines": 0})
        wait_for(lambda: self.dropped(host) == 95, 20 * SLOW, "the number of lines that were dropped")
        self.assertEqual(host.log().count("few"), 5)
        host.actor("noisy", {**unit, "LogRateLimitBurst": 0})
        host.control("Reload")
        host.call("noisy", f"{NOISY}.Say", {"text": "many", "lines": 12000, "childLines": 0})
        wait_for(lambda: host.log().count("many") == 12000, 20 * SLOW, "all lines")


class Unread(HostTest):
    """Nobody reads the log."""

    def nothing_waits(self, read, write):
        fill(write)
        flags = fcntl.fcntl(write, fcntl.F_GETFL)
        host = self.unstarted({"noisy": {"Plugin": "noisy", "Type": "noisy", "Worker": 1}})
        host.launch(output=write)
        host.wait_ready()
        # The worker says more than anything holds, and the master has something to say of it,
        # too.
        host.call("noisy", f"{NOISY}.Say", {"text": "unread", "lines": 5000, "childLines": 0})
        host.kill_worker(1)
        host.wait_unit("noisy", "running")
        host.call("noisy", f"{NOISY}.Say", {"text": "unread", "lines": 5000, "childLines": 0})
        host.control("Reload")
        began = time.monotonic()
        self.assertEqual(host.control("Status")["state"], "running")
        self.assertLess(time.monotonic() - began, 10 * SLOW)
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
