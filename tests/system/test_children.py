"""Actors that actors have spawned: whose they are, how they end, who may stop them."""
import json
import os
import signal
import time

from host import HostTest, SLOW, waits
from varlink import wait_for

FLOCK = "io.troupe.test.flock"


class Children(HostTest):
    def flock(self, daemon=None, **unit):
        return self.daemon({"flock": {"Plugin": "flock", "Type": "flock", "Config": {"Children": 100}, **unit}}, daemon=daemon)

    def actors(self, host):
        return host.heard("Actors")["actors"]

    def birds(self, host):
        return [actor for actor in self.actors(host) if actor["actorType"] == "bird"]

    def test_twenty_restarts_of_a_parent_leave_its_hundred_children(self):
        host = self.flock(RestartDelay="1ms", RestartDelayMax="1ms", StartLimitBurst=64)
        for restart in range(20):
            before = host.unit("flock")["instances"][0]["address"]
            host.call("flock", f"{FLOCK}.Fail")
            wait_for(lambda: (i := host.unit("flock")["instances"][0])["state"] == "running" and i["address"] != before, 20 * SLOW)
        parent = host.unit("flock")["instances"][0]["address"]
        self.assertEqual([bird["parent"] for bird in self.birds(host)], [parent] * 100)
        # The same when its worker dies under it, and none at all when it is stopped.
        os.kill(host.worker(host.unit("flock")["instances"][0]["worker"])["pid"], signal.SIGKILL)
        wait_for(lambda: (i := host.unit("flock")["instances"][0])["state"] == "running" and i["address"] != parent, 20 * SLOW)
        self.assertEqual(len(self.birds(host)), 100)
        host.control("Stop", {"name": "flock"})
        self.assertEqual(self.actors(host), [])

    def test_parent_and_operator_stop_single_children(self):
        host = self.flock()
        birds = host.call("flock", f"{FLOCK}.Hatch", {"count": 3, "detached": False})["birds"]
        free = host.call("flock", f"{FLOCK}.Hatch", {"count": 2, "detached": True})["birds"]
        self.assertEqual(host.call("flock", f"{FLOCK}.Part", {"bird": birds[0]})["code"], 0)
        # ESRCH
        self.assertEqual(host.call("flock", f"{FLOCK}.Part", {"bird": birds[0]})["code"], -3)
        # EPERM
        self.assertEqual(host.call("flock", f"{FLOCK}.Part", {"bird": free[0]})["code"], -1)
        host.ctl("stop", birds[1])
        self.assertEqual(host.call("flock", f"{FLOCK}.Ended")["count"], 2)
        self.assert_error("NoSuchActor", host.control, "Describe", {"name": birds[1]})
        self.assertEqual(len(self.birds(host)), 103)
        # Detached ones are left when the unit stops, are shown as its, and are the operator's
        # to stop.
        host.ctl("stop", "flock")
        left = self.actors(host)
        self.assertEqual(sorted((a["address"], a["unit"], a.get("parent"), a.get("instance")) for a in left),
                         sorted((address, "flock", None, None) for address in free))
        host.ctl("stop", *free)
        self.assertEqual(self.actors(host), [])

    def test_ctl_shows_whose_children_they_are(self):
        host = self.flock()
        parent = host.unit("flock")["instances"][0]["address"]
        rows = [line.split() for line in host.ctl_heard("actors").stdout.splitlines()]
        self.assertEqual(rows[0][:4], ["ADDRESS", "UNIT", "PARENT", "ACTOR"])
        self.assertEqual(sum(row[1:4] == ["flock", parent, "bird"] for row in rows), 100)
        self.assertIn("flock (bird, spawned): 100 actors", host.ctl("tree").stdout)
        others = [o for worker in host.ctl_json("tree")["workers"] for o in worker["others"]]
        self.assertEqual(others, [{"unit": "flock", "actorType": "bird", "actors": 100}])
        bird = self.birds(host)[0]["address"]
        self.assertEqual(host.heard("Describe", {"name": bird})["actors"][0]["parent"], parent)
        birds = [other["address"] for other in self.birds(host)]
        host.ctl("stop", *birds[1:])
        self.assertRegex(host.ctl("tree").stdout, r"flock \(bird, spawned\): 1 actor\n")

    def test_a_child_has_its_interfaces_and_its_plugin(self):
        host = self.flock()
        bird = self.birds(host)[0]["address"]
        unit, shown = host.unit("flock"), json.loads(host.ctl_heard("--json", "show", bird).stdout)["unit"]
        self.assertEqual(shown["interfaces"], ["io.troupe.test.bird"])
        self.assertEqual([shown[key] for key in ("plugin", "file")], [unit["plugin"], unit["file"]])
        self.assertNotIn("by hand", host.ctl_heard("show", bird).stdout)
        # So a method of it needs no interface before it, as with units.
        self.assertEqual(host.ctl_json("call", bird, "Sing"), {"song": "tweet"})

    def test_a_child_that_crashes_is_blamed_on_the_member_of_the_pool_that_it_comes_from(self):
        host = self.flock(Instances=4, Config={"Children": 1})
        instance = host.unit("flock")["instances"][2]
        bird = next(bird["address"] for bird in self.birds(host) if bird["parent"] == instance["address"])
        for method in ("Crash", "Loop"):
            incarnation = host.worker(instance["worker"])["incarnation"]
            with host.client() as client:
                client.send("io.troupe.Control.Call", {"name": bird, "method": f"io.troupe.test.bird.{method}"})
                if method == "Loop":
                    stall = wait_for(lambda: host.worker(instance["worker"]).get("stall"), 20 * SLOW)
                    self.assertEqual((stall["actor"], stall["child"]), ("flock/2", bird))
                    self.assertIn(f"flock/2 (its child {bird}) has been in", host.ctl("workers").stdout)
                    host.ctl("kill", bird)
                wait_for(lambda: host.worker(instance["worker"])["incarnation"] > incarnation, 20 * SLOW)
            crash = host.worker(instance["worker"])["lastCrash"]
            self.assertEqual((crash["actor"], crash["child"], crash["message"]), ("flock/2", bird, f"io.troupe.test.bird.{method}"))
            self.assertIn(f"in flock/2 (its child {bird}), handling", host.ctl("workers").stdout)
            host.wait_unit("flock", "running")
            instance = host.unit("flock")["instances"][2]
            bird = next(bird["address"] for bird in self.birds(host) if bird["parent"] == instance["address"])
        self.assertEqual(host.log().count(" ended: crashed "), 1)
        self.assertIn("flock/2 ended: crashed ", host.log())

    @waits(13)
    def test_a_child_has_the_time_to_stop_of_its_unit(self):
        # Shorter than the daemon's, which is the default, and longer.
        for daemon, unit, incarnation, ms in ({}, "1s", 2, 20000), ({"StopTimeout": "1s"}, "40s", 1, 3000):
            host = self.flock(Config={"Children": 1}, StopTimeout=unit, daemon=daemon)
            slow = host.call("flock", f"{FLOCK}.Hatch", {"count": 1, "detached": False, "endMs": ms * SLOW})["birds"][0]
            worker = host.unit("flock")["instances"][0]["worker"]
            began = time.monotonic()
            host.ctl("stop", slow)
            if incarnation == 2:
                self.assertLess(time.monotonic() - began, 20 * SLOW)
            wait_for(lambda: host.worker(worker)["incarnation"] == incarnation, 20 * SLOW)
            self.finish_daemon(host)

    @waits(12)
    def test_a_family_may_take_longer_as_long_as_its_members_end(self):
        host = self.flock(Config={"Children": 1}, StopTimeout=f"{6 + 2 * SLOW}s")
        host.call("flock", f"{FLOCK}.Hatch", {"count": 8, "detached": False, "endMs": 1300 + 200 * SLOW})
        host.ctl("stop", "flock")
        self.assertNotIn("is ended", host.log())
        self.assertEqual(self.actors(host), [])

    def test_to_stop_nobody_is_an_error(self):
        host = self.flock()
        bird = self.birds(host)[0]["address"]
        host.ctl("stop", bird)
        for address in [bird, bird[:bird.index(".1.") + 3] + "1.4000.1"]:
            self.assert_error("NoSuchActor", host.control, "Stop", {"name": address})
            done = host.ctl("stop", address, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"no actor is called {address}", done.stderr)


