"""Sockets that were handed in, as a service manager does, and those that the daemon opens
itself: which units have them, and that nobody who connects is lost while a worker is started
again."""
import os
import signal
import socket
import stat
import subprocess
import threading

from host import SLOW, TROUPED, HostTest, is_alive
from varlink import VarlinkError, wait_for

LINES = "io.troupe.test.lines"


class SocketTest(HostTest):
    def listener(self, family=socket.AF_INET, place=("127.0.0.1", 0)):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind(place)
        listener.listen(200)
        return listener

    def connect(self, place):
        connection = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
        connection.settimeout(60 * SLOW)
        try:
            connection.connect(place)
        except OSError:
            connection.close()
            raise
        return connection

    def echo(self, connection, text=b"hello\n"):
        connection.sendall(text)
        self.assertEqual(connection.recv(100), text)

    def ask(self, place):
        """A line, and its echo."""
        with self.connect(place) as connection:
            self.echo(connection)

    def stop_still(self, pid):
        os.kill(pid, signal.SIGSTOP)
        def stands():
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "T"
        wait_for(stands, 20 * SLOW, f"{pid} to stand still")

    def clients(self, place, n):
        """Threads that ask, once all have connected, and what they could not."""
        failures = []
        def client(connection):
            try:
                with connection:
                    self.echo(connection)
            except (OSError, AssertionError) as error:
                failures.append(error)
        threads = [threading.Thread(target=client, args=(self.connect(place),)) for _ in range(n)]
        for thread in threads:
            thread.start()
        return threads, failures


class Sockets(SocketTest):
    def host(self, handed, actors=None, **daemon):
        host = self.unstarted(actors or {"web": self.web()}, daemon=daemon)
        host.handed = handed
        return host

    def web(self, **more):
        return {"Plugin": "lines", "Sockets": "web", "Config": {"Listen": "socket:web"}, **more}

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
        host.wait_log("place socket:web: its unit has no such socket; Sockets= and Listen= name those that it has")
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

    def test_one_that_no_unit_lists_is_warned_of(self):
        names = ("web", "lost", "lost")
        host = self.host([(name, self.listener()) for name in names])
        places = [f"tcp:127.0.0.1:{handed.getsockname()[1]}" for _, handed in host.handed]
        host.start()
        warning = "the socket {} ({}) was handed in, but no unit that could be read lists it: Sockets={} in its [Actor]"
        for place in places[1:]:
            self.assertEqual(host.log().count(warning.format("lost", place, "lost")), 1)
        self.assertNotIn("the socket web", host.log())
        # one that was listed, and one that is
        host.actor("web", self.web(Sockets="lost", Config={"Listen": "socket:lost"}))
        host.ctl("reload")
        self.assertEqual(host.log().count(warning.format("web", places[0], "web")), 1)
        self.assertEqual(host.log().count("the socket lost"), 2)

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


