"""Supervision: who pays for a fault, and who does not."""
import os
import shutil
import signal
import threading
import time

import varlink
from host import CONTROL, SLOW, TROUPED, HostTest, measures, waits
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
CRASH = "io.troupe.test.crash"
# Less often than a call takes below a sanitizer on a busy machine: all would be late else.
PING_EVERY = 0.01 * SLOW


def memory_groups():
    """Where a control group with a limit on memory can be made, and the file of its limit;
    None: nowhere."""
    for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        # In a group of version 2, once its parent hands the controller down.
        control = os.path.join(parent, "cgroup.subtree_control")
        if os.access(control, os.W_OK):
            try:
                with open(control, "w") as file:
                    file.write("+memory")
            except OSError:
                continue
        elif not os.path.exists(os.path.join(parent, limit)):
            continue
        if os.access(parent, os.W_OK):
            return parent, limit
    return None


class Pinger:
    """Calls an actor each PING_EVERY seconds, one after the other, and knows how many of the
    calls were answered in time, and how many ended with the worker that had them. A late one
    counts for all that would have been due meanwhile."""

    def __init__(self, host, name, seconds=0.05):
        self.host, self.name, self.limit = host, name, seconds
        self.in_time = self.late = self.lost = 0
        self.is_over = self.is_whole = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        client = self.host.client()
        while not self.is_over:
            time.sleep(PING_EVERY)
            began = time.monotonic()
            try:
                client.call(f"{CONTROL}.Call", {"name": self.name, "method": GREET, "parameters": {"name": "x"}})
                took = time.monotonic() - began
                if took <= self.limit * SLOW:
                    self.in_time += 1
                else:
                    self.late += int(took / PING_EVERY)
            except varlink.VarlinkError as error:
                if error.name == f"{CONTROL}.ActorDied":
                    self.lost += 1
                else:
                    self.late += 1
        client.close()
        self.is_whole = True

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


