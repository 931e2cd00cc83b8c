"""Reloading while it is used: what changes in place, what is replaced, and that nobody who
calls notices."""
import os
import shutil
import threading
import time

from host import CONTROL, Daemon, HostTest, SLOW, TROUPED, measures, plugin
from varlink import VarlinkError, wait_for

GREET = "io.troupe.hello.Greet"
SLEEPY = "io.troupe.test.slow"


class Load:
    """Clients that call without a pause, each over a connection of its own, until the block
    ends."""

    def __init__(self, host, method, parameters, clients=4):
        self.host, self.method, self.parameters = host, method, parameters
        self.done, self.failures, self.texts = 0, [], set()
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        with self.host.client() as client:
            while not self.over.is_set():
                try:
                    text = client.call(self.method, self.parameters).get("text")
                    failure = None
                except (VarlinkError, OSError) as error:
                    text, failure = None, error
                with self.lock:
                    self.done += 1
                    self.texts.add(text)
                    if failure:
                        self.failures.append(failure)

    def wait(self, count):
        """Until so many more calls were answered."""
        goal = self.done + count
        wait_for(lambda: self.done >= goal, 60 * SLOW, "answers")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait(200)
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Messages(HostTest):
    """What people are told."""

    def test_the_reason_of_an_old_failure_goes_when_all_runs(self):
        host = self.daemon({"one": {"Plugin": "crash"}}, daemon={"Workers": 1})
        self.assert_error("ActorDied", host.call, "one", "io.troupe.test.crash.Segfault", {})
        wait_for(lambda: host.unit("one")["state"] == "running")
        self.assertIsNone(host.unit("one").get("reason"))

    def test_an_interface_of_others_is_not_suggested_for_itself(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "echo": {"Plugin": "echo"}})
        said = host.ctl("call", "echo", GREET, "name=x", check=False).stderr
        self.assertIn("the actor that was called does not provide the interface io.troupe.hello", said)
        self.assertNotIn("did you mean", said)

    def test_a_unit_in_backoff_has_its_interface(self):
        host = self.daemon({"one": {"Plugin": "crash"}}, daemon={"Workers": 1, "RestartDelay": "1h", "RestartDelayMax": "1h"})
        self.assert_error("ActorDied", host.call, "one", "io.troupe.test.crash.Segfault", {})
        wait_for(lambda: host.unit("one")["state"] == "backoff")
        self.assertIn("Ping", host.ctl("introspect", "io.troupe.test.crash").stdout)

    def test_who_refuses_a_value_says_why(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        said = host.ctl("call", "slow", "Answer", "text=x", "delayMs=-1", check=False).stderr
        self.assertIn("parameter delayMs: must not be negative", said)
        said = host.ctl("call", "slow", "Answer", '{"text": 1, "delayMs": 1}', check=False).stderr
        self.assertIn("parameter text: a string, found a number", said)

    def test_keys_of_spawn_meet_fields_as_those_of_files_do(self):
        host = self.daemon()
        host.ctl("spawn", "new", plugin("hello"), "Greeting=ahoy")
        self.assertEqual(host.call("new", GREET, {"name": "x"})["text"], "ahoy, x")

    def test_two_defaults_are_a_problem_of_a_start_and_of_a_reload(self):
        host = self.daemon({"a": {"Plugin": "hello", "Default": "yes"}, "b": {"Plugin": "hello"}})
        host.actor("c", {"Plugin": "hello", "Default": "yes"})
        done = host.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        said = "c.actor: Default=yes: unit a is the default for io.troupe.hello already; of two, none is"
        self.assertIn(said, done.stdout)
        self.assertIn("started: c\n", done.stdout)
        self.assertIn(said, host.ctl("status").stdout)
        host.terminate()
        host.start()
        self.assertIn(said, host.ctl("status").stdout)
        host.actor("c", {"Plugin": "hello"})
        self.assertEqual(host.ctl("reload").stdout, "  changed: c\n")
        self.assertNotIn("Default=", host.ctl("status").stdout)

    def test_files_of_units_have_paths_from_the_root(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}})
        host.command = lambda *more: [TROUPED, "--config", os.path.basename(host.config), "--socket", host.socket, *more]
        host.launch(cwd=os.path.dirname(host.config))
        host.wait_ready()
        self.assertEqual(host.unit("hello")["file"], os.path.join(os.path.realpath(host.config), "hello.actor"))

    def test_an_ordinary_stop_is_not_called_a_crash(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        with host.client() as client:
            client.send(SLEEPY + ".Never")
            wait_for(lambda: host.call("slow", SLEEPY + ".Kept")["kept"] == 1)
            host.control("Stop", {"name": "slow"})
            self.assertEqual(client.receive_raw()["parameters"].get("crashed"), None)


class Reload(HostTest):
    def addresses(self, host, name):
        return [instance.get("address") for instance in host.unit(name)["instances"]]

    def test_a_key_that_needs_no_new_actor_restarts_nothing(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 4}})
        before = self.addresses(host, "hello")
        with Load(host, GREET, {"name": "x"}) as load:
            for i, keys in enumerate(({"Description": "new"}, {"Mailbox": 2000}, {"Balance": "least-outstanding"},
                                      {"RestartDelay": "1s"}, {"Default": "yes"}, {"OnError": "stop", "Batch": 7})):
                host.actor("hello", {"Plugin": "hello", "Instances": 4, **keys})
                done = host.control("Reload")
                self.assertEqual((done["changed"], done["restarted"], done["problems"]), (["hello"], [], []), keys)
                load.wait(100)
        self.assertEqual(load.failures, [])
        self.assertEqual(self.addresses(host, "hello"), before)
        self.assertEqual(host.unit("hello")["restarts"], 0)

    def test_a_log_level_reaches_the_workers_that_run(self):
        host = self.daemon({"noisy": {"Plugin": "noisy", "Type": "noisy"}}, daemon={"LogLevel": "warning"})
        for level, text in (("warning", "first"), ("info", "second"), ("warning", "third")):
            host.write("trouped.conf.d/level.conf", f"[Daemon]\nLogLevel={level}\n")
            self.assertEqual(host.control("Reload")["pending"], [])
            host.call("noisy", "io.troupe.test.noisy.Say", {"text": text, "lines": 1, "childLines": 0})
        host.wait_log("second")
        self.assertNotIn("first", host.log())
        self.assertNotIn("third", host.log())

    def test_limits_reach_the_actors_that_run(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        address = self.addresses(host, "slow")
        for mailbox, refused in ((None, False), (1, True), (100, False)):
            host.actor("slow", {"Plugin": "slow", **({"Mailbox": mailbox} if mailbox else {})})
            host.control("Reload")
            with host.client() as client:
                for _ in range(5):
                    client.send(SLEEPY + ".Block", {"ms": 100 * SLOW})
                errors = {client.receive_raw().get("error") for _ in range(5)}
            self.assertEqual("io.troupe.Control.Overloaded" in errors, refused, (mailbox, errors))
        self.assertEqual(self.addresses(host, "slow"), address)

    def reload_under_load(self, instances):
        unit = {"Plugin": "hello", "Instances": instances}
        host = self.daemon({"hello": {**unit, "Config": {"Greeting": "v0"}}})
        with Load(host, GREET, {"name": "x"}) as load:
            for i in range(1, 6):
                host.actor("hello", {**unit, "Config": {"Greeting": f"v{i}"}})
                done = host.control("Reload")
                self.assertEqual((done["restarted"], done["problems"]), (["hello"], []))
                self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], f"v{i}, x")
                load.wait(300)
        self.assertEqual(load.failures, [], load.done)
        self.assertEqual(load.texts, {f"v{i}, x" for i in range(6)})

    def test_a_new_config_fails_no_call_of_a_pool(self):
        self.reload_under_load(6)

    def test_a_new_config_fails_no_call_of_a_single_actor(self):
        self.reload_under_load(1)

    def test_a_new_version_that_does_not_start_costs_a_large_pool_a_sixteenth(self):
        host = self.daemon({"pool": {"Plugin": "hello", "Instances": 64}})
        host.actor("pool", {"Plugin": "fail_in_init", "Instances": 64, "Restart": "no", "Config": {"Code": "-5"}})
        self.assertEqual(host.control("Reload")["restarted"], [])
        states = [i["state"] for i in host.unit("pool")["instances"]]
        self.assertLessEqual(states.count("failed"), 4)
        self.assertEqual(states.count("running") + states.count("failed"), 64)

    def test_each_actor_of_a_large_pool_has_its_time_to_finish(self):
        seconds = 4 + 2 * SLOW
        host = self.daemon({"slow": {"Plugin": "slow", "Instances": 64}}, daemon={"StopTimeout": f"{seconds}s"})
        with host.client() as client:
            # The first cannot finish. One beside it is done after half of the time; then others
            # begin, who have all of theirs.
            for instance, method, parameters in ((0, "Never", {}), (1, "Answer", {"text": "1", "delayMs": 500 * seconds}),
                                                 (4, "Answer", {"text": "4", "delayMs": 1300 * seconds})):
                client.send(f"{CONTROL}.Call", {"name": f"slow/{instance}", "method": f"{SLEEPY}.{method}", "parameters": parameters,
                                                "timeoutMs": 60000})
            wait_for(lambda: host.call("slow/4", SLEEPY + ".Kept")["kept"] == 1)
            host.actor("slow", {"Plugin": "slow", "Instances": 64, "AllowGlobals": "yes"})
            done = host.control("Reload")
            self.assertEqual((done["restarted"], done["problems"]), (["slow"], []))
            self.assertEqual(client.receive_raw()["error"], "io.troupe.Control.ActorDied")
            self.assertEqual([client.receive()[0]["parameters"]["text"] for _ in range(2)], ["1", "4"])
        self.assertEqual(host.log().count("still had work when its time was over"), 1)

    @measures
    def test_a_large_pool_is_replaced_within_one_reload(self):
        # The work for each of them must not grow with their number: Reload waits for 40 s, also
        # in a build that is slow.
        count = 60000 // SLOW
        def pool(**keys):
            return {"Plugin": "hello", "Instances": count, **keys}
        host = self.unstarted()
        host.actor("pool", pool())
        host.launch()
        host.wait_ready(120)
        host.actor("pool", pool(Config={"Greeting": "new"}))
        with host.client(60) as client:
            done = client.call(f"{CONTROL}.Reload")
            self.assertEqual((done["restarted"], done["problems"]), (["pool"], []))
        for instance in (0, count // 2, count - 1):
            self.assertEqual(host.call(f"pool/{instance}", GREET, {"name": "x"})["text"], "new, x")

    def test_a_new_shape_fails_no_call(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Instances": 3}})
        with Load(host, GREET, {"name": "x"}) as load:
            for keys in ({"Instances": 5}, {"Instances": 2, "Worker": "own"}, {"Instances": 2, "Worker": 1}):
                host.actor("hello", {"Plugin": "hello", **keys})
                self.assertEqual(host.control("Reload")["restarted"], ["hello"])
                self.assertEqual(len(self.addresses(host, "hello")), keys["Instances"])
                load.wait(300)
        self.assertEqual(load.failures, [], load.done)

    def test_what_is_under_way_is_finished_first(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        with host.client() as client, host.client() as watcher:
            watcher.send(SLEEPY + ".Stream", {"count": 1000000, "periodMs": 10}, more=True)
            self.assertEqual(watcher.receive()[0]["number"], 1)
            # So long that all of them are seen; and less than a stop may take.
            for i in range(5):
                client.send(SLEEPY + ".Answer", {"text": str(i), "delayMs": 5000})
            wait_for(lambda: host.call("slow", SLEEPY + ".Kept")["kept"] == 6)
            host.actor("slow", {"Plugin": "slow", "AllowGlobals": "yes"})
            self.assertEqual(host.control("Reload")["restarted"], ["slow"])
            self.assertEqual([client.receive()[0]["text"] for _ in range(5)], list("01234"))
        self.assertEqual(host.call("slow", SLEEPY + ".Kept")["kept"], 0)

    def test_what_never_ends_is_waited_for_no_longer_than_a_stop(self):
        host = self.daemon({"slow": {"Plugin": "slow"}}, daemon={"StopTimeout": "500ms"})
        with host.client() as client:
            client.send(SLEEPY + ".Never")
            wait_for(lambda: host.call("slow", SLEEPY + ".Kept")["kept"] == 1)
            host.actor("slow", {"Plugin": "slow", "AllowGlobals": "yes"})
            done = host.control("Reload")
            self.assertEqual((done["restarted"], done["problems"]), (["slow"], []))
            self.assertEqual(client.receive_raw()["error"], "io.troupe.Control.ActorDied")
        self.assertIn("slow/0 still had work when its time was over", host.log())

    def test_what_is_stopped_stays_stopped(self):
        host = self.daemon({"hello": {"Plugin": "hello"}, "pool": {"Plugin": "hello", "Instances": 3}})
        host.control("Stop", {"name": "hello"})
        host.control("Stop", {"name": "pool/1"})
        for keys in ({}, {"Description": "new"}, {"Config": {"Greeting": "new"}}):
            host.actor("hello", {"Plugin": "hello", **keys})
            host.actor("pool", {"Plugin": "hello", "Instances": 3, **keys})
            done = host.control("Reload")
            self.assertEqual((done["started"], done["stopped"], done["problems"]), ([], [], []))
            self.assertEqual(host.unit("hello")["state"], "stopped")
            self.assertEqual([i["state"] for i in host.unit("pool")["instances"]], ["running", "stopped", "running"])
        for name in ("hello", "pool/1"):
            host.control("Start", {"name": name})
            self.assertEqual(host.call(name, GREET, {"name": "x"})["text"], "new, x")

    def test_what_has_ended_stays_down_until_it_is_started(self):
        host = self.daemon({"slow": {"Plugin": "slow"}})
        host.call("slow", SLEEPY + ".Quit", {"code": 0})
        wait_for(lambda: host.unit("slow")["state"] == "ended")
        host.actor("slow", {"Plugin": "slow", "AllowGlobals": "yes"})
        self.assertEqual(host.control("Reload")["changed"], ["slow"])
        self.assertEqual(host.unit("slow")["state"], "ended")
        host.control("Start", {"name": "slow"})
        self.assertEqual(host.unit("slow")["state"], "running")

    def test_what_has_failed_is_tried_again_when_its_file_has_changed(self):
        bad = {"Plugin": "fail_in_init", "Restart": "no", "Config": {"Code": "-5"}}
        host = self.daemon({"bad": bad})
        self.assertEqual(host.unit("bad")["state"], "failed")
        done = host.control("Reload")
        self.assertEqual((done["started"], done["restarted"], done["changed"], done["problems"]), ([], [], [], []))
        host.actor("bad", {**bad, "Description": "again"})
        done = host.control("Reload")
        self.assertEqual((done["started"], done["changed"]), ([], []))
        self.assertIn("init failed", done["problems"][0]["message"])
        host.actor("bad", {"Plugin": "hello"})
        done = host.control("Reload")
        self.assertEqual((done["started"], done["problems"]), (["bad"], []))
        self.assertEqual(host.call("bad", GREET, {"name": "x"})["count"], 1)

    def test_a_plugin_that_is_refused_leaves_its_unit_as_it_runs(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 1)
        for keys in ({"Plugin": plugin("wrong_abi")}, {"Plugin": plugin("no_note")},
                     {"Plugin": "hello", "Config": {"Nothing": "1"}}):
            host.actor("hello", keys)
            done = host.control("Reload")
            self.assertEqual((done["started"], done["restarted"], done["changed"]), ([], [], []), keys)
            self.assertEqual([os.path.basename(problem["file"]) for problem in done["problems"]], ["hello.actor"])
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["count"], 2)

    def test_a_new_version_that_does_not_start_stops_the_replacement(self):
        host = self.unstarted()
        path = os.path.join(host.directory, "changing.so")
        shutil.copy(plugin("hello"), path)
        host.actor("pool", {"Plugin": path, "Instances": 4, "Restart": "no"})
        host.start()
        shutil.copy(plugin("fail_in_init"), path + ".new")
        os.rename(path + ".new", path)
        host.actor("pool", {"Plugin": path, "Instances": 4, "Restart": "no", "Config": {"Code": "-5"}})
        begin = time.monotonic()
        done = host.control("Reload")
        # It is over then, and not merely waited for long enough: StartTimeout= and StopTimeout=
        # are 40 seconds.
        self.assertLess(time.monotonic() - begin, 20 * SLOW)
        self.assertEqual(done["restarted"], [])
        self.assertIn("init failed", done["problems"][0]["message"])
        self.assertEqual([i["state"] for i in host.unit("pool")["instances"]], ["failed"] + 3 * ["running"])
        self.assertEqual(host.call("pool", GREET, {"name": "x"})["text"], "hello, x")
        # The one that failed is the only one to start when the file is good again; the others
        # are replaced.
        shutil.copy(plugin("hello"), path + ".new")
        os.rename(path + ".new", path)
        host.actor("pool", {"Plugin": path, "Instances": 4})
        self.assertEqual(host.control("Reload")["problems"], [])
        self.assertEqual([i["state"] for i in host.unit("pool")["instances"]], 4 * ["running"])
