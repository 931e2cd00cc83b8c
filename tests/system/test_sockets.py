"""Sockets that were handed in, as a service manager does: which units have them, and that
nobody who connects is lost while a worker is started again."""
import os
import signal
import socket
import subprocess
import threading

from host import SLOW, TROUPED, HostTest
from varlink import wait_for

LINES = "io.troupe.test.lines"


class Sockets(HostTest):
    def listener(self, family=socket.AF_INET, place=("127.0.0.1", 0)):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(place)
        listener.listen(200)
        return listener

    def host(self, handed, actors=None, **daemon):
        host = self.unstarted(actors or {"web": self.web()}, daemon=daemon)
        host.handed = handed
        return host

    def web(self, **more):
        return {"Plugin": "lines", "Sockets": "web", "Config": {"Listen": "socket:web"}, **more}

    def ask(self, place, text=b"hello\n"):
        """A line, and its echo."""
        family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
        with socket.socket(family) as connection:
            connection.settimeout(60 * SLOW)
            connection.connect(place)
            connection.sendall(text)
            self.assertEqual(connection.recv(100), text)

    def test_a_unit_listens_at_the_socket_that_it_names(self):
        web, path = self.listener(), os.path.join(os.path.realpath("/tmp"), f"troupe-sockets-{os.getpid()}")
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        app = self.listener(socket.AF_UNIX, path)
        actors = {"web": self.web(), "app": {"Plugin": "lines", "Sockets": "app", "Config": {"Listen": "socket:app"}},
                  "thief": {"Plugin": "lines", "Config": {"Listen": "socket:web"}, "Restart": "no"}}
        host = self.host([("web", web), ("app", app)], actors)
        host.start()
        self.ask(web.getsockname())
        self.ask(path)
        place = f"tcp:127.0.0.1:{web.getsockname()[1]}"
        self.assertEqual(host.call("web", f"{LINES}.Status")["place"], place)
        self.assertEqual(host.unit("web")["sockets"], [{"name": "web", "place": place}])
        self.assertIn(f"Sockets: web, {place}", host.ctl("show", "web").stdout)
        self.assertNotIn("sockets", host.unit("thief"))
        # who does not list it does not get it
        self.assertEqual(host.unit("thief")["state"], "failed")
        host.wait_log("place socket:web: its unit has no such socket; Sockets= names those that it has")
        # the control socket is the daemon's own, and the file of the other is not
        host.stop()
        self.assertTrue(os.path.exists(path))

    def test_a_name_that_nobody_has_handed_in_fails_its_unit_alone(self):
        host = self.host([("other", self.listener())], {"web": self.web(), "hello": {"Plugin": "hello"}})
        host.start()
        self.assertEqual(host.unit("hello")["state"], "running")
        unit = host.unit("web")
        self.assertEqual(unit["state"], "failed")
        self.assertIn("Sockets=web: no socket of that name was handed in to trouped", unit["reason"])
        self.assertIn("FileDescriptorName=web", unit["reason"])
        # a reload that asks for one leaves what runs as it is
        host.actor("hello", {"Plugin": "hello", "Sockets": "web"})
        host.ctl("reload", check=False)
        self.assertEqual(host.unit("hello")["state"], "running")
        checked = subprocess.run([TROUPED, "--config", host.config, "--check"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_several_workers_share_one(self):
        web = self.listener()
        host = self.host([("web", web)], {"web": self.web(Instances=4)})
        host.start()
        for _ in range(50):
            self.ask(web.getsockname())
        count = lambda: sum(host.call(f"web/{i}", f"{LINES}.Status")["lines"] for i in range(4))
        self.assertEqual(count(), 50)
        # one of them away: the others have it
        pid = host.worker(1)["pid"]
        self.stop_still(pid)
        for _ in range(50):
            self.ask(web.getsockname())
        os.kill(pid, signal.SIGKILL)
        host.wait_workers()
        for _ in range(50):
            self.ask(web.getsockname())

    def stop_still(self, pid):
        os.kill(pid, signal.SIGSTOP)
        def stands():
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "T"
        wait_for(stands, 20 * SLOW, f"{pid} to stand still")

    def clients(self, place, n):
        """Threads that ask, and what they could not."""
        failures = []
        def client():
            try:
                self.ask(place)
            except (OSError, AssertionError) as error:
                failures.append(error)
        threads = [threading.Thread(target=client) for _ in range(n)]
        for thread in threads:
            thread.start()
        return threads, failures

    def test_who_connects_while_the_worker_is_dead_is_served(self):
        web = self.listener()
        host = self.host([("web", web)], Workers=1)
        host.start()
        for _ in range(5):
            self.ask(web.getsockname())
            # from here on nobody accepts: they are in the backlog when it is killed
            pid = host.worker(1)["pid"]
            self.stop_still(pid)
            clients = [socket.create_connection(web.getsockname(), timeout=60 * SLOW) for _ in range(40)]
            for client in clients:
                self.addCleanup(client.close)
                client.sendall(b"hello\n")
            os.kill(pid, signal.SIGKILL)
            for client in clients:
                self.assertEqual(client.recv(100), b"hello\n")

    def test_a_pool_of_http_servers_shares_one(self):
        web = self.listener()
        unit = {"Plugin": "http-server", "Sockets": "web", "Instances": 2, "Config": {"Listen": "socket:web", "HttpMethods": "io.troupe.hello.*"}}
        host = self.host([("web", web)], {"http": unit, "hello": {"Plugin": "hello", "Worker": "own"}})
        host.start()
        host.wait_unit("http", "running")
        place = f"tcp:127.0.0.1:{web.getsockname()[1]}"
        self.assertEqual(host.call("http/0", "io.troupe.httpserver.Status")["listen"], [place])
        # both stand still, and are killed
        pids = [host.worker(number)["pid"] for number in (1, 2)]
        for pid in pids:
            self.stop_still(pid)
        clients = [socket.create_connection(web.getsockname(), timeout=100 * SLOW) for _ in range(40)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(b'POST /io.troupe.hello.Greet HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n'
                           b'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"name":"x"}')
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for client in clients:
            with client.makefile("rb") as answer:
                self.assertIn(b"hello, x", answer.read())

    def test_it_stays_over_a_restart_and_a_reload(self):
        web = self.listener()
        host = self.host([("web", web)])
        host.start()
        for how in (("restart", "web"), ("reload",), ("stop", "web")):
            if how[0] == "reload":
                host.actor("web", self.web(Tasks=500, Instances=2))
            host.ctl(*how)
            if how[0] == "stop":
                threads, failures = self.clients(web.getsockname(), 5)
                host.ctl("start", "web")
                for thread in threads:
                    thread.join(120 * SLOW)
                self.assertEqual(failures, [])
            self.ask(web.getsockname())
        # nor does the end of the daemon end it
        host.stop()
        threads, failures = self.clients(web.getsockname(), 5)
        host.start()
        for thread in threads:
            thread.join(120 * SLOW)
        self.assertEqual(failures, [])

    def test_datagrams_and_several_of_one_name(self):
        log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(log.close)
        log.bind(("127.0.0.1", 0))
        web, too = self.listener(), self.listener()
        config = {"Listen": "socket:web:2", "Datagrams": "socket:web"}
        host = self.host([("web", web), ("web", log), ("web", too)], {"web": {"Plugin": "lines", "Sockets": "web", "Config": config}})
        host.start()
        self.assertEqual([s["place"].split(":")[0] for s in host.unit("web")["sockets"]], ["tcp", "udp", "tcp"])
        self.ask(too.getsockname())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(60 * SLOW)
            client.connect(log.getsockname())
            # a worker that dies may have taken one along
            for _ in range(3):
                client.send(b"ping")
                self.assertEqual(client.recv(10), b"ping")
                host.kill_worker(host.unit("web")["instances"][0]["worker"])
                host.wait_unit("web", "running")

    def test_control_sockets_are_told_from_others(self):
        directory = self.unstarted({}).directory
        control = self.listener(socket.AF_UNIX, os.path.join(directory, "c"))
        host = self.host([("control", control), ("web", self.listener())])
        host.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20 * SLOW)
            client.connect(os.path.join(directory, "c"))
            client.sendall(b'{"method":"io.troupe.Control.Status"}\0')
            self.assertIn(b"uptimeMs", client.recv(65536))

    def refuse(self, handed, message):
        host = self.host(handed, {"hello": {"Plugin": "hello"}})
        self.assertEqual(host.launch().wait(30 * SLOW), 1)
        self.assertIn(message, host.log())

    def test_what_is_of_no_use_ends_the_start(self):
        plain = socket.socket()
        self.addCleanup(plain.close)
        one, two = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(two.close)
        self.refuse([("web", plain)], "is neither a listening one of streams nor one of datagrams")
        self.refuse([("connection", one)], "the socket connection (unix:) that was handed in is neither")
        self.refuse([("web.socket", self.listener())], "the socket that was handed in as \"web.socket\" is no control socket")
        self.refuse([("x@y", self.listener())], "which no unit can say in Sockets=")
        self.refuse([("web", self.listener())] * 65, "cannot take the sockets that were handed in: Argument list too long")
