"""Storms: hostile input and bad luck in quantity, each beside something that must stay right.

Each module has storm(seed, seconds), which raises AssertionError when a promise is broken; the
same seed does the same again as far as processes allow.
"""
import contextlib
import threading
import time

import varlink


class Honest(threading.Thread):
    """Calls one unit all the time and expects the right answer each time, soon."""

    def __init__(self, daemon, name="honest", patience=15):
        super().__init__(daemon=True)
        self.host, self.name_called, self.patience = daemon, name, patience
        self.over = threading.Event()
        self.trouble, self.calls = None, 0

    def run(self):
        try:
            with varlink.Client(self.host.socket, self.patience) as client:
                while not self.over.wait(0.005):
                    self.calls += 1
                    text = f"call {self.calls}"
                    reply = client.call("io.troupe.Control.Call", {"name": self.name_called, "method": "io.troupe.test.echo.Text",
                                                                   "parameters": {"text": text}})
                    assert reply == {"parameters": {"text": text}}, f"a wrong answer: {reply}"
        except Exception as trouble:  # told by check()
            self.trouble = trouble

    def check(self):
        assert self.trouble is None, f"{self.name_called} after {self.calls} calls: {type(self.trouble).__name__}: {self.trouble}"


def victims(daemon):
    """The processes of workers that may be harmed: not that of the honest unit."""
    spared = {i["worker"] for i in daemon.unit("honest")["instances"] if i.get("worker")}
    return [w["pid"] for w in daemon.workers() if w.get("pid") and w["worker"] not in spared] or [2 ** 30]


@contextlib.contextmanager
def honest(daemon, seconds, **more):
    """Beside what is done in the block: an honest caller, checked in the end. Gives a function
    that says whether time is left."""
    thread = Honest(daemon, **more)
    thread.start()
    end = time.monotonic() + seconds

    def goes_on():
        thread.check()
        assert daemon.process.poll() is None, f"trouped has ended with {daemon.process.returncode}"
        return time.monotonic() < end

    try:
        yield goes_on
        thread.over.set()
        thread.join(30)
        thread.check()
        assert thread.calls > 0
        status = daemon.terminate(60)
        assert status == 0, f"trouped ended with {status}"
    finally:
        thread.over.set()
