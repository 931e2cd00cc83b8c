"""Operators who do everything at once: start, stop, reload, spawn and call, while workers are
killed and stopped by signals.

No verb takes longer than its timeouts, an honest unit in a worker of its own notices nothing,
and when all is quiet again what is configured runs, or comes to run when it is started. Then
the daemon is told to stop in the middle of it.
"""
import os
import random
import signal
import threading
import time

import host
import varlink
from varlink import wait_for

from storms import Honest, victims

CONTROL = "io.troupe.Control."
START, STOP = 3, 2  # StartTimeout=, StopTimeout=, in seconds
PATIENCE = 40 + 10 * host.SLOW  # LIMIT_WAIT_NS, and the machine
UNITS = {"pool": ("echo", 6), "crash": ("crash", 3), "slow": ("slow", 3), "own": ("slow", 2)}
# What a unit is asked to do in the storm, and in the end.
CALLS = {"echo": [("io.troupe.test.echo.Text", {"text": "a"})],
         "crash": [("io.troupe.test.crash.Segfault", {}), ("io.troupe.test.crash.Ping", {}), ("io.troupe.test.crash.Abort", {}),
                   ("io.troupe.test.crash.SegfaultLater", {"delayMs": 20}), ("io.troupe.test.crash.Maybe", {"crash": False, "ms": 200})],
         "slow": [("io.troupe.test.slow.Answer", {"text": "a", "delayMs": 50}), ("io.troupe.test.slow.Block", {"ms": 300}),
                  ("io.troupe.test.slow.Quit", {"code": 0}), ("io.troupe.test.slow.Quit", {"code": -5}), ("io.troupe.test.slow.Never", {}),
                  ("io.troupe.test.slow.Stream", {"count": 5, "periodMs": 20}), ("io.troupe.test.slow.Burn", {"ms": 200})]}
PROOF = {"echo": CALLS["echo"][0], "crash": CALLS["crash"][1], "slow": CALLS["slow"][0]}
# What may be the answer to a verb when others have done something else meanwhile.
EXPECTED = {CONTROL + name for name in ("WrongState", "NoSuchActor", "ActorDied", "Timeout", "Overloaded", "NameTaken", "BadUnit", "Failed",
                                        "Cancelled")}


def define(daemon, choose, name):
    plugin, instances = UNITS[name]
    keys = {"Plugin": plugin, "Instances": choose.choice([instances, instances, instances + 1, 1]), "Description": f"{name} {choose.random()}",
            "Mailbox": choose.randrange(100, 2000), "RestartDelay": f"{choose.randrange(1, 50)}ms", "RestartDelayMax": "500ms",
            "Restart": choose.choice(["on-failure", "always"])}
    if name == "own":
        keys["Worker"] = choose.choice(["own", "own", "any"])
    if name == "slow" and choose.random() < 0.3:
        keys["Balance"] = "least-outstanding"
    daemon.actor(name, keys)


class Operator(threading.Thread):
    """One of them: a verb after the other, until it is told to end."""

    def __init__(self, daemon, seed, number, verbs):
        super().__init__(daemon=True)
        self.host, self.number, self.verbs = daemon, number, verbs
        self.choose = random.Random(f"{seed} {number}")
        self.over = threading.Event()
        self.trouble, self.done, self.ends = None, 0, False

    def ask(self, method, parameters=None, **flags):
        begin = time.monotonic()
        try:
            with varlink.Client(self.host.socket, PATIENCE) as client:
                client.call(method, parameters, **flags)
        except varlink.VarlinkError as error:
            assert error.name in EXPECTED, f"{method} {parameters}: {error}"
        except (varlink.Closed, OSError) as error:
            # Not a timeout, and only of a daemon that is about to end.
            assert self.ends and not isinstance(error, TimeoutError), f"{method} {parameters}: {type(error).__name__} {error} after {time.monotonic() - begin:.1f} s"

    def name(self):
        name, (_, instances) = self.choose.choice(list(UNITS.items()))
        return name if self.choose.random() < 0.5 else f"{name}/{self.choose.randrange(instances + 1)}"

    def call(self):
        name = self.name()
        method, parameters = self.choose.choice(CALLS[UNITS[name.split("/")[0]][0]])
        self.ask(CONTROL + "Call", {"name": name, "method": method, "parameters": parameters, "timeoutMs": self.choose.choice([20, 500, 2000])})

    def reload(self):
        for _ in range(self.choose.randrange(3)):
            define(self.host, self.choose, self.choose.choice(list(UNITS)))
        self.ask(CONTROL + "Reload")

    def spawn(self):
        guest = f"guest{self.number}"
        plugin = self.choose.choice(["slow", "echo", "crash", "fail_in_init", "crash_in_init", "hang_in_init"])
        self.ask(CONTROL + "Spawn", {"name": guest, "plugin": host.plugin(plugin), "worker": self.choose.choice(["any", "own"])})
        self.ask(CONTROL + "Stop", {"name": guest})

    def harm(self):
        pid = self.choose.choice(victims(self.host))
        how = self.choose.choice([signal.SIGKILL, signal.SIGABRT, signal.SIGSTOP])
        try:
            os.kill(pid, how)
            if how == signal.SIGSTOP:
                self.over.wait(self.choose.random() * 1.5)
                os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def look(self):
        self.ask(CONTROL + self.choose.choice(["List", "Status", "Workers", "Actors"]))
        self.ask(CONTROL + "Describe", {"name": self.name()})

    def run(self):
        acts = [self.call] * 6 + [self.look] + [self.reload] * 2 + [self.spawn] + [self.harm]
        acts += [lambda verb=verb: self.ask(CONTROL + verb, {"name": self.name()}) for verb in self.verbs for _ in range(2)]
        try:
            while not self.over.is_set():
                self.choose.choice(acts)()
                self.done += 1
        except Exception as trouble:  # told by check()
            if not (self.ends and isinstance(trouble, (varlink.Closed, OSError))):
                self.trouble = trouble

    def check(self):
        assert self.trouble is None, f"operator {self.number} after {self.done} verbs: {type(self.trouble).__name__}: {self.trouble}"