TICKER = "io.troupe.ticker"
SLOW_ACTOR = "io.troupe.test.slow"


class Kept(HostTest):
    """What actors keep of messages that wait for no answer."""

    def test_oneway_watchers_take_no_places_of_others(self):
        host = self.daemon({"ticker": {"Plugin": "ticker"}})
        client = host.client()
        for _ in range(1100):
            client.send(f"{TICKER}.Watch", {"periodMs": 60000}, oneway=True)
        self.assertEqual(client.call(f"{TICKER}.Watchers"), {"count": 0})
        self.assertEqual(host.direct(f"{TICKER}.Watch", {"periodMs": 10}), {"tick": 1, "missed": 0})
        client.close()
        self.assertEqual(host.direct(f"{TICKER}.Watch", {"periodMs": 10}), {"tick": 1, "missed": 0})

    def test_kept_messages_are_bounded_and_end_with_their_connection(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        client, other = host.client(), host.client()
        for _ in range(1100):
            client.send(f"{SLOW_ACTOR}.Never", oneway=True)
        self.assertEqual(client.call(f"{SLOW_ACTOR}.Kept")["kept"], 64)
        other.send(f"{SLOW_ACTOR}.Never", oneway=True)
        self.assertEqual(other.call(f"{SLOW_ACTOR}.Kept")["kept"], 64 + 1)
        # Without being asked for an answer either, by name: its connection closes at once, and
        # it goes with that.
        host.control("Send", {"name": "slow", "method": f"{SLOW_ACTOR}.Never"})
        client.close()
        wait_for(lambda: host.direct(f"{SLOW_ACTOR}.Kept")["kept"] == 1, 20 * SLOW)
        other.close()
        wait_for(lambda: host.direct(f"{SLOW_ACTOR}.Kept")["kept"] == 0, 20 * SLOW)
