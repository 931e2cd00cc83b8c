"""Verbs of operators that cross each other, and the daemon's end in the middle of them."""
import time
import unittest

from host import CONTROL, SLOW, HostTest, waits
from varlink import wait_for

SLOW_ACTOR = "io.troupe.test.slow"


@waits(11)
class OperatorsTest(HostTest):
    def block(self, daemon, name):
        """One of its actors is in a handler, from now on and for long enough to see what waits
        for it."""
        with daemon.client() as client:
            client.send(f"{CONTROL}.Call", {"name": name, "method": f"{SLOW_ACTOR}.Block", "parameters": {"ms": 10000}}, oneway=True)
            client.call(f"{CONTROL}.Status")
        wait_for(lambda: any(self.sleeps(w["pid"]) for w in daemon.workers()), 20 * SLOW, "the handler to run")

    def sleeps(self, pid):
        with open(f"/proc/{pid}/wchan") as file:
            return "nanosleep" in file.read()

    def listed(self, daemon, name):
        """A unit by List, which asks no worker."""
        return next(u for u in daemon.control("List")["units"] if u["name"] == name)

    def wait_listed(self, daemon, name, state):
        wait_for(lambda: self.listed(daemon, name)["state"] == state, 20 * SLOW, f"{name} to be {state}")

    def test_daemon_ends_when_a_unit_is_to_come_back_in_a_worker_of_its_own(self):
        daemon = self.daemon({"alone": {"Plugin": "slow", "Worker": "own"}}, {"StopTimeout": "30s"})
        self.block(daemon, "alone")
        daemon.actor("alone", {"Plugin": "slow", "Worker": "own", "Instances": 2})
        with daemon.client(60) as client:
            client.send(f"{CONTROL}.Reload", {})
            self.wait_listed(daemon, "alone", "stopping")
            self.assertEqual(daemon.terminate(40), 0)

    def test_daemon_does_not_wait_for_what_will_not_be_replaced_any_more(self):
        daemon = self.daemon({"pool": {"Plugin": "slow", "Instances": 2}}, {"StopTimeout": "60s"})
        self.block(daemon, "pool/0")
        daemon.actor("pool", {"Plugin": "echo", "Instances": 2})
        with daemon.client(60) as client:
            client.send(f"{CONTROL}.Reload", {})
            self.wait_listed(daemon, "pool", "stopping")
            begin = time.monotonic()
            self.assertEqual(daemon.terminate(50), 0)
            self.assertLess(time.monotonic() - begin, 40)
            self.assert_error("WrongState", client.receive)

    def test_one_actor_that_does_not_drain_is_restarted_in_its_time(self):
        daemon = self.daemon({"slow": {"Plugin": "slow", "StopTimeout": "1s"}})
        with daemon.client() as client:
            client.send(f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Never"})
            wait_for(lambda: daemon.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 1, 20 * SLOW)
            with daemon.client(40) as other:
                unit = other.call(f"{CONTROL}.Restart", {"name": "slow/0"})["unit"]
            self.assertEqual(unit["instances"][0]["state"], "running")
            self.assert_error("ActorDied", client.receive)
        self.assertEqual(daemon.call("slow", f"{SLOW_ACTOR}.Kept")["kept"], 0)

    def test_one_actor_is_started_alone_in_a_worker_of_its_units_own(self):
        daemon = self.daemon({"own": {"Plugin": "slow", "Worker": "own", "Instances": 2}})
        for verb in ("Start", "Restart"):
            daemon.control("Stop", {"name": "own"})
            wait_for(lambda: len(daemon.workers()) == 2, 20 * SLOW, "the unit's own worker to end")
            daemon.control(verb, {"name": "own/0"})
            self.assertEqual([i["state"] for i in daemon.unit("own")["instances"]], ["running", "stopped"])

    def test_kill_of_what_does_not_run_takes_nobody_along(self):
        daemon = self.daemon({"down": {"Plugin": "slow", "Worker": 1}, "up": {"Plugin": "slow", "Worker": 1}})
        daemon.control("Stop", {"name": "down"})
        for name in ("down", "down/0"):
            self.assert_error("WrongState", daemon.control, "Kill", {"name": name})
        self.assertEqual(daemon.worker(1)["incarnation"], 1)
        self.assertEqual(daemon.control("Kill", {"name": "up"})["actors"], ["up/0"])

    def test_unit_is_described_by_its_name_when_it_changes_meanwhile(self):
        daemon = self.daemon({"alone": {"Plugin": "slow"}}, {"StopTimeout": "30s"})
        self.block(daemon, "alone")
        daemon.actor("alone", {"Plugin": "slow", "Instances": 2})
        with daemon.client(60) as client, daemon.client(60) as other:
            client.send(f"{CONTROL}.Reload", {})
            self.wait_listed(daemon, "alone", "stopping")
            other.send(f"{CONTROL}.Describe", {"name": "alone"})
            client.receive()
            self.assertEqual(other.receive()[0]["unit"]["name"], "alone")

    def assert_joins_a_change(self, verb):
        daemon = self.daemon({"pool": {"Plugin": "slow", "Instances": 2}}, {"StopTimeout": "30s"})
        daemon.control("Stop", {"name": "pool/1"})
        self.block(daemon, "pool/0")
        daemon.actor("pool", {"Plugin": "slow", "Instances": 3})
        with daemon.client(60) as client:
            client.send(f"{CONTROL}.Reload", {})
            self.wait_listed(daemon, "pool", "stopping")
            with daemon.client(60) as other:
                other.call(f"{CONTROL}.{verb}", {"name": "pool/1"})
            self.assertEqual(client.receive()[0]["restarted"], ["pool"])
        self.assertEqual([i["state"] for i in daemon.unit("pool")["instances"]], ["running"] * 3)

    def test_one_actor_that_is_started_while_its_unit_changes_shape_changes_too(self):
        self.assert_joins_a_change("Start")

    def test_one_actor_that_is_restarted_while_its_unit_changes_shape_changes_too(self):
        self.assert_joins_a_change("Restart")


if __name__ == "__main__":
    unittest.main()
