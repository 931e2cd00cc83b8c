"""A peer that halts, wherever it does, costs no processor time: servers and clients, over TLS
and without, beside peers that say nothing, stop in the middle of something, or read nothing."""
import os
import select
import socket
import ssl
import tempfile
import time

from host import SLOW, HostTest, waits
from http_server import Certificates, Server
from http_wire import WebSocket, Wire, request
from varlink import wait_for

HELD = 20  # of each kind
SECURE = "io.troupe.test.secure"
HTTP = "io.troupe.HttpClient"
GREET = request("POST", "/io.troupe.hello.Greet", b'{"name":"you"}')
LONG = 600_000  # ms: no limit of ours ends what is held


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Peer:
    """Our end of a connection, whose bytes are counted out by hand; over TLS when it is told
    how."""

    def __init__(self, plain, context=None, is_server=False):
        self.socket, self.tls, self.buffer, self.left = plain, None, b"", b""
        self.pours, self.poured = False, 0
        plain.settimeout(60 * SLOW)
        if context:
            self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.into, self.out, is_server, None if is_server else "localhost")

    def step(self, what, *arguments):
        """Whether it is done. What it says is in `out`, or here."""
        try:
            what(*arguments)
        except ssl.SSLWantReadError:
            return False
        return True

    def first_words(self):
        """Of an agreement on TLS: a client's of itself, a server's after what it has heard."""
        while not self.out.pending:
            assert not self.step(self.tls.do_handshake)
            if not self.out.pending:
                self.into.write(self.socket.recv(1 << 16))
        return self.out.read()

    def agree(self):
        while self.tls and not self.step(self.tls.do_handshake):
            self.socket.sendall(self.out.read())
            data = self.socket.recv(1 << 16)
            assert data, "the other side has hung up"
            self.into.write(data)
        if self.tls:
            self.socket.sendall(self.out.read())

    def bytes_of(self, data):
        """On the wire."""
        if not self.tls:
            return data
        self.tls.write(data)
        return self.out.read()

    def send(self, data):
        self.socket.sendall(self.bytes_of(data))

    def send_half(self, data):
        said = self.bytes_of(data)
        self.socket.sendall(said[:len(said) // 2])

    def fill(self):
        """As of Wire."""
        while True:
            if self.tls and self.step(self.read):
                return True
            data = self.socket.recv(1 << 16)
            if not self.tls:
                self.buffer += data
            elif data:
                self.into.write(data)
            if not self.tls or not data:
                return bool(data)

    def read(self):
        self.buffer += self.tls.read(1 << 16)

    def pour(self):
        """Until there is no room."""
        self.socket.setblocking(False)
        while True:
            self.left = self.left or self.bytes_of(bytes(1 << 16))
            try:
                self.left = self.left[self.socket.send(self.left):]
            except BlockingIOError:
                return
            self.poured += 1
            assert self.poured < 10000, "what nobody reads is taken for ever"

    def has_gone(self):
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(0))

    until, exactly, head, chunk, response = Wire.until, Wire.exactly, Wire.head, Wire.chunk, Wire.response


# ---- where a peer halts: what it has done until then

def says_nothing(peer):
    pass


def begins_to_agree(peer):
    words = peer.first_words()
    peer.socket.sendall(words[:len(words) // 2])


def says_its_first_words(peer):
    peer.socket.sendall(peer.first_words())


def agrees(peer):
    peer.agree()


def stops_in(data):
    """In the middle of it; of a record, over TLS."""
    def act(peer):
        peer.agree()
        peer.send_half(data)
    act.__name__ = f"stops_in {data[:40]}"
    return act


def stops_after(data):
    def act(peer):
        peer.agree()
        peer.send(data)
    act.__name__ = f"stops_after {data[:40]}"
    return act


def sends_and_reads_nothing(peer):
    peer.agree()
    peer.pours = True


AGREEING = [says_nothing, begins_to_agree, says_its_first_words]
POUR = b'{"bytes":50000}'
EVENTS = ["Accept: text/event-stream"]


def has_had_an_answer(peer):
    peer.agree()
    peer.send(GREET)
    assert peer.response().status == 200


def hears_no_event(peer):
    peer.agree()
    peer.send(request("POST", "/io.troupe.ticker.Watch", b'{"periodMs":3600000}', EVENTS))


def reads_no_event(peer):
    peer.agree()
    peer.send(request("POST", "/io.troupe.test.fountain.Pour", POUR, EVENTS))
    assert peer.head()[0] == 200


def reads_no_answer(peer):
    peer.agree()
    peer.send(request("GET", "/large"))


def has_a_websocket(peer):
    peer.agree()
    return WebSocket(peer, "/ws")


def stops_in_a_frame(peer):
    frame = has_a_websocket(peer).text_of(1, bytes(1000))
    peer.send_half(frame)


def stops_between_fragments(peer):
    has_a_websocket(peer).frame(1, b"{", fin=False)


def reads_no_frame(peer):
    has_a_websocket(peer).call("io.troupe.test.fountain.Pour", {"bytes": 50000}, more=True)


CLIENTS = [agrees, stops_in(b"GET / HTTP/1.1\r\n"), stops_after(b"GET / HTTP/1.1\r\nHost: loc"), stops_in(GREET),
           stops_after(GREET[:-5]), has_had_an_answer, hears_no_event, reads_no_event, reads_no_answer, has_a_websocket,
           stops_in_a_frame, stops_between_fragments, reads_no_frame]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@waits(6)
class Silent(HostTest):
    """Peers of every kind, all at once, and a good one, which is served."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        files = tempfile.TemporaryDirectory()
        cls.addClassCleanup(files.cleanup)
        cls.directory, cls.certificates = files.name, Certificates(files.name)
        cls.good = cls.certificates.make("good")
        cls.contexts = {True: [], False: []}  # by whether they are for servers
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            for context in cls.certificates.context("good"), ssl.create_default_context(cafile=cls.certificates.authority):
                context.minimum_version = context.maximum_version = version
                context.options |= ssl.OP_NO_TICKET
                cls.contexts[context.protocol == ssl.PROTOCOL_TLS_SERVER].append(context)

    def setUp(self):
        self.held = []

    def hold(self, act, plain, context=None, is_server=False):
        self.addCleanup(plain.close)
        peer = Peer(plain, context, is_server)
        act(peer)
        self.held.append((act, peer))

    def used(self, pid, meanwhile):
        """The share of a processor that the worker takes in two seconds."""
        before, began = cpu_seconds(pid), time.monotonic()
        meanwhile()
        time.sleep(max(0, began + 2 - time.monotonic()))
        return (cpu_seconds(pid) - before) / (time.monotonic() - began)

    def assert_no_time(self, pid, meanwhile):
        self.fill_up()
        # What was begun before may still be under way in the first of them.
        shares = [self.used(pid, meanwhile)]
        while shares[-1] >= 0.1 and len(shares) < 4:
            shares.append(self.used(pid, meanwhile))
        if shares[-1] >= 0.1:
            self.fail(f"a processor's {shares}; {self.who_takes_it(pid)}")
        self.assertEqual([act.__name__ for act, peer in self.held if peer.has_gone()], [])

    def who_takes_it(self, pid):
        """One kind after the other is let go."""
        told = []
        while self.held:
            last = self.held[-1][0]
            for _, peer in [one for one in self.held if one[0] is last]:
                peer.socket.close()
            self.held = [one for one in self.held if one[0] is not last]
            told.append(f"{self.used(pid, lambda: None):.2f} without {last.__name__}")
        return told

    def fill_up(self):
        """What is to take in more does not, for a second."""
        peers = {peer.socket: peer for _, peer in self.held if peer.pours}
        while has_room := select.select([], peers, [], 1)[1]:
            for one in has_room:
                peers[one].pour()

    # ---- servers

    def hold_clients(self, acts, address, contexts=()):
        for act in acts:
            for number in range(HELD):
                plain = socket.socket()
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
                plain.settimeout(60 * SLOW)
                plain.connect(address)
                self.hold(act, plain, contexts[number % 2] if contexts else None)

    def greet(self, address, context, data, answer):
        with socket.create_connection(address, 60 * SLOW) as plain:
            peer = Peer(plain, context)
            peer.agree()
            peer.send(data)
            peer.until(answer)

    def test_of_a_stream_that_a_task_serves(self):
        certificate, key = self.good
        host = self.daemon({"secure": {"Plugin": "secure", "Worker": 1, "Tasks": 1000,
                                       "Config": {"Certificate": certificate, "Key": key, "HandshakeMs": LONG}}})
        status = wait_for(lambda: (s := host.call("secure", f"{SECURE}.Status"))["place"] and s, 30 * SLOW, "the listener")
        address = ("127.0.0.1", int(status["place"].rsplit(":", 1)[1]))
        self.hold_clients([*AGREEING, agrees, stops_in(b"x" * 1000), sends_and_reads_nothing], address, self.contexts[False])
        self.assert_no_time(host.worker(1)["pid"], lambda: self.greet(address, self.contexts[False][1], b"hello", b"hello"))

    def http_server(self, listen):
        certificate, key = self.good
        with open(os.path.join(self.directory, "large"), "wb") as file:
            file.truncate(16 << 20)
        limits = {f"{name}Ms": LONG for name in ("HeaderTimeout", "BodyTimeout", "IdleTimeout", "ReaderTimeout", "CallTimeout", "Heartbeat")}
        host = self.daemon({"web": {"Plugin": "http-server", "Worker": 1,
                                    "Config": {"Listen": f"{listen}:127.0.0.1:0", "Certificate": certificate, "Key": key, "WebSocket": "/ws",
                                               "HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch io.troupe.test.fountain.Pour",
                                               "StreamBuffer": 100_000, "Root": self.directory, **limits}},
                            **{name: {"Plugin": name, "Worker": 2} for name in ("hello", "ticker", "fountain")}})
        host.wait_unit("web", "running")
        return host, ("127.0.0.1", int(host.direct("io.troupe.httpserver.Status")["listen"][0].rsplit(":", 1)[1]))

    def test_of_an_http_server(self):
        host, address = self.http_server("tcp")
        self.hold_clients(CLIENTS, address)
        self.assert_no_time(host.worker(1)["pid"], lambda: self.greet(address, None, GREET, b"hello, you"))

    def test_of_an_http_server_over_tls(self):
        host, address = self.http_server("tls")
        self.hold_clients([*AGREEING, *CLIENTS[:-1]], address, self.contexts[False])
        self.assert_no_time(host.worker(1)["pid"], lambda: self.greet(address, self.contexts[False][1], GREET, b"hello, you"))

    # ---- clients

    def hold_servers(self, acts, host, call, contexts=()):
        """call: the name of an actor, a method, and its parameters at a port; with what is read
        after it."""
        for act in acts:
            listener = socket.socket()
            self.addCleanup(listener.close)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
            listener.bind(("127.0.0.1", 0))
            listener.listen(HELD)
            listener.settimeout(60 * SLOW)
            for number in range(HELD):
                client = host.client(60)
                self.addCleanup(client.close)
                name, method, parameters = call(act, listener.getsockname()[1])
                client.send("io.troupe.Control.Call", {"name": name, "method": method, "parameters": parameters, "timeoutMs": LONG})
                self.hold(act, listener.accept()[0], contexts[number % 2] if contexts else None, True)

    def test_of_a_stream_of_a_client(self):
        host = self.daemon({"secure": {"Plugin": "secure", "Worker": 1, "Tasks": 1000,
                                       "Config": {"CaFile": self.certificates.authority, "HandshakeMs": LONG}}})
        good = Server(self.contexts[True][1])
        self.addCleanup(good.close)

        def ask(port, line):
            return {"line": line, "place": f"tcp:127.0.0.1:{port}"}

        def call(act, port):
            if act is reads_nothing:
                return "secure", f"{SECURE}.Pump", {"place": f"tcp:127.0.0.1:{port}", "name": "localhost", "bytes": 100 << 20}
            return "secure", f"{SECURE}.Ask", ask(port, "a question")

        def reads_nothing(peer):
            peer.agree()

        def meanwhile():
            got = host.call("secure", f"{SECURE}.Ask", ask(good.port, "GET /text HTTP/1.1\r\n\r"))
            self.assertEqual((got["connected"], got["answer"]), (0, "HTTP/1.1 200 OK\r"))

        self.hold_servers([*AGREEING, agrees, stops_in(b"x" * 1000), stops_after(b"half a line"), reads_nothing], host, call, self.contexts[True])
        self.assert_no_time(host.worker(1)["pid"], meanwhile)

    def of_an_http_client(self, scheme, acts, contexts):
        phases = {f"Timeouts.{phase}Ms": LONG for phase in ("Connect", "Tls", "FirstByte", "Idle", "Total")}
        host = self.daemon({"http": {"Plugin": "http-client", "Worker": 1,
                                     "Config": {"CaFile": self.certificates.authority, "Connections": 1000, **phases}}})
        good = Server(contexts and contexts[1])
        self.addCleanup(good.close)

        def reads_nothing(peer):
            peer.agree()

        def call(act, port):
            url = f"{scheme}://127.0.0.1:{port}/"
            if act is reads_nothing:
                return "http", f"{HTTP}.Request", {"method": "POST", "url": url, "text": "x" * 700_000}
            return "http", f"{HTTP}.Get", {"url": url}

        def meanwhile():
            self.assertEqual(host.call("http", f"{HTTP}.Get", {"url": good.url + "/text"})["response"]["status"], 200)

        self.hold_servers([*acts, agrees, stops_in(ANSWER), stops_after(ANSWER[:30]), stops_after(ANSWER), stops_in(ANSWER + bytes(50000)),
                           stops_after(CHUNKS + b"1000\r\n123"), reads_nothing], host, call, contexts)
        self.assert_no_time(host.worker(1)["pid"], meanwhile)

    def test_of_an_http_client(self):
        self.of_an_http_client("http", [], ())

    def test_of_an_http_client_over_tls(self):
        self.of_an_http_client("https", AGREEING, self.contexts[True])
