"""Tasks that do whatever tasks can do, at random (tests/actors/chaos), while callers come and
go, actors are stopped, started and restarted, limits change, and workers are killed.

Each answer that a task gets is right or says why there is none; when all is quiet again no task
is left, actors have what they had in the beginning, and no memory is lost.
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
CHAOS = "io.troupe.test.chaos."
EXPECTED = {CONTROL + name for name in ("WrongState", "NoSuchActor", "ActorDied", "Timeout", "Overloaded", "Failed", "Cancelled", "NoReply")}
# What its init makes: the task serves the listener.
OWNS = {"task": 1, "channel": 1, "semaphore": 1, "event": 1, "listener": 1}
REPORTS = ("chaos: chaos:", "Sanitizer", "runtime error:", "abandoned")


def define(daemon, choose, instances):
    daemon.actor("chaos", {"Plugin": "chaos", "Instances": instances, "Restart": "always", "RestartDelay": "1ms", "RestartDelayMax": "50ms", "GiveUp": "never",
                           "TaskGrace": "60s", "StopTimeout": "70s",
                           "Mailbox": choose.choice([10, 100, 1000]), "Tasks": choose.choice([20, 100, 1000]),
                           "Blocking": choose.choice([1, 4]), "Config": {"Others": ["chaos"] + [f"chaos/{n}" for n in range(instances)]}})


class Caller(threading.Thread):
    """Has them play; leaves in the middle of it at times."""

    def __init__(self, daemon, seed, depth):
        super().__init__(daemon=True)
        self.host, self.choose, self.depth = daemon, random.Random(seed), depth
        self.over, self.trouble, self.done = threading.Event(), None, 0

    def play(self):
        choose = self.choose
        call = {"name": "chaos", "method": CHAOS + choose.choice(["Play", "Play", "Play", "Reign"]), "timeoutMs": choose.choice([5, 100, 5000]),
                "parameters": {"seed": choose.randrange(1, 1 << 62), "deeds": choose.randrange(20), "depth": choose.randrange(self.depth)}}
        with varlink.Client(self.host.socket, 30 * host.SLOW) as client:
            for _ in range(choose.choice([1, 1, 10])):
                client.send(CONTROL + "Call", call)
            if choose.random() < 0.2:
                return  # it hangs up
            try:
                self.done += client.receive()[0]["parameters"]["done"]
            except varlink.VarlinkError as error:
                assert error.name in EXPECTED, error

    def run(self):
        try:
            while not self.over.is_set():
                self.play()
        except Exception as trouble:  # told by the storm
            self.trouble = trouble


def harm(daemon, choose, instances):
    deed = choose.randrange(8)
    try:
        if deed == 0:
            os.kill(choose.choice(victims(daemon)), signal.SIGKILL)
        elif deed == 1:
            define(daemon, choose, instances)
            daemon.control("Reload")
        elif deed < 5:
            daemon.control(choose.choice(["Stop", "Restart", "Restart", "Kill"]), {"name": f"chaos/{choose.randrange(instances)}"})
        else:
            daemon.control("Start", {"name": "chaos"})
    except varlink.VarlinkError as error:
        assert error.name in EXPECTED, error
    except ProcessLookupError:
        pass


def owns(daemon, name):
    """None of an actor whose worker keeps silent for a while."""
    actors = daemon.control("Describe", {"name": name})["actors"]
    return {item["kind"]: item["count"] for item in actors[0]["owns"]} if actors else None


def has_played(daemon, name):
    """Not one whose worker was killed a moment ago, either."""
    try:
        return daemon.call(name, CHAOS + "Playing")["tasks"] == 0
    except varlink.VarlinkError as error:
        assert error.name in EXPECTED, error
        return False


def calm(daemon, instances):
    """Nothing is left of it, in time."""
    daemon.control("Start", {"name": "chaos"})
    daemon.wait_unit("chaos", "running")
    for n in range(instances):
        name = f"chaos/{n}"
        wait_for(lambda: has_played(daemon, name), 30 * host.SLOW, f"{name} to have played")
        try:
            wait_for(lambda: owns(daemon, name) == OWNS, 30 * host.SLOW, f"{name} to have what it had in the beginning")
        except AssertionError as trouble:
            raise AssertionError(f"{trouble}, not {owns(daemon, name)}") from None
    assert daemon.control("Status")["lostMemory"] == 0


def weather(daemon, choose, seed, seconds, instances):
    quiet = Honest(daemon, patience=15 * host.SLOW)
    callers = [Caller(daemon, f"{seed} {n}", choose.choice([1, 3, 5])) for n in range(choose.choice([1, 4, 8]))]
    for thread in [quiet, *callers]:
        thread.start()
    is_harmed = choose.random() < 0.7
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(choose.random() / 5)
        if is_harmed:
            harm(daemon, choose, instances)
        quiet.check()
    for caller in callers:
        caller.over.set()
    for caller in callers:
        caller.join(60 * host.SLOW)
        assert caller.trouble is None, f"after {caller.done} deeds: {caller.trouble!r}"
    calm(daemon, instances)
    quiet.over.set()
    quiet.join(30)
    quiet.check()
    assert daemon.terminate(60) == 0
    reports = [line for line in daemon.log().splitlines() if any(word in line for word in REPORTS)]
    assert not reports, "\n".join(reports[:20])
    return sum(caller.done for caller in callers)


def storm(seed, seconds):
    choose = random.Random(seed)
    instances = choose.choice([1, 2, 5])
    with host.Daemon({"honest": {"Plugin": "echo", "Worker": "own"}}, start=False,
                     daemon={"Workers": choose.randrange(1, 4), "BlockingThreads": choose.choice([1, 4])}) as daemon:
        define(daemon, choose, instances)
        daemon.start()
        try:
            done = weather(daemon, choose, seed, seconds, instances)
            assert done > 0
        except BaseException:
            print("".join(daemon.log().splitlines(True)[-100:]), flush=True)
            raise
