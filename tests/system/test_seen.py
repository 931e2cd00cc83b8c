"""What people see of actors that wait and of handlers that do not return."""
import json
import re
import threading
import time

import varlink
from host import CONTROL, SLOW, HostTest, waits
from varlink import wait_for

TASKS = "io.troupe.test.tasks"
SLOW_ACTOR = "io.troupe.test.slow"
WIRES = "io.troupe.test.wires"
GREET = "io.troupe.hello.Greet"
HOUR = 3600000


class Tasks(HostTest):
    def tasks_of(self, host, name):
        """All replies of a stream."""
        with host.client() as client:
            return list(client.stream(f"{CONTROL}.Tasks", {"name": name}))

    def wait_tasks(self, host, name, count):
        return wait_for(lambda: (tasks := host.control("Tasks", {"name": name})["tasks"]) and
                        len(tasks) == count and tasks, 20 * SLOW, f"{count} tasks")

    def test_each_task_shows_what_it_waits_for_and_where(self):
        """Trap 6: tasks of which nobody has kept a handle are listed."""
        host = self.daemon({"tasks": {"Plugin": "tasks", "Worker": 1}})
        self.assertEqual(host.ctl_heard("tasks", "tasks").stdout, "no tasks\n")
        with host.client() as client:
            client.send(f"{TASKS}.Sum", {"tasks": 2, "ms": HOUR})
            tasks = self.wait_tasks(host, "tasks", 3)
            wait_for(lambda: all(t["state"] == "waiting" for t in host.heard("Tasks", {"name": "tasks"})["tasks"]),
                     20 * SLOW, "all tasks to wait")
            tasks = host.heard("Tasks", {"name": "tasks/0"})["tasks"]
            self.assertEqual(sorted((t["name"], t["waitsFor"]) for t in tasks),
                             [("Sum", "scope end"), ("add", "sleep"), ("add", "sleep")])
            for task in tasks:
                inner, outer = task["backtrace"][:2]
                # or what that jumps to: compilers leave out the frame of who does nothing else
                self.assertRegex(inner, r"\(troupe_sleep\+" if task["name"] == "add" else r"\((troupe_scope_end|end_innermost)\+")
                # A handler that is a task has the method's name; its function is in the trace.
                self.assertIn("tasks.so(add" if task["name"] == "add" else "tasks.so(on_sum", outer)
                # all that runs tasks is left out
                self.assertNotIn("run_task", "".join(task["backtrace"]))
                self.assertIn("tasks.so", task["backtrace"][-1])
                self.assertFalse(task["cancelled"])
            self.assertEqual(len({t["task"] for t in tasks}), 3)
            text = host.ctl_heard("tasks", tasks[0]["actor"]).stdout
            self.assertIn("waiting: sleep", text)
            self.assertIn("    tasks.so(add", text)
            self.assertEqual(len(json.loads(host.ctl_heard("--json", "tasks", "tasks").stdout)["tasks"]), 3)
            # and so does the actor itself
            self.assertEqual({"kind": "task", "count": 3, "bytes": 0},
                             host.heard("Describe", {"name": "tasks"})["actors"][0]["owns"][0])
            self.assertIn("has 3 tasks, 1 kept call", host.ctl_heard("show", "tasks").stdout)
            wait_for(lambda: host.worker(1).get("stackGuard") in ("madvise", "mprotect", "canary"), 20 * SLOW,
                     "the grade of the guards")
            self.assertIn(host.worker(1)["stackGuard"], host.ctl("workers").stdout)

    def test_a_function_that_ends_in_a_jump_to_ours_leaves_ours(self):
        """`return troupe_serve(...)`: no frame of the plug-in is left, or one."""
        host = self.daemon({"chat": {"Plugin": "chat", "Config": {"Listen": "tcp:127.0.0.1:0"}}})
        self.wait_tasks(host, "chat", 1)
        task = wait_for(lambda: next((t for t in host.heard("Tasks", {"name": "chat"})["tasks"]
                                      if t["state"] == "waiting" and t["backtrace"]), None), 20 * SLOW, "a task that waits")
        self.assertIn("(troupe_serve+", task["backtrace"][0])
        self.assertFalse([frame for frame in task["backtrace"][1:] if "chat.so(serve" not in frame], task)

    def test_thousands_of_tasks_come_in_pages_while_others_are_served(self):
        host = self.daemon({"tasks": {"Plugin": "tasks", "Worker": 1, "Instances": 2, "Tasks": 10000},
                            "hello": {"Plugin": "hello", "Worker": 1}})
        n = 6000 // SLOW
        with host.client() as one, host.client() as other:
            for name, client in ("tasks/0", one), ("tasks/1", other):
                client.send(f"{CONTROL}.Call", {"name": name, "method": f"{TASKS}.Sum",
                                                "parameters": {"tasks": n, "ms": HOUR}, "timeoutMs": HOUR})
            wait_for(lambda: sum(len(r["tasks"]) for r in self.tasks_of(host, "tasks")) == 2 * (n + 1), 60 * SLOW,
                     "all tasks")
            ends = threading.Event()
            slowest = []

            def greet():
                while not ends.is_set():
                    begun = time.monotonic()
                    host.call("hello", GREET, {"name": "x"})
                    slowest.append(time.monotonic() - begun)

            greeter = threading.Thread(target=greet)
            greeter.start()
            wait_for(lambda: self.tasks_of(host, "tasks") and len(slowest) > 5, 60 * SLOW, "calls while tasks are listed")
            replies = wait_for(lambda: not (all_of := self.tasks_of(host, "tasks"))[-1]["silent"] and all_of, 60 * SLOW,
                               "all workers to answer")
            ends.set()
            greeter.join()
            tasks = [task for reply in replies for task in reply["tasks"]]
            self.assertEqual(len({(t["actor"], t["task"]) for t in tasks}), 2 * (n + 1))
            self.assertGreater(len(replies), 2 * n // 256)
            self.assertLess(sorted(slowest)[len(slowest) // 2], 0.5 * SLOW, slowest)
            # without `more`, as many as fit
            self.assertEqual(len(host.heard("Tasks", {"name": "tasks/1"})["tasks"]), 256)

    @waits(14)
    def test_a_worker_that_does_not_answer_is_named(self):
        host = self.daemon({"tasks": {"Plugin": "tasks", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 1}})
        with host.client() as client:
            client.send("io.troupe.test.slow.Block", {"ms": 20000 * SLOW})
            wait_for(lambda: host.control("Tasks", {"name": "tasks"}) == {"tasks": [], "silent": [1]}, 20 * SLOW,
                     "a worker that is held up")
            # whether it is known to be stalled or not
            wait_for(lambda: host.worker(1)["state"] == "stalled", 20 * SLOW, "a stalled worker")
            self.assertEqual(host.control("Tasks", {"name": "tasks"}), {"tasks": [], "silent": [1]})
            self.assertIn("worker 1 does not answer", host.ctl("tasks", "tasks").stdout)

    def test_what_is_not_there_is_refused(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        address = host.unit("hello")["instances"][0]["address"]
        gone = address.rsplit(".", 1)[0] + ".12345"
        for name in "nobody", "hello/7", gone, "0.9.9.9.9":
            with self.assertRaises(varlink.VarlinkError) as caught:
                host.control("Tasks", {"name": name})
            self.assertEqual(caught.exception.name, f"{CONTROL}.NoSuchActor", name)
        self.assertEqual(host.heard("Tasks", {"name": address})["tasks"], [])


class Blocked(HostTest):
    ACTORS = {"slow": {"Plugin": "slow", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1},
              "tasks": {"Plugin": "tasks", "Worker": 2}}

    def wait_found(self, host, actor, message, running=None):
        def find():
            return next((h for h in host.control("Blocked")["handlers"] if h.get("actor") == actor and
                         h["message"] == message and running in (None, h["running"])), None)
        return wait_for(find, 20 * SLOW, f"{message} of {actor} to be found")

    @waits(9)
    def test_a_handler_is_reported_while_it_runs(self):
        host = self.daemon(self.ACTORS)
        self.assertNotIn(f"{SLOW_ACTOR}.Burn", host.ctl("blocked").stdout)
        with host.client() as client:
            client.send(f"{SLOW_ACTOR}.Burn", {"ms": 8000 + 2000 * SLOW})
            found = self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Burn", running=True)
            self.assertEqual(found["worker"], 1)
            self.assertGreaterEqual(found["forMs"], 50)
            self.assertTrue(any("on_burn+" in frame for frame in found["backtrace"]), found)
            text = host.ctl("blocked").stdout
            self.assertIn("slow/0 has been in io.troupe.test.slow.Burn for", text)
            self.assertIn("on_burn+", text)
            # what is in the handler now has not been let go of
            client.receive()
        found = wait_for(lambda: not (h := self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Burn"))["running"] and h,
                         20 * SLOW, "its end to be seen")
        self.assertGreater(found["forMs"], 2000)
        host.wait_log("worker 1: slow handler: slow/0 has been in io.troupe.test.slow.Burn for")
        # on a machine with much to do other handlers of it may be slow, too
        self.assertGreaterEqual(host.unit("slow")["slowHandlers"], 1)
        self.assertRegex(host.ctl("show", "slow").stdout, "Slow: [0-9]+ handlers?; see troupectl blocked")
        self.assertLessEqual({"worker", "message", "backtrace"}, host.ctl_json("blocked")["handlers"][0].keys())

    @waits(12)
    def test_a_step_of_a_task_is_reported_too(self):
        host = self.daemon(self.ACTORS, {"SlowHandler": "2s"})
        host.call("tasks", f"{TASKS}.Burn", {"ms": 8000})
        found = self.wait_found(host, "tasks/0", f"{TASKS}.Burn")
        self.assertTrue(any("on_burn+" in frame for frame in found["backtrace"]), found)
        # a task that waits is none
        host.call("tasks", f"{TASKS}.Nap", {"ms": 4000})
        self.assertNotIn(f"{TASKS}.Nap", [h["message"] for h in host.control("Blocked")["handlers"]])

    def test_what_a_handler_waits_in_goes_on(self):
        host = self.daemon(self.ACTORS)
        begun = time.monotonic()
        host.call("slow", f"{SLOW_ACTOR}.Block", {"ms": 1000})
        self.assertGreaterEqual(time.monotonic() - begun, 1)
        found = self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Block")
        self.assertTrue(any("on_block+" in frame for frame in found["backtrace"]), found)

    def test_code_that_cannot_be_looked_at_is_not_harmed(self):
        host = self.daemon(self.ACTORS)
        pid = host.worker(1)["pid"]
        for _ in range(3):
            host.call("slow", f"{SLOW_ACTOR}.Mislead", {"ms": 1000})
        found = self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Mislead", running=False)
        self.assertTrue(any("slow.so" in frame for frame in found["backtrace"]), found)
        self.assertEqual(host.worker(1)["pid"], pid)
        # the second and third are counted, and not logged once more
        wait_for(lambda: host.unit("slow")["slowHandlers"] >= 3, 20 * SLOW, "three slow handlers")
        self.assertEqual(len(re.findall(f"slow handler: slow/0.*{SLOW_ACTOR}.Mislead", host.log())), 1)

    def test_the_time_is_set_by_a_key_and_changed_by_a_reload(self):
        host = self.daemon(self.ACTORS, {"SlowHandler": "0"})
        host.call("slow", f"{SLOW_ACTOR}.Burn", {"ms": 300})
        host.write("trouped.conf.d/slow.conf", "[Daemon]\nSlowHandler=2h\n")
        self.assertIn("SlowHandler", host.control("Reload")["applied"])
        host.call("slow", f"{SLOW_ACTOR}.Burn", {"ms": 300})
        self.assertEqual(host.control("Blocked"), {"handlers": [], "missed": 0})
        host.write("trouped.conf.d/slow.conf", "[Daemon]\nSlowHandler=20ms\n")
        host.control("Reload")
        host.call("slow", f"{SLOW_ACTOR}.Burn", {"ms": 1000})
        self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Burn")

    def test_what_a_killed_worker_found_is_not_forgotten(self):
        host = self.daemon(self.ACTORS)
        with host.client() as client:
            client.send(f"{SLOW_ACTOR}.Burn", {"ms": 60000})
            self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Burn", running=True)
            host.kill_worker(1)
        self.wait_found(host, "slow/0", f"{SLOW_ACTOR}.Burn", running=False)


class Times(HostTest):
    def test_handlers_and_passes_of_the_loop_are_measured(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1}})
        self.assertEqual(host.heard("Describe", {"name": "hello"})["unit"]["handlerTimes"]["count"], 0)
        for _ in range(10):
            host.call("hello", GREET, {"name": "Ada"})
        host.call("slow", f"{SLOW_ACTOR}.Burn", {"ms": 300})
        times = host.heard("Describe", {"name": "hello"})["unit"]["handlerTimes"]
        self.assertEqual(times["count"], 10)
        self.assertEqual(sum(times["counts"]), 10)
        times = host.heard("Describe", {"name": "slow"})["unit"]["handlerTimes"]
        self.assertEqual(times["count"], 1)
        self.assertGreaterEqual(times["maxNs"], 299000000)
        self.assertEqual(sum(n for i, n in enumerate(times["counts"]) if 1 << (i + 10) > 299000000), 1)
        worker = host.worker(1)
        self.assertEqual(worker["handlerTimes"]["count"], 11)
        self.assertEqual(worker["handlerTimes"]["maxNs"], times["maxNs"])
        self.assertGreaterEqual(worker["loopTimes"]["maxNs"], 299000000)
        self.assertRegex(host.ctl_heard("show", "slow").stdout, "Handlers: 1 measured: half within .*s, longest [0-9.]+m?s\n")
        self.assertRegex(host.ctl("workers").stdout, r"\bHANDLERS +LOOP\b[^\n]*\n +1 [^\n]*s/[0-9.]+m?s ")


    def test_actors_of_a_pool_are_told_apart(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1, "Instances": 2}})
        host.call("slow/1", f"{SLOW_ACTOR}.Burn", {"ms": 300})
        host.call("slow/0", f"{SLOW_ACTOR}.Burn", {"ms": 1})
        described = host.heard("Describe", {"name": "slow"})
        self.assertEqual(described["unit"]["handlerTimes"]["count"], 2)
        quick, slow = sorted(described["actors"], key=lambda actor: actor["instance"])
        self.assertEqual([actor["handlerTimes"]["count"] for actor in (quick, slow)], [1, 1])
        self.assertEqual(slow["handlerTimes"]["maxNs"], described["unit"]["handlerTimes"]["maxNs"])
        self.assertLess(quick["handlerTimes"]["maxNs"], slow["handlerTimes"]["maxNs"])
        self.assertRegex(host.ctl_heard("show", "slow").stdout, rf"\n{re.escape(slow['address'])}'s handlers: 1 measured: .*, longest [0-9.]+m?s\n")


class Owned(HostTest):
    def test_descriptors_of_an_actor_are_counted(self):
        host = self.daemon({"wires": {"Plugin": "wires", "Worker": 1}})
        host.call("wires", f"{WIRES}.Listen", {"path": f"{host.directory}/wires"})
        owns = {o["kind"]: o["count"] for o in host.heard("Describe", {"name": "wires"})["actors"][0]["owns"]}
        self.assertEqual(owns.get("watch"), 1)
        self.assertIn("has 1 watch", host.ctl_heard("show", "wires").stdout)
