"""Tasks of actors in real workers."""
from host import CONTROL, SLOW, HostTest, waits

TASKS = "io.troupe.test.tasks"


class Ends(HostTest):
    def test_what_does_not_end_is_named_and_its_memory_is_counted_as_lost(self):
        host = self.daemon({"tasks": {"Plugin": "tasks", "TaskGrace": "200ms"}}, daemon={"Workers": 1})
        self.assertEqual(host.control("Status")["lostMemory"], 0)
        self.assertNotIn("Lost", host.ctl("status").stdout)
        stack = 0
        for tasks, more in ((2, 2), (3, 1)):
            for _ in range(more):
                host.call("tasks", f"{TASKS}.Refuse")
            host.control("Stop", {"name": "tasks"})
            host.wait_unit("tasks", "stopped")
            lost = host.control("Status")["lostMemory"]
            # 64 KiB each, but for sanitizers, and less than one of them for records and states.
            stack = stack or lost // tasks >> 16
            self.assertGreaterEqual(stack, 1)
            self.assertEqual((lost >> 16, host.worker(1)["lostMemory"]), (tasks * stack, lost))
            self.assertIn(f"Lost: {lost / 1024:.1f} KiB, of tasks that did not end", host.ctl("status").stdout)
            self.assertIn(f"lost: {lost / 1024:.1f} KiB", host.ctl("workers").stdout)
            host.control("Start", {"name": "tasks"})
            host.call("tasks", f"{TASKS}.Nap", {"ms": 1})
        # where it waits: by the SDK's function, and its own
        host.wait_log("task refuse did not end within TaskGrace=: abandoned, in ")
        self.assertRegex(host.log(), r"abandoned, in \S*\(troupe_sleep\+0x[0-9a-f]+\), in tasks\.so\(refuse\w*\+0x[0-9a-f]+\)")
        # Until the process ends.
        host.kill_worker(1)
        self.assertEqual(host.control("Status")["lostMemory"], 0)

    @waits(11)
    def test_a_shorter_stop_timeout_holds_for_tasks_at_once(self):
        """Of the unit, and of the daemon: TaskGrace= is below it, or the worker would be
        killed."""
        host = self.daemon({"one": {"Plugin": "tasks"}, "two": {"Plugin": "tasks"}}, daemon={"Workers": 1, "StopTimeout": "1min"})
        pid = host.worker(1)["pid"]
        for name in ("one", "two"):
            host.call(name, f"{TASKS}.Refuse")
        host.actor("one", {"Plugin": "tasks", "StopTimeout": f"{10 * SLOW}s"})
        host.write("trouped.conf", f"[Daemon]\nWorkers=1\nStopTimeout={11 * SLOW}s\n")
        self.assertEqual(sorted(host.control("Reload")["changed"]), ["one", "two"])
        with host.client() as client:
            client.send(f"{CONTROL}.Stop", {"name": "one"})
            host.control("Stop", {"name": "two"})
            client.receive()
        self.assertGreaterEqual(host.control("Status")["lostMemory"], 2 * 64 << 10)
        self.assertEqual((host.worker(1)["pid"], host.worker(1)["restarts"]), (pid, 0))


class Shields(HostTest):
    """Trap 7, with a real daemon: what tidies up is neither cut off at once nor waited for
    without an end."""

    def stop_while_it_tidies(self, tidies_ms, **unit):
        """The daemon's log, when it has stopped the actor in order."""
        host = self.daemon({"tasks": {"Plugin": "tasks", **unit}}, daemon={"Workers": 1, "StopTimeout": "2min"})
        pid = host.worker(1)["pid"]
        host.call("tasks", f"{TASKS}.Tidy", {"ms": tidies_ms})
        with host.client(60) as client:
            client.send(f"{CONTROL}.Stop", {"name": "tasks"})
            client.receive()
        host.wait_unit("tasks", "stopped")
        self.assertEqual((host.worker(1)["pid"], host.worker(1)["restarts"]), (pid, 0))
        self.assertEqual(host.control("Status")["lostMemory"], 0)
        return host

    @waits(8)
    def test_a_task_that_tidies_up_has_its_time(self):
        self.stop_while_it_tidies(300, TaskGrace="60s").wait_log("tidied: 0")

    @waits(8)
    def test_no_task_tidies_up_for_longer_than_it_may(self):
        """It would for a minute."""
        self.stop_while_it_tidies(59000, TaskGrace=f"{8 * SLOW}s").wait_log("tidied: -125")

    @waits(8)
    def test_a_task_that_goes_on_waiting_in_vain_holds_up_nobody(self):
        """Trap 8: others of its worker are served as long as it does."""
        host = self.daemon({"tasks": {"Plugin": "tasks", "TaskGrace": f"{2 * SLOW}s", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1}})
        host.call("tasks", f"{TASKS}.Refuse")
        with host.client(60) as client:
            client.send(f"{CONTROL}.Stop", {"name": "tasks"})
            host.wait_log("is cancelled and goes on waiting: it is put behind the others")
            for _ in range(10):
                host.call("hello", "io.troupe.hello.Greet", {"name": "you"})
            client.receive()
