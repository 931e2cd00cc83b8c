"""What does not come back: traced and stopped workers, endless handlers; each is seen, bounded,
and can be got rid of."""
import json
import os
import signal
import subprocess
import sys
import time

from host import CONTROL, SLOW, HostTest, is_alive, waits
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
CRASH = "io.troupe.test.crash"
# So that an endless actor does not hold up the end of a test for longer.
BRIEF = {"StopTimeout": "1s"}


def listed(host, name):
    """A unit by List, which asks no worker: one that is stuck would hold up Describe for two
    seconds."""
    return next(u for u in host.control("List")["units"] if u["name"] == name)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


@waits(6)
class Traced(HostTest):
    """Workers that die in the hands of a debugger: their parent gets no exit status until the
    debugger lets go."""

    def trace(self, pid, *flags):
        tracer = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "tracer.py"), str(pid), *flags],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end():
            tracer.kill()
            tracer.communicate()
        self.addCleanup(end)
        self.assertEqual(tracer.stdout.readline(), "traced\n")
        return end

    def assert_idle(self, host):
        before = cpu_seconds(host.process.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(host.process.pid) - before, 0.5, "half a processor is used for nothing")

    def test_a_worker_killed_while_traced_is_replaced_and_the_master_rests(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        pid = host.worker(1)["pid"]
        let_go = self.trace(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: (w := host.worker(1))["incarnation"] == 2 and w["state"] == "running", 20 * SLOW)
        self.assertEqual(host.worker(1)["lastCrash"]["cause"], "unknown")
        host.wait_unit("hello", "running")
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")
        # Its status is still the tracer's, so it is a zombie; and nothing is spent on that.
        with open(f"/proc/{pid}/stat") as file:
            self.assertEqual(file.read().rsplit(")", 1)[1].split()[0], "Z")
        self.assert_idle(host)
        let_go()
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 20 * SLOW, "the zombie to be collected")

    def test_sigterm_ends_beside_a_worker_killed_while_traced(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        pid = host.worker(1)["pid"]
        self.trace(pid)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(host.terminate(), 0)

    def test_sigterm_ends_while_a_worker_is_held_by_a_tracer(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}}, daemon={"StopTimeout": "1s"})
        pid = host.worker(1)["pid"]
        self.trace(pid, "exit")
        began = time.monotonic()
        self.assertEqual(host.terminate(), 0)
        # StopTimeout=, and what SIGKILL may take.
        self.assertLess(time.monotonic() - began, 10 * SLOW)
        self.assertIn("going on without it", host.log())


