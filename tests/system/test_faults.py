"""Faults: actors that crash, hang and misbehave, workers that die, a master that is killed."""
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import varlink
from host import CONTROL, SLOW, TROUPED, HostTest, children_of, is_alive, plugin, waits
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
CRASH = "io.troupe.test.crash"
SLOW_ACTOR = "io.troupe.test.slow"
# Crashing on purpose must not end in the units being given up where a test is not about it.
PATIENT = {"RestartDelay": "20ms", "RestartDelayMax": "100ms", "GiveUp": "never"}


class Crashes(HostTest):
    def crash(self, host, method, parameters=None):
        data = self.assert_error("ActorDied", host.call, "crash", f"{CRASH}.{method}", parameters)
        self.assertIn("crash", str(data))

    def crash_until(self, host, look, what):
        """Functions have names when they were found in time: after another crash, then."""
        def crashed():
            try:
                host.call("crash", f"{CRASH}.Segfault")
            except varlink.VarlinkError:
                pass
            try:
                return wait_for(look, 5 * SLOW)
            except AssertionError:
                return None
        return wait_for(crashed, 60 * SLOW, what)

    def test_a_crash_costs_one_worker_and_is_attributed(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 2},
                            "bystander": {"Plugin": "hello", "Worker": 1}}, daemon=PATIENT)
        host.call("hello", GREET, {"name": "x"})
        other = host.worker(2)["pid"]
        self.crash(host, "Segfault")
        wait_for(lambda: host.worker(1)["incarnation"] == 2, 20 * SLOW)
        host.wait_workers()
        self.assertEqual(host.worker(2)["pid"], other)
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 2)
        crash = host.worker(1)["lastCrash"]
        self.assertEqual(crash["cause"], "SIGSEGV")
        self.assertEqual(crash["actor"], "crash/0")
        self.assertEqual(crash["message"], f"{CRASH}.Segfault")
        self.assertTrue(any("crash.so" in frame and "segfault" in frame.lower() for frame in crash["backtrace"]),
                        crash["backtrace"])
        for text in ("SIGSEGV", "crash", f"{CRASH}.Segfault"):
            host.wait_log(text)
        # Both declared actors are back, the bystander too.
        host.wait_unit("crash", "running")
        host.wait_unit("bystander", "running")
        host.call("crash", f"{CRASH}.Ping")
        self.assertEqual(host.call("bystander", GREET, {"name": "x"})["count"], 1)

    def test_backtraces_name_handlers_with_file_and_line(self):
        host = self.daemon({"crash": {"Plugin": "crash"}}, daemon=PATIENT)
        with open(os.path.join(os.path.dirname(__file__), "../actors/crash/crash.c")) as source:
            at = next(n for n, line in enumerate(source, 1) if line.startswith("static int on_segfault("))
        # The handler stands in a generated thunk, where it was inlined; the thunk is not what
        # its author wrote.
        frame = self.crash_until(host, lambda: next((frame for frame in (host.worker(1).get("lastCrash") or {"backtrace": []})["backtrace"]
                                                     if "on_segfault at crash.c:" in frame), None), "the handler's place")
        line = int(frame.split("on_segfault at crash.c:")[1].split(",")[0])
        self.assertTrue(at < line < at + 12, frame)
        host.wait_log("on_segfault at crash.c:")

    def test_backtraces_have_symbols_where_there_is_no_debug_information(self):
        host = self.unstarted(daemon=PATIENT)
        # Beside the build's plug-ins, whose directory is safe.
        bare = tempfile.NamedTemporaryFile(suffix=".so", dir=os.path.dirname(plugin("crash")), delete=False)
        self.addCleanup(os.unlink, bare.name)
        os.chmod(bare.name, 0o644)
        subprocess.run(["objcopy", "--strip-debug", plugin("crash"), bare.name], check=True)
        host.actor("crash", {"Plugin": bare.name})
        host.start()
        self.crash_until(host, lambda: "(crasher_on_segfault+0x" in host.log(), "the handler's name in the log")
        self.assertNotIn("crash.c:", host.log())

    def test_every_way_to_crash_is_survived(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}}, daemon=PATIENT)
        host.may_break_memory = True
        causes = {"Abort": {"SIGABRT"}, "Divide": {"SIGFPE"}, "StackOverflow": {"SIGSEGV"}, "Exit": {"exit 3"},
                  "WildFree": {"SIGABRT", "SIGSEGV", "exit 1"}}
        for number, (method, expected) in enumerate(causes.items(), 2):
            self.crash(host, method, {"code": 3} if method == "Exit" else None)
            wait_for(lambda: host.worker(1)["incarnation"] == number, 20 * SLOW, method)
            host.wait_workers()
            host.wait_unit("crash", "running")
            crash = host.worker(1)["lastCrash"]
            # Sanitizers turn some of these into an exit of their own.
            if SLOW == 1:
                self.assertIn(crash["cause"], expected, method)
            self.assertEqual(crash["actor"], "crash/0")
            host.call("crash", f"{CRASH}.Ping")

    def test_what_a_forked_process_does_is_not_the_workers_end(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}}, daemon=PATIENT)
        for code in (3, 0):
            host.call("crash", f"{CRASH}.Fork", {"code": code})
        host.kill_worker(1)
        crash = host.worker(1)["lastCrash"]
        self.assertEqual((crash["cause"], crash.get("actor"), crash["backtrace"]), ("SIGKILL", None, []))
        self.assertNotIn("reason", host.wait_unit("crash", "running"))

    def test_a_crash_in_a_timer_is_attributed(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}}, daemon=PATIENT)
        host.call("crash", f"{CRASH}.SegfaultLater", {"delayMs": 50})
        wait_for(lambda: host.worker(1).get("lastCrash"), 20 * SLOW)
        crash = host.worker(1)["lastCrash"]
        self.assertEqual((crash["actor"], crash["message"]), ("crash/0", "a timer"))

    def test_calls_in_flight_fail_at_once(self):
        """Trap 23."""
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 1},
                            "far": {"Plugin": "slow", "Worker": 2}, "relay": {"Plugin": "relay", "Type": "relay", "Worker": 2}},
                           daemon=PATIENT)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def never(name):
                began = time.monotonic()
                with self.assertRaises(varlink.VarlinkError) as caught:
                    host.call(name, f"{SLOW_ACTOR}.Never")
                return caught.exception.name, time.monotonic() - began

            waiting = [pool.submit(never, "slow") for _ in range(4)]
            # A call between workers, on behalf of a client.
            relayed = pool.submit(host.call, "relay", "io.troupe.test.relay.Answer",
                                  {"to": "slow", "text": "x", "delayMs": 60000, "timeoutMs": 60000})
            wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 5, 20 * SLOW)
            began = time.monotonic()
            self.crash(host, "Segfault")
            for future in waiting:
                self.assertEqual(future.result()[0], f"{CONTROL}.ActorDied")
            with self.assertRaises(varlink.VarlinkError) as caught:
                relayed.result()
            self.assertEqual(caught.exception.name, "io.troupe.test.relay.NotAnswered")
            self.assertEqual(caught.exception.parameters["status"], "actor-died")
            self.assertLess(time.monotonic() - began, 15 * SLOW)

    def test_answers_given_before_a_crash_arrive(self):
        # A process that exits in the midst of a handler has not freed what it had.
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}}, daemon=PATIENT, env={"ASAN_OPTIONS": "detect_leaks=0"})
        ways = ("Segfault", {}), ("Abort", {}), ("StackOverflow", {}), ("Exit", {"code": 1})
        for number, (method, parameters) in enumerate(ways, 2):
            host.wait_unit("crash", "running")
            calls = [{"method": f"{CRASH}.Ping"}] * 8 + [{"method": f"{CRASH}.{method}", "parameters": parameters}]
            with self.subTest(method), host.client() as client:
                # At once, so that they come to the actor together, and are one turn of it.
                client.send_raw(b"".join(json.dumps(call).encode() + b"\0" for call in calls))
                for _ in range(8):
                    self.assertEqual(client.receive()[0], {})
                self.assertTrue(self.assert_error("ActorDied", client.receive)["crashed"])
            wait_for(lambda: host.worker(1)["incarnation"] == number, 20 * SLOW, method)

    def test_a_plugin_that_crashes_in_init_fails_alone(self):
        host = self.daemon({"bad": {"Plugin": "crash_in_init", "GiveUpAfter": 3, "RestartDelay": "10ms", "RestartDelayMax": "50ms"},
                            "hello": {"Plugin": "hello"}})
        unit = host.wait_unit("bad", "failed", 60)
        self.assertIn("init", unit["reason"])
        host.wait_unit("hello", "running")
        host.wait_workers()
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")
        self.assertEqual(host.control("Status")["state"], "degraded")
        host.wait_log("crash_in_init")

    def test_a_plugin_that_crashes_in_each_call_is_given_up_in_the_end(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1, "GiveUp": "fail", "GiveUpAfter": 3, "RestartDelay": "10ms"},
                            "hello": {"Plugin": "hello", "Worker": 1}}, daemon={"RestartDelay": "10ms", "GiveUp": "never"})
        def crash_again():
            try:
                host.call("crash", f"{CRASH}.Segfault")
            except varlink.VarlinkError:
                pass
            return host.unit("crash")["state"] == "failed"
        wait_for(crash_again, 60 * SLOW)
        host.wait_unit("hello", "running")
        host.wait_workers()
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")
        # An operator may try again.
        host.control("Start", {"name": "crash"})
        host.wait_unit("crash", "running")
        host.call("crash", f"{CRASH}.Ping")

    def test_an_init_that_hangs_fails_by_its_timeout_and_the_rest_serve(self):
        host = self.daemon({"bad": {"Plugin": "hang_in_init", "StartTimeout": "1s", "Worker": 1, "Restart": "no"},
                            "hello": {"Plugin": "hello", "Worker": 1}, "far": {"Plugin": "hello", "Worker": 2}})
        unit = host.wait_unit("bad", "failed", 30)
        self.assertIn("1s", unit["reason"])
        for name in ("hello", "far"):
            host.wait_unit(name, "running")
            self.assertEqual(host.call(name, GREET, {"name": "x"})["text"], "hello, x")

    def test_calls_wait_while_their_actor_is_starting(self):
        host = self.unstarted({"bad": {"Plugin": "hang_in_init", "StartTimeout": "2s", "Worker": 1, "Restart": "no"},
                               "hello": {"Plugin": "hello", "Worker": 2}})
        host.launch()
        host.wait_listening()
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            # Nothing runs yet.
            bad = pool.submit(host.call, "bad", GREET, {"name": "x"})
            named = pool.submit(host.call, "hello", GREET, {"name": "x"})
            direct = pool.submit(host.direct, GREET, {"name": "y"})
            self.assertEqual(named.result()["text"], "hello, x")
            self.assertEqual(direct.result()["text"], "hello, y")
            data = self.assert_error("WrongState", bad.result)
        self.assertEqual(data["state"], "failed")
        self.assertIn("2s", data["reason"])

    def test_an_init_that_refuses_fails_with_its_error(self):
        host = self.daemon({"bad": {"Plugin": "fail_in_init", "Restart": "no", "Config": {"Code": -13}}, "hello": {"Plugin": "hello"}})
        unit = host.wait_unit("bad", "failed")
        self.assertIn("Permission denied", unit["reason"])
        host.wait_unit("hello", "running")

    def test_a_handler_that_fails_ends_its_actor_only_where_told(self):
        host = self.daemon({"goes": {"Plugin": "slow", "OnError": "stop", "Restart": "no"}, "stays": {"Plugin": "slow"}})
        for name in ("goes", "stays"):
            data = self.assert_error("Failed", host.call, name, f"{SLOW_ACTOR}.Fail", {"code": -5})
            self.assertEqual(data["code"], -5)
        host.wait_unit("goes", "failed")
        self.assertEqual(host.unit("stays")["state"], "running")
        actor = host.heard("Describe", {"name": "stays"})["actors"][0]
        self.assertEqual((actor["handled"], actor["failed"]), (1, 1))

    @waits(7)
    def test_a_handler_that_stalls_is_reported(self):
        host = self.daemon({"crash": {"Plugin": "crash", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 2}}, daemon={"StopTimeout": "1s"})
        with host.client() as client:
            client.send(f"{CONTROL}.Call", {"name": "crash", "method": f"{CRASH}.Loop"})
            host.wait_log(f"{CRASH}.Loop", 20)
            self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)


