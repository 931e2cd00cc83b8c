"""troupectl run: units in a daemon of its own, which ends with it."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from host import SLOW, TROUPECTL, plugin
from varlink import Client, wait_for


def processes(mark):
    """Those with that text in their command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if mark.encode() in file.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


class Run(unittest.TestCase):
    def setUp(self):
        # What is left behind is seen, and is nobody else's.
        self.directory = tempfile.mkdtemp(prefix="troupe-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.directory)
        self.addCleanup(self.assert_nothing_is_left)

    def assert_nothing_is_left(self):
        wait_for(lambda: not processes(self.directory), 20 * SLOW, "all processes to end")
        self.assertEqual(glob.glob(f"{self.directory}/troupe-run-*"), [])

    def start(self, *arguments):
        environment = {key: value for key, value in os.environ.items() if key not in ("XDG_RUNTIME_DIR", "TROUPE_SOCKET")}
        process = subprocess.Popen([TROUPECTL, "run", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env={**environment, "TMPDIR": self.directory})
        self.addCleanup(process.kill)
        return process

    def serve(self, *units):
        """Its process, and the daemon's socket; what it says before is about workers."""
        process = self.start(*units)
        for line in process.stderr:
            if line.startswith("troupectl: export TROUPE_SOCKET="):
                return process, line.strip().partition("=")[2]
        raise AssertionError("it names no socket")

    def run_it(self, *arguments, status=0):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60 * SLOW)
        self.assertEqual(process.returncode, status, out + err)
        return out, err

    def unit_file(self, name, text):
        path = os.path.join(self.directory, name + ".actor")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_one_call_and_nothing_is_left(self):
        out, err = self.run_it(plugin("hello"), "Greet", "name=you")
        self.assertEqual((out, err), ('{"text":"hello, you","count":1}\n', ""))
        out, _ = self.run_it(plugin("hello"), "io.troupe.hello.Greet", '{"name":"you"}')
        self.assertEqual(out, '{"text":"hello, you","count":1}\n')

    def test_units_that_work_together(self):
        """The first one is called; it finds the others by their names."""
        hello = self.unit_file("greeter", f"[Actor]\nPlugin={plugin('hello')}\n[Config]\nGreeting=good day\n")
        out, _ = self.run_it(plugin("gateway"), hello, "Call", "method=io.troupe.hello.Greet",
                             'parameters:={"name":"you"}')
        self.assertIn("good day, you", out)

    def test_what_fails_has_the_status_of_a_call(self):
        _, err = self.run_it(plugin("hello"), "Greet", "name=" + "x" * 65, status=1)
        self.assertIn("NameTooLong", err)
        _, err = self.run_it(plugin("hello"), "Greet", "nme=you", status=2)
        self.assertIn("there is no parameter nme (did you mean name?)", err)
        _, err = self.run_it("hello", "Greet", status=2)
        self.assertIn("hello is neither a plug-in (FILE.so) nor a unit file (NAME.actor)", err)
        _, err = self.run_it(plugin("hello"), plugin("hello"), "Greet", "name=you", status=2)
        self.assertIn("two units are called hello", err)
        _, err = self.run_it(os.path.join(self.directory, "nowhere.so"), "Greet", status=1)
        self.assertIn("nowhere.so: No such file or directory", err)
        _, err = self.run_it(plugin("hello"), "--more", status=2)
        self.assertIn("--more goes with a method", err)
        with open(os.path.join(self.directory, "text.so"), "w", encoding="utf-8") as file:
            file.write("This is no plug-in.\n" * 100)
        _, err = self.run_it(file.name, "Greet", status=1)
        self.assertIn("it is not an ELF file", err)

    def test_a_crash_is_told_with_the_log(self):
        _, err = self.run_it(plugin("crash"), "Segfault", status=1)
        self.assertIn("SIGSEGV in crash/0 while handling io.troupe.test.crash.Segfault", err)
        self.assertIn("died", err)

    def test_a_signal_ends_all_of_it_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start(plugin("ticker"), "Watch", "periodMs=10", "--more")
            self.assertEqual(process.stdout.readline(), '{"tick":1,"missed":0}\n')
            process.send_signal(number)
            _, err = process.communicate(timeout=60 * SLOW)
            self.assertEqual(process.returncode, 128 + number)
            self.assertNotIn("killed", err)
            self.assert_nothing_is_left()

    def test_the_daemon_ends_when_the_command_is_killed(self):
        process = self.start(plugin("ticker"), "Watch", "periodMs=10", "--more")
        process.stdout.readline()
        self.assertTrue(processes(self.directory))
        process.kill()
        process.communicate(timeout=60 * SLOW)
        wait_for(lambda: not processes(self.directory), 20 * SLOW, "the daemon to end")
        # Only then something is left: what nobody could remove.
        for left in glob.glob(f"{self.directory}/troupe-run-*"):
            shutil.rmtree(left)

    def test_without_a_method_it_serves_until_it_is_ended(self):
        process, socket = self.serve(plugin("hello"))
        with Client(socket) as client:
            self.assertEqual(client.call("io.troupe.hello.Greet", {"name": "you"})["text"], "hello, you")
            self.assertEqual(client.call("io.troupe.Control.Status")["units"], 1)
        process.terminate()
        _, err = process.communicate(timeout=60 * SLOW)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn("trouped: stopped", err)

    def test_a_daemon_that_is_shut_down_ends_the_command(self):
        process, socket = self.serve(plugin("hello"))
        subprocess.run([TROUPECTL, "--socket", socket, "shutdown"], check=True, timeout=60 * SLOW)
        process.communicate(timeout=60 * SLOW)
        self.assertEqual(process.returncode, 0)
