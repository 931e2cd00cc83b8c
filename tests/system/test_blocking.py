"""Jobs: functions of plug-ins that block, in threads of their workers."""
import concurrent.futures
import errno
import os
import tempfile
import time

from host import SLOW, HostTest, silent_name_server, waits
from varlink import wait_for

BLOCKING = "io.troupe.test.blocking"
GREET = "io.troupe.hello.Greet"
PATIENT = {"RestartDelay": "20ms", "RestartDelayMax": "100ms", "GiveUp": "never"}


def at_once(host, count, method, parameters=None):
    """Results of so many calls at the same time."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: host.call("blocking", f"{BLOCKING}.{method}", parameters), range(count)))


def wait_begun(host):
    wait_for(lambda: host.call("blocking", f"{BLOCKING}.Ping")["begun"] > 0, 20 * SLOW, "a job to begin")


class Jobs(HostTest):
    def test_an_actor_goes_on_while_its_jobs_run(self):
        host = self.daemon({"blocking": {"Plugin": "blocking"}})
        host.call("blocking", f"{BLOCKING}.Ping")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            # A job that lasts as long as its actor.
            job = pool.submit(self.assert_error, "ActorDied", host.call, "blocking", f"{BLOCKING}.Listen")
            wait_begun(host)
            for _ in range(20):
                host.call("blocking", f"{BLOCKING}.Ping")
            self.assertFalse(job.done())
            host.control("Stop", {"name": "blocking"})
            job.result()

    def assert_most(self, host, most):
        """So many jobs come to run at the same time, and never more."""
        def seen():
            found = max(result["most"] for result in at_once(host, 3 * most, "Work", {"ms": 30}))
            self.assertLessEqual(found, most)
            return found == most
        wait_for(seen, 20 * SLOW, f"{most} jobs at the same time")

    def test_threads_are_as_many_as_are_allowed(self):
        self.assert_most(self.daemon({"blocking": {"Plugin": "blocking"}}), 4)

    def test_a_unit_has_fewer_if_it_says_so_and_a_reload_changes_it(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "Blocking": 1}})
        self.assert_most(host, 1)
        host.actor("blocking", {"Plugin": "blocking", "Blocking": 2})
        host.control("Reload")
        self.assert_most(host, 2)

    def test_a_worker_has_as_many_threads_as_are_set(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "Blocking": 64}}, daemon={"BlockingThreads": 2})
        self.assert_most(host, 2)

    def test_a_crash_in_a_job_is_its_actors(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1}},
                           daemon=PATIENT, env={"ASAN_OPTIONS": "detect_leaks=0"})
        host.may_break_memory = True
        causes = {"segfault": {"SIGSEGV"}, "abort": {"SIGABRT"}, "exit": {"exit 3"}, "overflow": {"SIGSEGV", "SIGBUS"}}
        for number, (how, cause) in enumerate(causes.items(), 2):
            self.assert_error("ActorDied", host.call, "blocking", f"{BLOCKING}.Crash", {"how": how})
            wait_for(lambda n=number: (w := host.worker(1))["incarnation"] == n and w["state"] == "running", 20 * SLOW)
            crash = host.worker(1)["lastCrash"]
            self.assertIn(crash["cause"], cause)
            self.assertEqual(crash["actor"], "blocking/0", crash)
            self.assertEqual(crash["message"], "a blocking job")
            if how in ("segfault", "abort"):
                self.assertTrue(any("blocking.so" in f and "crash_in_job" in f for f in crash["backtrace"]), crash)
            host.wait_unit("blocking", "running")
            host.wait_unit("hello", "running")
        host.wait_log("in blocking/0, in a blocking job")
        # Whoever shares the worker pays nothing.
        self.assertEqual(host.unit("hello")["instances"][0].get("failures", 0), 0)

    def test_a_job_is_told_when_its_actor_ends(self):
        host = self.daemon({"blocking": {"Plugin": "blocking"}})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            listening = pool.submit(self.assert_error, "ActorDied", host.call, "blocking", f"{BLOCKING}.Listen")
            wait_begun(host)
            host.control("Stop", {"name": "blocking"})
            listening.result()
        host.wait_log("listened")


@waits(8)
class Stuck(HostTest):
    """Trap 22: jobs that never return hold up neither their actor's end nor their worker's."""

    def hang(self, host, pool):
        call = pool.submit(self.assert_error, "ActorDied", host.call, "blocking", f"{BLOCKING}.Hang")
        wait_begun(host)
        return call

    def test_an_actor_ends_with_a_stuck_job_and_its_thread_is_replaced(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "TaskGrace": "200ms"}}, daemon={"BlockingThreads": 1})
        pid = host.worker(1)["pid"]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            for _ in range(3):
                call = self.hang(host, pool)
                host.control("Stop", {"name": "blocking"})
                call.result()
                host.control("Start", {"name": "blocking"})
                host.wait_unit("blocking", "running")
        host.wait_log("a job of task ask does not return (3 of 7 done): a thread is left to it")
        host.call("blocking", f"{BLOCKING}.Work", {"ms": 1})
        self.assertEqual([w["pid"] for w in host.workers() if w["pid"] == pid], [pid], "the worker was replaced")

    def test_people_see_how_far_a_job_has_come(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "TaskGrace": "200ms"}})
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            call = self.hang(host, pool)
            listening = pool.submit(self.assert_error, "ActorDied", host.call, "blocking", f"{BLOCKING}.Listen")
            tasks = wait_for(lambda: len(t := host.control("Tasks", {"name": "blocking"})["tasks"]) == 2 and t, 20 * SLOW)
            self.assertEqual(sorted(str(task.get("progress")) for task in tasks), ["None", "{'done': 3, 'all': 7}"])
            self.assertIn(", 3 of 7 done\n", host.ctl("tasks", "blocking").stdout)
            host.control("Stop", {"name": "blocking"})
            call.result()
            listening.result()

    def test_a_worker_ends_in_order_with_a_stuck_job(self):
        host = self.daemon({"blocking": {"Plugin": "blocking", "TaskGrace": "200ms"}}, daemon={"StopTimeout": "20s"})
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            self.hang(host, pool)
            host.stop()
        self.assertNotIn("killed", host.log())
        self.assertNotIn("StopTimeout", host.log())


class Names(HostTest):
    def with_dead_server(self, timeout, **more):
        """A daemon whose only server of names takes questions and never answers."""
        silent, address = silent_name_server(self)
        resolver = tempfile.NamedTemporaryFile("w", prefix="troupe-")
        self.addCleanup(resolver.close)
        resolver.write(f"nameserver {address}\noptions timeout:{timeout} attempts:1\n")
        resolver.flush()
        os.chmod(resolver.name, 0o644)
        mount = f'mount --bind {resolver.name} /etc/resolv.conf && exec "$@"'
        return silent, self.daemon({"blocking": {"Plugin": "blocking", "Worker": 1}},
                                   wrap=["unshare", "--mount", "sh", "-c", mount, "sh"], **more)

    def test_names_and_files_are_found(self):
        host = self.daemon({"blocking": {"Plugin": "blocking"}})
        answer = host.call("blocking", f"{BLOCKING}.Resolve", {"host": "localhost"})
        self.assertGreater(answer["found"], 0, answer)
        path = os.path.abspath(__file__)
        self.assertEqual(host.call("blocking", f"{BLOCKING}.Size", {"path": path})["bytes"], os.stat(path).st_size)

    @waits(8)
    def test_a_server_that_never_answers_is_given_up_twice_in_a_row(self):
        """Trap 26."""
        _, host = self.with_dead_server(1)
        for name in ("one.example.org", "two.example.org"):
            answer = host.call("blocking", f"{BLOCKING}.Resolve", {"host": name})
            self.assertEqual(answer, {"found": 0, "error": errno.EAGAIN})

    @waits(8)
    def test_a_server_that_never_answers_holds_up_neither_files_nor_ends(self):
        """Trap 21, and the worker ends while threads are with the server."""
        silent, host = self.with_dead_server(30, daemon={"StopTimeout": "20s"})
        clients = [host.client() for _ in range(8)]
        for number, client in enumerate(clients):
            client.send(f"{BLOCKING}.Resolve", {"host": f"n{number}.example.org"})
        silent.settimeout(20 * SLOW)
        silent.recv(512)
        path = os.path.abspath(__file__)
        start = time.monotonic()
        for _ in range(20):
            host.call("blocking", f"{BLOCKING}.Size", {"path": path})
            host.call("blocking", f"{BLOCKING}.Work", {"ms": 0})
        self.assertLess(time.monotonic() - start, 25 * SLOW)
        for client in clients:
            client.close()
        host.stop()
        self.assertNotIn("killed", host.log())
