"""A Troupe daemon of a test's own: private configuration, socket and log, gone with the
test."""
import errno
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import varlink
from varlink import wait_for

BUILD = os.environ.get("TROUPE_BUILD", os.path.abspath("build"))
TROUPED = os.path.join(BUILD, "trouped")
TROUPECTL = os.path.join(BUILD, "troupectl")
PLUGINS = os.path.join(BUILD, "plugins")
TEST_PLUGINS = os.path.join(BUILD, "test-plugins")
CONTROL = "io.troupe.Control"

# Sanitizer builds are several times slower; every deadline of a test is scaled by this.
SLOW = int(os.environ.get("TROUPE_SLOW", "1"))

# What troupectl says of workers that kept silent.
LEFT_OUT = re.compile(r'does not answer|"silent":\[\d')


def free_port(address="127.0.0.1"):
    """One for a server that cannot say which one it was given. The kernel gives none of these
    to whoever asks for any, as all other tests do."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        least = int(file.read().split()[0])
    while True:
        port = random.randrange(least // 2, least)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                pass


def silent_place(test):
    """A bound socket at which nobody listens: who connects is refused, and the port is nobody
    else's until the test is over."""
    silent = socket.socket()
    test.addCleanup(silent.close)
    silent.bind(("127.0.0.1", 0))
    return silent


def silent_name_server(test):
    """One that takes questions and never answers: its socket and its address, which other runs
    of the same test do not have."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    test.addCleanup(silent.close)
    while True:
        address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        try:
            silent.bind((address, 53))
            return silent, address
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def plugin(name):
    for directory in (PLUGINS, TEST_PLUGINS):
        path = os.path.join(directory, name + ".so")
        if os.path.exists(path):
            return path
    raise AssertionError(f"no plug-in {name}.so in {PLUGINS} or {TEST_PLUGINS}")


# LISTEN_PID names the process that runs trouped, which is the same.
HAND_IN = """
import fcntl, os, sys
names, n = sys.argv[1], sys.argv[1].count(":") + 1
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 100) for fd in sys.argv[2:2 + n]]
os.closerange(3, 100)
for at, fd in enumerate(high):
    os.dup2(fd, 3 + at)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(n), LISTEN_FDNAMES=names)
