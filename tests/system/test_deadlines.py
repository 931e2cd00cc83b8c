"""Deadlines of clients: what they hold for, and that they hold whatever the worker does."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import varlink
from host import CONTROL, SLOW, TROUPECTL, HostTest, waits
from varlink import wait_for

SLOW_ACTOR = "io.troupe.test.slow"
RELAY = "io.troupe.test.relay"
# Promised are 5 ms; the rest is for a machine under load.
LATE = 7 + SLOW


class Deadlines(HostTest):
    def frozen(self, **unit):
        """A daemon whose only worker stands still."""
        host = self.daemon({"slow": {"Plugin": "slow", **unit}}, daemon={"Workers": 1})
        pid = host.worker(1)["pid"]
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        os.kill(pid, signal.SIGSTOP)
        return host, pid

    def assert_times_out_after(self, seconds, client, method, parameters=None, **more):
        # its time runs from when the daemon has read it, which may be soon
        begin = time.monotonic()
        client.send(method, parameters, **more)
        self.assert_error("Timeout", client.receive)
        self.assertGreaterEqual(time.monotonic() - begin, seconds)
        self.assertLess(time.monotonic() - begin, seconds + LATE)

    def test_a_stalled_worker_does_not_hold_up_deadlines(self):
        host, pid = self.frozen()
        call = {"name": "slow", "method": f"{SLOW_ACTOR}.Kept", "timeoutMs": 50}
        with host.client() as client:
            for more in (False, True):
                self.assert_times_out_after(0.05, client, f"{CONTROL}.Call", call, **({"more": True} if more else {}))
            # What has expired is not run when it goes on, and nothing of it comes late.
            os.kill(pid, signal.SIGCONT)
            self.assertEqual(host.call("slow", f"{SLOW_ACTOR}.Answer", {"text": "x", "delayMs": 0}), {"text": "x"})
            self.assertEqual(client.call(f"{CONTROL}.Call", {**call, "timeoutMs": 20000})["parameters"],
                             {"kept": 0, "cancelled": 0})

    @waits(17)
    def test_a_handler_that_ends_late_gets_no_ok(self):
        host = self.daemon({"slow": {"Plugin": "slow"}}, daemon={"Workers": 1})
        with host.client(60) as client:
            self.assert_times_out_after(0.1, client, f"{CONTROL}.Call",
                                        {"name": "slow", "method": f"{SLOW_ACTOR}.Block", "timeoutMs": 100,
                                         "parameters": {"ms": int(1000 * (0.1 + 2 * LATE))}})
            # The reply that came in spite of it is nobody's.
            self.assertEqual(client.call(f"{SLOW_ACTOR}.Answer", {"text": "next", "delayMs": 0}), {"text": "next"})

    @waits(6)
    def test_troupectl_ends_at_its_deadline(self):
        host, _ = self.frozen()
        for arguments in (["call", "slow", f"{SLOW_ACTOR}.Kept"], ["call", f"{SLOW_ACTOR}.Kept"], ["call", "slow", "Kept"],
                          ["call", "--more", "slow", f"{SLOW_ACTOR}.Kept"], ["call", "--more", f"{SLOW_ACTOR}.Kept"]):
            with self.subTest(arguments):
                begin = time.monotonic()
                done = subprocess.run([TROUPECTL, "--socket", host.socket, "--timeout", "1s", *arguments],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60 * SLOW)
                self.assertLess(time.monotonic() - begin, 1 + 2 * LATE)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("--timeout TIME waits longer", done.stderr)
        # A master that stands still itself: only the deadline of troupectl is left.
        self.addCleanup(os.kill, host.process.pid, signal.SIGCONT)
        os.kill(host.process.pid, signal.SIGSTOP)
        begin = time.monotonic()
        done = subprocess.run([TROUPECTL, "--socket", host.socket, "--timeout", "1s", "status"], stderr=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, timeout=60 * SLOW)
        os.kill(host.process.pid, signal.SIGCONT)
        self.assertLess(time.monotonic() - begin, 1 + 2 * LATE)
        self.assertIn("no reply in time from the daemon", done.stderr)

    def test_direct_calls_end_with_their_connection_or_call_timeout(self):
        host = self.daemon({"slow": {"Plugin": "slow", "CallTimeout": "100ms"}})
        with host.client() as client:
            self.assert_times_out_after(0.1, client, f"{SLOW_ACTOR}.Never")
        host.actor("slow", {"Plugin": "slow"})
        host.control("Reload")
        with host.client() as client:
            client.send(f"{SLOW_ACTOR}.Never")
            wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 1, 20 * SLOW, "the call to be kept")
            cancelled = host.call("slow", f"{SLOW_ACTOR}.Kept")["cancelled"]
        wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept") == {"kept": 0, "cancelled": cancelled + 1}, 20 * SLOW,
                 "the actor to hear that its caller is gone")
        # The death of its worker is an end, too.
        with host.client() as client:
            client.send(f"{SLOW_ACTOR}.Never")
            wait_for(lambda: host.call("slow", f"{SLOW_ACTOR}.Kept")["kept"] == 1, 20 * SLOW, "the call to be kept")
            for worker in host.control("Workers")["workers"]:
                os.kill(worker["pid"], signal.SIGKILL)
            self.assert_error("ActorDied", client.receive)


class Stopping(HostTest):
    def test_calls_that_came_before_the_stop_are_answered(self):
        """Hundreds of connections, most not even accepted, have written a call each when
        SIGTERM comes."""
        host = self.daemon({"slow": {"Plugin": "slow"}})
        pid = host.process.pid
        os.kill(pid, signal.SIGSTOP)
        clients = []
        try:
            for i in range(400):
                client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                client.settimeout(60 * SLOW)
                self.addCleanup(client.close)
                try:
                    client.setblocking(False)
                    client.connect(host.socket)
                except BlockingIOError:
                    break  # the kernel's queue is full
                client.settimeout(60 * SLOW)
                # Two at once: the first may be answered by the actor, or by "stopping".
                for method in (f"{SLOW_ACTOR}.Kept", f"{CONTROL}.Status"):
                    client.sendall(b'{"method":"' + method.encode() + b'"}\0')
                clients.append(client)
            self.assertGreater(len(clients), 50)
            os.kill(pid, signal.SIGTERM)
        finally:
            os.kill(pid, signal.SIGCONT)
        for client in clients:
            data = b""
            while piece := client.recv(1 << 16):
                data += piece
            replies = [json.loads(frame) for frame in data.split(b"\0")[:-1]]
            self.assertEqual(len(replies), 2, data)
            self.assertIn(replies[0].get("error"), (None, f"{CONTROL}.WrongState", f"{CONTROL}.ActorDied"))
            self.assertIn("uptimeMs", replies[1]["parameters"])
        self.assertEqual(host.process.wait(20 * SLOW), 0)


@waits(57)
class Quiet(HostTest):
    """The default of 45 seconds, in real time."""

    def test_quiet_streams_and_direct_calls_outlive_the_default(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}, "near": {"Plugin": "relay", "Type": "relay", "Worker": 1},
                            "far": {"Plugin": "relay", "Type": "relay", "Worker": 2}})
        stream = {"count": 1, "periodMs": 55000}
        answer = {"text": "x", "delayMs": 55000}
        cases = {
            # Subscriptions: of clients, of other actors in the worker and in another one.
            "direct stream": (f"{SLOW_ACTOR}.Stream", stream, True),
            "stream": (f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Stream", "parameters": stream}, True),
            "near stream": (f"{CONTROL}.Call", {"name": "near", "method": f"{RELAY}.Stream", "parameters": {"to": "slow", **stream}},
                            True),
            "far stream": (f"{CONTROL}.Call", {"name": "far", "method": f"{RELAY}.Stream", "parameters": {"to": "slow", **stream}},
                           True),
            "direct call": (f"{SLOW_ACTOR}.Answer", answer, False),
            # These have deadlines.
            "call": (f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Answer", "parameters": answer}, False),
            "stream with a deadline": (f"{CONTROL}.Call", {"name": "slow", "method": f"{SLOW_ACTOR}.Stream", "parameters": stream,
                                                           "timeoutMs": 46000}, True),
        }
        results = {}

        def ask(name, method, parameters, more):
            begin = time.monotonic()
            with host.client(120) as client:
                try:
                    client.send(method, parameters, **({"more": True} if more else {}))
                    client.receive()
                    results[name] = "ok"
                except varlink.VarlinkError as error:
                    results[name] = error.name.rsplit(".", 1)[1], time.monotonic() - begin

        threads = [threading.Thread(target=ask, args=(name, *case)) for name, case in cases.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120 * SLOW)
        for name, seconds in (("call", 45), ("stream with a deadline", 46)):
            error, after = results.pop(name)
            self.assertEqual(error, "Timeout", name)
            self.assertLess(abs(after - seconds), LATE, name)
        self.assertEqual(results, {name: "ok" for name in results})
        self.assertEqual(len(results), len(cases) - 2)
