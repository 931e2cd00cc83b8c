"""Configuration: good files, every mistake in a bad one, reloading."""
import os
import shutil
import subprocess

from host import HostTest, SLOW, plugin
from varlink import wait_for

GREET = "io.troupe.hello.Greet"


class Check(HostTest):
    """trouped --check: what is wrong, where, and what to do; nothing is started."""

    def check(self, actor=None, daemon=None, name="x", raw=None):
        host = self.unstarted()
        if daemon is not None:
            host.write("trouped.conf", daemon)
        if actor is not None:
            host.write(f"{name}.actor", actor.replace("HELLO", plugin("hello")))
        for path, text in (raw or {}).items():
            host.write(path, text)
        done = subprocess.run(host.command("--check"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=30 * SLOW)
        self.assertFalse(os.path.exists(host.socket))
        return done.returncode, done.stdout.replace(host.config + "/", "")

    def test_good_files_pass(self):
        status, output = self.check("[Actor]\nPlugin=HELLO\n[Config]\nGreeting=ahoy\n", "[Daemon]\nWorkers=2\n")
        self.assertEqual(status, 0, output)
        # It says what it read: silence could mean that it was another directory.
        self.assertRegex(output.strip(), r"^no problems in 1 unit of /tmp/\S+$")

    def test_two_defaults_for_one_interface_are_a_mistake(self):
        default = f"[Actor]\nPlugin={plugin('hello')}\nDefault=yes\n"
        other = f"[Actor]\nPlugin={plugin('echo')}\nDefault=yes\n"
        self.assertEqual(self.check(raw={"a.actor": default, "b.actor": other})[0], 0)
        status, output = self.check(raw={"a.actor": default, "b.actor": other, "c.actor": default})
        self.assertEqual(status, 1)
        self.assertIn("c.actor: Default=yes: unit a is the default for io.troupe.hello already", output)

    def test_units_that_were_not_read_are_not_passed_over_in_silence(self):
        status, output = self.check(daemon="[Daemon]\nWorkers=0\n", raw={"a.actor": "nonsense"})
        self.assertEqual(status, 1)
        self.assertIn("trouped.conf:2: Workers=0", output)
        self.assertIn("units are checked when this file is right", output)

    def test_an_instance_with_a_wrong_name_is_wrong_usage(self):
        for name in ["a/b", "a@b", ".x", ""]:
            done = subprocess.run(self.unstarted().command("--check", "--instance", name), stderr=subprocess.PIPE, text=True,
                                  timeout=30 * SLOW)
            self.assertEqual(done.returncode, 2, name)
            self.assertIn(f"--instance {name}: a name has letters", done.stderr)

    def test_each_mistake_is_reported_with_file_and_line(self):
        mistakes = [
            # (text of x.actor, where, words that the message must hold)
            ("[Actor]\nPlugin=HELLO\nInstance=2\n", "x.actor:3:", ["Instance", "Instances"]),
            ("[Actor]\nPlugin=HELLO\nInstances=many\n", "x.actor:3:", ["many"]),
            ("[Actor]\nPlugin=HELLO\nInstances=0\n", "x.actor:3:", ["1"]),
            ("[Actor]\nPlugin=HELLO\nWorker=9\n", "x.actor:3:", ["9"]),
            ("[Actor]\nPlugin=HELLO\nMailbox=-1\n", "x.actor:3:", ["-1"]),
            ("[Actor]\nPlugin=HELLO\nMailboxBytes=lots\n", "x.actor:3:", ["lots"]),
            ("[Actor]\nPlugin=HELLO\nBatch=0\n", "x.actor:3:", ["Batch"]),
            ("[Actor]\nPlugin=HELLO\nOnError=explode\n", "x.actor:3:", ["continue", "stop"]),
            ("[Actor]\nPlugin=HELLO\nDefault=perhaps\n", "x.actor:3:", ["yes", "no"]),
            ("[Actor]\nPlugin=HELLO\nStartTimeout=soon\n", "x.actor:3:", ["soon"]),
            ("[Actors]\nPlugin=HELLO\n", "x.actor:1:", ["Actor"]),
            ("Plugin=HELLO\n", "x.actor:1:", ["section"]),
            ("[Actor\nPlugin=HELLO\n", "x.actor:1:", ["]"]),
            ("[Actor]\nPlugin HELLO\n", "x.actor:2:", ["="]),
            ("[Actor]\nPlugin=/nowhere/hello.so\n", "x.actor:2:", ["/nowhere/hello.so"]),
            ("[Actor]\nInstances=2\n", "x.actor", ["Plugin="]),
            ("[Actor]\nPlugin=HELLO\nDescription=%q\n", "x.actor:3:", ["%q"]),
            ("[Actor]\nPlugin=HELLO\n[Config]\nGreetings=a\n", "x.actor:4:", ["Greetings", "reeting"]),
        ]
        for text, where, words in mistakes:
            with self.subTest(text=text):
                status, output = self.check(text)
                self.assertEqual(status, 1, output)
                self.assertIn(where, output)
                for word in words:
                    self.assertIn(word, output)

    def test_each_mistake_in_trouped_conf_is_reported(self):
        for text, where, words in [("[Daemon]\nWorker=2\n", "trouped.conf:2:", ["Worker", "Workers"]),
                                   ("[Daemon]\nWorkers=0\n", "trouped.conf:2:", ["1", "64"]),
                                   ("[Daemon]\nWorkers=65\n", "trouped.conf:2:", ["64"]),
                                   ("[Daemon]\nLogLevel=loud\n", "trouped.conf:2:", ["loud"]),
                                   ("[Daemon]\nFrameMax=17M\n", "trouped.conf:2:", ["16M"]),
                                   ("[Daemon]\nStopTimeout=1 week soon\n", "trouped.conf:2:", ["soon"]),
                                   ("[Demon]\nWorkers=1\n", "trouped.conf:1:", ["Daemon"])]:
            with self.subTest(text=text):
                status, output = self.check(daemon=text)
                self.assertEqual(status, 1, output)
                self.assertIn(where, output)
                for word in words:
                    self.assertIn(word, output)

    def test_values_of_the_wrong_type_are_reported(self):
        text = f"[Actor]\nPlugin={plugin('fail_in_init')}\n[Config]\nCode=zero\n"
        status, output = self.check(text)
        self.assertEqual(status, 1)
        self.assertIn("x.actor:4:", output)
        self.assertIn("zero", output)
        status, output = self.check(f"[Actor]\nPlugin={plugin('fail_in_init')}\n")
        self.assertEqual(status, 1)
        self.assertIn("x.actor", output)
        self.assertIn("code=", output)

    def test_each_actor_type_of_a_plugin_has_its_own_configuration(self):
        def relay(kind, config):
            return self.check(f"[Actor]\nPlugin={plugin('relay')}\nType={kind}\n{config}")

        status, output = relay("forward", "[Config]\nTo=slow\n")
        self.assertEqual(status, 0, output)
        status, output = relay("forward", "")
        self.assertEqual(status, 1)
        self.assertIn("[Config] lacks to=", output)
        status, output = relay("relay", "")
        self.assertEqual(status, 0, output)
        status, output = relay("relay", "[Config]\nTo=slow\n")
        self.assertEqual(status, 1)
        self.assertIn("x.actor:5:", output)
        self.assertIn("no configuration", output)

    def test_all_mistakes_are_reported_at_once(self):
        status, output = self.check("[Actor]\nPlugin=HELLO\nBatch=x\nMailbox=y\n", raw={"y.actor": "[Actor]\nPlugin=no\n"})
        self.assertEqual(status, 1)
        for where in ("x.actor:3:", "x.actor:4:", "y.actor:2:"):
            self.assertIn(where, output)

    def test_plugins_that_are_refused_say_why(self):
        for name, words in [("globals", ["AllowGlobals"]), ("wrong_abi", ["ABI"]), ("newer_sdk", ["SDK"]), ("no_note", ["plug-in"])]:
            with self.subTest(plugin=name):
                status, output = self.check(f"[Actor]\nPlugin={plugin(name)}\n")
                self.assertEqual(status, 1, output)
                self.assertIn("x.actor:2:", output)
                for word in words:
                    self.assertIn(word, output)
        host = self.unstarted()
        path = os.path.join(host.directory, "text.so")
        with open(path, "w") as file:
            file.write("I am not what I seem")
        status, output = self.check(f"[Actor]\nPlugin={path}\n")
        self.assertEqual(status, 1)
        self.assertIn("ELF", output)


class Running(HostTest):
    def test_one_bad_actor_file_does_not_stop_the_others(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "bad": "[Actor]\nPlugin=/nowhere.so\nBatch=x\n",
                            "refused": {"Plugin": "wrong_abi"}})
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")
        status = host.control("Status")
        self.assertEqual(status["state"], "degraded")
        files = [(os.path.basename(problem["file"]), problem["line"]) for problem in status["problems"]]
        self.assertIn(("bad.actor", 3), files)
        host.wait_log("bad.actor:3:")

    def test_a_bad_trouped_conf_stops_the_start(self):
        host = self.unstarted()
        host.write("trouped.conf", "[Daemon]\nWorkers=none\n")
        host.launch()
        self.assertNotEqual(host.process.wait(20 * SLOW), 0)
        self.assertIn("trouped.conf:2:", host.log())

    def test_drop_ins_add_override_and_reset(self):
        host = self.unstarted({"hello": {"Plugin": "hello", "Instances": 3, "Config": {"Greeting": "a"}}})
        host.write("hello.actor.d/10-more.conf", "[Actor]\nInstances=2\n[Config]\nGreeting=b\n")
        host.write("hello.actor.d/20-last.conf", "[Config]\nGreeting=c\n")
        host.start()
        self.assertEqual(len(host.unit("hello")["instances"]), 2)
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "c, x")

    def test_a_link_to_dev_null_masks(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}})
        os.symlink("/dev/null", os.path.join(host.config, "gone.actor"))
        host.start()
        self.assertEqual([unit["name"] for unit in host.control("List")["units"]], ["hello"])

    def test_templates_make_units(self):
        host = self.unstarted({"hello@": {"Plugin": "hello", "Config": {"Greeting": "from %i"}}})
        os.symlink("hello@.actor", os.path.join(host.config, "hello@north.actor"))
        os.symlink("hello@.actor", os.path.join(host.config, "hello@south.actor"))
        host.start()
        for where in ("north", "south"):
            self.assertEqual(host.call(f"hello@{where}", GREET, {"name": "x"})["text"], f"from {where}, x")

    def test_reload_applies_what_changed_and_nothing_else(self):
        host = self.daemon({"stays": {"Plugin": "hello"}, "changes": {"Plugin": "hello"}, "goes": {"Plugin": "hello"}})
        host.call("stays", GREET, {"name": "x"})
        host.call("changes", GREET, {"name": "x"})
        host.actor("changes", {"Plugin": "hello", "Config": {"Greeting": "new"}})
        host.actor("comes", {"Plugin": "hello"})
        host.actor("broken", {"Plugin": "hello", "Batch": "x"})
        os.unlink(os.path.join(host.config, "goes.actor"))
        done = host.control("Reload")
        self.assertEqual((done["started"], done["restarted"], done["stopped"]), (["comes"], ["changes"], ["goes"]))
        self.assertEqual([os.path.basename(problem["file"]) for problem in done["problems"]], ["broken.actor"])
        self.assertEqual(host.call("stays", GREET, {"name": "x"})["count"], 2)
        self.assertEqual(host.call("changes", GREET, {"name": "x"}), {"text": "new, x", "count": 1})
        self.assertEqual(host.call("comes", GREET, {"name": "x"})["count"], 1)
        self.assert_error("NoSuchActor", host.call, "goes", GREET, {"name": "x"})

    def test_a_bad_reload_leaves_the_units_as_they_run(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        host.call("hello", GREET, {"name": "x"})
        host.actor("hello", {"Plugin": "hello", "Batch": "x"})
        host.control("Reload")
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 2)
        host.write("trouped.conf", "[Daemon]\nWorkers=none\n")
        done = host.control("Reload")
        self.assertEqual(os.path.basename(done["problems"][0]["file"]), "trouped.conf")
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 3)

    def test_a_unit_whose_files_cannot_be_read_goes_on(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "other": {"Plugin": "hello"}})
        host.write("hello.actor.d/a.conf", "[Actor]\nAllowGlobals=yes\n")
        host.control("Reload")
        host.call("hello", GREET, {"name": "x"})
        directory = os.path.join(host.config, "hello.actor.d")
        os.rename(directory, directory + ".away")
        os.symlink(directory, directory)
        done = host.control("Reload")
        self.assertEqual([os.path.basename(problem["file"]) for problem in done["problems"]], ["hello.actor.d"])
        self.assertEqual((done["restarted"], done["stopped"]), ([], []))
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 2)
        # What is gone is known when all can be read.
        os.unlink(os.path.join(host.config, "other.actor"))
        self.assertEqual(host.control("Reload")["stopped"], [])
        os.unlink(directory)
        os.rename(directory + ".away", directory)
        self.assertEqual(host.control("Reload")["stopped"], ["other"])
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 3)

    def test_what_is_found_wrong_stays_known_until_its_file_is_read_again(self):
        host = self.daemon({"bad": {"Plugin": "hello", "Batch": "x"}})

        def known():
            status = host.control("Status")
            return [[os.path.basename(problem["file"]) for problem in status[kind]] for kind in ("problems", "warnings")]
        self.assertEqual(known(), [["bad.actor"], []])
        # Nothing of the units is read beside it, and what is wrong with them is so still.
        host.write("trouped.conf", "[Daemon]\nWorkers=none\n")
        done = host.control("Reload")
        self.assertEqual([os.path.basename(problem["file"]) for problem in done["problems"]], ["trouped.conf"])
        self.assertEqual(known(), [["trouped.conf", "bad.actor"], []])
        output = host.ctl("status").stdout
        self.assertLess(output.index("trouped.conf:2: "), output.index("bad.actor:"))
        host.write("trouped.conf", "[Daemon]\nWorkers=2\n")
        host.actor("bad", {"Plugin": "hello"})
        host.control("Reload")
        self.assertEqual(known(), [[], []])

    def test_warnings_reach_who_reloads(self):
        odd = {"Plugin": "hello", "HealthyAfter": "1ms"}
        host = self.daemon({"odd": odd}, daemon={"StartLimitBurst": 3})
        before = host.control("Status")
        self.assertEqual([(os.path.basename(warning["file"]), warning["line"]) for warning in before["warnings"]],
                         [("trouped.conf", 3), ("odd.actor", 3)])
        self.assertEqual((before["state"], before["problems"]), ("running", []))
        done = host.control("Reload")
        self.assertEqual(sorted(map(str, done["warnings"])), sorted(map(str, before["warnings"])))
        for verb in ("status", "reload"):
            output = host.ctl(verb).stdout
            self.assertIn(f"warning: {host.config}/odd.actor:3: HealthyAfter=1ms is less than RestartDelay=100ms", output)
            self.assertIn(f"warning: {host.config}/trouped.conf:3: StartLimitBurst= is the former name", output)
        host.actor("odd", {"Plugin": "hello"})
        host.write("trouped.conf", "[Daemon]\nWorkers=2\n")
        self.assertEqual(host.control("Reload")["warnings"], [])
        self.assertEqual(host.control("Status")["warnings"], [])

    def test_reload_reports_once_which_keys_of_the_daemon_are_in_force(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        keys = {"LogLevel": "debug", "PluginPath": "/usr/lib", "WorkerWatchdog": "20s", "WorkerMemory": "1G", "GiveUpAfter": 7, "CallGroup": 0,
                "ManageGroup": "root"}
        host.write("trouped.conf", "[Daemon]\nWorkers=2\n" + "".join(f"{key}={value}\n" for key, value in keys.items()))
        done = host.control("Reload")
        self.assertEqual((sorted(done["applied"]), done["pending"], done["problems"]), (sorted(keys), [], []))
        self.assertEqual(host.control("Reload")["applied"], [])
        self.assertIn("nothing has changed", host.ctl("reload").stdout)
        host.write("trouped.conf", "[Daemon]\nWorkers=2\n")
        self.assertRegex(host.ctl("reload").stdout, "in force now: .*LogLevel")

    def test_reload_reports_each_time_what_needs_a_new_start(self):
        host = self.daemon({"hello": {"Plugin": "hello"}}, daemon={"Workers": 1})
        host.write("trouped.conf.d/more.conf", "[Daemon]\nWorkers=2\nConnections=100\nLogLevel=debug\n")
        for _ in range(2):
            done = host.control("Reload")
            self.assertEqual((done["pending"], done["problems"]), (["Workers", "Connections"], []))
        self.assertEqual(host.control("Status")["workers"], 1)
        self.assertIn("Workers Connections", host.ctl("reload").stdout)

    def test_reload_takes_a_new_version_of_a_plugin(self):
        host = self.unstarted()
        path = os.path.join(host.directory, "changing.so")
        shutil.copy(plugin("hello"), path)
        host.actor("changing", {"Plugin": path})
        host.actor("steady", {"Plugin": "hello"})
        host.start()
        self.assertEqual(host.call("steady", GREET, {"name": "x"})["count"], 1)
        self.assertEqual(host.call("changing", GREET, {"name": "x"})["count"], 1)
        shutil.copy(plugin("echo"), path + ".new")
        os.rename(path + ".new", path)
        self.assertEqual(host.control("Reload")["restarted"], ["changing"])
        self.assertEqual(host.call("changing", "io.troupe.test.echo.Text", {"text": "new"})["text"], "new")
        self.assertEqual(host.call("steady", GREET, {"name": "x"})["count"], 2)

    def test_config_of_every_kind_arrives_typed(self):
        host = self.daemon({"words": {"Plugin": "wordcount", "Config": {"Directories": "/usr/share/common-licenses /etc", "FileMax": "100"}}})
        data = self.assert_error("io.troupe.wordcount.TooLarge", host.call, "words", "io.troupe.wordcount.CountFile",
                                 {"path": "/usr/share/common-licenses/GPL-3"})
        self.assertEqual(data["limit"], 100)
        self.assert_error("io.troupe.wordcount.NotReadable", host.call, "words", "io.troupe.wordcount.CountFile",
                          {"path": "/usr/include/stdio.h"})


class Units(HostTest):
    """Units that an operator spawns, stops and starts."""

    def test_spawn_stop_start(self):
        host = self.daemon()
        host.control("Spawn", {"name": "new", "plugin": plugin("hello"), "instances": 3, "config": {"greeting": "hi"}})
        self.assertEqual(host.call("new", GREET, {"name": "x"})["text"], "hi, x")
        self.assertEqual(len(host.unit("new")["instances"]), 3)
        self.assert_error("NameTaken", host.control, "Spawn", {"name": "new", "plugin": plugin("hello")})
        self.assert_error("BadUnit", host.control, "Spawn", {"name": "n2", "plugin": plugin("hello"), "config": {"nothing": 1}})
        self.assert_error("NoSuchPlugin", host.control, "Spawn", {"name": "n3", "plugin": "/nowhere.so"})
        self.assert_error("BadUnit", host.control, "Spawn", {"name": "a b", "plugin": plugin("hello")})
        host.control("Stop", {"name": "new"})
        self.assert_error("NoSuchActor", host.call, "new", GREET, {"name": "x"})

    def test_a_plugin_that_comes_again_is_loaded_once(self):
        host = self.daemon(daemon={"Workers": 1})
        pid = host.control("Workers")["workers"][0]["pid"]
        counts = []
        for _ in range(10):
            host.control("Spawn", {"name": "new", "plugin": plugin("hello")})
            counts.append(len(os.listdir(f"/proc/{pid}/fd")))
            host.control("Stop", {"name": "new"})
        # One more or less: the channel gives up its spare descriptor while it reads.
        self.assertLessEqual(max(counts), counts[0] + 1, "a plug-in that is loaded keeps a descriptor for ever")

    def test_a_plugin_that_was_spoilt_is_reported_and_goes_on(self):
        host = self.unstarted()
        spoilt = os.path.join(host.directory, "spoilt.so")
        shutil.copy(plugin("hello"), spoilt)
        host.actor("hello", {"Plugin": spoilt})
        host.start()
        os.truncate(spoilt, 100)
        problems = host.control("Reload")["problems"]
        self.assertEqual([problem["line"] for problem in problems], [2], problems)
        self.assertIn(spoilt, problems[0]["message"])
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)

    def test_a_unit_that_is_gone_leaves_nothing_in_its_worker(self):
        host = self.daemon(daemon={"Workers": 1})
        unit = {"name": "new", "plugin": plugin("hello"), "config": {"greeting": "x" * (300 << 10)}}
        memory = []
        for _ in range(60):
            # Its init has been given the configuration, and did not like it.
            self.assert_error("BadUnit", host.control, "Spawn", unit)
            memory.append(host.control("Workers")["workers"][0]["memory"])
        if SLOW == 1:
            self.assertLess(memory[-1] - memory[10], 8 << 20)

    def test_a_stopped_unit_stays_down_until_started(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        host.control("Stop", {"name": "hello"})
        self.assertEqual(host.unit("hello")["state"], "stopped")
        host.kill_worker(1)
        self.assertEqual(host.unit("hello")["state"], "stopped")
        host.control("Start", {"name": "hello"})
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)

    def test_a_unit_may_have_a_worker_of_its_own(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": "own"}, "other": {"Plugin": "hello", "Instances": 4}})
        workers = host.wait_workers(3)
        own = host.unit("hello")["instances"][0]["worker"]
        self.assertNotIn(own, {instance["worker"] for instance in host.unit("other")["instances"]})
        self.assertIn(own, {worker["worker"] for worker in workers})

    def test_watchers_hear_of_it(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        with host.client() as client:
            client.send("io.troupe.Control.Watch", more=True)
            self.assertEqual(client.receive()[0]["event"], "watching")
            host.kill_worker(1)
            seen = set()
            while not {"workerDied", "workerStarted", "unitState"} <= seen:
                seen.add(client.receive()[0]["event"])
            self.assertIn("version", host.control("Status"))