os.execv(sys.argv[2 + n], sys.argv[2 + n:])
"""


class Daemon:
    """with Daemon({"hello": {"Plugin": ...}}) as daemon: daemon.call("hello",
    "io.troupe.hello.Greet", {...})"""

    def __init__(self, actors=None, daemon=None, wrap=None, env=None, start=True):
        self.directory = tempfile.mkdtemp(prefix="troupe-", dir="/tmp")
        self.config = os.path.join(self.directory, "etc")
        self.socket = os.path.join(self.directory, "s")
        self.log_path = os.path.join(self.directory, "log")
        self.process = None
        self.handed = []  # (name, socket), as a service manager hands them in
        self.wrap, self.env = wrap or [], env or {}
        self.may_break_memory = False  # a sanitizer's report is what the test is about
        os.mkdir(self.config)
        settings = {"Workers": 2}
        settings.update(daemon or {})
        self.write("trouped.conf", "[Daemon]\n" + "".join(f"{k}={v}\n" for k, v in settings.items()))
        for name, unit in (actors or {}).items():
            self.actor(name, unit)
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def write(self, name, text):
        path = os.path.join(self.config, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def actor(self, name, unit):
        """unit: the text of the file, or {"Plugin": ..., "Config": {...}}; a plug-in may be
        named without its path."""
        if not isinstance(unit, str):
            unit = dict(unit)
            config = unit.pop("Config", None)
            if "/" not in unit.get("Plugin", "/"):
                unit["Plugin"] = plugin(unit["Plugin"])
            text = "[Actor]\n" + "".join(f"{k}={v}\n" for k, v in unit.items())
            if config:
                text += "[Config]\n" + "".join(f"{k}={v}\n" for k, v in config.items())
            unit = text
        self.write(name + ".actor", unit)

    def command(self, *arguments):
        return [*self.wrap, *self.hand_in(), TROUPED, "--config", self.config, "--socket", self.socket, *arguments]

    def hand_in(self):
        """A command that puts the sockets where the one behind it expects them."""
        if not self.handed:
            return []
        names = ":".join(name for name, _ in self.handed)
        return [sys.executable, "-c", HAND_IN, names, *(str(handed.fileno()) for _, handed in self.handed)]

    def launch(self, *arguments, output=None, **more):
        """output: a descriptor for its log, in place of a file."""
        log = open(self.log_path, "ab") if output is None else os.fdopen(os.dup(output), "wb")
        # A daemon of a test inherits nothing that would make it a service.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("NOTIFY_", "WATCHDOG_", "LISTEN_"))}
        # A user without a session has none; root's daemons do not look at it.
        env.setdefault("XDG_RUNTIME_DIR", self.directory)
        self.process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={**env, **self.env}, pass_fds=[s.fileno() for _, s in self.handed], **more)
        log.close()
        return self.process

    def start(self, *arguments):
        self.launch(*arguments)
        self.wait_ready()

    def wait_ready(self, seconds=30):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"trouped ended with {self.process.returncode}:\n{self.log()}")
            try:
                return self.control("Status")["state"] != "starting"
            except (OSError, varlink.Closed):
                return False
        wait_for(ready, seconds * SLOW, "the daemon to be ready")

    def wait_listening(self, seconds=20):
        """Until it takes connections, however far it is: its socket is there before that."""
        wait_for(lambda: varlink.answers(self.socket), seconds * SLOW, "the daemon to answer")

    def log(self):
        try:
            with open(self.log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, text, seconds=20):
        wait_for(lambda: text in self.log(), seconds * SLOW, f"{text!r} in the log:\n{self.log()}")

    def client(self, timeout=20):
        return varlink.Client(self.socket, timeout * SLOW)

    def control(self, method, parameters=None):
        return varlink.call(self.socket, f"{CONTROL}.{method}", parameters, 20 * SLOW)

    def direct(self, method, parameters=None):
        return varlink.call(self.socket, method, parameters, 20 * SLOW)

    def call(self, name, method, parameters=None, seconds=None):
        """seconds: that it may take, of what takes longer than a call's deadline allows below a
        sanitizer."""
        given = {"name": name, "method": method, "parameters": parameters or {}}
        if seconds is None:
            return self.control("Call", given)["parameters"]
        given["timeoutMs"] = seconds * 1000 * SLOW
        return varlink.call(self.socket, f"{CONTROL}.Call", given, (seconds + 10) * SLOW)["parameters"]

    def heard(self, method, parameters=None):
        """What all workers answer. One that is busy for two seconds is left out, and its actors
        with it: of one that an actor has spawned nobody else knows."""
        def answered():
            try:
                reply = self.control(method, parameters)
            except varlink.VarlinkError as error:
                if error.name != f"{CONTROL}.NoSuchActor":
                    raise
                return None
            return reply if not reply["silent"] else None
        return wait_for(answered, 60 * SLOW, f"all workers to answer {method} {parameters}")

    def unit(self, name):
        return self.control("Describe", {"name": name})["unit"]

    def workers(self):
        return self.control("Workers")["workers"]

    def worker(self, number):
        return next(w for w in self.workers() if w["worker"] == number)

    def wait_unit(self, name, state, seconds=20):
        return wait_for(lambda: self.unit(name) if self.unit(name)["state"] == state else None, seconds * SLOW,
                        f"unit {name} to be {state}")

    def wait_workers(self, count=None, seconds=20):
        def all_run():
            workers = self.workers()
            return workers if all(w["state"] == "running" for w in workers) and \
                (count is None or len(workers) == count) else None
        return wait_for(all_run, seconds * SLOW, "all workers to run")

    def kill_worker(self, number, how=signal.SIGKILL):
        """Kill it, and wait until its successor runs."""
        worker = self.worker(number)
        os.kill(worker["pid"], how)
        wait_for(lambda: (w := self.worker(number))["state"] == "running" and
                 w["incarnation"] > worker["incarnation"] and w, 20 * SLOW, f"worker {number} to come back")

    def ctl(self, *arguments, input=None, check=True, timeout=60):
        done = subprocess.run([TROUPECTL, "--socket", self.socket, *arguments], input=input, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * SLOW)
        if check and done.returncode:
            raise AssertionError(f"troupectl {arguments}: status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def ctl_heard(self, *arguments):
        """As heard() does."""
        return wait_for(lambda: not LEFT_OUT.search((done := self.ctl(*arguments)).stdout) and done, 60 * SLOW,
                        f"all workers to answer troupectl {arguments}")

    def ctl_json(self, *arguments, **more):
        return json.loads(self.ctl("--json", *arguments, **more).stdout)

    def processes(self):
        """Every process of this daemon that lives: the master and its workers, by their status
        in /proc."""
        if not self.process:
            return []
        return [self.process.pid, *children_of(self.process.pid)]

    def terminate(self, seconds=20):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds * SLOW)

    def stop(self):
        """End it whatever state it is in; the log stays."""
        if self.process and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def finish(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def count_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def most_descriptors(pid):
    """How many it has while it does nothing in particular: a channel closes its spare one while
    it reads."""
    most = 0
    for _ in range(20):
        most = max(most, count_descriptors(pid))
        time.sleep(0.01)
    return most


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def waits(seconds):
    """Of a test, or a class of them, that mostly waits for time to pass, about so long: it runs
    beside the others, and those begin first that wait longest."""
    def mark(test):
        test.WAITS = seconds
        return test
    return mark


def measures(test):
    """Of a test, or a class of them, that is about how long something takes: it runs when the
    others have."""
    test.MEASURES = 1
    return test


class HostTest(unittest.TestCase):
    """A test with daemons; when it fails, their logs are shown."""

    maxDiff = None

    def daemon(self, *arguments, **more):
        daemon = self.unstarted(*arguments, **more)
        daemon.start()
        return daemon

    def unstarted(self, *arguments, **more):
        """A daemon with its configuration written, for the test to start (or not)."""
        daemon = Daemon(*arguments, start=False, **more)
        self.addCleanup(self.finish_daemon, daemon)
        return daemon

    def finish_daemon(self, daemon):
        daemon.stop()
        log = daemon.log()
        daemon.finish()
        failed = getattr(getattr(self._outcome.result, "tally", None), "failed", [])
        if self.id() in failed:
            # What the test is about is no finding of its.
            shown = log.replace("Sanitizer", "Sanitiser").replace("runtime error:", "runtime error") if daemon.may_break_memory else log
            print(f"---- log of {daemon.directory}\n{shown}----", flush=True)
        if not daemon.may_break_memory and ("Sanitizer" in log or "runtime error:" in log):
            raise AssertionError(f"a sanitizer spoke up:\n{log}")

    def assert_error(self, name, function, *arguments, **more):
        """The call fails with that error; returns its parameters."""
        with self.assertRaises(varlink.VarlinkError) as caught:
            function(*arguments, **more)
        self.assertEqual(caught.exception.name, name if "." in name else f"{CONTROL}.{name}")
        return caught.exception.parameters
