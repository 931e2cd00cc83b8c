"""troupectl: what people and scripts see."""
import json
import os
import signal
import pty
import select
import shutil
import subprocess
import time

from host import HostTest, PLUGINS, SLOW, TROUPECTL, plugin
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
SERVICE = "org.varlink.service"


def on_terminal(command, env=None, seconds=20, **streams):
    """Run with a terminal where `streams` does not say otherwise; its status, and what the
    terminal got."""
    master, slave = pty.openpty()
    more = {"TERM": "xterm", **(env or {})}
    process = subprocess.Popen(command, env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **more},
                               **{"stdin": subprocess.DEVNULL, "stdout": slave, "stderr": slave, **streams})
    os.close(slave)
    output, end = b"", time.monotonic() + seconds * SLOW
    try:
        while time.monotonic() < end and select.select([master], [], [], seconds * SLOW)[0]:
            output += os.read(master, 1 << 16)
    except OSError:  # nobody has the other end any more
        pass
    os.close(master)
    return process.wait(seconds * SLOW), output.decode()


COMPLETION = os.path.join(os.path.dirname(__file__), "../../packaging/completion/troupectl.bash")


def inspect(file, *options):
    """No daemon is asked."""
    return subprocess.run([TROUPECTL, *options, "inspect", file if "/" in file else plugin(file)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


class Completion(HostTest):
    """What bash offers after the words typed so far; the last one is begun."""

    def offers(self, *words):
        script = f"source {COMPLETION}; COMP_WORDS=(\"$@\"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); " \
                 "compopt() { :; }; _troupectl; printf '%s\\n' \"${COMPREPLY[@]}\""
        words = ["troupectl", "--socket", self.host.socket, *words]
        done = subprocess.run(["bash", "-c", script, "bash", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "PATH": os.path.dirname(TROUPECTL) + ":" + os.environ["PATH"]}, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_a_unit_offers_its_own_methods_and_their_parameters(self):
        self.host = self.daemon({"hello": {"Plugin": "hello"}, "slow": {"Plugin": "slow"}})
        self.assertEqual(self.offers("call", "slow", "B"), ["Burst", "Block", "Burn"])
        self.assertIn("Greet", self.offers("call", "hello", ""))
        self.assertNotIn("Block", self.offers("call", "hello", ""))
        self.assertEqual(self.offers("call", "slow", "Answer", ""), ["text=", "delayMs="])
        self.assertEqual(self.offers("send", "slow", "Answer", "text=x", "d"), ["delayMs="])
        self.assertEqual(self.offers("call", "slow", "Answer", "delayMs", "="), [])
        for verb in ("show", "tasks", "stop", "start", "restart", "kill"):
            self.assertEqual(self.offers(verb, "h"), ["hello"], verb)
        self.assertEqual(self.offers("call", "io.troupe.hello.G"), ["io.troupe.hello.Greet"])
        self.assertEqual(self.offers("call", "io.troupe.hello.Greet", "n"), ["name="])
        self.assertEqual(self.offers("call", "hello", "io.troupe.hello.G"), ["io.troupe.hello.Greet"])
        self.assertEqual(self.offers("call", "hello", "io.troupe.hello.Greet", ""), ["name="])
        self.assertEqual(self.offers("map", "io.troupe.hello.Greet", ""), [])
        self.assertEqual(self.offers("actors", ""), ["1", "2"])


class Ctl(HostTest):
    def refusal(self, *arguments):
        """What it says when it fails."""
        done = self.host.ctl(*arguments, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_a_unit_that_does_not_run_is_said_to_be_so(self):
        self.host = host = self.daemon({"hello": {"Plugin": "hello"}, "other": {"Plugin": "slow"}})
        host.ctl("stop", "hello")
        # Whether the interface was to be looked up for the call, or the daemon refuses it.
        for call in [("hello", "Greet", "name=x"), (GREET, "name=x"), ("hello", GREET, '{"name":"x"}'), (GREET, "{}")]:
            text = self.refusal("call", *call)
            self.assertIn(" is stopped\n`troupectl start hello` starts it\n", text)
            self.assertNotIn("did you mean", text)
        host.ctl("start", "hello")
        self.assertEqual(host.ctl_json("call", "hello", "Greet", "name=x")["text"], "hello, x")

    def test_a_unit_that_has_failed_is_said_to_have(self):
        sour = f"[Actor]\nPlugin={plugin('fail_in_init')}\nRestart=no\n[Config]\nCode=-13\n"
        self.host = host = self.daemon({"sour": sour})
        host.wait_unit("sour", "failed")
        self.assertIn("sour has failed: init failed: Permission denied\n`troupectl start sour` starts it\n",
                      self.refusal("call", "sour", "a.b.C", "{}"))

    def test_a_call_that_waited_for_a_start_in_vain_says_why(self):
        sour = f"[Actor]\nPlugin={plugin('fail_in_init')}\nRestartDelay=1h\nRestartDelayMax=1h\n[Config]\nCode=-13\n"
        self.host = host = self.daemon({"sour": sour})
        host.wait_unit("sour", "backoff")
        reason = "sour is in backoff: init failed: Permission denied"
        self.assertEqual(self.assert_error("Timeout", host.control, "Call", {"name": "sour", "method": "a.b.C", "timeoutMs": 50}),
                         {"reason": reason})
        # It waits 50 ms longer for the daemon's answer than the call may take, which a machine
        # with much to do may need, too.
        wait_for(lambda: f"{reason}; --timeout TIME waits longer" in
                 host.ctl("call", "sour", "a.b.C", "{}", "--timeout", "50ms", check=False).stderr, 20 * SLOW)

    def test_verbs_speak_json(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 2, "Description": "A friend"}})
        self.assertEqual(host.ctl_json("status")["state"], "running")
        self.assertEqual([unit["name"] for unit in host.ctl_json("list")["units"]], ["hello"])
        self.assertEqual(host.ctl_json("show", "hello")["unit"]["description"], "A friend")
        self.assertEqual(len(host.ctl_json("workers")["workers"]), 2)
        self.assertEqual(host.ctl_json("call", "hello", GREET, '{"name":"x"}')["text"], "hello, x")
        self.assertEqual(host.ctl_json("send", "hello", GREET, '{"name":"x"}'), {})
        actors = [json.loads(line) for line in host.ctl_heard("--json", "actors").stdout.splitlines()]
        self.assertEqual(sum(len(reply["actors"]) for reply in actors), 2)

    def test_verbs_speak_to_people(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 2, "Description": "A friend"}})
        for verb, words in [(["status"], ["running", "workers"]), (["list"], ["hello", "running"]), (["show", "hello"], ["A friend", "io.troupe.hello"]),
                            (["tree"], ["worker 1", "worker 2", "hello"]), (["workers"], ["running"]), (["actors"], ["hello"])]:
            output = host.ctl_heard(*verb).stdout.lower()
            for word in words:
                self.assertIn(word.lower(), output, verb)
            # No colours where there is no terminal.
            self.assertNotIn("\x1b", output)

    def test_tree_is_one_object(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 5}, "bad": "[Actor]\nPlugin=/nowhere.so\n"})
        tree = host.ctl_json("tree")
        self.assertEqual(tree["status"]["pid"], host.process.pid)
        self.assertEqual([w["worker"] for w in tree["workers"]], [1, 2])
        instances = [i["instance"] for w in tree["workers"] for u in w["units"] if u["name"] == "pool" for i in u["instances"]]
        self.assertEqual(sorted(instances), list(range(5)))
        self.assertEqual([w["others"] for w in tree["workers"]], [[], []])
        self.assertEqual([(u["name"], u["state"]) for u in tree["missing"]], [("bad", "failed")])

    def test_actors_are_one_table_and_several_replies(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 2500}})
        rows = host.ctl_heard("actors").stdout.splitlines()
        self.assertEqual(len(rows), 2501)
        self.assertEqual([row for row in rows if "ADDRESS" in row], rows[:1])
        replies = [json.loads(line)["actors"] for line in host.ctl_heard("--json", "actors").stdout.splitlines()]
        self.assertGreater(len(replies), 2)
        self.assertNotIn([], replies)
        self.assertEqual(sorted(a["instance"] for reply in replies for a in reply), list(range(2500)))
        self.assertEqual(len(host.ctl_heard("actors", "2").stdout.splitlines()), 1251)

    def test_actors_of_no_worker_are_an_empty_table(self):
        host = self.daemon()
        self.assertEqual(len(host.ctl_heard("actors").stdout.splitlines()), 1)
        self.assertEqual(host.ctl_heard("--json", "actors").stdout, '{"actors":[],"silent":[]}\n')

    def test_show_lists_actors_in_the_order_of_instances(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 12}})
        rows = [line for line in host.ctl_heard("show", "pool").stdout.splitlines() if " pool/" in line]
        self.assertEqual([row.split()[1] for row in rows], [f"pool/{n}" for n in range(12)])

    def test_colours_are_for_terminals(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        command = [TROUPECTL, "--socket", host.socket]
        for verb in ("list", "status", "tree", "workers"):
            status, output = on_terminal([*command, verb])
            self.assertEqual(status, 0)
            self.assertIn("\x1b[32mrunning\x1b[0m", output, verb)
            # Without the colours it is what a pipe gets, but for numbers that grow.
            self.assertEqual(output.replace("\x1b[2m", "").replace("\x1b[32m", "").replace("\x1b[0m", "").split()[0],
                             host.ctl(verb).stdout.split()[0])
            self.assertNotIn("\x1b", on_terminal([*command, verb], env={"NO_COLOR": "1"})[1])
        self.assertNotIn("\x1b", on_terminal([*command, "--json", "list"])[1])
        # JSON is laid out for people, and not for programs.
        self.assertIn('{\r\n  "text": "hello, x"', on_terminal([*command, "call", "hello", "Greet", "name=x"])[1])

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

    def test_a_stream_may_end_behind_its_last_reply(self):
        """A generator has no reply left to say with that it has returned."""
        host = self.daemon({"chaos": {"Plugin": "chaos", "Config": {"Others": "chaos"}}})
        count = ["call", "--more", "chaos", "io.troupe.test.chaos.Count", "bytes=1", "seed=1"]
        self.assertEqual([json.loads(line)["number"] for line in host.ctl(*count, "count=3").stdout.splitlines()], [0, 1, 2])
        self.assertIn("gave no answer", host.ctl(*count, "count=0", check=False).stderr)

    def test_units_are_spawned_stopped_started(self):
        host = self.daemon()
        host.ctl("spawn", "new", plugin("hello"), "--instances", "2", "--config", '{"greeting":"hi"}')
        self.assertEqual(host.ctl_json("call", "new", GREET, "name=x")["text"], "hi, x")
        host.ctl("stop", "new/1")
        host.ctl("start", "new")
        host.ctl("stop", "new")

    def test_spawned_configuration_is_typed_by_the_plugin(self):
        self.host = host = self.daemon()
        unit = host.ctl_json("spawn", "count", plugin("wordcount"), "directories=/usr", "directories=/etc", "fileMax=4096")["unit"]
        self.assertEqual(unit["state"], "running")
        counted = host.ctl_json("call", "count", "CountFile", "path=/etc/hostname", check=False)
        self.assertNotIn("error", counted)
        host.ctl_json("spawn", "raw", plugin("wordcount"), 'directories:=["/usr"]', "fileMax:=4096")
        for arguments, words in ((["fileMax=many"], ["fileMax=many", "a whole number"]), (["fileMx=1"], ["fileMx", "did you mean fileMax"]),
                                 (["fileMax:={"], ["JSON"])):
            done = host.ctl("spawn", "bad", plugin("wordcount"), *arguments, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            for word in words:
                self.assertIn(word, done.stderr)
        done = host.ctl("spawn", "bad", plugin("slow"), "a=b", check=False)
        self.assertIn("take no configuration", done.stderr)
        # A plug-in of several actor types: the one that was named counts.
        done = host.ctl("spawn", "bad", plugin("relay"), "--type", "forward", "too=x", check=False)
        self.assertIn("did you mean to?", done.stderr)
        # A path is meant from where one is, also where there is nothing.
        self.assertIn("some/hello.so: No such file or directory", self.refusal("spawn", "bad", "some/hello.so"))
        done = subprocess.run([TROUPECTL, "--socket", host.socket, "spawn", "here", "./hello.so", "greeting=5"], cwd=PLUGINS,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20 * SLOW)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(host.call("here", GREET, {"name": "x"})["text"], "5, x")

    def test_reload_reports_what_it_did(self):
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
        output = inspect("crash_in_init").stdout
        self.assertIn("io.troupe.test.crash-in-init", output)
        done = inspect("wrong_abi")
        self.assertIn("ABI", done.stdout + done.stderr)
        self.assertNotEqual(inspect("/etc/passwd").returncode, 0)

    def test_inspect_reports_each_actor_type(self):
        output = inspect("relay").stdout
        self.assertIn("Actor type forward: Hands each message on to another actor.\n    Provides: io.troupe.test.slow\n"
                      "    [Config]: io.troupe.test.forward.Config\n      to: string\n", output)
        self.assertIn("Provides: io.troupe.test.relay\n    [Config]: takes none\n", output)
        forward, relay = json.loads(inspect("relay", "--json").stdout)["actors"]
        self.assertEqual(forward["config"], {"interface": "io.troupe.test.forward", "type": "Config",
                                             "fields": [{"name": "to", "type": "string"}]})
        self.assertEqual((relay["config"], relay["interfaces"]), (None, ["io.troupe.test.relay"]))

    def test_errors_say_what_to_do_next(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "other": {"Plugin": "hello"}})
        cases = [(["call", "helo", GREET, "name=x"], ["helo", "hello"]), (["call", GREET, "name=x"], ["hello", "other"]),
                 (["call", "hello", GREET, "nam=x"], ["nam", "name"]), (["call", "hello", "Nothing"], ["Nothing", "Greet"]),
                 (["call", "hello", "Gret", "name=x"], ["did you mean Greet?"]), (["call", "io.troupe.helo.Greet"], ["did you mean io.troupe.hello?"]),
                 (["call", "--more", "helo", GREET], ["did you mean hello?"]), (["call", "hello/5", GREET, "name=x"], ["hello/5", "troupectl show hello"]),
                 (["actors", "9"], ["there is no worker 9", "1, 2"]), (["introspect", "io.troupe.hell"], ["io.troupe.hello"]),
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

    def test_who_does_not_provide_an_interface_is_answered_with_who_does(self):
        self.host = host = self.daemon({"hello": {"Plugin": "hello"}, "slow": {"Plugin": "slow"}, "slow2": {"Plugin": "slow"}})
        self.assertIn("does not provide the interface io.troupe.test.slow; units that do: slow, slow2\n",
                      self.refusal("call", "hello", "io.troupe.test.slow.Block", "{}"))
        self.assertIn("`troupectl show NAME` lists what a unit provides\n", self.refusal("call", "hello", f"{SERVICE}.GetInfo", "{}"))

    def test_what_an_actor_denies_is_not_called_the_daemons_refusal(self):
        self.host = self.daemon({"echo": {"Plugin": "echo"}})
        text = self.refusal("call", "echo", "Deny")
        self.assertIn("the actor refuses that to this caller" if os.geteuid() == 0 else "the actor itself", text)

    def test_a_value_that_is_none_says_why(self):
        host = self.daemon({"echo": {"Plugin": "echo"}})
        for value, words in (("number=99999999999999999999", "must be from -9223372036854775808 to 9223372036854775807"),
                             ("number=9e99", "must be a whole number"), ("number=many", "must be a whole number"), (b"text=\xff", "is not UTF-8 text")):
            done = host.ctl("call", "echo", "Fail", value, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)

    def test_no_daemon_is_reported_with_the_socket_and_a_way_out(self):
        host = self.unstarted()
        done = host.ctl("status", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(host.socket, done.stderr)
        self.assertIn("trouped", done.stderr)

    def test_who_may_not_is_answered_with_what_would_help(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

        def run(*arguments):
            # The binary may lie where only root can go.
            return subprocess.run([*nobody, binary, "--socket", host.socket, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=20 * SLOW, cwd="/")
        if os.geteuid() != 0:
            self.skipTest("needs root")
        binary = os.path.join(host.directory, "troupectl")
        shutil.copy(TROUPECTL, binary)
        os.chmod(host.directory, 0o711)
        self.assertEqual(run("list").returncode, 0)
        for arguments in (["call", "hello", GREET, "name=x"], ["stop", "hello"], ["spawn", "x", plugin("hello")], ["shutdown"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("CallGroup=", done.stderr, arguments)
        os.chmod(host.socket, 0o600)
        done = run("list")
        self.assertEqual(done.returncode, 3)
        self.assertIn("try as root", done.stderr)
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)

    def test_watch_shows_events(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        # Run in a background, we may ignore it, and so would the program.
        process = subprocess.Popen([TROUPECTL, "--socket", host.socket, "--json", "watch"], stdout=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
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
