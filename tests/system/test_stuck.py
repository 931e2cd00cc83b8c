"""What does not come back: traced and stopped workers, endless handlers; each is seen, bounded, and can be got rid of."""
import os
import signal
import subprocess
import sys
import time

from host import CONTROL, HostTest, SLOW
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
CRASH = "io.troupe.test.crash"
# So that an endless actor does not hold up the end of a test for longer.
BRIEF = {"StopTimeout": "1s"}


def listed(host, name):
    """A unit by List, which asks no worker: one that is stuck would hold up Describe for two seconds."""
    return next(u for u in host.control("List")["units"] if u["name"] == name)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Traced(HostTest):
    """Workers that die in the hands of a debugger: their parent gets no exit status until the debugger lets go."""

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


class StopTimeouts(HostTest):
    """Actors that do not stop: StopTimeout= of their unit, then their worker's process is killed."""

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
        self.timed(3, host.ctl, "stop", "crash")
        self.assertEqual(host.unit("crash")["state"], "stopped")
        self.assert_neighbour_is_back(host, 2)
        crash = host.worker(1)["lastCrash"]
        self.assertEqual((crash["actor"], crash["message"]), ("crash/0", f"{CRASH}.Loop"))
        host.wait_log("did not stop within its StopTimeout=")
        # It stays stopped; and it can be started.
        self.assertEqual(host.unit("crash")["state"], "stopped")
        host.ctl("start", "crash")
        host.call("crash", f"{CRASH}.Ping")

    def test_an_actor_in_an_endless_fini_is_stopped_in_time(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.timed(3, host.ctl, "stop", "endless")
        self.assertEqual(host.unit("endless")["state"], "stopped")
        self.assert_neighbour_is_back(host, 2)

    def test_an_actor_in_an_endless_init_is_stopped_in_time(self):
        host = self.unstarted({**self.UNITS, "begins": {"Plugin": "slow_life", "Worker": 2, "StartTimeout": "infinity",
                                                         "StopTimeout": "1s", "Config": {"InitMs": -1}}}, daemon=BRIEF)
        host.launch()
        wait_for(lambda: os.path.exists(host.socket), 20 * SLOW)
        wait_for(lambda: host.worker(2)["state"] == "running", 20 * SLOW)
        self.timed(3, host.ctl, "stop", "begins")
        self.assertEqual(host.unit("begins")["state"], "stopped")

    def test_start_of_an_actor_that_is_being_stopped_starts_it_again(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.loop(host)
        address = listed(host, "crash")["instances"][0]["address"]
        with host.client() as client:
            client.send(f"{CONTROL}.Stop", {"name": "crash"})
            wait_for(lambda: listed(host, "crash")["state"] == "stopping", 20 * SLOW)
            self.timed(5, host.ctl, "start", "crash")
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
                self.timed(5, host.ctl, "start", name)
                client.receive()
            host.wait_unit("pool", "running")

    def test_reload_of_a_stuck_actor_comes_to_its_end(self):
        host = self.daemon(self.UNITS, daemon=BRIEF)
        self.loop(host)
        host.actor("crash", {**self.UNITS["crash"], "Mailbox": 7})
        self.timed(5, host.ctl, "reload")
        host.wait_unit("crash", "running")
        host.call("crash", f"{CRASH}.Ping")
        self.loop(host)
        os.unlink(os.path.join(host.config, "crash.actor"))
        self.timed(5, host.ctl, "reload")
        self.assert_error("NoSuchActor", host.unit, "crash")

    def test_a_pool_may_take_longer_as_long_as_it_makes_progress(self):
        host = self.daemon({"pool": {"Plugin": "slow_life", "Instances": 12, "Worker": 1, "StopTimeout": f"{SLOW}s",
                                     "Config": {"FiniMs": 200 * SLOW}}})
        host.ctl("stop", "pool")
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def test_a_master_that_slept_gives_its_workers_time(self):
        host = self.unstarted({"slow": {"Plugin": "slow_life", "Worker": 1, "StartTimeout": "3s", "Restart": "no",
                                        "Config": {"InitMs": 1500, "FiniMs": 1500}, "StopTimeout": "3s"}})
        host.launch()
        wait_for(lambda: os.path.exists(host.socket), 20 * SLOW)
        wait_for(lambda: listed(host, "slow")["state"] == "starting" and host.worker(1)["state"] == "running", 20 * SLOW)
        self.sleep(host, 5)
        self.assertEqual(host.wait_unit("slow", "running")["restarts"], 0)
        with host.client() as client:
            client.send(f"{CONTROL}.Stop", {"name": "slow"})
            wait_for(lambda: listed(host, "slow")["state"] == "stopping", 20 * SLOW)
            self.sleep(host, 5)
            client.receive()
        self.assertEqual(host.unit("slow")["state"], "stopped")
        self.assertEqual(host.worker(1)["incarnation"], 1)

    def sleep(self, host, seconds):
        """As if the machine had been suspended; its workers go on."""
        host.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        host.process.send_signal(signal.SIGCONT)
