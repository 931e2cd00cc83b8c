"""The service under a real systemd: installed, started, called, reloaded, a worker killed,
stopped."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from host import BUILD, SLOW, waits
from testbed import Testbed
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# clients.py N [PID]: N connections, each with a question and its answer. PID: a process that
# stands still before they connect, and is killed before they are answered.
CLIENTS = r"""
import os, signal, socket, sys, time

def stands(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"

def connect(place):
    client = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
    client.settimeout(100)
    client.connect(place)
    client.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
    return client

pid = int(sys.argv[2]) if len(sys.argv) > 2 else None
if pid:
    os.kill(pid, signal.SIGSTOP)
    while not stands(pid):
        time.sleep(0.01)
clients = [connect("/run/web" if i % 2 else ("127.0.0.1", 80)) for i in range(int(sys.argv[1]))]
if pid:
    os.kill(pid, signal.SIGKILL)
for client in clients:
    answer = b""
    while not answer.endswith(b"\0"):
        more = client.recv(65536)
        assert more, f"the end after {answer}"
        answer += more
    assert b"io.troupe.Control" in answer, answer
"""


@unittest.skipUnless(os.geteuid() == 0, "booting a systemd takes root")
@waits(20)
class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Installed as a user would, below a folder that is then laid over the root of the test
        # bed.
        cls.stage = tempfile.mkdtemp(prefix="troupe-stage-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.stage)
        subprocess.run(["make", "-s", "-C", TOP, f"BUILD={BUILD}", f"DESTDIR={cls.stage}", "install"], check=True,
                       stdout=subprocess.DEVNULL, env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")})
        etc = os.path.join(cls.stage, "etc/troupe")
        os.makedirs(etc, exist_ok=True)
        with open(os.path.join(etc, "hello.actor"), "w") as file:
            file.write("[Actor]\nPlugin=hello\nInstances=2\n")
        files = {}
        for directory, folders, names in os.walk(cls.stage):
            for name in names:
                path = os.path.join(directory, name)
                files["/" + os.path.relpath(path, cls.stage)] = path
        cls.bed = Testbed(files)
        cls.bed.boot()
        cls.addClassCleanup(cls.bed.power_off)

    def run_in(self, *command, **more):
        return self.bed.run(*command, **more).stdout

    def ctl(self, *arguments):
        return json.loads(self.run_in("troupectl", "--json", *arguments))

    def setUp(self):
        self.run_in("systemctl", "start", "trouped.socket", "trouped.service")

    def tearDown(self):
        self.run_in("systemctl", "stop", "trouped.socket", "trouped.service")
        self.run_in("systemctl", "reset-failed", "trouped.service", "trouped.socket", check=False)

    def write(self, path, text):
        self.run_in("sh", "-c", f"cat > {path}", input=text)

    def property(self, name):
        return self.run_in("systemctl", "show", "-P", name, "trouped.service").strip()

    def test_units_are_free_of_mistakes(self):
        # systemd-analyze exits with 0 in spite of unknown keys: any word is one too many.
        output = self.run_in("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/trouped.service",
                             "/lib/systemd/system/trouped.socket", check=False)
        self.assertEqual([line for line in output.splitlines() if "troupe" in line], [])

    def test_start_call_reload_kill_stop(self):
        self.assertEqual(self.property("ActiveState"), "active")
        self.assertIn("2", self.property("StatusText"))
        self.assertEqual(self.ctl("call", "hello", GREET, '{"name": "systemd"}')["text"], "hello, systemd")

        # Reload: a new actor file.
        self.run_in("sh", "-c", "printf '[Actor]\\nPlugin=hello\\n[Config]\\nGreeting=ahoy\\n' > /etc/troupe/second.actor")
        self.run_in("systemctl", "reload", "trouped.service")
        wait_for(lambda: "second" in self.run_in("troupectl", "list"), 20 * SLOW)
        self.assertEqual(self.ctl("call", "second", GREET, '{"name": "x"}')["text"], "ahoy, x")
        self.run_in("rm", "/etc/troupe/second.actor")
        self.run_in("systemctl", "reload", "trouped.service")
        wait_for(lambda: "second" not in self.run_in("troupectl", "list"), 20 * SLOW)

        # A worker that dies costs neither the service nor a restart of it.
        main = self.property("MainPID")
        worker = next(w for w in self.ctl("workers")["workers"] if w["worker"] == 1)
        self.run_in("kill", "-SEGV", str(worker["pid"]))
        def back():
            now = next(w for w in self.ctl("workers")["workers"] if w["worker"] == 1)
            return now["state"] == "running" and now["incarnation"] == worker["incarnation"] + 1
        wait_for(back, 20 * SLOW)
        self.assertEqual(self.property("MainPID"), main)
        self.assertEqual(self.property("NRestarts"), "0")
        wait_for(lambda: "SIGSEGV" in self.run_in("journalctl", "-u", "trouped.service", "-o", "cat"), 20 * SLOW)

        # Stop: in order, nothing left, and systemd is content.
        self.run_in("systemctl", "stop", "trouped.socket", "trouped.service")
        self.assertEqual(self.property("ActiveState"), "inactive")
        self.assertEqual(self.property("Result"), "success")
        for program in ("trouped", "troupe-worker"):
            self.assertEqual(self.run_in("pgrep", "-x", program, check=False), "")

    def test_the_socket_starts_the_service(self):
        self.run_in("systemctl", "stop", "trouped.service")
        self.assertEqual(self.run_in("systemctl", "is-active", "trouped.socket").strip(), "active")
        self.assertEqual(self.ctl("call", "hello", GREET, '{"name": "socket"}')["text"], "hello, socket")
        # The call was answered as soon as its actor ran, which may be before all is up.
        wait_for(lambda: self.property("ActiveState") == "active", 20 * SLOW)

    def test_the_socket_survives_a_restart_of_the_service(self):
        for _ in range(3):
            self.run_in("systemctl", "restart", "trouped.service")
            self.assertEqual(self.ctl("call", "hello", GREET, '{"name": "again"}')["text"], "hello, again")
        self.assertEqual(self.run_in("stat", "-c", "%a %F", "/run/troupe/control.sock").strip(), "666 socket")

    def test_sockets_for_actors_outlive_workers_and_the_daemon(self):
        self.run_in("systemctl", "stop", "trouped.socket", "trouped.service")
        self.write("/run/systemd/system/web.socket", "[Socket]\nListenStream=127.0.0.1:80\nListenStream=/run/web\nFileDescriptorName=web\n"
                   "Service=trouped.service\n")
        self.write("/etc/troupe/web.actor", "[Actor]\nPlugin=tcp-proxy\nSockets=web\nWorker=1\n"
                   "[Config]\nListen=socket:web:2\nConnect=unix:/run/troupe/control.sock\n")
        self.write("/etc/troupe/near.actor", "[Actor]\nPlugin=tcp-proxy\nSockets=web\nWorker=1\n"
                   "[Config]\nListen=socket:web\nConnect=unix:/run/troupe/control.sock\n")
        self.write("/run/clients.py", CLIENTS)
        try:
            self.run_in("systemctl", "daemon-reload")
            self.run_in("systemctl", "start", "web.socket")
            self.assertEqual(self.property("ActiveState"), "inactive")
            # the first connection starts the daemon, and is served
            self.run_in("python3", "/run/clients.py", "1")
            wait_for(lambda: self.property("ActiveState") == "active", 20 * SLOW)
            shown = self.run_in("troupectl", "show", "web")
            self.assertIn("Sockets: web, tcp:127.0.0.1:80\n              web, unix:/run/web\n", shown)
            # so are those who connect when nobody accepts, and the worker is killed
            for _ in range(3):
                worker = next(w for w in self.ctl("workers")["workers"] if w["worker"] == 1)
                self.run_in("python3", "/run/clients.py", "50", str(worker["pid"]))
            # and those who connect while the daemon is not there
            self.run_in("systemctl", "stop", "trouped.service")
            self.run_in("python3", "/run/clients.py", "50")
        finally:
            self.run_in("systemctl", "stop", "web.socket", "trouped.service")
            self.run_in("rm", "/run/systemd/system/web.socket", "/etc/troupe/web.actor", "/etc/troupe/near.actor")
            self.run_in("systemctl", "daemon-reload")

    def test_priorities_reach_the_journal(self):
        worker = next(w for w in self.ctl("workers")["workers"] if w["worker"] == 2)
        self.run_in("kill", "-KILL", str(worker["pid"]))
        wait_for(lambda: "worker 2" in self.run_in("journalctl", "-u", "trouped.service", "-p", "warning", "-o", "cat"), 20 * SLOW)

    def test_a_stopped_master_is_noticed_by_the_watchdog(self):
        self.run_in("mkdir", "-p", "/run/systemd/system/trouped.service.d")
        self.run_in("sh", "-c", "printf '[Service]\\nWatchdogSec=12s\\n' > /run/systemd/system/trouped.service.d/watchdog.conf")
        self.run_in("systemctl", "daemon-reload")
        self.run_in("systemctl", "restart", "trouped.service")
        # It is fed, again and again.
        main = self.property("MainPID")
        for _ in range(2):
            fed = self.property("WatchdogTimestampMonotonic")
            wait_for(lambda: self.property("WatchdogTimestampMonotonic") != fed, 30 * SLOW, "the watchdog to be fed")
        self.assertEqual(self.property("MainPID"), main)
        # A master that stands still is replaced, and its workers go with it.
        self.run_in("kill", "-STOP", main)
        wait_for(lambda: self.property("ActiveState") == "active" and self.property("MainPID") not in (main, "0"), 60 * SLOW)
        self.assertEqual(self.ctl("call", "hello", GREET, '{"name": "x"}')["text"], "hello, x")
        self.run_in("rm", "-r", "/run/systemd/system/trouped.service.d")
        self.run_in("systemctl", "daemon-reload")

    def test_users_may_look_and_not_touch(self):
        status = self.run_in("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "troupectl", "--json", "status")
        self.assertIn("version", json.loads(status))
        refused = self.bed.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "troupectl", "shutdown", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("may not do that", refused.stdout)
        refused = self.bed.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "troupectl", "call", "hello", GREET,
                               '{"name": "x"}', check=False)
        self.assertNotEqual(refused.returncode, 0)