class Opened(SocketTest):
    """Listen= of a unit. Its ports are held by sockets that do not listen, so that nobody else
    gets them."""

    def port(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, address="127.0.0.1"):
        held = socket.socket(family, kind)
        self.addCleanup(held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, 0))
        return held.getsockname()

    def lines(self, listen, name="web", **more):
        config = {"Listen": f"socket:{name}", **more.pop("config", {})}
        return {"Plugin": "lines", "Listen": listen, "Config": config, **more}

    def path(self, host, name="web"):
        return os.path.join(host.directory, name)

    def opened(self, actors=None, **daemon):
        """A daemon whose units, of lines, listen at paths in its directory, named as they
        are."""
        host = self.unstarted({}, daemon=daemon)
        for name, unit in (actors or {"web": {}}).items():
            host.actor(name, self.lines(f"web=unix:{self.path(host, name)}", **unit))
        return host

    def inodes(self, pid):
        """Of the sockets that a process has."""
        found = set()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
            except FileNotFoundError:
                pass
        return {one for one in found if one.startswith("socket:")}

    def inode(self, path):
        """Of the socket that is bound to a path."""
        with open("/proc/net/unix") as file:
            rows = [line.split() for line in file]
        return {f"socket:[{row[6]}]" for row in rows if row[-1] == path and row[3] == "00010000"}

    def refused(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
            except (ConnectionRefusedError, FileNotFoundError):
                return True
            return False

    def is_gone(self, host, name):
        try:
            host.unit(name)
        except VarlinkError:
            return True
        return False

    def test_a_unit_has_the_sockets_that_it_lists(self):
        host = self.unstarted({"other": {"Plugin": "lines", "Config": {"Listen": "socket:web"}, "Restart": "no"}})
        port, path, data = self.port(), self.path(host, "deep/er/app"), self.path(host, "data")
        config = {"Datagrams": "socket:log"}
        host.actor("web", self.lines(f"web=tcp:127.0.0.1:{port[1]}\nListen=log=unix-datagram:{data} app=unix:{path}",
                                     ListenMode="0640", Worker="1", config=config))
        host.actor("app", {"Plugin": "lines", "Worker": "2", "Listen": f"app=unix:@{host.directory}", "Config": {"Listen": "socket:app"}})
        host.start()
        self.ask(port)
        self.ask("\0" + host.directory)
        self.assertEqual(host.unit("web")["sockets"],
                         [{"name": "web", "place": f"tcp:127.0.0.1:{port[1]}"}, {"name": "log", "place": f"unix:{data}"},
                          {"name": "app", "place": f"unix:{path}"}])
        self.assertIn(f"Sockets: web, tcp:127.0.0.1:{port[1]}", host.ctl("show", "web").stdout)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(60 * SLOW)
            client.bind(self.path(host, "client"))
            client.connect(data)
            client.send(b"ping")
            self.assertEqual(client.recv(10), b"ping")
        # the mode that the unit says, and no rest of the daemon's own mask
        for one in (path, data):
            self.assertEqual(stat.S_IMODE(os.stat(one).st_mode), 0o640)
        # who does not list it does not have it
        self.assertEqual(host.unit("other")["state"], "failed")
        [inode] = self.inode(path)
        self.assertIn(inode, self.inodes(host.process.pid))
        self.assertIn(inode, self.inodes(host.worker(1)["pid"]))
        self.assertNotIn(inode, self.inodes(host.worker(2)["pid"]))
        # nor a worker that is started while it is open
        host.kill_worker(2)
        self.assertNotIn(inode, self.inodes(host.worker(2)["pid"]))
        host.stop()
        self.assertFalse(os.path.exists(path) or os.path.exists(data))
        self.assertEqual(self.inode(path), set())

    def test_who_connects_while_the_worker_is_dead_is_served(self):
        host = self.opened(Workers=1)
        host.start()
        path = self.path(host)
        self.ask(path)
        for _ in range(5):
            pid = host.worker(1)["pid"]
            self.stop_still(pid)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(40)]
            for client in clients:
                self.addCleanup(client.close)
                client.settimeout(60 * SLOW)
                client.connect(path)
                client.sendall(b"hello\n")
            os.kill(pid, signal.SIGKILL)
            for client in clients:
                self.assertEqual(client.recv(100), b"hello\n")

    def test_it_stays_over_reloads_and_stops_that_keep_it(self):
        host = self.opened()
        host.start()
        path = self.path(host)
        before = self.inode(path)
        listen = f"web=unix:{path}"
        for unit in (self.lines(listen, Tasks=500, Instances=2), self.lines(listen, config={"Listen": "socket:web:1"})):
            host.ctl("stop", "web")
            threads, failures = self.clients(path, 5)
            host.actor("web", unit)
            host.ctl("reload")
            host.ctl("start", "web")
            for thread in threads:
                thread.join(120 * SLOW)
            self.assertEqual(failures, [])
        # a mistake elsewhere in its file is no end to it, either
        host.actor("web", self.lines(listen, config={"Nonsense": "1"}))
        self.assertNotEqual(host.ctl("reload", check=False).returncode, 0)
        self.ask(path)
        # under another name it is another unit that has it
        host.ctl("stop", "web")
        threads, failures = self.clients(path, 5)
        os.unlink(os.path.join(host.config, "web.actor"))
        host.actor("app", self.lines(f"app=unix:{path}", "app"))
        host.ctl("reload")
        for thread in threads:
            thread.join(120 * SLOW)
        self.assertEqual(failures, [])
        self.assertEqual(self.inode(path), before)

    def test_a_reload_that_drops_it_closes_it(self):
        host = self.opened({"web": {}, "app": {}})
        host.start()
        path, other, app = self.path(host), self.path(host, "other"), self.path(host, "app")
        host.actor("web", self.lines(f"web=unix:{other}"))
        os.unlink(os.path.join(host.config, "app.actor"))
        host.ctl("reload")
        self.ask(other)
        for gone in (path, app):
            wait_for(lambda: not os.path.exists(gone) and not self.inode(gone), 20 * SLOW, f"{gone} to be closed")
        self.assertTrue(self.refused(path))
        # what another has put there since is that one's
        os.unlink(other)
        self.listener(socket.AF_UNIX, other)
        os.unlink(os.path.join(host.config, "web.actor"))
        host.ctl("reload")
        wait_for(lambda: len(self.inode(other)) == 1, 20 * SLOW, "the daemon's to be closed")
        self.assertTrue(os.path.exists(other))

    def test_two_units_share_a_place(self):
        host = self.opened({"web": {"Worker": "1"}})
        path = self.path(host)
        host.actor("app", self.lines(f"app=unix:{path}", "app", Worker="2"))
        host.start()
        self.assertEqual(len(self.inode(path)), 1)
        self.assertIn(f"shares unix:{path} with unit", host.log())
        # each has it while the other cannot
        for number in (1, 2):
            pid = host.worker(number)["pid"]
            self.stop_still(pid)
            for _ in range(20):
                self.ask(path)
            os.kill(pid, signal.SIGCONT)
        # the one that was read last has its mode, whether or not they agree
        mode = lambda: stat.S_IMODE(os.stat(path).st_mode)
        host.actor("app", self.lines(f"app=unix:{path}", "app", Worker="2", ListenMode="0600"))
        host.ctl("reload")
        self.assertEqual(mode(), 0o600)
        host.wait_log(f"unit app shares unix:{path} with unit web, and gives it another ListenMode=")
        for name in ("app", "web"):
            host.actor(name, self.lines(f"{name}=unix:{path}", name, Worker="2", ListenMode="0640"))
        host.ctl("reload")
        self.assertEqual(mode(), 0o640)
        self.ask(path)
        # the last of them closes it
        os.unlink(os.path.join(host.config, "web.actor"))
        host.ctl("reload")
        # who goes takes along those whom it has accepted
        wait_for(lambda: self.is_gone(host, "web"), 20 * SLOW, "web to go")
        self.ask(path)
        self.assertEqual(mode(), 0o640)
        os.unlink(os.path.join(host.config, "app.actor"))
        host.ctl("reload")
        wait_for(lambda: not os.path.exists(path), 20 * SLOW, "it to be closed")

    def test_a_reload_that_is_refused_changes_no_mode(self):
        host = self.opened()
        host.start()
        path, taken = self.path(host), self.path(host, "taken")
        self.listener(socket.AF_UNIX, taken)
        host.actor("web", self.lines(f"web=unix:{path} web=unix:{taken}", ListenMode="0600"))
        self.assertNotEqual(host.ctl("reload", check=False).returncode, 0)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o666)
        self.ask(path)
        host.actor("web", self.lines(f"web=unix:{path}", ListenMode="0600"))
        host.ctl("reload")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_one_of_its_own_that_is_in_the_way_is_named(self):
        host = self.opened()
        port = self.port()[1]
        host.actor("tcp", self.lines(f"web=tcp:0.0.0.0:{port}"))
        host.start()
        path = self.path(host)
        for name, place, old in (("web", f"unix-datagram:{path}", f"unix:{path}"),
                                 ("tcp", f"tcp:127.0.0.1:{port}", f"tcp:0.0.0.0:{port}")):
            host.actor(name, self.lines(f"web={place}"))
            done = host.ctl("reload", check=False)
            self.assertIn(f"trouped itself has {old} open, for unit {name}, and they exclude each other: reload once without that one",
                          done.stdout + done.stderr)
        # as it says
        self.ask(path)
        self.ask(("127.0.0.1", port))
        os.unlink(os.path.join(host.config, "tcp.actor"))
        os.unlink(os.path.join(host.config, "web.actor"))
        host.ctl("reload")
        for name in ("tcp", "web"):
            wait_for(lambda: self.is_gone(host, name), 20 * SLOW, f"{name} to go")
        host.actor("tcp", self.lines(f"web=tcp:127.0.0.1:{port}"))
        # a worker may have yet to close it
        wait_for(lambda: host.ctl("reload", check=False).returncode == 0, 20 * SLOW, "the place to be free")
        host.wait_unit("tcp", "running")
        self.ask(("127.0.0.1", port))

    def test_a_file_that_is_gone_is_made_again(self):
        host = self.opened()
        host.start()
        path = self.path(host)
        for how in (("restart", "web"), ("reload",)):
            os.unlink(path)
            host.ctl(*how)
            self.ask(path)
            wait_for(lambda: len(self.inode(path)) == 1, 20 * SLOW, "the lost one to be closed")
        # what another has there meanwhile is left to him, and it is said
        os.unlink(path)
        other = self.listener(socket.AF_UNIX, path)
        done = host.ctl("reload", check=False)
        self.assertIn(f"Listen=web=unix:{path}: another process has it already", done.stdout + done.stderr)
        host.ctl("restart", "web")
        host.wait_log(f"unit web: nobody can connect to unix:{path}: another process has it already")
        other.close()
        host.ctl("reload")
        self.ask(path)

    def test_the_end_of_an_old_actor_does_not_end_it_for_the_new(self):
        host = self.opened()
        host.start()
        path = self.path(host)
        before = self.inode(path)
        for _ in range(3):
            host.ctl("restart", "web")
            self.ask(path)
            host.actor("web", self.lines(f"web=unix:{path}", Instances=2))
            host.ctl("reload")
            self.ask(path)
            host.actor("web", self.lines(f"web=unix:{path}"))
            host.ctl("reload")
            self.ask(path)
        self.assertEqual(self.inode(path), before)

    def test_what_cannot_be_opened_fails_its_unit_alone(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}})
        port = self.port()[1]
        busy = socket.socket()
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("127.0.0.1", port))
        busy.listen()
        self.addCleanup(busy.close)
        file, live, left = (self.path(host, name) for name in ("file", "live", "left"))
        with open(file, "w") as written:
            written.write("mine")
        self.listener(socket.AF_UNIX, live)
        self.listener(socket.AF_UNIX, left).close()
        # the first of them is not left open, either
        first = self.path(host, "first")
        host.actor("busy", self.lines(f"first=unix:{first}\nListen=web=tcp:127.0.0.1:{port}"))
        host.actor("file", self.lines(f"web=unix:{file}"))
        host.actor("live", self.lines(f"web=unix:{live}"))
        host.actor("left", self.lines(f"web=unix:{left}"))
        host.actor("none", self.lines("web=tcp:203.0.113.7:80"))
        host.start()
        self.assertEqual(host.unit("hello")["state"], "running")
        for name, reason in (("busy", f"Listen=web=tcp:127.0.0.1:{port}: another process has it already (ss -tlpn names it;"),
                             ("file", f"Listen=web=unix:{file}: there is something that is not a socket"),
                             ("live", f"Listen=web=unix:{live}: another process has it already (ss -xlpn names it;"),
                             ("none", "no interface of this machine has that address now")):
            unit = host.unit(name)
            self.assertEqual(unit["state"], "failed", name)
            self.assertIn(reason, unit["reason"])
        # where it stands is in the log, with its line: the second Listen=
        self.assertIn(f"busy.actor:4: Listen=web=tcp:127.0.0.1:{port}", host.log())
        self.assertTrue(self.refused(first))
        self.assertFalse(os.path.exists(first))
        with open(file) as written:
            self.assertEqual(written.read(), "mine")
        # what nobody has any more is replaced
        self.ask(left)
        # both ways to try it again
        busy.close()
        os.unlink(file)
        host.ctl("reload", check=False)
        host.wait_unit("file", "running")
        self.ask(file)
        host.wait_unit("busy", "running")
        self.ask(("127.0.0.1", port))
        host.ctl("start", "live", check=False)
        self.assertEqual(host.unit("live")["state"], "failed")

    def test_what_a_killed_daemon_has_left_is_replaced(self):
        host = self.opened()
        host.start()
        path = self.path(host)
        workers = [worker["pid"] for worker in host.workers()]
        host.process.kill()
        host.process.wait()
        wait_for(lambda: not any(is_alive(pid) for pid in workers), 20 * SLOW, "its workers to end")
        self.assertTrue(os.path.exists(path))
        host.start()
        self.ask(path)
