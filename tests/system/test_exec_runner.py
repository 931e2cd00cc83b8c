"""exec-runner: real programs, run for real clients, and the ways in which they end."""
import base64
import json
import os
import re
import threading
import time

from host import SLOW, HostTest, is_alive, waits
from varlink import wait_for

RUNNER = "io.troupe.ExecRunner"

PROGRAMS = {
    "echo": {"command": ["echo", "one"], "arguments": 2},
    "shell": {"command": ["sh", "-c"], "arguments": 9, "input": True, "outputMax": 4096, "timeoutMs": 60000},
    "hasty": {"command": ["sh", "-c"], "arguments": 1, "timeoutMs": 4500 + 1500 * SLOW},
    "cat": {"command": ["cat"], "input": True, "outputMax": 1 << 20},
    "where": {"command": ["sh", "-c", "pwd; env | sort"], "directory": "/usr", "environment": {"WORD": "bond", "LANG": "C"}},
    "missing": {"command": ["/no/such/program"]},
    "no-place": {"command": ["true"], "directory": "/no/such/place"},
}


class Runner(HostTest):
    def runner(self, unit=None, **config):
        return self.daemon({"exec-runner": {"Plugin": "exec-runner", "Worker": 1, "Tasks": 1000, **(unit or {}), "Config": {
            "Programs": json.dumps(config.pop("Programs", PROGRAMS)), "KillMs": 300, **config}}, "hello": {"Plugin": "hello", "Worker": 1}})

    def run_it(self, host, program, *arguments, timeout=30, **more):
        with host.client(timeout=timeout * SLOW) as client:
            return client.call(f"{RUNNER}.Run", {"program": program, "arguments": list(arguments), **more})

    def runs(self, host):
        return host.call("exec-runner", f"{RUNNER}.Runs")["runs"]

    def test_a_program_is_run_to_its_end(self):
        host = self.runner()
        done = self.run_it(host, "echo", "two", "three  four")
        self.assertEqual(done, {"exit": {"status": 0, "timedOut": False}, "output": "one two three  four\n", "errors": "",
                                "truncated": False})
        done = self.run_it(host, "shell", "echo out; echo err >&2; exit 7")
        self.assertEqual((done["exit"]["status"], done["output"], done["errors"]), (7, "out\n", "err\n"))
        done = self.run_it(host, "shell", "kill -SEGV $$")
        self.assertEqual(done["exit"], {"signal": "SEGV", "timedOut": False})
        self.assertEqual(self.runs(host), [])

    def test_it_begins_with_what_the_configuration_says(self):
        done = self.run_it(self.runner(), "where")
        lines = done["output"].splitlines()
        self.assertEqual(lines[0], "/usr")
        self.assertEqual({line.split("=")[0] for line in lines[1:]} - {"PWD", "OLDPWD", "SHLVL", "_"}, {"LANG", "PATH", "WORD"})
        self.assertIn("LANG=C", lines)
        self.assertIn("WORD=bond", lines)

    def test_input_goes_in_and_output_comes_out(self):
        host = self.runner()
        text = "".join(f"line {n}\n" for n in range(50000))
        self.assertEqual(self.run_it(host, "cat", input=text)["output"], text)
        # who does not read it all is no trouble
        self.assertEqual(self.run_it(host, "shell", "head -c 6", input=text)["output"], "line 0")
        self.assertEqual(self.run_it(host, "shell", "cat")["output"], "")

    def test_what_is_too_much_or_no_text_is_cut_or_replaced(self):
        host = self.runner()
        done = self.run_it(host, "shell", "yes | head -c 1000000; printf '\\377a\\000' >&2")
        self.assertEqual((done["output"], done["truncated"]), ("y\n" * 2048, True))
        self.assertEqual(done["errors"], "�a�")
        self.assertEqual(done["exit"]["status"], 0)

    def test_what_may_not_be_run_is_refused(self):
        host = self.runner()

        def refused(error, program, *arguments, **more):
            self.assert_error(f"{RUNNER}.{error}", self.run_it, host, program, *arguments, **more)

        refused("UnknownProgram", "rm")
        refused("UnknownProgram", "")
        refused("TooManyArguments", "echo", "a", "b", "c")
        refused("TooManyArguments", "cat", "/etc/passwd")
        refused("NoInput", "echo", input="text")
        refused("CannotStart", "missing")
        refused("CannotStart", "no-place")
        self.assert_error("org.varlink.service.InvalidParameter", self.run_it, host, "echo", timeoutMs=0)
        self.assertEqual(self.runs(host), [])

    @waits(30)
    def test_time_that_is_up_ends_all_of_it(self):
        host = self.runner(KillMs=7000 + 2000 * SLOW)  # whoever obeys has done so by then
        began = time.monotonic()
        done = self.run_it(host, "hasty", "echo begun; sleep 1000 & sleep 1000")
        self.assertEqual((done["exit"], done["output"]), ({"signal": "TERM", "timedOut": True}, "begun\n"))
        done = self.run_it(host, "hasty", "trap '' TERM; echo $$; while :; do sleep 1; done")
        self.assertEqual(done["exit"], {"signal": "KILL", "timedOut": True})
        done = self.run_it(host, "hasty", "trap 'echo bye; exit 3' TERM; while :; do sleep 0.01; done")
        self.assertEqual((done["exit"], done["output"]), ({"status": 3, "timedOut": True}, "bye\n"))
        done = self.run_it(host, "shell", "sleep 1000", timeoutMs=500 * SLOW)
        self.assertTrue(done["exit"]["timedOut"])
        self.assertLess(time.monotonic() - began, 90 * SLOW)

    def test_what_it_leaves_behind_holds_up_nobody(self):
        host = self.runner()
        began = time.monotonic()
        done = self.run_it(host, "shell", "sleep 1000 & echo $!; exit 5")
        self.assertEqual(done["exit"]["status"], 5)
        wait_for(lambda: not is_alive(int(done["output"])), 20 * SLOW, "the grandchild's end")
        # one that has a session of its own goes on, and has the pipe
        note = os.path.join(host.directory, "pid")
        done = self.run_it(host, "shell", f"setsid sh -c 'echo $$ > {note}; exec sleep 1000' & "
                                          f"while ! [ -s {note} ]; do sleep 0.01; done; cat {note}; exit 6")
        self.assertEqual(done["exit"]["status"], 6)
        self.assertTrue(is_alive(int(done["output"])))
        self.assertLess(time.monotonic() - began, 30 * SLOW)
        os.kill(int(done["output"]), 9)

    def test_a_stream_has_every_byte_and_the_exit(self):
        host = self.runner()
        with host.client(timeout=60 * SLOW) as client:
            replies = list(client.stream(f"{RUNNER}.Stream", {
                "program": "shell", "arguments": ["seq 100000; printf '\\377' >&2; exit 2"]}))
        self.assertEqual(list(replies[0]), ["id"])
        self.assertEqual(replies[-1], {"exit": {"status": 2, "timedOut": False}})
        output = b"".join(base64.b64decode(reply["output"]) for reply in replies if "output" in reply)
        errors = b"".join(base64.b64decode(reply["errors"]) for reply in replies if "errors" in reply)
        self.assertEqual(output, b"".join(b"%d\n" % n for n in range(1, 100001)))
        self.assertEqual(errors, b"\xff")

    def test_a_reader_that_does_not_read_stops_the_program(self):
        host = self.runner()
        with host.client(timeout=60 * SLOW) as client:
            client.send(f"{RUNNER}.Stream", {"program": "shell", "arguments": ["exec yes"]}, more=True)
            self.assertIn("id", client.receive()[0])
            wait_for(lambda: self.runs(host), 20 * SLOW, "the run")
            pid = self.runs(host)[0]["pid"]

            def written():
                with open(f"/proc/{pid}/io", encoding="ascii") as file:
                    return int(re.search(r"wchar: (\d+)", file.read())[1])

            def stands():
                before = written()
                time.sleep(0.3)
                return written() == before

            wait_for(stands, 60 * SLOW, "the program to wait for its reader")
            for _ in range(200):
                self.assertIn("output", client.receive()[0])
        wait_for(lambda: not self.runs(host), 20 * SLOW, "its end with its reader")
        self.assertFalse(is_alive(pid))

    def test_runs_are_listed_and_killed(self):
        host = self.runner()
        with host.client(timeout=60 * SLOW) as client:
            client.send(f"{RUNNER}.Stream", {
                "program": "shell", "arguments": ["trap 'echo hup' HUP; echo trapped; while :; do sleep 0.01; done"]}, more=True)

            def next_reply():
                while "errors" in (reply := client.receive()[0]):
                    pass  # the shell's, about a sleep that was hung up, too
                return reply

            def says(text):
                self.assertEqual(base64.b64decode(next_reply()["output"]), text)

            id = client.receive()[0]["id"]
            says(b"trapped\n")
            run, = self.runs(host)
            self.assertEqual((run["id"], run["program"]), (id, "shell"))
            self.assertTrue(is_alive(run["pid"]))

            def kill(**more):
                return host.call("exec-runner", f"{RUNNER}.Kill", {"id": id, **more})

            self.assert_error(f"{RUNNER}.NoSuchSignal", kill, signal="NONSENSE")
            kill(signal="SIGHUP")
            says(b"hup\n")
            kill()
            self.assertEqual(next_reply(), {"exit": {"signal": "TERM", "timedOut": False}})
            self.assert_error(f"{RUNNER}.NoSuchRun", kill)

    def test_so_many_run_at_a_time(self):
        host = self.runner(Runs=2)
        clients = [host.client(timeout=60 * SLOW) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
            client.send(f"{RUNNER}.Run", {"program": "shell", "arguments": ["sleep 1000"]})
        wait_for(lambda: len(self.runs(host)) == 2, 20 * SLOW, "two runs")
        self.assert_error(f"{RUNNER}.Busy", self.run_it, host, "echo")
        for client in clients:
            client.close()
        wait_for(lambda: not self.runs(host), 20 * SLOW, "their ends")
        self.assertEqual(self.run_it(host, "echo")["output"], "one\n")

    def test_a_caller_that_leaves_ends_its_program(self):
        host = self.runner()
        client = host.client(timeout=60 * SLOW)
        client.send(f"{RUNNER}.Run", {"program": "shell", "arguments": ["trap '' TERM; while :; do sleep 0.1; done"]})
        wait_for(lambda: self.runs(host) and self.runs(host)[0]["pid"], 20 * SLOW, "the run")
        pid = self.runs(host)[0]["pid"]
        client.close()
        wait_for(lambda: not self.runs(host), 20 * SLOW, "the run's end")
        self.assertFalse(is_alive(pid))

    def begin_stubborn(self, host):
        client = host.client(timeout=60 * SLOW)
        self.addCleanup(client.close)
        client.send(f"{RUNNER}.Run", {"program": "shell", "arguments": ["trap '' TERM; while :; do sleep 0.1; done"]})
        wait_for(lambda: self.runs(host) and self.runs(host)[0]["pid"], 20 * SLOW, "the run")
        return self.runs(host)[0]["pid"]

    def test_programs_end_with_the_actor_the_worker_and_the_daemon(self):
        host = self.runner(unit={"TaskGrace": "1s"})
        pid = self.begin_stubborn(host)
        host.ctl("stop", "exec-runner")
        wait_for(lambda: not is_alive(pid), 20 * SLOW, "the end with the actor")
        host.ctl("start", "exec-runner")
        pid = self.begin_stubborn(host)
        host.kill_worker(1)
        wait_for(lambda: not is_alive(pid), 20 * SLOW, "the end with the worker")
        host.wait_unit("exec-runner", "running")
        pid = self.begin_stubborn(host)
        host.terminate()
        wait_for(lambda: not is_alive(pid), 20 * SLOW, "the end with the daemon")

    def test_many_runs_leave_nothing(self):
        host = self.runner(Runs=50)
        worker = host.worker(1)["pid"]
        before = None
        failures = []

        def work(first):
            for n in range(first, first + 50):
                done = self.run_it(host, "shell", f"exit {n % 100}")
                if done["exit"].get("status") != n % 100:
                    failures.append(done)

        for _ in range(2):
            threads = [threading.Thread(target=work, args=(n * 50,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_for(lambda: not self.runs(host), 20 * SLOW, "their ends")
            count = len(os.listdir(f"/proc/{worker}/fd"))
            before = before or count
        self.assertEqual(failures, [])
        self.assertLessEqual(count, before + 2)
        with open(f"/proc/{worker}/task/{worker}/children", encoding="ascii") as file:
            self.assertEqual(file.read(), "")

    def test_a_wrong_configuration_is_refused_with_its_reason(self):
        for config, reason in (({"Runs": 0}, "runs must be from 1 to 512"), ({"KillMs": 60000}, "killMs must be from 0 to 50000"),
                               ({"Programs": {"x": {"command": []}}}, "programs.x.command is empty"),
                               ({"Programs": {"x": {"command": ["a"], "timeoutMs": 0}}}, "programs.x.timeoutMs must be"),
                               ({"Programs": {"x": {"command": ["a"], "outputMax": 1 << 30}}}, "programs.x.outputMax must be"),
                               ({"Programs": {"x": {"command": ["a"], "arguments": -1}}}, "programs.x.arguments must be")):
            host = self.runner(**config)
            host.wait_log(reason)
            host.stop()