@waits(10)
class Innocents(HostTest):
    def crash(self, host, name="crash", method="Segfault"):
        with self.assertRaises(varlink.VarlinkError) as caught:
            host.call(name, f"{CRASH}.{method}")
        self.assertEqual(caught.exception.name, f"{CONTROL}.ActorDied")

    def ping_beside_a_crashing_pool(self, **more):
        # The aim is 50 ms, which make trial measures; here no other load may fail it, which may
        # spoil some of the tries. Who waited with the guilty ones would be late by seconds.
        for _ in range(3):
            host, pinger = self.pinged_beside_a_crashing_pool(**more)
            self.assertTrue(pinger.is_whole)
            # The one that is with the worker when it dies.
            self.assertLessEqual(pinger.lost, 10)
            if pinger.in_time >= 9 * pinger.late:
                return host
            host.stop()
        self.fail(f"{pinger.late} late of {pinger.in_time + pinger.late}, after two in vain")

    def pinged_beside_a_crashing_pool(self, **more):
        host = self.daemon({"pool": {"Plugin": "crash", "Instances": 20, **more}, "hello": {"Plugin": "hello"}}, daemon={"Workers": 1})
        with Pinger(host, "hello", 1) as pinger:
            for member in range(10):
                self.crash(host, f"pool/{member}")
                time.sleep(1)
        return host, pinger

    @measures
    def test_a_neighbour_answers_while_members_of_a_pool_crash_one_by_one(self):
        host = self.ping_beside_a_crashing_pool()
        # Two crashes it shared with the neighbour, the rest was its own affair.
        wait_for(lambda: [worker["restarts"] for worker in host.workers()] == [2, 8], 20 * SLOW,
                 f"2 and 8 restarts, of {host.workers()}")

    @measures
    def test_a_neighbour_answers_though_the_pool_is_not_isolated(self):
        host = self.ping_beside_a_crashing_pool(Isolate="no")
        wait_for(lambda: host.worker(1)["restarts"] == 10, 20 * SLOW, f"10 restarts of {host.worker(1)}")

    def test_the_guilty_one_waits_alone(self):
        host = self.daemon({"crash": {"Plugin": "crash", "RestartDelay": "1h", "RestartDelayMax": "1h", "Worker": 1},
                            "hello": {"Plugin": "hello", "Worker": 1}})
        self.crash(host)
        host.wait_workers()
        host.wait_unit("hello", "running")
        self.assertEqual(host.unit("crash")["state"], "backoff")

    def test_calls_wait_while_no_worker_comes_up_and_learn_why(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}}, daemon={"Workers": 1, "RestartDelayMax": "500ms"})
        bin = os.path.join(host.directory, "bin")
        os.mkdir(bin)
        shutil.copy(TROUPED, bin)
        with open(os.path.join(bin, "troupe-worker"), "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(file.name, 0o755)
        host.command = lambda *arguments: [os.path.join(bin, "trouped"), *host.__class__.command(host, *arguments)[1:]]
        host.launch()
        host.wait_listening()
        unit = wait_for(lambda: (u := host.unit("hello"))["state"] == "backoff" and "reason" in u and u, 20 * SLOW)
        # However early it is gone.
        self.assertIn("worker 1 does not stay up: exit 1, not in a handler", unit["reason"])
        wait_for(lambda: "hello backoff: worker 1 does not stay up: " in host.ctl("list").stdout, 20 * SLOW)
        # Whoever has a deadline is told at its end; who has none waits on, and is answered.
        data = self.assert_error("Timeout", host.control, "Call", {"name": "hello", "method": GREET, "parameters": {"name": "x"}, "timeoutMs": 300})
        # It may be in one of its lives just now.
        self.assertRegex(data["reason"], "hello is (starting|in backoff: worker 1 does not stay up: exit 1, not in a handler)")
        with host.client(60) as client:
            client.send(GREET, {"name": "x"})
            time.sleep(1)
            os.unlink(file.name)
            shutil.copy(os.path.join(os.path.dirname(TROUPED), "troupe-worker"), bin)
            self.assertEqual(client.receive()[0]["text"], "hello, x")
        self.assertNotIn("reason", host.wait_unit("hello", "running"))

    def test_calls_by_name_wait_between_two_lives(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Isolate": "no"}})
        for _ in range(3):
            self.crash(host)
            # 100 to 800 ms of backoff.
            host.call("crash", f"{CRASH}.Ping")
        # The fifth crash is the last.
        self.crash(host)
        host.call("crash", f"{CRASH}.Ping")
        self.crash(host)
        data = self.assert_error("WrongState", host.call, "crash", f"{CRASH}.Ping")
        self.assertEqual(data["state"], "failed")
        self.assertIn("Segfault", data["reason"])

    def test_a_worker_that_somebody_kills_is_back_at_once_each_time(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        began = time.monotonic()
        for _ in range(12):
            host.kill_worker(1)
        # With the delays of actors it would take over a minute.
        self.assertLess(time.monotonic() - began, 45 if SLOW == 1 else 120)
        unit = host.wait_unit("hello", "running")
        # It counts for nobody.
        self.assertNotIn("reason", {k: v for k, v in unit.items() if v})
        self.assertEqual(unit["instances"][0]["worker"], 1)

    def test_a_unit_that_crashes_twice_moves_to_a_worker_of_its_own(self):
        host = self.daemon({"crash": {"Plugin": "crash"}, "hello": {"Plugin": "hello"}}, daemon={"Workers": 1})
        for number in (1, 2):
            self.crash(host)
            host.wait_unit("crash", "running")
            host.wait_workers(number)
        host.wait_log("goes on in a worker of its own, 2")
        self.assertEqual(host.unit("crash")["instances"][0]["worker"], 2)
        pid = host.worker(1)["pid"]
        self.crash(host)
        host.wait_unit("crash", "running")
        self.assertEqual(host.worker(1)["pid"], pid)
        # Ordered to stop and start, it has a clean record, and the process goes.
        host.control("Stop", {"name": "crash"})
        host.wait_unit("crash", "stopped")
        host.wait_workers(1)
        host.control("Start", {"name": "crash"})
        self.assertEqual(host.wait_unit("crash", "running")["instances"][0]["worker"], 1)

    def test_a_unit_stays_where_it_was_put_however_often_it_crashes(self):
        host = self.daemon({"pinned": {"Plugin": "crash", "Worker": 1}, "asked": {"Plugin": "crash", "Isolate": "no"}},
                           daemon={"Workers": 1})
        for name in ("pinned", "asked", "pinned", "asked", "pinned"):
            self.crash(host, name)
            host.wait_unit("pinned", "running")
            host.wait_unit("asked", "running")
        self.assertEqual(len(host.workers()), 1)

    def test_memory_that_runs_out_is_a_cause_of_its_own(self):
        groups = memory_groups()
        if not groups:
            self.skipTest("no control groups that may be made here")
        group = f"{groups[0]}/troupe-test-{os.getpid()}"
        os.mkdir(group)
        self.addCleanup(os.rmdir, group)
        with open(f"{group}/{groups[1]}", "w") as file:
            # A sanitizer's shadow is memory, too.
            file.write("100M" if SLOW <= 2 else "500M")
        host = self.unstarted({"crash": {"Plugin": "crash", "Worker": 1}, "hello": {"Plugin": "hello"}},
                              daemon={"RestartDelay": "7s", "RestartDelayMax": "7s"})

        def enter():
            with open(f"{group}/cgroup.procs", "w") as file:
                file.write(str(os.getpid()))
        host.launch(preexec_fn=enter)
        host.wait_ready()
        host.wait_workers()
        self.crash(host, method="EatMemory")
        crash = wait_for(lambda: host.worker(1).get("lastCrash"), 20 * SLOW)
        self.assertIn("memory ran out", crash["cause"])
        # The worker is what waits; who may run anywhere does not wait with it.
        self.assertEqual(host.worker(1)["state"], "backoff")
        self.assertEqual(host.wait_unit("hello", "running")["instances"][0]["worker"], 2)
        host.wait_unit("crash", "running")
        self.assertFalse(host.unit("crash").get("reason"))
        host.finish()


@waits(55)
class Limits(HostTest):
    def test_what_always_fails_is_given_up_with_the_defaults(self):
        host = self.daemon({"refuses": {"Plugin": "fail_in_init", "Config": {"Code": -13}}, "crashes": {"Plugin": "crash_in_init"},
                            "hello": {"Plugin": "hello"}})
        unit = host.wait_unit("crashes", "failed", 60)
        self.assertIn("init", unit["reason"])
        host.wait_log("crashes/0 is given up (quarantined)")
        # 9 waits of 40 to 81 seconds together.
        unit = host.wait_unit("refuses", "failed", 100)
        # And some that were another's fault, if they were on one worker.
        self.assertIn(unit["restarts"], range(9, 15))
        self.assertIn("Permission denied", unit["reason"])
        host.wait_log("refuses/0 is given up (failed)")
        host.wait_unit("hello", "running")


class Suspects(HostTest):
    """A plug-in whose own thread ends the worker, again and again."""

    def beside(self, bad, **more):
        """Three that are well, and one that is not, on one worker."""
        units = {name: {"Plugin": "hello", **more} for name in ("first", "second", "third")}
        units["bad"] = {"Plugin": "thread_crash", **more, "Config": bad}
        return self.daemon(units, daemon={"Workers": 1, "RestartDelay": "50ms", "RestartDelayMax": "200ms"})

    def expect_well(self, host):
        for name in ("first", "second", "third"):
            unit = host.wait_unit(name, "running")
            self.assertFalse(unit.get("reason"))
            self.assertEqual(host.call(name, GREET, {"name": "x"})["text"], "hello, x")

    def test_a_thread_that_faults_is_pinned_on_its_plugin(self):
        host = self.beside({"AfterMs": 50, "How": "fault"}, Isolate="no")
        unit = host.wait_unit("bad", "failed", 60)
        self.assertIn("SIGSEGV", unit["reason"])
        self.assertIn("its plug-in was at fault outside of all handlers", unit["reason"])
        self.expect_well(host)
        # One death more than it takes to quarantine it: the first one could have been chance.
        self.assertEqual(host.worker(1)["restarts"], 6)

    def test_a_thread_that_faults_goes_on_in_a_worker_of_its_own(self):
        host = self.beside({"AfterMs": 50, "How": "fault"})
        host.wait_unit("bad", "failed", 60)
        self.expect_well(host)
        self.assertIn(host.worker(1)["restarts"], range(2, 5))

    def died(self, host):
        """What is told of a handler that was run when the worker died; a call may come between
        two of its lives, too."""
        with self.assertRaises(varlink.VarlinkError) as caught:
            host.call("slow", "io.troupe.test.slow.Block", {"ms": 10000 * SLOW})
        return caught.exception.name == f"{CONTROL}.ActorDied" and caught.exception.parameters

    def test_a_thread_that_exits_is_pinned_on_its_plugin_and_no_handler_is_blamed(self):
        for how in ("exit", "leave"):
            bad = {"Plugin": "thread_crash", "Isolate": "no", "RestartDelay": "10ms", "RestartDelayMax": "20ms",
                   "Config": {"AfterMs": 300 * SLOW, "How": how}}
            host = self.daemon({"bad": {**bad, "GiveUp": "never"}, "slow": {"Plugin": "slow"}}, daemon={"Workers": 1},
                               # What a process has that ends in the middle is not lost.
                               env={"ASAN_OPTIONS": "detect_leaks=0"})
            # Its thread ends the worker while somebody else's handler runs.
            # It is not given up before that.
            self.assertEqual(wait_for(lambda: self.died(host), 60 * SLOW, "a handler to die"), {"actor": "slow/0"})
            crash = wait_for(lambda: host.worker(1).get("lastCrash"), 20 * SLOW)
            self.assertEqual((crash["cause"], crash.get("actor")), ("exit 9", None))
            self.assertTrue(any("thread_crash.so(" in frame for frame in crash["backtrace"]), crash["backtrace"])
            host.actor("bad", bad)
            host.control("Reload")
            unit = host.wait_unit("bad", "failed", 60)
            self.assertIn("its plug-in was at fault outside of all handlers", unit["reason"])
            self.assertNotIn("reason", host.wait_unit("slow", "running"))

    def test_a_thread_that_leaves_no_trace_is_found_by_starting_units_one_by_one(self):
        host = self.beside({"AfterMs": 50, "How": "vanish"}, Isolate="no")
        host.wait_log("its units are started one after another")
        unit = host.wait_unit("bad", "failed", 120)
        self.assertIn("exit 9", unit["reason"])
        self.assertIn("that happens when it is started", unit["reason"])
        self.expect_well(host)

    def test_a_thread_in_a_unit_of_its_own_worker_is_known_at_once(self):
        host = self.daemon({"bad": {"Plugin": "thread_crash", "Worker": "own", "GiveUpAfter": 2, "Config": {"AfterMs": 20, "How": "vanish"}}},
                           daemon={"Workers": 1})
        unit = host.wait_unit("bad", "failed", 30)
        self.assertIn("nobody else runs there", unit["reason"])
        self.assertEqual(host.worker(1)["restarts"], 0)