@waits(11)
class StopTimeouts(HostTest):
    """Actors that do not stop: StopTimeout= of their unit, then their worker's process is
    killed."""

    UNITS = {"crash": {"Plugin": "crash", "Worker": 1, "StopTimeout": "1s"}, "hello": {"Plugin": "hello", "Worker": 1},
             "endless": {"Plugin": "slow_life", "Worker": 1, "StopTimeout": "1s", "Config": {"FiniMs": -1}}}

    def loop(self, host, name="crash"):
        """Send it into an endless handler."""
        client = host.client()
        self.addCleanup(client.close)
        client.send(f"{CONTROL}.Call", {"name": name, "method": f"{CRASH}.Loop"})
        worker = host.unit(name)["instances"][0]["worker"]
        before = host.worker(worker)["messages"]
        wait_for(lambda: cpu_seconds(host.worker(worker)["pid"]) > 0.2 or host.worker(worker)["messages"] > before, 20 * SLOW)

    def timed(self, limit, function, *arguments):
        began = time.monotonic()
        result = function(*arguments)
        self.assertLess(time.monotonic() - began, limit * SLOW, arguments)
        return result

    def assert_neighbour_is_back(self, host, incarnation):
        wait_for(lambda: host.worker(1)["incarnation"] == incarnation, 20 * SLOW)
        self.assertEqual(host.wait_unit("hello", "running")["restarts"], incarnation - 1)
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)

    def test_an_actor_in_an_endless_handler_is_stopped_in_time(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.loop(host)
        self.timed(10, host.ctl, "stop", "crash")
        self.assertEqual(host.unit("crash")["state"], "stopped")
        self.assert_neighbour_is_back(host, 2)
        crash = host.worker(1)["lastCrash"]
        self.assertEqual((crash["actor"], crash["message"]), ("crash/0", f"{CRASH}.Loop"))
        host.wait_log("did not stop within its StopTimeout=")
        self.assertNotIn("not its fault", host.log())
        # It stays stopped; and it can be started.
        self.assertEqual(host.unit("crash")["state"], "stopped")
        host.ctl("start", "crash")
        host.call("crash", f"{CRASH}.Ping")

    def test_an_actor_in_an_endless_fini_is_stopped_in_time(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.timed(10, host.ctl, "stop", "endless")
        self.assertEqual(host.unit("endless")["state"], "stopped")
        self.assert_neighbour_is_back(host, 2)

    def test_an_actor_whose_process_stands_still_is_stopped_in_time(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        os.kill(host.worker(1)["pid"], signal.SIGSTOP)
        # Nothing is waited for that a process which stands still could do: two seconds more.
        # Other load may fail one of some tries, and a sanitizer's build is not measured.
        for incarnation in range(2, 7):
            began = time.monotonic()
            host.ctl("stop", "crash")
            took = time.monotonic() - began
            self.assert_neighbour_is_back(host, incarnation)
            if took < 2.4 or SLOW > 1:
                return
            host.ctl("start", "crash")
            os.kill(host.worker(1)["pid"], signal.SIGSTOP)
        self.fail(f"it took {took} s, after four in vain")

    def test_an_actor_in_an_endless_init_is_stopped_in_time(self):
        host = self.unstarted({**self.UNITS, "begins": {"Plugin": "slow_life", "Worker": 2, "StartTimeout": "infinity",
                                                         "StopTimeout": "1s", "Config": {"InitMs": -1}}}, daemon=BRIEF)
        host.launch()
        host.wait_listening()
        wait_for(lambda: host.worker(2)["state"] == "running", 20 * SLOW)
        self.timed(10, host.ctl, "stop", "begins")
        self.assertEqual(host.unit("begins")["state"], "stopped")

    def test_start_of_an_actor_that_is_being_stopped_starts_it_again(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.loop(host)
        address = listed(host, "crash")["instances"][0]["address"]
        with host.client() as client:
            client.send(f"{CONTROL}.Stop", {"name": "crash"})
            wait_for(lambda: listed(host, "crash")["state"] == "stopping", 20 * SLOW)
            self.timed(15, host.ctl, "start", "crash")
            instance = host.unit("crash")["instances"][0]
            self.assertEqual(instance["state"], "running")
            self.assertNotEqual(instance["address"], address)
            client.receive()

    def test_start_of_one_of_a_pool_that_is_being_stopped_starts_it_again(self):
        host = self.daemon({"pool": {"Plugin": "slow_life", "Instances": 3, "StopTimeout": "1s", "Config": {"FiniMs": -1}}}, daemon=BRIEF)
        for name in ("pool/1", "pool"):
            with host.client() as client:
                client.send(f"{CONTROL}.Stop", {"name": "pool/1"})
                wait_for(lambda: listed(host, "pool")["instances"][1]["state"] == "stopping", 20 * SLOW)
                self.timed(15, host.ctl, "start", name)
                client.receive()
            host.wait_unit("pool", "running")

    def test_reload_of_a_stuck_actor_comes_to_its_end(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.loop(host)
        host.actor("crash", {**self.UNITS["crash"], "AllowGlobals": "yes"})
        self.timed(15, host.ctl, "reload")
        host.wait_unit("crash", "running")
        host.call("crash", f"{CRASH}.Ping")
        self.loop(host)
        os.unlink(os.path.join(host.config, "crash.actor"))
        self.timed(15, host.ctl, "reload")
        self.assert_error("NoSuchActor", host.unit, "crash")

    @waits(12)
    def test_a_pool_may_take_longer_as_long_as_it_makes_progress(self):
        host = self.daemon({"pool": {"Plugin": "slow_life", "Instances": 12, "Worker": 1, "StopTimeout": f"{6 + 2 * SLOW}s",
                                     "Config": {"FiniMs": 800 + 200 * SLOW}}})
        host.ctl("stop", "pool")
        self.assertEqual(host.worker(1)["incarnation"], 1)

    @waits(18)
    def test_a_stop_that_takes_long_is_waited_for_as_long_as_it_goes_on(self):
        host = self.daemon({"pool": {"Plugin": "slow_life", "Instances": 15, "Worker": 1, "StopTimeout": f"{8 + 2 * SLOW}s",
                                     "Config": {"FiniMs": 1000 + 200 * SLOW}}})
        host.ctl("stop", "pool")
        self.assertEqual(host.unit("pool")["state"], "stopped")
        self.assertNotIn("is ended", host.log())

    @waits(22)
    def test_a_master_that_slept_gives_its_workers_time(self):
        host = self.unstarted({"slow": {"Plugin": "slow_life", "Worker": 1, "StartTimeout": "8s", "Restart": "no",
                                        "Config": {"InitMs": 6000, "FiniMs": 6000}, "StopTimeout": "8s"}})
        host.launch()
        host.wait_listening()
        wait_for(lambda: listed(host, "slow")["state"] == "starting" and host.worker(1)["state"] == "running", 20 * SLOW)
        self.sleep(host, 10)
        self.assertEqual(host.wait_unit("slow", "running")["restarts"], 0)
        with host.client() as client:
            client.send(f"{CONTROL}.Stop", {"name": "slow"})
            wait_for(lambda: listed(host, "slow")["state"] == "stopping", 20 * SLOW)
            self.sleep(host, 10)
            client.receive()
        self.assertEqual(host.unit("slow")["state"], "stopped")
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def test_a_master_that_slept_while_it_ends_gives_its_workers_time(self):
        host = self.daemon({"slow": {"Plugin": "slow_life", "Worker": 1, "Config": {"FiniMs": 3000}}}, daemon={"Workers": 1, "StopTimeout": "5s"})
        pids = [host.process.pid, *(w["pid"] for w in host.workers())]
        host.process.send_signal(signal.SIGTERM)
        host.wait_log("trouped: stopping\n")
        # All of them, as when a machine or a control group is frozen.
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(7)
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(host.process.wait(20 * SLOW), 0)
        self.assertNotIn("did not end in time", host.log())

    def sleep(self, host, seconds):
        """As if the machine had been suspended; its workers go on."""
        host.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        host.process.send_signal(signal.SIGCONT)


@waits(36)
class Stalls(HostTest):
    """Workers that do not come round: seen within seconds, ended at WorkerWatchdog=."""

    UNITS = {"crash": {"Plugin": "crash", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1}, "far": {"Plugin": "hello", "Worker": 2}}

    def stall(self, host, method="Hang"):
        client = host.client()
        self.addCleanup(client.close)
        client.send(f"{CONTROL}.Call", {"name": "crash", "method": f"{CRASH}.{method}"})
        return client

    def wait_stalled(self, host, number):
        return wait_for(lambda: (w := host.worker(number))["state"] == "stalled" and w, 10 * SLOW, "the worker to be stalled")

    def test_a_handler_that_stalls_is_shown_everywhere(self):
        host = self.daemon(self.UNITS, daemon={"StopTimeout": "1s", "WorkerWatchdog": "0"})
        watcher = host.client()
        self.addCleanup(watcher.close)
        watcher.send(f"{CONTROL}.Watch", more=True)
        self.stall(host)
        stall = self.wait_stalled(host, 1)["stall"]
        self.assertEqual((stall["worker"], stall["actor"], stall["message"]), (1, "crash/0", f"{CRASH}.Hang"))
        units = {u["name"]: u for u in host.control("List")["units"]}
        self.assertEqual({name: unit["state"] for name, unit in units.items()}, {"crash": "stalled", "hello": "running", "far": "running"})
        self.assertEqual(units["crash"]["instances"][0]["state"], "stalled")
        self.assertEqual(units["crash"]["stall"]["message"], f"{CRASH}.Hang")
        # It goes on being counted.
        wait_for(lambda: host.worker(1)["stall"]["forMs"] >= 3000, 20 * SLOW)
        self.assertEqual([s["actor"] for s in host.control("Status")["stalls"]], ["crash/0"])
        for verb in (["list"], ["workers"], ["tree"], ["status"], ["show", "crash"]):
            out = host.ctl(*verb).stdout
            self.assertIn(f"crash/0 has been in {CRASH}.Hang for", out, verb)
        host.wait_log(f"worker 1 is stalled: crash/0 has been in {CRASH}.Hang for")
        events = []
        while {"stalled", "unitState"} - {e["event"] for e in events}:
            events.append(watcher.receive()[0])
        stalled = next(e for e in events if e["event"] == "stalled")
        self.assertEqual((stalled["worker"], stalled["unit"], stalled["instance"]), (1, "crash", 0))
        self.assertIn(f"{CRASH}.Hang", stalled["text"])
        # 0 only shows.
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def test_a_handler_that_comes_back_is_not_stalled_any_more(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}})
        watcher = host.client()
        self.addCleanup(watcher.close)
        watcher.send(f"{CONTROL}.Watch", more=True)
        with host.client() as client:
            client.send(f"{CONTROL}.Call", {"name": "slow", "method": "io.troupe.test.slow.Block", "parameters": {"ms": 8000}})
            self.wait_stalled(host, 1)
            client.receive()
        wait_for(lambda: host.worker(1)["state"] == "running", 10 * SLOW)
        self.assertEqual(listed(host, "slow")["state"], "running")
        self.assertNotIn("stall", host.worker(1))
        events = []
        while "resumed" not in events:
            events.append(watcher.receive()[0]["event"])
        self.assertIn("stalled", events)
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def test_a_handler_that_stalls_is_ended_at_the_limit_and_its_actor_pays(self):
        host = self.daemon(self.UNITS, daemon={"WorkerWatchdog": "3s", "GiveUpAfter": 3, "RestartDelay": "10ms", "RestartDelayMax": "20ms"})
        for incarnation in (2, 3, 4):
            self.stall(host, "Loop" if incarnation == 2 else "Hang")
            wait_for(lambda: host.worker(1)["incarnation"] >= incarnation or
                     listed(host, "crash")["state"] == "failed", 20 * SLOW)
            host.wait_unit("hello", "running")
            if incarnation == 2:
                crash = host.worker(1)["lastCrash"]
                self.assertEqual((crash["cause"], crash["actor"], crash["message"]), ("killed", "crash/0", f"{CRASH}.Loop"))
                self.assertIn("WorkerWatchdog=", crash["killed"])
                self.assertTrue(any("loop" in frame for frame in crash["backtrace"]), crash["backtrace"])
            if listed(host, "crash")["state"] == "failed":
                break
            host.wait_unit("crash", "running")
        else:
            host.wait_unit("crash", "failed")
        self.assertIn("WorkerWatchdog=", listed(host, "crash")["reason"])
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")

    def test_an_idle_worker_that_is_stopped_is_shown_and_ended_and_nobody_pays(self):
        host = self.daemon(self.UNITS, daemon={"WorkerWatchdog": "20s"})
        pid = host.worker(1)["pid"]
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(lambda: os.path.exists(f"/proc/{pid}") and os.kill(pid, signal.SIGCONT))
        stall = self.wait_stalled(host, 1)["stall"]
        self.assertNotIn("actor", stall)
        self.assertIn("it has not answered for", host.ctl("workers").stdout)
        wait_for(lambda: (w := host.worker(1))["incarnation"] >= 2 and w["state"] == "running", 40 * SLOW)
        self.assertEqual(host.log().count("worker 1 is stalled: "), 1)
        self.assertEqual(host.worker(1)["lastCrash"]["cause"], "killed")
        for name in ("crash", "hello"):
            unit = host.wait_unit(name, "running")
            self.assertNotIn("reason", unit)

    def test_a_worker_held_by_a_tracer_is_ended(self):
        host = self.daemon(self.UNITS, daemon={"WorkerWatchdog": "2s"})
        pid = host.worker(1)["pid"]
        Traced.trace(self, pid)
        wait_for(lambda: (w := host.worker(1))["incarnation"] >= 2 and w["state"] == "running", 20 * SLOW)

    def test_a_worker_that_outlives_sigkill_is_replaced(self):
        host = self.daemon(self.UNITS, daemon={"WorkerWatchdog": "2s"})
        pid = host.worker(1)["pid"]
        Traced.trace(self, pid, "exit")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: (w := host.worker(1))["incarnation"] >= 2 and w["state"] == "running", 30 * SLOW)
        self.assertIn("going on without it", host.log())
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")

    def test_a_master_that_slept_ends_nobody(self):
        host = self.daemon(self.UNITS, daemon={"WorkerWatchdog": "8s"})
        pids = [w["pid"] for w in host.workers()]
        time.sleep(1)
        for _ in range(2):
            host.process.send_signal(signal.SIGSTOP)
            time.sleep(9)
            host.process.send_signal(signal.SIGCONT)
            time.sleep(2)
        self.assertEqual([w["pid"] for w in host.workers()], pids)
        # All of them together, as when a machine or a cgroup is frozen.
        for pid in [host.process.pid, *pids]:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(9)
        for pid in [*pids, host.process.pid]:
            os.kill(pid, signal.SIGCONT)
        time.sleep(6)
        self.assertEqual([w["pid"] for w in host.workers()], pids)

    def test_an_init_has_its_own_time(self):
        host = self.daemon({**self.UNITS, "slow": {"Plugin": "slow_life", "Worker": 2, "StartTimeout": "40s", "Config": {"InitMs": 12000}}},
                           daemon={"WorkerWatchdog": "8s"})
        self.assertEqual(host.wait_unit("slow", "running")["restarts"], 0)
        self.assertEqual(host.worker(2)["incarnation"], 1)


@waits(8)
class Operators(HostTest):
    """What an operator does about it: look, restart, kill, shut down."""

    UNITS = {"crash": {"Plugin": "crash", "Worker": 1, "StopTimeout": "1s"}, "hello": {"Plugin": "hello", "Worker": 1},
             "far": {"Plugin": "hello", "Worker": 2}}
    SETTINGS = {**BRIEF, "WorkerWatchdog": "0"}

    def stuck(self):
        host = self.daemon(self.UNITS, daemon=self.SETTINGS)
        Stalls.stall(self, host)
        Stalls.wait_stalled(self, host, 1)
        return host

    def test_workers_that_do_not_answer_are_named(self):
        host = self.stuck()
        reply = host.control("Describe", {"name": "crash"})
        self.assertEqual((reply["actors"], reply["silent"]), ([], [1]))
        self.assertIn("worker 1 does not answer", host.ctl("show", "crash").stdout)
        self.assertEqual(host.control("Describe", {"name": "far"})["silent"], [])
        reply = host.control("Actors")
        self.assertEqual(([a["unit"] for a in reply["actors"]], reply["silent"]), (["far"], [1]))
        for verb in (["actors"], ["actors", "1"], ["tree"]):
            self.assertIn("worker 1 does not answer: its actors are left out", host.ctl(*verb).stdout, verb)
        self.assertEqual(json.loads(host.ctl("--json", "actors", "1").stdout.splitlines()[-1])["silent"], [1])

    def test_kill_says_whom_it_takes_along_and_all_come_back(self):
        host = self.stuck()
        reply = host.ctl_json("kill", "crash")
        self.assertEqual(reply, {"workers": [1], "actors": ["crash/0"], "collateral": ["hello/0"], "count": 2})
        for name in ("crash", "hello"):
            self.assertNotIn("reason", host.wait_unit(name, "running"))
        crash = host.worker(1)["lastCrash"]
        self.assertEqual((crash["cause"], crash["actor"], crash["killed"]), ("killed", "crash/0", "an operator asked for it"))
        # By an address, and all of a unit.
        out = host.ctl("kill", host.unit("hello")["instances"][0]["address"]).stdout
        self.assertIn("killed: hello/0", out)
        self.assertIn("ended with them: crash/0", out)
        self.assertEqual(host.ctl_json("kill", "far/0")["workers"], [2])
        host.wait_workers()
        self.assertEqual([w["incarnation"] for w in host.workers()], [3, 2])
        # However often, nobody is suspected of it.
        for _ in range(4):
            host.wait_unit("hello", "running")
            host.ctl("kill", "hello/0")
            host.wait_workers()
        for name in ("crash", "hello"):
            self.assertNotIn("reason", host.wait_unit(name, "running"))
        self.assert_error("NoSuchActor", host.control, "Kill", {"name": "nobody"})
        host.ctl("stop", "far")
        self.assertEqual(host.worker(2)["incarnation"], 2)

    def test_kill_ends_a_worker_that_is_stopped(self):
        host = self.daemon(self.UNITS, daemon=self.SETTINGS)
        os.kill(host.worker(2)["pid"], signal.SIGSTOP)
        host.ctl("kill", "far")
        self.assertEqual(host.wait_unit("far", "running")["restarts"], 1)

    def test_restart_makes_a_new_life_whatever_the_old_one_does(self):
        host = self.stuck()
        host.ctl("restart", "crash")
        self.assertEqual(listed(host, "crash")["state"], "running")
        host.call("crash", f"{CRASH}.Ping")
        address = listed(host, "hello")["instances"][0]["address"]
        for name in ("hello", "hello/0"):
            self.assertEqual(host.control("Restart", {"name": name})["unit"]["state"], "running")
            before, address = address, listed(host, "hello")["instances"][0]["address"]
            self.assertNotEqual(before, address)
        # What does not run is started.
        for name in ("hello", "hello/0"):
            host.ctl("stop", name)
            host.ctl("restart", name)
            self.assertEqual(listed(host, "hello")["state"], "running")
        self.assert_error("NoSuchActor", host.control, "Restart", {"name": "nobody"})

    def test_start_of_what_fails_is_a_failure(self):
        host = self.daemon({"bad": {"Plugin": "fail_in_init", "Restart": "no", "Config": {"Code": -13}}})
        for verb in ("start", "restart"):
            done = host.ctl(verb, "bad", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Permission denied", done.stderr)

    def test_shutdown_returns_when_the_daemon_is_gone(self):
        host = self.stuck()
        host.ctl("shutdown")
        self.assertFalse(is_alive(host.process.pid))
        self.assertEqual(host.process.wait(20 * SLOW), 0)

    def test_shutdown_says_that_the_daemon_has_not_ended_yet(self):
        host = self.daemon({**self.UNITS}, daemon={**self.SETTINGS, "StopTimeout": "6s"})
        Stalls.stall(self, host)
        Stalls.wait_stalled(self, host, 1)
        done = host.ctl("--timeout", "1s", "shutdown", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has not ended yet", done.stderr)
        self.assertEqual(host.process.wait(20 * SLOW), 0)