def unleash(daemon, seed, verbs):
    operators = [Operator(daemon, seed, n, verbs) for n in range(5)]
    for operator in operators:
        operator.start()
    return operators


def gather(operators):
    for operator in operators:
        operator.over.set()
    for operator in operators:
        operator.join(4 * PATIENCE)
        assert not operator.is_alive(), f"operator {operator.number} hangs"
        operator.check()


def settle(daemon):
    """All that is configured runs, or does when it is started once more."""
    for name in UNITS:
        daemon.control("Start", {"name": name})

    def runs(name):
        unit = daemon.unit(name)
        if unit["state"] in ("failed", "ended", "stopped"):
            assert unit["state"] != "failed" or unit.get("reason"), f"{unit} has failed without a reason"
            daemon.control("Start", {"name": name})
            return False
        return unit["state"] == "running" and all(i["state"] == "running" for i in unit["instances"])

    def works(name, method, parameters):
        """A call may still meet the end of what was done before."""
        try:
            return daemon.control("Call", {"name": name, "method": method, "parameters": parameters})
        except varlink.VarlinkError as error:
            assert error.name in EXPECTED, f"{name}: {error}"
            return None

    for name, (plugin, _) in UNITS.items():
        wait_for(lambda: runs(name), 30 * host.SLOW, f"{name} to run: {daemon.unit(name)}")
        for instance in daemon.unit(name)["instances"]:
            each = f"{name}/{instance['instance']}"
            wait_for(lambda: works(each, *PROOF[plugin]), 30 * host.SLOW, f"{each} to answer")


def weather(daemon, seed, seconds):
    verbs = ["Start", "Stop", "Restart", "Kill"]
    quiet = Honest(daemon, patience=15 * host.SLOW)
    quiet.start()
    operators = unleash(daemon, seed, verbs)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        assert daemon.process.poll() is None, f"trouped has ended with {daemon.process.returncode}"
        quiet.check()
        for operator in operators:
            operator.check()
    gather(operators)
    settle(daemon)
    quiet.over.set()
    quiet.join(30)
    quiet.check()
    # Once more, and the daemon ends beneath them.
    operators = unleash(daemon, seed + 1, verbs)
    time.sleep(random.Random(seed).random() * 2)
    for operator in operators:
        operator.ends = True
    begin = time.monotonic()
    status = daemon.terminate(60)
    took = time.monotonic() - begin
    gather(operators)
    assert status == 0, f"trouped ended with {status}"
    # Far from what a verb or a worker that hangs would take.
    assert took < 25 * host.SLOW, f"trouped took {took:.1f} s to stop"


def storm(seed, seconds):
    choose = random.Random(seed)
    with host.Daemon({"honest": {"Plugin": "echo", "Worker": "own", "StartTimeout": "40s"}}, start=False,
                daemon={"Workers": choose.randrange(1, 4), "StartTimeout": f"{START}s", "StopTimeout": f"{STOP}s", "WorkerWatchdog": "20s"}) as daemon:
        for name in UNITS:
            define(daemon, choose, name)
        daemon.start()
        try:
            weather(daemon, seed, seconds)
            reports = [line for line in daemon.log().splitlines() if "Sanitizer" in line or "runtime error:" in line]
            assert not reports, reports
        except BaseException:
            print("".join(daemon.log().splitlines(True)[-200:]), flush=True)
            raise
