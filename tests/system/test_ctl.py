"""troupectl: what people and scripts see."""
import json
import os
import signal
import subprocess

from host import HostTest, SLOW, TROUPECTL, plugin
from varlink import wait_for

GREET = "io.troupe.hello.Greet"


class Ctl(HostTest):
    def test_verbs_speak_json(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 2, "Description": "A friend"}})
        self.assertEqual(host.ctl_json("status")["state"], "running")
        self.assertEqual([unit["name"] for unit in host.ctl_json("list")["units"]], ["hello"])
        self.assertEqual(host.ctl_json("show", "hello")["unit"]["description"], "A friend")
        self.assertEqual(len(host.ctl_json("workers")["workers"]), 2)
        self.assertEqual(host.ctl_json("call", "hello", GREET, '{"name":"x"}')["text"], "hello, x")
        actors = [json.loads(line) for line in host.ctl("--json", "actors").stdout.splitlines()]
        self.assertEqual(sum(len(reply["actors"]) for reply in actors), 2)
        json.loads(host.ctl("--json", "tree").stdout)

    def test_verbs_speak_to_people(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 2, "Description": "A friend"}})
        for verb, words in [(["status"], ["running", "workers"]), (["list"], ["hello", "running"]), (["show", "hello"], ["A friend", "io.troupe.hello"]),
                            (["tree"], ["worker 1", "worker 2", "hello"]), (["workers"], ["running"]), (["actors"], ["hello"])]:
            output = host.ctl(*verb).stdout.lower()
            for word in words:
                self.assertIn(word.lower(), output, verb)
            # No colours where there is no terminal.
            self.assertNotIn("\x1b", output)

    def test_calls_take_parameters_in_several_ways(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "echo": {"Plugin": "echo"}})
        for arguments in (["hello", GREET, '{"name":"x"}'], ["hello", "Greet", "name=x"], ["hello", GREET, "name=x"], [GREET, "name=x"]):
            self.assertEqual(json.loads(host.ctl("call", *arguments).stdout)["text"], "hello, x", arguments)
        self.assertEqual(json.loads(host.ctl("call", GREET, "-", input='{"name":"stdin"}').stdout)["text"], "hello, stdin")
        done = host.ctl("call", "echo", "Fail", "number=7", "text=seven", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("io.troupe.test.echo.Failed", done.stderr)
        self.assertIn("seven", done.stderr)
        host.ctl("send", "hello", GREET, '{"name":"x"}')
        wait_for(lambda: host.call("hello", GREET, {"name": "y"})["count"] >= 7)

    def test_streams_are_printed_as_they_come(self):
        host = self.daemon({"ticker": {"Plugin": "ticker"}})
        output = host.ctl("call", "--more", "ticker", "Watch", "periodMs=10", "count=5").stdout
        self.assertEqual([json.loads(line)["tick"] for line in output.splitlines()], [1, 2, 3, 4, 5])

    def test_units_are_spawned_stopped_started(self):
        host = self.daemon()
        host.ctl("spawn", "new", plugin("hello"), "--instances", "2", "--config", '{"greeting":"hi"}')
        self.assertEqual(host.ctl_json("call", "new", GREET, "name=x")["text"], "hi, x")
        host.ctl("stop", "new/1")
        host.ctl("start", "new")
        host.ctl("stop", "new")

    def test_reload_tells_what_it_did(self):
        host = self.daemon()
        host.actor("new", {"Plugin": "hello"})
        self.assertIn("new", host.ctl("reload").stdout)
        host.actor("bad", {"Plugin": "hello", "Batch": "x"})
        done = host.ctl("reload", check=False)
        self.assertIn("bad.actor:3", done.stdout + done.stderr)

    def test_introspect_shows_interfaces(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        self.assertIn("io.troupe.hello", host.ctl("introspect").stdout)
        self.assertIn("method Greet(name: string)", host.ctl("introspect", "io.troupe.hello").stdout)

    def test_inspect_reads_a_plugin_without_running_it(self):
        host = self.unstarted()
        output = host.ctl("inspect", plugin("crash_in_init")).stdout
        self.assertIn("io.troupe.test.crash-in-init", output)
        done = host.ctl("inspect", plugin("wrong_abi"), check=False)
        self.assertIn("ABI", done.stdout + done.stderr)
        self.assertNotEqual(host.ctl("inspect", "/etc/passwd", check=False).returncode, 0)

    def test_inspect_tells_of_each_actor_type(self):
        host = self.unstarted()
        output = host.ctl("inspect", plugin("relay")).stdout
        self.assertIn("Actor type forward: Hands each message on to another actor.\n    Provides: io.troupe.test.slow\n"
                      "    [Config]: io.troupe.test.forward.Config\n      to: string\n", output)
        self.assertIn("Provides: io.troupe.test.relay\n    [Config]: takes none\n", output)
        forward, relay = json.loads(host.ctl("--json", "inspect", plugin("relay")).stdout)["actors"]
        self.assertEqual(forward["config"], {"interface": "io.troupe.test.forward", "type": "Config",
                                             "fields": [{"name": "to", "type": "string"}]})
        self.assertEqual((relay["config"], relay["interfaces"]), (None, ["io.troupe.test.relay"]))

    def test_errors_say_what_to_do_next(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "other": {"Plugin": "hello"}})
        cases = [(["call", "helo", GREET, "name=x"], ["helo", "hello"]), (["call", GREET, "name=x"], ["hello", "other"]),
                 (["call", "hello", GREET, "nam=x"], ["nam", "name"]), (["call", "hello", "Nothing"], ["Nothing", "Greet"]),
                 (["show", "nobody"], ["nobody"]), (["stop", "nobody"], ["nobody"]), (["spawn", "x", "/nowhere.so"], ["/nowhere.so"])]
        for arguments, words in cases:
            done = host.ctl(*arguments, check=False)
            self.assertIn(done.returncode, (1, 2), arguments)
            for word in words:
                self.assertIn(word, done.stderr, arguments)
        for arguments in ([], ["dance"], ["call"], ["status", "--nothing"]):
            done = host.ctl(*arguments, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("--help", done.stderr, arguments)

    def test_no_daemon_is_told_with_the_socket_and_a_way_out(self):
        host = self.unstarted()
        done = host.ctl("status", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(host.socket, done.stderr)
        self.assertIn("trouped", done.stderr)

    def test_watch_shows_events(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "--json", "watch"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(json.loads(process.stdout.readline())["event"], "watching")
        host.kill_worker(1)
        seen = set()
        while "workerDied" not in seen:
            seen.add(json.loads(process.stdout.readline())["event"])
        process.send_signal(signal.SIGINT)
        process.wait(20 * SLOW)
        process.stdout.close()

    def test_help_and_version(self):
        host = self.unstarted()
        for binary in ("troupectl", "trouped", "troupe-worker", "troupe-gen"):
            path = os.path.join(os.path.dirname(TROUPECTL), binary)
            for option in ("--help", "--version"):
                done = subprocess.run([path, option], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
                self.assertEqual((done.returncode, done.stderr), (0, ""), (binary, option))
                self.assertTrue(done.stdout.strip())
        self.assertIn("--window", host.ctl("map", "--help").stdout)
        self.assertEqual(host.ctl("--version").stdout.split()[-1], "0.1.0")

    def test_shutdown_stops_the_daemon(self):
        host = self.daemon()
        host.ctl("shutdown")
        self.assertEqual(host.process.wait(20 * SLOW), 0)
