"""troupectl map: JSON lines in, calls to an actor or pool, JSON lines out."""
import json
import os
import signal
import subprocess
import time

from host import SLOW, TROUPECTL, HostTest, waits
from test_ctl import on_terminal
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
SLOW_ACTOR = "io.troupe.test.slow"
ECHO = "io.troupe.test.echo"


def lines(items):
    return "".join(json.dumps(item) + "\n" for item in items)


class Map(HostTest):
    def map(self, host, *arguments, input, check=True):
        done = host.ctl("map", *arguments, input=input, check=check, timeout=120)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def test_answers_come_in_the_order_of_the_lines(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 4}})
        # Later lines are answered sooner.
        asked = [{"text": str(n), "delayMs": 50 - n % 50} for n in range(500)]
        _, answers = self.map(host, "pool", f"{SLOW_ACTOR}.Answer", input=lines(asked))
        self.assertEqual(answers, [{"text": line["text"]} for line in asked])

    @waits(10)
    def test_unordered_answers_come_as_they_come(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 4}})
        asked = [{"text": str(n), "delayMs": 10000 if n == 0 else 0} for n in range(100)]
        _, answers = self.map(host, "--unordered", "pool", f"{SLOW_ACTOR}.Answer", input=lines(asked))
        self.assertEqual(sorted(a["text"] for a in answers), sorted(line["text"] for line in asked))
        # Only those behind it on its own connection wait for the slow one.
        self.assertGreater([a["text"] for a in answers].index("0"), 50)

    def test_failures_are_lines_of_their_own_and_in_the_status(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        text = lines([{"name": "a"}, {"name": "x" * 100}, {"nam": "b"}]) + "not json\n[1]\n" + lines([{"name": "c"}])
        done, answers = self.map(host, "hello", GREET, input=text, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(answers), 6)
        self.assertEqual(answers[0]["text"], "hello, a")
        self.assertEqual((answers[1]["error"], answers[1]["parameters"], answers[1]["line"]), ("io.troupe.hello.NameTooLong", {"limit": 64}, 2))
        self.assertEqual((answers[2]["error"], answers[2]["line"]), ("org.varlink.service.InvalidParameter", 3))
        self.assertEqual([("error" in a, a.get("line")) for a in answers[3:5]], [(True, 4), (True, 5)])
        self.assertEqual(answers[5]["text"], "hello, c")

    def test_empty_input_is_no_failure(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        self.assertEqual(self.map(host, "hello", GREET, input="")[1], [])
        # The last line needs no newline.
        self.assertEqual(self.map(host, "hello", GREET, input='{"name":"x"}')[1][0]["text"], "hello, x")

    def test_a_worker_that_dies_in_the_middle_costs_nothing_with_retry(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 4}}, daemon={"RestartDelay": "50ms", "GiveUp": "never"})
        asked = [{"text": str(n), "delayMs": 5} for n in range(4000)]
        path = os.path.join(host.directory, "answers")
        with open(path, "w") as output:
            process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "--retry", "20", "pool", f"{SLOW_ACTOR}.Answer"],
                                       stdin=subprocess.PIPE, stdout=output, text=True)
            process.stdin.write(lines(asked[:2000]))
            process.stdin.flush()
            time.sleep(0.2)
            host.kill_worker(1, signal.SIGSEGV)
            process.stdin.write(lines(asked[2000:]))
            process.stdin.close()
            self.assertEqual(process.wait(60 * SLOW), 0)
        with open(path) as file:
            self.assertEqual([json.loads(line)["text"] for line in file], [line["text"] for line in asked])

    def test_a_line_that_crashes_is_not_tried_on_one_actor_after_the_other(self):
        host = self.daemon({"pool": {"Plugin": "crash", "Instances": 12}}, daemon={"Workers": 3})
        path = os.path.join(host.directory, "lines")
        with open(path, "w") as file:
            file.write(lines([{"crash": n == 50, "ms": 1} for n in range(200)]))
        done = host.ctl("map", "--retry", "10", "pool", "io.troupe.test.crash.Maybe", "--input", path, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(answers), 200)
        self.assertEqual([answer for n, answer in enumerate(answers) if n != 50 and answer != {}], [])
        self.assertEqual(answers[50]["error"], "io.troupe.Control.ActorDied")
        self.assertIs(answers[50]["parameters"]["crashed"], True)
        wait_for(lambda: sum(worker["restarts"] for worker in host.workers()) >= 3, 20 * SLOW, "three restarts")
        self.assertEqual(sum(worker["restarts"] for worker in host.workers()), 3)

    def test_only_the_call_that_crashed_is_answered_so(self):
        host = self.daemon({"one": {"Plugin": "crash"}}, daemon={"Workers": 1})
        with host.client() as client:
            # At once: the last must be there before the crash.
            calls = [{"method": "io.troupe.test.crash.Maybe", "parameters": {"crash": crash, "ms": ms}}
                     for crash, ms in ((False, 200), (True, 0), (False, 0))]
            client.send_raw(b"".join(json.dumps(call).encode() + b"\0" for call in calls))
            self.assertNotIn("error", client.receive_raw())
            self.assertEqual(client.receive_raw()["parameters"], {"actor": "one/0", "crashed": True})
            self.assertEqual(client.receive_raw()["parameters"], {"actor": "one/0"})
        # Killed from outside it is nobody's fault.
        with host.client() as client:
            host.wait_workers(1)
            wait_for(lambda: host.unit("one")["state"] == "running")
            client.send("io.troupe.test.crash.Loop")
            wait_for(lambda: host.control("List")["units"][0]["instances"][0]["outstanding"] == 1)
            host.kill_worker(1)
            self.assertEqual(client.receive_raw()["parameters"], {"actor": "one/0"})

    def test_without_retry_the_dead_calls_are_failures(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}})
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "slow", f"{SLOW_ACTOR}.Answer"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        process.stdin.write(lines([{"text": str(n), "delayMs": 60000} for n in range(10)]))
        process.stdin.close()
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 10)
        os.kill(host.worker(1)["pid"], signal.SIGKILL)
        output = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(20 * SLOW), 1)
        self.assertEqual([o["error"] for o in output], ["io.troupe.Control.ActorDied"] * 10)
        process.stdout.close()

    def restarted(self, *options, target):
        """400 lines, and a daemon that is killed and started again in the middle: the status,
        the lines asked and answered."""
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 4}})
        # What is answered is seen 4 KiB at a time: then there are many seconds left.
        asked = [{"text": str(n), "delayMs": 10 if n < 250 else 1500} for n in range(400)]
        path = os.path.join(host.directory, "answers")
        with open(path, "w") as output:
            process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "--window", "4", *options, *target],
                                       stdin=subprocess.PIPE, stdout=output, stderr=subprocess.DEVNULL, text=True)
            process.stdin.write(lines(asked))
            process.stdin.close()
            wait_for(lambda: os.path.getsize(path) > 0)
            host.process.kill()
            host.process.wait()
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            host.start()
            status = process.wait(60 * SLOW)
        with open(path) as file:
            return status, asked, [json.loads(line) for line in file]

    @waits(30)
    def test_a_daemon_that_is_restarted_costs_nothing_with_retry(self):
        for target in (["pool", f"{SLOW_ACTOR}.Answer"], [f"{SLOW_ACTOR}.Answer"]):
            status, asked, answers = self.restarted("--retry", "3", target=target)
            self.assertEqual(answers, [{"text": line["text"]} for line in asked])
            self.assertEqual(status, 0)

    @waits(15)
    def test_a_daemon_that_is_restarted_fails_what_was_in_flight_without_retry(self):
        status, asked, answers = self.restarted(target=["pool", f"{SLOW_ACTOR}.Answer"])
        self.assertEqual(status, 1)
        self.assertEqual(len(answers), len(asked))
        failed = [n for n, answer in enumerate(answers) if "error" in answer]
        # No more than the windows of four connections hold; and once more, since the kernel
        # ends the connections of a killed process before its listening socket, at which those
        # that are made meanwhile end.
        self.assertIn(len(failed), range(1, 33))
        for n, answer in enumerate(answers):
            if n in failed:
                self.assertEqual((answer["error"], answer["line"]), ("io.troupe.Control.PeerDown", n + 1))
            else:
                self.assertEqual(answer["text"], str(n))

    @waits(10)
    def test_a_daemon_that_stays_away_ends_it(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "--retry", "5", "--window", "2", "--connections", "1",
                                    "slow", f"{SLOW_ACTOR}.Never"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdin.write(lines([{}] * 10))
        process.stdin.flush()
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 2)
        # The kernel ends the connections of a killed process before its listening socket, which
        # would take another one meanwhile.
        host.process.send_signal(signal.SIGSTOP)
        os.unlink(host.socket)
        host.process.kill()
        output, errors = process.communicate(timeout=30 * SLOW)
        self.assertEqual(process.returncode, 3)
        self.assertIn("did not come back", errors)
        # Those that were asked; the others never were.
        self.assertEqual([(a["error"], a["line"]) for a in map(json.loads, output.splitlines())],
                         [("io.troupe.Control.PeerDown", 1), ("io.troupe.Control.PeerDown", 2)])

    @waits(12)
    def test_signals_end_it_in_order_and_then_at_once(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        command = [TROUPECTL, "--socket", host.socket, "map", "--connections", "1", "--window", "2", "slow", f"{SLOW_ACTOR}.Answer"]
        processes = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            processes[number] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            processes[number].stdin.write(lines([{"text": str(n), "delayMs": 10000} for n in range(10)]))
            processes[number].stdin.flush()
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 4)
        for number, process in processes.items():
            process.send_signal(number)
        for number, process in processes.items():
            output, errors = process.communicate(timeout=40 * SLOW)
            self.assertEqual(process.returncode, 128 + number)
            self.assertEqual(output, '{"text":"0"}\n{"text":"1"}\n')
            self.assertIn("interrupted", errors)
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([*command[:-1], f"{SLOW_ACTOR}.Never"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            process.stdin.write(lines([{}] * 10))
            process.stdin.flush()
            wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 2)
            process.send_signal(signal.SIGINT)
            self.assertIn("interrupt again", process.stderr.readline())
            process.send_signal(number)
            output, _ = process.communicate(timeout=20 * SLOW)
            self.assertEqual(process.returncode, 128 + number)
            self.assertEqual([(a["error"], a["line"]) for a in map(json.loads, output.splitlines())],
                             [("io.troupe.Control.Cancelled", 1), ("io.troupe.Control.Cancelled", 2)])
            wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 0)

    def test_progress_is_for_terminals(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        command = [TROUPECTL, "--socket", host.socket, "map", "--connections", "1", "--window", "1"]
        target = ["slow", f"{SLOW_ACTOR}.Answer"]
        path = os.path.join(host.directory, "asked")
        with open(path, "w") as file:
            file.write(lines([{"text": "é" * 10, "delayMs": 150}] * 20))
        for options, shown in ((["--input", path], True), (["--input", path, "--no-progress"], False)):
            status, output = on_terminal([*command, *options, *target], stdout=subprocess.DEVNULL)
            self.assertEqual(status, 0)
            self.assertEqual("lines," in output and "[####" in output, shown, output)
            # What it was is taken away.
            self.assertEqual(output.endswith("\r\x1b[K"), shown, output)
        done = host.ctl("map", "--input", path, *target)
        self.assertEqual(done.stderr, "")

    def test_the_window_bounds_what_is_in_flight(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "--connections", "2", "--window", "8", "slow",
                                    f"{SLOW_ACTOR}.Never"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process.stdin.write(lines([{}] * 1000))
        process.stdin.flush()
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] >= 16)
        time.sleep(0.3)
        self.assertEqual(host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"], 16)
        # Asked to stop, it waits for what is in flight; asked again, it does not.
        process.send_signal(signal.SIGINT)
        self.assertIn("waiting for the calls under way", process.stderr.readline())
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.wait(20 * SLOW)
        process.stdin.close()
        process.stderr.close()
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 0)

    def test_a_reader_that_goes_away_ends_it(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "map", "hello", GREET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdin.write(lines([{"name": "x"}] * 1000).encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        try:
            for _ in range(1000):
                process.stdin.write(lines([{"name": "x"}] * 100).encode())
                process.stdin.flush()
        except BrokenPipeError:
            pass
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        self.assertNotEqual(process.wait(20 * SLOW), 0)

    def test_large_lines_and_many_lines(self):
        host = self.daemon({"echo": {"Plugin": "echo", "Instances": 2}}, daemon={"FrameMax": "16M"})
        asked = [{"text": "x" * (1 << (n % 21))} for n in range(200)]
        _, answers = self.map(host, "echo", f"{ECHO}.Text", input=lines(asked))
        self.assertEqual(answers, asked)
        asked = [{"text": str(n)} for n in range(50000 // SLOW)]
        _, answers = self.map(host, "echo", f"{ECHO}.Text", input=lines(asked))
        self.assertEqual(answers, asked)
