"""Each allocation and each descriptor of the daemon's processes fails once, while they do what
they are there for.

The master goes on whatever fails, and answers; a worker goes on, or ends with a message and
comes back. Afterwards the same works, and no more descriptors are open than before. A sample of
them all, unless TROUPE_SWEEP=full.
"""
import os
import random
import re
import subprocess
import time

import failpoints
import varlink
from host import HostTest, SLOW, plugin, wait_for

GREET = "io.troupe.hello.Greet"
ANSWER = "io.troupe.test.relay.Answer"
FULL = os.environ.get("TROUPE_SWEEP") == "full"
BRIEF_SECONDS = 2
# What people are told when our code was at fault.
CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "must hold", "Sanitizer", "runtime error:", "free():", "malloc():")
# What one who asks may meet while something fails.
PROBLEMS = (varlink.VarlinkError, varlink.Closed, AssertionError, OSError, KeyError, StopIteration)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Sweep(HostTest):
    def begin(self, actors=None, daemon=None):
        # Each failure is one of many in a row, which have longer and longer to wait.
        made = failpoints.Daemon(actors or {"hello": {"Plugin": "hello"}, "pool": {"Plugin": "hello", "Instances": 3}},
                                 {"RestartDelayMax": "200ms", "GiveUp": "never", "HealthyAfter": "200ms", **(daemon or {})})
        self.addCleanup(self.finish_daemon, made)
        made.start()
        return made

    def some(self, numbers):
        """All of them, or a sample for the time there is."""
        if FULL:
            yield from numbers
            return
        until = time.monotonic() + BRIEF_SECONDS
        for number in random.Random(1).sample(numbers, len(numbers)):
            if time.monotonic() > until:
                return
            yield number

    def look(self, daemon, points, what):
        log = daemon.log()
        if daemon.process.poll() is not None or any(word in log for word in CRASHES):
            self.fail(f"{what}: the master has status {daemon.process.poll()}\n{points.last()}\n{log[-3000:]}")

    def sweep(self, daemon, program, act, settle=lambda: None):
        """`act` asserts what it returns; while one fails it may get an error, or another
        answer."""
        points = daemon.points[program]

        def try_act(what):
            try:
                act()
            except PROBLEMS as problem:
                return problem
            finally:
                points.set()
                self.look(daemon, points, what)
            return None

        def settled():
            # What failed shortly before the points were cleared may still end a connection.
            try:
                settle()
            except PROBLEMS:
                self.look(daemon, points, "while it settles")
                return False
            return try_act("afterwards") is None

        problems = []

        def counted():
            """How many there are, once nothing is late."""
            try:
                settle()
                points.set()
                act()
                return points.passed()
            except PROBLEMS as problem:
                problems.append(problem)
                self.look(daemon, points, "while nothing fails")
                return 0

        def count():
            try:
                return wait_for(counted, 60 * SLOW, "it to work")
            except AssertionError as late:
                self.fail(f"{late}: {problems[-1:]}")

        # What is made once for all is made now.
        for _ in range(3):
            count()
        n = count()
        before = wait_for(lambda: self.steady(daemon), 20 * SLOW, "as many descriptors as before")
        tried = 0
        for number in self.some(range(1, n + 1)):
            points.set(number=number)
            problem = try_act(f"number {number}")
            what = f"number {number} of {n}, {problem!r}: {points.last()}"
            try:
                wait_for(settled, 30 * SLOW, "it to work again")
                wait_for(lambda: descriptors(daemon.process.pid) <= before, 10 * SLOW, "no more descriptors than before")
            except AssertionError as late:
                self.fail(f"{late}\n{what}\ndescriptors: {descriptors(daemon.process.pid)}, {before} before\n"
                          f"{daemon.log()[-3000:]}")
            tried += 1
        for seed in self.some(range(300)):
            points.set(seed=seed * 0x9e3779b97f4a7c15 % 2**64, one_in=n // (2 + seed % 7) + 1)
            problem = try_act(f"seed {seed}")
            wait_for(settled, 30 * SLOW, f"it to work again after seed {seed}, {problem!r}: {points.last()}")
        print(f"{self.id()}: {tried} of {n} failpoints of {program}")

    def steady(self, daemon):
        """How many the master has, when it does nothing."""
        first = descriptors(daemon.process.pid)
        time.sleep(0.05)
        return first if descriptors(daemon.process.pid) == first else None

    # ---- the master

    def test_calls_through_the_master(self):
        daemon = self.begin()

        def act():
            self.assertIn("x", daemon.call("hello", GREET, {"name": "x"})["text"])
            self.assertIn("y", daemon.call("pool", GREET, {"name": "y"})["text"])
            with daemon.client() as client:
                self.assertRaises(varlink.VarlinkError, client.call, GREET, {"name": 5})
        self.sweep(daemon, "trouped", act)

    def test_looking_at_it(self):
        daemon = self.begin()

        def act():
            self.assertEqual(len(daemon.control("List")["units"]), 2)
            self.assertEqual(daemon.unit("hello")["state"], "running")
            self.assertEqual(len(daemon.workers()), 2)
            self.assertEqual(daemon.control("Status")["state"], "running")
            self.assertTrue(daemon.control("Actors")["actors"])
            self.assertIn("io.troupe.hello", daemon.direct("org.varlink.service.GetInfo")["interfaces"])
            self.assertIn("method Greet", daemon.direct("org.varlink.service.GetInterfaceDescription",
                                                        {"interface": "io.troupe.hello"})["description"])
        self.sweep(daemon, "trouped", act)

    def test_units_stop_and_start_before_a_watcher(self):
        daemon = self.begin()

        def act():
            with daemon.client() as watcher:
                watcher.send("io.troupe.Control.Watch", {}, more=True)
                daemon.control("Stop", {"name": "hello"})
                self.assertEqual(daemon.unit("hello")["state"], "stopped")
                daemon.control("Start", {"name": "hello"})
                self.assertEqual(daemon.unit("hello")["state"], "running")
                daemon.call("hello", GREET, {"name": "x"})

        def settle():
            try:
                daemon.control("Start", {"name": "hello"})
            except varlink.VarlinkError:
                pass
        self.sweep(daemon, "trouped", act, settle)

    def test_reload(self):
        daemon = self.begin()
        count = [0]

        def act():
            # One that changes, one that changes in place, one that comes and one that goes.
            count[0] += 1
            daemon.actor("hello", {"Plugin": "hello", "Config": {"Greeting": f"hello{count[0] % 2}"}})
            daemon.actor("pool", {"Plugin": "hello", "Instances": 3, "Description": f"{count[0] % 2}"})
            if count[0] % 2:
                daemon.actor("more", {"Plugin": "hello"})
            else:
                try:
                    os.unlink(os.path.join(daemon.config, "more.actor"))
                except FileNotFoundError:
                    pass
            self.assertEqual(daemon.control("Reload")["problems"], [])
            self.assertEqual(len(daemon.control("List")["units"]), 2 + count[0] % 2)
            daemon.wait_unit("hello", "running", 2)
            self.assertIn(f"hello{count[0] % 2}", daemon.call("hello", GREET, {"name": "x"})["text"])
        self.sweep(daemon, "trouped", act)

    def test_spawned_units(self):
        daemon = self.begin()

        def stop():
            try:
                daemon.control("Stop", {"name": "new"})
            except varlink.VarlinkError:
                pass

        def act():
            daemon.control("Spawn", {"name": "new", "plugin": plugin("hello"), "config": {"greeting": "hi"}})
            self.assertIn("hi", daemon.call("new", GREET, {"name": "x"})["text"])
            daemon.control("Stop", {"name": "new"})
            self.assertEqual(len(daemon.control("List")["units"]), 2)
        self.sweep(daemon, "trouped", act, stop)

    def test_a_worker_dies(self):
        daemon = self.begin()

        def act():
            daemon.kill_worker(1)
            daemon.wait_unit("hello", "running", 5)
            daemon.wait_unit("pool", "running", 5)
            daemon.call("hello", GREET, {"name": "x"})

        def settle():
            daemon.wait_workers(2)
            daemon.wait_unit("hello", "running")
            daemon.wait_unit("pool", "running")
        self.sweep(daemon, "trouped", act, settle)

    # ---- the workers

    def test_calls_in_workers(self):
        daemon = self.begin()

        def act():
            self.assertIn("x", daemon.call("hello", GREET, {"name": "x"})["text"])
            self.assertIn("y", daemon.call("pool", GREET, {"name": "y"})["text"])
            self.assertTrue(daemon.control("Actors")["actors"])
        self.sweep(daemon, "troupe-worker", act)

    def test_a_name_is_learnt_late(self):
        daemon = self.begin({"relay": {"Plugin": "relay", "Type": "relay", "Worker": 1}})
        points = daemon.points["troupe-worker"]
        # What the other worker does meanwhile, and all else that this one does, neither fails
        # nor counts.
        points.only("agent_on_name", daemon.worker(1)["pid"])

        def is_known():
            try:
                return daemon.call("relay", ANSWER, {"to": "new", "text": "x", "delayMs": 0})["text"] == "x"
            except varlink.VarlinkError:
                return False

        def learn(number):
            """Returns whether that one failed before the name was known."""
            points.set(number=number)
            daemon.control("Spawn", {"name": "new", "plugin": plugin("slow"), "worker": "2"})
            wait_for(is_known, 20 * SLOW, f"the name to be known after number {number}: {points.last()}")
            missed = points.failed() > 0
            points.set()
            daemon.control("Stop", {"name": "new"})
            wait_for(lambda: not is_known(), 20 * SLOW, "the name to be gone")
            return missed

        # Then all that it was told before has come. How many there are differs by what was made
        # before; the first there always is.
        learn(0)
        number = 1
        while learn(number):
            daemon.wait_log("worker 1: name new: Cannot allocate memory\n")
            number += 1
        self.assertGreater(number, 1, "no name was missed")

    def test_actors_call_each_other(self):
        daemon = self.begin({f"{name}{i}": {"Plugin": name, "Type": name, "Worker": i} for name in ("relay", "slow") for i in (1, 2)})
        text = "x" * 100000

        def act():
            for asker in (1, 2):
                for what in ("x", text):
                    # A relay that cannot pass on its answer gives none: then the call has a
                    # deadline.
                    given = {"to": f"slow{3 - asker}", "text": what, "delayMs": 0, "timeoutMs": 1000}
                    answer = daemon.control("Call", {"name": f"relay{asker}", "method": ANSWER, "parameters": given,
                                                     "timeoutMs": 2000})
                    self.assertEqual(answer["parameters"]["text"], what)
        self.sweep(daemon, "troupe-worker", act, lambda: daemon.wait_workers(2))

    def test_units_start_in_workers(self):
        daemon = self.begin()

        def act():
            daemon.control("Spawn", {"name": "new", "plugin": plugin("hello"), "config": {"greeting": "hi"}})
            self.assertIn("hi", daemon.call("new", GREET, {"name": "x"})["text"])
            daemon.control("Stop", {"name": "new"})

        def settle():
            daemon.wait_workers(2)
            try:
                daemon.control("Stop", {"name": "new"})
            except varlink.VarlinkError:
                pass
        self.sweep(daemon, "troupe-worker", act, settle)

    def test_workers_begin(self):
        daemon = self.begin()

        def act():
            daemon.kill_worker(1)
            daemon.wait_unit("hello", "running", 5)
            daemon.wait_unit("pool", "running", 5)

        def settle():
            daemon.wait_workers(2)
            daemon.wait_unit("hello", "running")
            daemon.wait_unit("pool", "running")
        self.sweep(daemon, "troupe-worker", act, settle)


class Commands(HostTest):
    """Programs that do one thing and end: what they print is whole, or they say that it is not
    and end with an error."""

    def run_program(self, command, number, input=None):
        env = {**os.environ, "TROUPE_FAILPOINT": str(number), "TROUPE_FAILPOINT_COUNT": "1"}
        done = subprocess.run(command, env=env, input=input, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60 * SLOW)
        lines = [line for line in done.stderr.splitlines() if not line.startswith(("failpoints: ", "number "))]
        passed = re.search(r"^failpoints: (\d+)", done.stderr, re.M)
        failed = re.search(r"^number .*", done.stderr, re.M)
        return done.returncode, done.stdout, "\n".join(lines), int(passed[1]) if passed else 0, failed[0] if failed else ""

    def sweep(self, command, input=None, plain=lambda text: text):
        """plain: makes two outputs the same that are as good."""
        expected_status, expected, _, n, _ = self.run_program(command, 0, input)
        self.assertGreater(n, 0)
        numbers = range(1, n + 1) if FULL else random.Random(1).sample(range(1, n + 1), min(n, 25))
        for number in numbers:
            status, output, errors, _, point = self.run_program(command, number, input)
            what = f"{command} number {number} of {n}: status {status}\n{output}{errors}\n{point}"
            self.assertGreaterEqual(status, 0, what)
            self.assertFalse(any(word in errors for word in CRASHES), what)
            if (status, plain(output)) != (expected_status, plain(expected)):
                self.assertNotEqual(status, 0, what)
                self.assertTrue(errors or plain(output) != plain(expected), what)
        print(f"{self.id()}: {len(numbers)} of {n} failpoints of {' '.join(command[:1] + command[3:])}")

    def test_troupectl(self):
        daemon = self.daemon({"hello": {"Plugin": "hello"}, "slow": {"Plugin": "slow"}})
        ctl = [os.path.join(failpoints.BINARIES, "troupectl"), "--socket", daemon.socket]

        def plain(text):
            # Times, whatever their units; counters and sizes.
            text = re.sub(r"\b[\d.]+(?:us|ms|min|s|h|d)\b", "T", text)
            text = re.sub(r"T(?: T)*", "T", re.sub(r" +", " ", text))
            return re.sub(r"[\d.]+", "N", text)
        for words in (["list"], ["--json", "list"], ["status"], ["show", "hello"], ["workers"], ["actors"],
                      ["call", "hello", "Greet", "name=x"], ["call", GREET, '{"name": "x"}'], ["send", "hello", "Greet", "name=x"],
                      ["call", "hello", "Greet", "name=5", "nonsense=1"], ["introspect", "hello"],
                      ["reload"], ["stop", "slow"], ["start", "slow"], ["restart", "hello"], ["show", "nobody"]):
            with self.subTest(words=words):
                self.sweep([*ctl, *words], plain=plain)
        self.sweep([ctl[0], "inspect", plugin("hello")], plain=plain)

    def test_troupectl_maps(self):
        daemon = self.daemon({"hello": {"Plugin": "hello"}})
        ctl = [os.path.join(failpoints.BINARIES, "troupectl"), "--socket", daemon.socket]
        lines = "".join(f'{{"name": "x{i}"}}\n' for i in range(20))
        self.sweep([*ctl, "map", "hello", "Greet"], lines, lambda text: sorted(re.sub(r'"count":\d+', "", text).splitlines()))

    def test_the_check_of_a_configuration(self):
        daemon = self.unstarted({"hello": {"Plugin": "hello", "Config": {"Greeting": "x"}}, "bad": {"Plugin": "hello", "Batch": "x"}})
        trouped = [os.path.join(failpoints.BINARIES, "trouped"), "--config", daemon.config, "--check"]
        self.sweep(trouped)
        os.unlink(os.path.join(daemon.config, "bad.actor"))
        self.sweep(trouped)

    def test_the_daemon_begins(self):
        daemon = failpoints.Daemon({"hello": {"Plugin": "hello"}, "pool": {"Plugin": "hello", "Instances": 2}})
        self.addCleanup(self.finish_daemon, daemon)
        points = daemon.points["trouped"]
        daemon.start()
        n = points.passed()
        daemon.terminate()
        for number in range(1, n + 1) if FULL else random.Random(1).sample(range(1, n + 1), 10):
            points.set(number=number)
            daemon.launch()
            what = f"number {number} of {n}"

            def is_settled():
                if daemon.process.poll() is not None:
                    return True
                try:
                    return daemon.control("Status")["state"] != "starting"
                except (OSError, varlink.Closed, varlink.VarlinkError):
                    return False
            wait_for(is_settled, 30 * SLOW, what)
            what = f"{what}: {points.last()}"
            points.set()
            log = daemon.log()
            self.assertFalse(any(word in log for word in CRASHES), f"{what}\n{log}")
            if daemon.process.poll() is None:
                # It came up: what did not is noted, and starts.
                states = {unit["name"]: unit for unit in daemon.control("List")["units"]}
                if set(states) != {"hello", "pool"}:
                    self.assertTrue(daemon.control("Status")["problems"], what)
                for unit in states.values():
                    if unit["state"] == "failed":
                        self.assertTrue(unit.get("reason"), f"{unit} {what}")
                self.assertEqual(daemon.terminate(), 0, what)
            else:
                self.assertGreater(daemon.process.returncode, 0, what)
                self.assertTrue(log, what)
            os.unlink(daemon.log_path)
        print(f"{self.id()}: {n} failpoints")
