"""What does not come back: traced and stopped workers, endless handlers; each is seen, bounded, and can be got rid of."""
import os
import signal
import subprocess
import sys
import time

from host import HostTest, SLOW
from varlink import wait_for

GREET = "io.troupe.hello.Greet"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


class Traced(HostTest):
    """Workers that die in the hands of a debugger: their parent gets no exit status until the debugger lets go."""

    def trace(self, pid, *flags):
        tracer = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "tracer.py"), str(pid), *flags],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end():
            tracer.kill()
            tracer.communicate()
        self.addCleanup(end)
        self.assertEqual(tracer.stdout.readline(), "traced\n")
        return end

    def assert_idle(self, host):
        before = cpu_seconds(host.process.pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(host.process.pid) - before, 0.5, "half a processor is used for nothing")

    def test_a_worker_killed_while_traced_is_replaced_and_the_master_rests(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        pid = host.worker(1)["pid"]
        let_go = self.trace(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: (w := host.worker(1))["incarnation"] == 2 and w["state"] == "running", 20 * SLOW)
        self.assertEqual(host.worker(1)["lastCrash"]["cause"], "unknown")
        host.wait_unit("hello", "running")
        self.assertEqual(host.call("hello", GREET, {"name": "x"})["text"], "hello, x")
        # Its status is still the tracer's, so it is a zombie; and nothing is spent on that.
        with open(f"/proc/{pid}/stat") as file:
            self.assertEqual(file.read().rsplit(")", 1)[1].split()[0], "Z")
        self.assert_idle(host)
        let_go()
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 20 * SLOW, "the zombie to be collected")

    def test_sigterm_ends_beside_a_worker_killed_while_traced(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}})
        pid = host.worker(1)["pid"]
        self.trace(pid)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(host.terminate(), 0)

    def test_sigterm_ends_while_a_worker_is_held_by_a_tracer(self):
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 1}}, daemon={"StopTimeout": "1s"})
        pid = host.worker(1)["pid"]
        self.trace(pid, "exit")
        began = time.monotonic()
        self.assertEqual(host.terminate(), 0)
        # StopTimeout=, and what SIGKILL may take.
        self.assertLess(time.monotonic() - began, 10 * SLOW)
        self.assertIn("going on without it", host.log())