class Lives(HostTest):
    def test_no_process_outlives_a_killed_master(self):
        host = self.daemon({"crash": {"Plugin": "crash"}, "slow": {"Plugin": "slow"}})
        # One worker is in the middle of a handler that never returns.
        client = host.client()
        client.send(f"{CONTROL}.Call", {"name": "crash", "method": f"{CRASH}.Loop"})
        time.sleep(0.2)
        workers = children_of(host.process.pid)
        self.assertGreaterEqual(len(workers), 2)
        host.process.kill()
        host.process.wait()
        wait_for(lambda: not any(map(is_alive, workers)), 20 * SLOW, "the workers to end")
        client.close()

    def test_sigterm_stops_all_in_order_within_the_deadline(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 8}, "ticker": {"Plugin": "ticker"}})
        workers = children_of(host.process.pid)
        began = time.monotonic()
        self.assertEqual(host.terminate(), 0)
        self.assertLess(time.monotonic() - began, 9 * SLOW)
        self.assertFalse(any(map(is_alive, workers)))
        self.assertEqual(sorted(os.listdir(host.directory)), ["etc", "log"])

    def test_sigterm_does_not_wait_for_ever_for_an_actor(self):
        host = self.daemon({"crash": {"Plugin": "crash"}}, daemon={"StopTimeout": "1s"})
        client = host.client()
        client.send(f"{CONTROL}.Call", {"name": "crash", "method": f"{CRASH}.Loop"})
        time.sleep(0.2)
        workers = children_of(host.process.pid)
        began = time.monotonic()
        self.assertEqual(host.terminate(), 0)
        self.assertLess(time.monotonic() - began, 9 * SLOW)
        self.assertFalse(any(map(is_alive, workers)))
        client.close()

    def test_a_plug_in_that_exits_during_the_stop_is_a_crash(self):
        host = self.daemon({"slow": {"Plugin": "slow_life", "Config": {"ExitInFini": "yes"}}}, daemon={"Workers": 1})
        self.assertEqual(host.terminate(), 0)
        host.may_break_memory = True
        # A sanitizer's look for leaks makes another status of exit(0) amid a handler.
        status = "0" if SLOW <= 2 else "[01]"
        self.assertRegex(host.log(), rf"worker 1 \(incarnation 1, pid \d+\) died: exit {status} in slow/0, in fini")

    def test_a_worker_that_cannot_start_is_reported_with_its_reason(self):
        if SLOW > 2:  # a sanitizer does not begin with so little address space
            return
        host = self.unstarted({"hello": {"Plugin": "hello"}}, daemon={"Workers": 1})
        bin = os.path.join(host.directory, "bin")
        os.mkdir(bin)
        shutil.copy(TROUPED, bin)
        with open(os.path.join(bin, "troupe-worker"), "w") as file:
            worker = os.path.join(os.path.dirname(TROUPED), "troupe-worker")
            file.write(f"#!/bin/sh\nulimit -v 1000000\nexec {worker} \"$@\"\n")
        os.chmod(file.name, 0o755)
        host.command = lambda *arguments: [os.path.join(bin, "trouped"), *host.__class__.command(host, *arguments)[1:]]
        host.launch()
        host.wait_log("died: exit 1, not in a handler: cannot reserve address space for actors")

    def test_shutdown_by_the_control_socket_is_an_orderly_stop(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        host.control("Shutdown")
        self.assertEqual(host.process.wait(20 * SLOW), 0)

    def test_descriptors_exhausted_are_survived(self):
        host = self.daemon({"hello": {"Plugin": "hello"}}, wrap=["prlimit", "--nofile=64:64"])
        clients = []
        try:
            for _ in range(80):
                clients.append(host.client(2))
            # Those that got in are served, and the master does not spin.
            self.assertIn("version", clients[0].call(f"{CONTROL}.Status"))
            with open(f"/proc/{host.process.pid}/stat") as file:
                used = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
            time.sleep(1)
            with open(f"/proc/{host.process.pid}/stat") as file:
                used = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) - used
            self.assertLess(used, 50, "half a processor is used for nothing")
        finally:
            for client in clients:
                client.close()
        def served():
            try:
                return host.direct(GREET, {"name": "x"})
            except (OSError, varlink.Closed):
                return False
        wait_for(served, 20 * SLOW)

    def test_a_mailbox_that_is_full_refuses_and_loses_nothing(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Mailbox": 4, "Worker": 1}})
        with host.client() as client:
            # The first is in its handler while the others come, all of them at once.
            calls = [{"name": "slow", "method": f"{SLOW_ACTOR}.Block", "parameters": {"ms": 1000}}]
            for number in range(20):
                calls.append({"name": "slow", "method": f"{SLOW_ACTOR}.Answer", "parameters": {"text": str(number), "delayMs": 0}})
            client.send_raw(b"".join(json.dumps({"method": f"{CONTROL}.Call", "parameters": call}).encode() + b"\0" for call in calls))
            self.assertEqual(client.receive()[0]["parameters"], {})
            answered = overloaded = 0
            for number in range(20):
                try:
                    self.assertEqual(client.receive()[0]["parameters"]["text"], str(number))
                    answered += 1
                except varlink.VarlinkError as error:
                    self.assertEqual(error.name, f"{CONTROL}.Overloaded")
                    overloaded += 1
        self.assertEqual(answered + overloaded, 20)
        self.assertGreaterEqual(answered, 3)
        self.assertGreater(overloaded, 0)


class Calls(HostTest):
    """The ways in which a call can end, by way of a client, in a worker and across workers."""

    def setUp(self):
        self.host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}, "near": {"Plugin": "relay", "Type": "relay", "Worker": 1},
                                 "far": {"Plugin": "relay", "Type": "relay", "Worker": 2},
                                 "forward": {"Plugin": "relay", "Type": "forward", "Worker": 2, "Config": {"To": "slow"}}})

    def test_an_answer_may_come_late(self):
        data = {"text": "grüße", "delayMs": 20}
        self.assertEqual(self.host.call("slow", f"{SLOW_ACTOR}.Answer", data), {"text": "grüße"})
        for relay in ("near", "far"):
            self.assertEqual(self.host.call(relay, "io.troupe.test.relay.Answer", {"to": "slow", **data}), {"text": "grüße"})

    def test_messages_are_forwarded_and_answered_by_another(self):
        self.assertEqual(self.host.call("forward", f"{SLOW_ACTOR}.Answer", {"text": "x", "delayMs": 1}), {"text": "x"})

    def test_no_answer_is_an_answer(self):
        self.assert_error("NoReply", self.host.call, "slow", f"{SLOW_ACTOR}.Forget")
        self.assert_error("NoReply", self.host.call, "slow", f"{SLOW_ACTOR}.Drop")
        self.assert_error("Failed", self.host.call, "slow", f"{SLOW_ACTOR}.Fail", {"code": -5})
        self.assert_error("org.varlink.service.MethodNotImplemented", self.host.call, "slow", f"{SLOW_ACTOR}.Missing")
        with self.assertRaises(varlink.VarlinkError) as caught:
            self.host.control("Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Never", "timeoutMs": 100})
        self.assertEqual(caught.exception.name, f"{CONTROL}.Timeout")

    def test_failures_cross_workers_unchanged(self):
        for relay in ("near", "far"):
            for habit, status, ms in [("never", "timeout", 300), ("drop", "no-reply", 20000), ("forget", "no-reply", 20000),
                                      ("fail", "failed", 20000), ("missing", "method-not-implemented", 20000)]:
                data = self.assert_error("io.troupe.test.relay.NotAnswered", self.host.call, relay,
                                         "io.troupe.test.relay.Provoke", {"to": "slow", "habit": habit, "timeoutMs": ms})
                self.assertEqual(data["status"], status, (relay, habit))

    def test_streams_come_one_by_one(self):
        for name, method, extra in [("slow", f"{SLOW_ACTOR}.Stream", {}), ("near", "io.troupe.test.relay.Stream", {"to": "slow"}),
                                    ("far", "io.troupe.test.relay.Stream", {"to": "slow"})]:
            with self.host.client() as client:
                numbers = [reply["parameters"]["number"] for reply in client.stream(
                    f"{CONTROL}.Call", {"name": name, "method": method, "parameters": {"count": 50, "periodMs": 1, **extra}})]
            self.assertEqual(numbers, list(range(1, 51)), name)

    def test_long_streams_lose_nothing(self):
        with self.host.client() as client:
            numbers = [reply["parameters"]["number"] for reply in client.stream(
                f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Burst", "parameters": {"count": 100000}})]
        self.assertEqual(numbers, list(range(1, 100001)))

    def test_a_client_that_reads_late_slows_the_actor_down(self):
        def memory():
            return {worker["worker"]: worker["memory"] for worker in self.host.control("Workers")["workers"]} | {"master": master_memory()}

        def master_memory():
            with open(f"/proc/{self.host.process.pid}/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        before = memory()
        clients = [self.host.client() for _ in range(4)]
        for client in clients:
            client.send(f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Burst", "parameters": {"count": 150000}}, more=True)
        time.sleep(2)
        # Without it each stream would hold 12 MB and more, as JSON or as messages.
        after = memory()
        for process, bytes_before in before.items():
            self.assertLess(after[process] - bytes_before, (24 << 20) * SLOW, process)
        for client in clients:
            continues, number = True, 0
            while continues:
                reply, continues = client.receive()
                number += 1
                self.assertEqual(reply["parameters"]["number"], number)
            self.assertEqual(number, 150000)
            client.close()

    def test_a_caller_that_goes_is_reported(self):
        client = self.host.client()
        client.send(f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Never"})
        wait_for(lambda: self.host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 1)
        client.close()
        wait_for(lambda: self.host.call("slow", f"{SLOW_ACTOR}.Kept") == {"kept": 0, "cancelled": 1})

    def test_an_actor_that_quits_answers_all_that_wait(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(self.host.call, "slow", f"{SLOW_ACTOR}.Never") for _ in range(3)]
            wait_for(lambda: self.host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 3)
            self.host.call("slow", f"{SLOW_ACTOR}.Quit", {"code": 0})
            for future in waiting:
                with self.assertRaises(varlink.VarlinkError) as caught:
                    future.result()
                self.assertEqual(caught.exception.name, f"{CONTROL}.ActorDied")
        self.host.wait_unit("slow", "ended")
        self.assert_error("NoSuchActor", self.host.call, "nobody", f"{SLOW_ACTOR}.Kept")

    def test_an_actor_that_fails_is_restarted(self):
        address = self.host.unit("slow")["instances"][0]["address"]
        self.host.call("slow", f"{SLOW_ACTOR}.Quit", {"code": -5})
        wait_for(lambda: (i := self.host.unit("slow")["instances"][0])["state"] == "running" and i["address"] != address)
        # The old address never reaches the new actor.
        self.assert_error("NoSuchActor", self.host.call, address, f"{SLOW_ACTOR}.Kept")
