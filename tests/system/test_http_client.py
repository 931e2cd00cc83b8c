"""actors/http-client: pages from real servers, and from servers that do whatever they like."""
import base64
import json
import os
import selectors
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import varlink
from host import SLOW, HostTest, free_port, silent_name_server, silent_place, waits
from http_server import CHUNK, Certificates, Server
from varlink import wait_for

HTTP = "io.troupe.HttpClient"


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def thread_names(pid):
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/comm") as file:
                names.append(file.read().strip())
        except FileNotFoundError:
            pass
    return names


class HttpTest(HostTest):
    def setUp(self):
        self.server = self.serve()

    def serve(self, *arguments, **more):
        server = Server(*arguments, **more)
        self.addCleanup(server.close)
        return server

    def host_with(self, config=None, unit=None, **more):
        return self.daemon({"http": {"Plugin": "http-client", **(unit or {}), "Config": {"RetryDelayMs": 10, **(config or {})}}}, **more)

    def get(self, host, path, **parameters):
        url = path if path.startswith("http") else self.server.url + path
        return host.call("http", f"{HTTP}.Get", {"url": url, **parameters})["response"]

    def request(self, host, method, path, **parameters):
        return host.call("http", f"{HTTP}.Request", {"method": method, "url": self.server.url + path, **parameters})["response"]

    def fetch(self, host, path, client=None, **parameters):
        """The replies of a stream, joined: head, bytes, tail."""
        head, body, tail = None, b"", None
        with host.client() as client:
            for reply in client.stream(f"{HTTP}.Fetch", {"url": self.server.url + path, **parameters}):
                head = reply.get("head", head)
                piece = base64.b64decode(reply.get("bytes", ""))
                self.assertLessEqual(len(piece), 64 << 10)
                body += piece
                tail = reply.get("tail", tail)
        return head, body, tail

    def refused(self, error, host, path, **parameters):
        return self.assert_error(f"{HTTP}.{error}", self.get, host, path, **parameters)

    def stats(self, host, name="http"):
        return host.call(name, f"{HTTP}.Stats")

    def wait_stats(self, host, **wanted):
        wait_for(lambda: (s := self.stats(host)) and all(s[key] == value for key, value in wanted.items()), 20 * SLOW,
                 f"{wanted}, which are {self.stats(host)}")


class Hold:
    """Answers nobody until it is told to; any number of connections, one thread."""

    def __init__(self):
        self.connections, self.answers, self.held, self.lock = 0, False, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.selector, self.ends = selectors.DefaultSelector(), False
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def close(self):
        self.ends = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def run(self):
        while not self.ends:
            for key, _ in self.selector.select(0.1):
                self.look(key.fileobj)

    def look(self, one):
        if one is self.listener:
            self.selector.register(one.accept()[0], selectors.EVENT_READ, None)
            self.connections += 1
        elif not one.recv(1 << 16):  # a request is less than a packet
            self.selector.unregister(one)
            one.close()
        else:
            with self.lock:
                self.held.append(one)
                if self.answers:
                    self.answer_held()

    def answer_held(self):
        for one in self.held:
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.held.clear()

    def answer(self, answers):
        """From now on at once, or not before the next time."""
        with self.lock:
            self.answers = answers
            if answers:
                self.answer_held()


class Pages(HttpTest):
    def test_a_page_comes_with_status_headers_text_and_timings(self):
        host = self.host_with()
        page = self.get(host, "/text")
        self.assertEqual((page["status"], page["text"], page["url"]), (200, "grüße\n", self.server.url + "/text"))
        self.assertIn({"name": "content-type", "value": "text/plain; charset=utf-8"}, page["headers"])
        self.assertEqual((page["redirects"], page["retries"], page["reused"]), (0, 0, False))
        self.assertGreater(page["timings"]["totalUs"], page["timings"]["firstByteUs"])
        again = self.get(host, "/text")
        self.assertTrue(again["reused"])
        self.assertEqual(self.server.connections, 1)

    def test_a_body_is_text_or_bytes(self):
        host = self.host_with()
        self.assertEqual(self.get(host, "/latin")["text"], "grüße €")
        self.assertEqual(base64.b64decode(self.get(host, "/blob")["bytes"]), bytes(range(256)))
        page = self.get(host, "/text", binary=True)
        self.assertEqual((base64.b64decode(page["bytes"]).decode(), "text" in page), ("grüße\n", False))
        self.assertEqual(self.get(host, "/bytes/0")["text"], "")

    def test_headers_are_a_list_in_lower_case_and_always_text(self):
        host = self.host_with()
        headers = self.get(host, "/cookies")["headers"]
        self.assertEqual([h["value"] for h in headers if h["name"] == "set-cookie"], ["a=1", "b=2"])
        self.assertIn({"name": "x-odd", "value": "spécial"}, headers)
        page = self.get(host, "/early-hints")
        self.assertEqual((page["status"], page["text"], page["headers"]), (200, "ok", [{"name": "content-length", "value": "2"}]))
        page = self.get(host, "/chunked/4")
        self.assertEqual((page["text"], [h for h in page["headers"] if h["name"] == "x-end"]), ("hello" * 4, []))
        self.assertEqual(self.get(host, "/to-the-end")["text"], "until the end")

    def test_any_request_can_be_made(self):
        host = self.host_with()
        for method in ("POST", "PUT", "PATCH", "DELETE", "PURGE"):
            told = json.loads(self.request(host, method, "/echo", text="grüße", headers={"X-Mine": "1", "x-empty": ""})["text"])
            self.assertEqual((told["method"], told["body"].encode("latin-1").decode()), (method, "grüße"))
            self.assertEqual((told["headers"]["x-mine"], told["headers"]["x-empty"]), ("1", ""))
            self.assertEqual(told["headers"]["content-type"], "text/plain; charset=utf-8")
            self.assertNotIn("expect", told["headers"])
        blob = base64.b64encode(bytes(range(256))).decode()
        told = json.loads(self.request(host, "POST", "/echo", bytes=blob, headers={"content-type": "a/b"})["text"])
        self.assertEqual((told["body"].encode("latin-1"), told["headers"]["content-type"]), (bytes(range(256)), "a/b"))
        for method in ("GET", "DELETE", "POST", "OPTIONS"):
            told = json.loads(self.request(host, method, "/echo")["text"])
            self.assertEqual((told["method"], told["body"]), (method, ""))
        page = self.request(host, "HEAD", "/bytes/5000000")
        self.assertEqual((page["status"], page["text"]), (200, ""))
        self.assertEqual(self.get(host, "/status/404")["status"], 404)
        large = self.host_with({"BodyMax": "8M"}, daemon={"FrameMax": "16M"})
        told = json.loads(self.request(large, "POST", "/echo", text="x" * (3 << 20))["text"])
        self.assertEqual(told["body"], "x" * (3 << 20))

    def test_a_send_is_done_though_nobody_waits(self):
        host = self.host_with()
        with host.client() as client:
            client.send(f"{HTTP}.Request", {"method": "POST", "url": self.server.url + "/echo", "text": "x"}, oneway=True)
        wait_for(lambda: self.server.count("/echo") == 1, 20 * SLOW)
        self.wait_stats(host, active=0, waiting=0)

    def test_what_would_change_the_framing_is_refused(self):
        host = self.host_with()
        wrong = "org.varlink.service.InvalidParameter"
        for headers in ({"X\r\nY": "1"}, {"X": "1\r\nY: 2"}, {"X Y": "1"}, {"": "1"}, {"Content-Length": "3"}, {"Transfer-Encoding": "chunked"},
                        {"X": "1\nY: 2"}, {"Connection": "close"}):
            self.assertEqual(self.assert_error(wrong, self.get, host, "/text", headers=headers)["parameter"], "headers")
        for method in ("CONNECT", "TRACE", "get", "G T", "", "X" * 16, "GET / HTTP/1.1\r\nX: y"):
            self.assertEqual(self.assert_error(wrong, self.request, host, method, "/text")["parameter"], "method")
        self.assert_error(wrong, self.request, host, "POST", "/text", text="a", bytes="YQ==")
        self.assert_error(wrong, self.request, host, "GET", "/text", text="a")
        for field, value in (("maxBytes", -1), ("maxBytes", (1 << 20) + 1), ("redirects", 11), ("redirects", -1)):
            self.assertEqual(self.assert_error(wrong, self.get, host, "/text", **{field: value})["parameter"], field)
        self.assertEqual(self.assert_error(wrong, self.get, host, "/text", timeouts={"idleMs": 0})["parameter"], "timeouts.idleMs")
        self.assertEqual(self.server.connections, 0)
        for url in ("", "http://", "/text", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://a b/", "http://127.0.0.1:99999/",
                    "http://" + "x" * 20000):
            self.assert_error(f"{HTTP}.BadUrl", host.call, "http", f"{HTTP}.Get", {"url": url})
        self.assert_error("org.varlink.service.ExpectedMore", host.call, "http", f"{HTTP}.Fetch", {"url": self.server.url + "/text"})

    def test_compressed_pages_are_decoded_and_bombs_do_not_go_off(self):
        host = self.host_with()
        self.assertEqual(self.get(host, "/gzip")["text"], "compressed\n" * 100)
        before = memory_kib(host.workers()[0]["pid"])
        self.assertEqual(self.refused("TooLarge", host, "/bomb"), {"what": "body", "limit": 1 << 20})
        if SLOW <= 2:  # a sanitizer keeps what was freed
            self.assertLess(max(memory_kib(w["pid"]) for w in host.workers()) - before, 40 << 10)
        self.refused("BadAnswer", host, "/bad-gzip")
        off = self.host_with({"Compressed": "no"})
        self.assertIn("bytes", self.get(off, "/gzip"))

    def test_bodies_and_headers_have_limits(self):
        host = self.host_with({"BodyMax": 100000})
        self.assertEqual(len(self.get(host, "/bytes/100000")["text"]), 100000)
        self.assertEqual(self.refused("TooLarge", host, "/bytes/100001"), {"what": "body", "limit": 100000})
        self.assertEqual(self.refused("TooLarge", host, "/endless"), {"what": "body", "limit": 100000})
        self.assertEqual(self.refused("TooLarge", host, "/text", maxBytes=3), {"what": "body", "limit": 3})
        self.assertEqual(len(self.get(host, "/headers/500")["headers"]), 501)
        self.assertEqual(self.refused("TooLarge", host, "/headers/900"), {"what": "headers", "limit": 65536})
        self.wait_stats(host, active=0, memory=0)

    def test_broken_answers_are_errors_that_say_how_far_they_came(self):
        host = self.host_with()
        self.assertEqual(self.refused("BadAnswer", host, "/short")["bytes"], 5)
        self.assertEqual(self.refused("BadAnswer", host, "/half-close-in-body")["bytes"], 4)
        self.assertEqual(self.refused("BadAnswer", host, "/reset/body")["bytes"], 4)
        for path in ("/bad-chunk", "/cut-chunk", "/no-http", "/reset/headers", "/half-close", "/two-lengths"):
            with self.subTest(path):
                self.refused("BadAnswer", host, path)
        self.wait_stats(host, active=0, waiting=0, memory=0)
        self.assertEqual(self.get(host, "/text")["status"], 200)

    def test_a_pool_has_a_handle_each(self):
        host = self.host_with(unit={"Instances": 4})
        for number in range(4):
            url = {"url": self.server.url + "/text"}
            self.assertEqual(host.call(f"http/{number}", f"{HTTP}.Get", url)["response"]["text"], "grüße\n")
        self.assertEqual(self.server.connections, 4)
        self.assertEqual([self.stats(host, f"http/{number}")["requests"] for number in range(4)], [1] * 4)

    def test_wrong_configurations_are_refused_with_a_reason(self):
        host = self.daemon()
        for key, value, text in (("Connections", 0, "connections must be from 1 to 10000"), ("Deny", "10.0.0.0/33", "deny: '10.0.0.0/33'"),
                                 ("Proxy", "127.0.0.1:80", "proxy must begin with"), ("CaFile", "ca.pem", "caFile must be an absolute path"),
                                 ("Timeouts.IdleMs", 0, "timeouts.idleMs must be from 1"), ("Allow", "office", "allow: 'office'"),
                                 ("BodyMax", "9M", "bodyMax must be from 1")):
            host.actor("http", {"Plugin": "http-client", "Restart": "no", "Config": {key: value}})
            host.control("Reload")
            host.wait_log(text)


class Redirects(HttpTest):
    def test_redirects_are_followed_as_browsers_do(self):
        host = self.host_with()
        for status, method, becomes in ((301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"),
                                        (308, "PUT", "PUT"), (301, "PUT", "PUT")):
            page = self.request(host, method, f"/redirect/{status}?/echo?x=1", text="body")
            told = json.loads(page["text"])
            self.assertEqual((told["method"], told["query"], told["body"]), (becomes, "x=1", "" if becomes == "GET" else "body"))
            self.assertEqual((page["redirects"], page["url"]), (1, self.server.url + "/echo?x=1"))
            self.assertEqual("content-type" in told["headers"], becomes != "GET")
        self.assertEqual(self.request(host, "HEAD", "/redirect/303?/text")["status"], 200)

    def test_redirects_have_an_end(self):
        host = self.host_with()
        told = self.refused("TooManyRedirects", host, "/loop")
        self.assertEqual(told, {"limit": 10, "url": self.server.url + "/loop/11"})
        self.assertEqual(self.refused("TooManyRedirects", host, "/loop", redirects=2)["limit"], 2)
        page = self.get(host, "/loop", redirects=0)
        self.assertEqual((page["status"], page["text"]), (302, "again"))

    def test_redirects_do_not_leave_http(self):
        host = self.host_with()
        for where in ("javascript:alert(1)", "data:text/plain,x"):
            with self.subTest(where):
                self.refused("BadAnswer", host, "/redirect/302?" + where)
        for where in ("file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:25/x"):
            with self.subTest(where):
                told = self.refused("Refused", host, "/redirect/302?" + where)
                self.assertEqual(told["reason"], "a redirect to another protocol")

    def test_secrets_stay_with_their_origin(self):
        host, other = self.host_with(), self.serve()
        secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Other": "y"}
        told = json.loads(self.get(host, "/redirect/302?/echo", headers=secrets)["text"])["headers"]
        self.assertEqual((told["authorization"], told["cookie"]), ("Bearer x", "a=b"))
        told = json.loads(self.get(host, f"/redirect/302?{other.url}/echo", headers=secrets)["text"])["headers"]
        self.assertEqual((told.get("authorization"), told.get("cookie"), told["x-other"]), (None, None, "y"))
        with_password = self.server.url.replace("://", "://me:secret@")
        page = self.get(host, f"{with_password}/redirect/302?{other.url}/echo")
        self.assertNotIn("authorization", json.loads(page["text"])["headers"])
        page = self.get(host, f"{with_password}/echo")
        self.assertIn("authorization", json.loads(page["text"])["headers"])
        self.assertNotIn("secret", page["url"])


class Retries(HttpTest):
    def test_a_busy_server_is_tried_again(self):
        host = self.host_with()
        page = self.get(host, "/busy/2")
        self.assertEqual((page["status"], page["text"], page["retries"]), (200, "at last", 2))
        page = self.get(host, "/busy/9")
        self.assertEqual((page["status"], page["text"], page["retries"]), (503, "busy", 2))

    def test_retry_after_is_kept_and_has_a_bound(self):
        host = self.host_with()
        began = time.monotonic()
        self.assertEqual(self.get(host, "/busy/1?1")["retries"], 1)
        self.assertGreaterEqual(time.monotonic() - began, 0.95)
        for asked in ("3600", "Fri, 31 Dec 2100 23:59:59 GMT", "99999999999999999999"):
            before = self.server.count("/busy/50")
            page = self.get(host, f"/busy/50?{urllib.parse.quote(asked)}")
            self.assertEqual((page["status"], page["retries"], self.server.count("/busy/50")), (503, 0, before + 1))

    def test_what_ended_before_its_answer_is_tried_again(self):
        host = self.host_with()
        page = self.get(host, "/reset/first")
        self.assertEqual((page["text"], page["retries"]), ("at last", 1))
        self.refused("BadAnswer", host, "/reset/before")
        self.assertEqual(self.server.count("/reset/before"), 3)

    def test_only_what_may_be_repeated_is(self):
        host = self.host_with()
        for method, tries in (("POST", 1), ("PATCH", 1), ("PUT", 3), ("DELETE", 3)):
            path = f"/busy/99{tries}{len(method)}"
            self.assertEqual(self.request(host, method, path)["status"], 503)
            self.assertEqual(self.server.count(path), tries)
        self.assert_error(f"{HTTP}.BadAnswer", self.request, host, "POST", "/reset/before")
        self.assertEqual(self.server.count("/reset/before"), 1)
        self.assertEqual(self.request(host, "GET", "/busy/77", retries=0)["status"], 503)
        self.assertEqual(self.server.count("/busy/77"), 1)

    def test_a_server_that_comes_back_is_found(self):
        host = self.host_with({"RetryDelayMs": 500, "Retries": 4})
        late = silent_place(self)
        port = late.getsockname()[1]
        told = self.assert_error(f"{HTTP}.CannotConnect", host.call, "http", f"{HTTP}.Request",
                                 {"method": "GET", "url": f"http://127.0.0.1:{port}/", "retries": 0})
        self.assertEqual((told["host"], told["port"]), ("127.0.0.1", port))
        late.settimeout(20 * SLOW)
        with host.client() as client:
            client.send(f"{HTTP}.Get", {"url": f"http://127.0.0.1:{port}/"})
            wait_for(lambda: self.stats(host)["retries"] > 0, 20 * SLOW, "a try in vain")
            late.listen()
            connection, _ = late.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            page = client.receive()[0]["response"]
        self.assertEqual(page["text"], "late")
        self.assertGreater(page["retries"], 0)


class Times(HttpTest):
    def timed_out(self, host, path, phase, **parameters):
        told = self.refused("TimedOut", host, path, **parameters)
        self.assertEqual(told["phase"], phase)
        return told

    @waits(30)
    def test_each_phase_has_its_own_limit(self):
        first = idle = 6000 + 2000 * SLOW
        host = self.host_with({"Timeouts.FirstByteMs": first, "Timeouts.IdleMs": idle})
        self.assertEqual(self.timed_out(host, "/never", "firstByte")["afterMs"], first)
        self.assertEqual(self.timed_out(host, "/stuck", "idle")["afterMs"], idle)
        # It comes slowly, but it comes: for longer than each of these limits.
        self.assertEqual(len(self.get(host, f"/drip/60?{150 + 50 * SLOW}")["text"]), 60)
        self.assertEqual(self.timed_out(host, "/drip/1000?20", "total", timeouts={"totalMs": 1500})["afterMs"], 1500)
        self.assertEqual(self.timed_out(host, "/never", "firstByte", timeouts={"firstByteMs": 100})["afterMs"], 100)
        self.wait_stats(host, active=0, waiting=0, memory=0)

    def test_a_connection_that_is_not_taken_is_given_up(self):
        host = self.host_with({"Timeouts.ConnectMs": 300, "Retries": 0})
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            # Its queue is full of others: the next is neither refused nor taken.
            crowd = []
            self.addCleanup(lambda: [one.close() for one in crowd])
            for _ in range(8):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                crowd.append(one)
            self.timed_out(host, f"http://127.0.0.1:{full.getsockname()[1]}/", "connect")

    def test_tls_that_does_not_begin_is_given_up(self):
        host = self.host_with({"Timeouts.TlsMs": 300})
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.timed_out(host, f"https://127.0.0.1:{silent.getsockname()[1]}/", "tls")

    def test_waiting_for_a_place_ends_with_the_total(self):
        host = self.host_with({"Connections": 1})
        with host.client() as client:
            client.send(f"{HTTP}.Get", {"url": self.server.url + "/never"})
            self.wait_stats(host, active=1)
            self.timed_out(host, "/text", "queue", timeouts={"totalMs": 200})


class Queue(HttpTest):
    def test_connections_are_limited_in_all_and_for_each_server(self):
        host, other = self.host_with({"Connections": 3, "ConnectionsPerHost": 2}), self.serve()
        gate = threading.Event()
        self.addCleanup(gate.set)
        for server in (self.server, other):
            server.do_gate = lambda connection, server=server, **_: gate.wait(60 * SLOW) and server.say(connection, body=b"x" * 10)
        clients = [host.client() for _ in range(12)]
        for number, client in enumerate(clients):
            client.send(f"{HTTP}.Get", {"url": (self.server, other)[number % 2].url + "/gate"})
        self.wait_stats(host, active=3, waiting=9)
        self.assertLessEqual(self.stats(host)["connections"], 3)
        gate.set()
        for client in clients:
            self.assertEqual(client.receive()[0]["response"]["text"], "x" * 10)
            client.close()
        self.assertLessEqual(self.stats(host)["connections"], 3)
        self.assertLessEqual(self.server.connections, 6)

    def test_many_connections_are_limited_and_used_again(self):
        """So many are several handles' of curl's."""
        host = self.host_with({"Connections": 520, "ConnectionsPerHost": 520, "Timeouts.FirstByteMs": 600000}, {"Mailbox": 4096})
        server = Hold()
        self.addCleanup(server.close)
        with host.client() as client:
            for _ in range(2):
                server.answer(False)
                for _ in range(600):
                    client.send(f"{HTTP}.Request", {"method": "GET", "url": server.url}, oneway=True)
                self.wait_stats(host, active=520, waiting=80)
                wait_for(lambda: len(server.held) == 520, 20 * SLOW)
                server.answer(True)
                self.wait_stats(host, active=0, waiting=0)
                stats = self.stats(host)
                self.assertEqual((stats["connections"], stats["connected"], server.connections), (520, 520, 520))
        self.assertEqual((stats["requests"], stats["failures"], stats["retries"]), (1200, 0, 0))

    def test_one_slow_server_does_not_hold_up_the_others(self):
        host, other = self.host_with({"Connections": 8, "ConnectionsPerHost": 4}), self.serve()
        clients = [host.client() for _ in range(20)]
        for client in clients:
            client.send(f"{HTTP}.Get", {"url": other.url + "/never"})
        self.wait_stats(host, active=4, waiting=16)
        for _ in range(10):
            self.assertEqual(self.get(host, "/text")["status"], 200)
        for client in clients:
            client.close()
        self.wait_stats(host, active=0, waiting=0)

    def test_what_is_too_much_is_refused_at_once(self):
        host = self.host_with({"Connections": 2, "Waiting": 3})
        clients = [host.client() for _ in range(5)]
        for client in clients:
            client.send(f"{HTTP}.Get", {"url": self.server.url + "/never"})
        self.wait_stats(host, active=2, waiting=3)
        self.assertEqual(self.refused("Busy", host, "/text"), {"what": "waiting", "limit": 5})
        clients[0].close()
        self.wait_stats(host, waiting=2)
        for client in clients:
            client.close()
        self.wait_stats(host, active=0, waiting=0)
        self.assertEqual(self.get(host, "/text")["status"], 200)

    def test_memory_for_answers_has_a_bound(self):
        host = self.host_with({"Memory": 200000})
        self.assertEqual(self.refused("Busy", host, "/bytes/300000")["what"], "memory")
        self.assertEqual(len(self.get(host, "/bytes/100000")["text"]), 100000)
        self.wait_stats(host, active=0, memory=0)


class Cancelling(HttpTest):
    def test_a_request_ends_with_its_caller_in_every_phase(self):
        """Trap 19."""
        host = self.host_with({"ConnectionsPerHost": 4, "Retries": 2, "RetryDelayMs": 60000, "RetryDelayMaxMs": 60000,
                               "Timeouts.ConnectMs": 120000, "Timeouts.TlsMs": 120000})
        busy = self.serve()  # of its own, that it does not wait for a place
        with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            crowd = [socket.socket() for _ in range(8)]
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            urls = [f"http://127.0.0.1:{full.getsockname()[1]}/",           # connect
                    f"https://127.0.0.1:{silent.getsockname()[1]}/",        # TLS
                    self.server.url + "/never",                             # first byte
                    self.server.url + "/stuck",                             # body
                    busy.url + "/busy/9",                                   # before a retry
                    *[self.server.url + "/never"] * 6]                      # queue
            clients = []
            for url in urls:
                for method in ("Get", "Fetch"):
                    clients.append(host.client())
                    clients[-1].send(f"{HTTP}.{method}", {"url": url}, **({"more": True} if method == "Fetch" else {}))
            # A stream that nobody reads, too.
            clients.append(host.client())
            clients[-1].send(f"{HTTP}.Fetch", {"url": self.server.url + "/endless"}, more=True)
            wait_for(lambda: self.stats(host)["waiting"] + self.stats(host)["active"] == len(clients), 20 * SLOW)
            wait_for(lambda: self.stats(host)["retries"] >= 2, 20 * SLOW, "a try in vain of both")
            for client in clients:
                client.close()
            self.wait_stats(host, active=0, waiting=0, memory=0)
            for one in crowd:
                one.close()
        self.assertEqual(self.get(host, "/text")["status"], 200)
        self.assertEqual(host.log().count("Crash"), 0)

    def test_an_actor_ends_with_everything_on_the_way(self):
        """Trap 19: all at once."""
        host = self.host_with({"RetryDelayMaxMs": 60000})
        clients = [host.client() for _ in range(40)]
        for number, client in enumerate(clients):
            client.send(f"{HTTP}.Get", {"url": self.server.url + ("/never", "/stuck", "/drip/1000?500", "/busy/999?50")[number % 4]})
        # Who waits to try again keeps a place, so that some wait for one.
        wait_for(lambda: (s := self.stats(host))["active"] + s["waiting"] == len(clients) and s["retries"] >= 2, 20 * SLOW,
                 "all of them to be on the way")
        worker = host.workers()[0]["pid"]
        host.ctl("stop", "http", check=False)
        for client in clients:
            with self.assertRaises(varlink.VarlinkError):
                client.receive()
            client.close()
        host.ctl("start", "http")
        host.wait_unit("http", "running")
        self.assertEqual(self.get(host, "/text")["status"], 200)
        self.assertEqual(host.workers()[0]["pid"], worker)

    def test_calls_end_when_the_worker_is_killed(self):
        """Trap 23."""
        host = self.host_with(unit={"Worker": 1})
        clients = [host.client() for _ in range(10)]
        for client in clients:
            client.send(f"{HTTP}.Get", {"url": self.server.url + "/never"})
        self.wait_stats(host, active=10)
        host.kill_worker(1)
        for client in clients:
            with self.assertRaises(varlink.VarlinkError) as caught:
                client.receive()
            self.assertEqual(caught.exception.name, "io.troupe.Control.ActorDied")
            client.close()
        host.wait_unit("http", "running")
        self.assertEqual(self.get(host, "/text")["status"], 200)


class Streams(HttpTest):
    def test_a_body_comes_in_pieces_with_head_and_tail(self):
        host = self.host_with()
        head, body, tail = self.fetch(host, "/bytes/3000000")
        self.assertEqual((head["status"], head["url"]), (200, self.server.url + "/bytes/3000000"))
        self.assertEqual(body, (CHUNK * 50)[:3000000])
        self.assertEqual(tail["bytes"], 3000000)
        head, body, tail = self.fetch(host, "/text")
        self.assertEqual((body.decode(), tail["bytes"]), ("grüße\n", 8))
        head, body, tail = self.fetch(host, "/bytes/0")
        self.assertEqual((head["status"], body, tail["bytes"]), (200, b"", 0))
        head, body, _ = self.fetch(host, "/redirect/302?/status/404")
        self.assertEqual((head["status"], body), (404, b"status 404"))
        head, body, _ = self.fetch(host, "/echo", method="POST", text="question")
        self.assertIn(b'"body": "question"', body)
        head, body, _ = self.fetch(host, "/gzip")
        self.assertEqual(body[:2], b"\x1f\x8b")

    def test_what_comes_slowly_is_handed_over_as_it_comes(self):
        host = self.host_with()
        with host.client() as client:
            client.send(f"{HTTP}.Fetch", {"url": self.server.url + "/drip/1000?50"}, more=True)
            pieces = []
            while len(pieces) < 5:
                reply, continues = client.receive()
                self.assertTrue(continues)
                if "bytes" in reply:
                    pieces.append(base64.b64decode(reply["bytes"]))
        self.assertLess(sum(map(len, pieces)), 100)
        self.wait_stats(host, active=0, waiting=0)

    def test_errors_come_in_the_middle_too(self):
        host = self.host_with()
        for path, parameters, error in (("/short", {}, "BadAnswer"), ("/reset/body", {}, "BadAnswer"), ("/bytes/3000000", {"maxBytes": 2000000}, "TooLarge"),
                                        ("/endless", {"maxBytes": 2000000}, "TooLarge"), ("/stuck", {"timeouts": {"idleMs": 200}}, "TimedOut")):
            with self.subTest(path):
                self.assert_error(f"{HTTP}.{error}", self.fetch, host, path, **parameters)
        self.wait_stats(host, active=0, waiting=0, memory=0)

    def test_a_limit_that_is_passed_when_a_paused_stream_goes_on_ends_it(self):
        """curl has a part of the body while it is paused, and hands it over when it goes on:
        wherever that lies, one of these has its limit there."""
        host = self.host_with({"Connections": 100})
        # Everywhere, but for a sanitizer, which looks at the way and not at the place.
        for base in range(1728 << 10, 2816 << 10, (8 if SLOW == 1 else 64) * (8 << 10)):
            clients = [host.client() for _ in range(8)]
            for n, client in enumerate(clients):
                client.send(f"{HTTP}.Fetch", {"url": self.server.url + "/endless", "maxBytes": base + n * (8 << 10)}, more=True)
            was = -1
            while self.server.sent != was:  # until nobody has room
                was = self.server.sent
                time.sleep(0.1)
            for client in clients:
                begin = time.monotonic()
                with client:
                    while True:
                        try:
                            client.receive()
                        except varlink.VarlinkError as error:
                            self.assertEqual(error.name, f"{HTTP}.TooLarge")
                            break
                self.assertLess(time.monotonic() - begin, 20)  # below the idle limit

    @waits(8)
    def test_a_slow_reader_slows_the_server_down(self):
        """Trap 18. A reader that has stopped for longer than the idle limit loses nothing."""
        host = self.host_with({"Timeouts.IdleMs": 4000 * SLOW})
        worker = host.unit("http")["instances"][0]["worker"]
        pid = host.worker(worker)["pid"]
        before = memory_kib(pid)
        mib = 1024 if SLOW <= 2 else 160
        with host.client() as client:
            client.send(f"{HTTP}.Fetch", {"url": self.server.url + f"/large/{mib}"}, more=True)
            client.receive()
            # It comes to rest: less than all is under way.
            def rests():
                was = self.server.sent
                time.sleep(0.5)
                return self.server.sent == was
            wait_for(rests, 20 * SLOW)
            self.assertLess(self.server.sent, 100 << 20)
            used = cpu_seconds(pid)
            time.sleep(5 * SLOW)
            self.assertLess(cpu_seconds(pid) - used, 0.2 * 5 * SLOW, "paused, and busy")
            most = memory_kib(pid) - before
            # The rest as it is: this side is slow enough without looking into it.
            total, last = 0, b""
            while b'"tail"' not in last:
                data = client.socket.recv(1 << 20)
                self.assertTrue(data)
                total, last = total + len(data), (last + data)[-1000:]
                most = max(most, memory_kib(pid) - before)
            self.assertIn(f'"bytes":{mib << 20}'.encode(), last)
            self.assertGreater(total, (mib << 20) // 3 * 4)
        if SLOW <= 2:
            self.assertLess(most, 32 << 10)

    def test_streams_that_are_dropped_half_read_leave_no_place_taken(self):
        """Trap 17."""
        host = self.host_with({"Connections": 10})
        rounds = 20 if SLOW == 1 else 6
        for number in range(rounds):
            clients = [host.client() for _ in range(10)]
            for client in clients:
                client.send(f"{HTTP}.Fetch", {"url": self.server.url + "/endless"}, more=True)
            for client in clients:
                self.assertIn("head", client.receive()[0])
            was = -1 if number == rounds - 1 else None  # dropped as they come, or paused
            while was is not None and was != self.server.sent:
                was = self.server.sent
                time.sleep(0.1)
            for client in clients:
                client.close()
        self.assertEqual(self.get(host, "/text")["status"], 200)
        self.wait_stats(host, active=0, waiting=0, memory=0)


class Lines(HttpTest):
    def test_lines_without_end_are_too_large(self):
        host = self.host_with()
        for path in ("/trailers/A:%20b%0D%0A", "/provisional", "/endless_header", "/endless_status"):
            for ask in (self.get, self.fetch):
                with self.subTest((path, ask)):
                    told = self.assert_error(f"{HTTP}.TooLarge", ask, host, path)
                    self.assertEqual(told["what"], "headers")
        self.wait_stats(host, active=0, waiting=0, memory=0)

    def test_lengths_that_differ_are_refused(self):
        host = self.host_with()
        self.assertEqual(self.get(host, "/two_lengths/4")["text"], "body")
        for ask in (self.get, self.fetch):
            self.assertIn("lengths", self.assert_error(f"{HTTP}.BadAnswer", ask, host, "/two_lengths/2")["reason"])

    def test_a_header_is_no_status_line(self):
        host = self.host_with()
        response = self.get(host, "/http_header")
        self.assertEqual((response["status"], response["text"]), (200, "body"))
        self.assertIn("http/x", [header["name"] for header in response["headers"]])

    def test_a_stream_in_a_coding_that_was_not_asked_for_is_refused(self):
        host = self.host_with()
        self.assert_error(f"{HTTP}.BadAnswer", self.fetch, host, "/coded")
        self.assertEqual(self.get(host, "/coded")["text"], "x" * 1000)


class Names(HttpTest):
    @waits(3)
    def test_an_address_that_is_silent_is_followed_by_the_next(self):
        silent = socket.socket()  # at the address that is preferred
        self.addCleanup(silent.close)
        # First: many others have ports of this address, and nobody those of the other one.
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        port = silent.getsockname()[1]
        self.serve(host="127.0.0.77", port=port)
        for _ in range(4):  # its queue is full: further connections get no answer
            waits_for_ever = socket.socket()
            self.addCleanup(waits_for_ever.close)
            waits_for_ever.setblocking(False)
            waits_for_ever.connect_ex(("127.0.0.1", port))
        with tempfile.NamedTemporaryFile("w", prefix="troupe-") as hosts:
            hosts.write("127.0.0.1 two localhost\n127.0.0.77 two\n")
            hosts.flush()
            os.chmod(hosts.name, 0o644)
            host = self.host_with({"Timeouts.ConnectMs": 3000 * SLOW},
                                  wrap=["unshare", "--mount", "sh", "-c", f'mount --bind {hosts.name} /etc/hosts && exec "$@"', "sh"])
            self.assertEqual(self.get(host, f"http://two:{port}/text")["status"], 200)

    def test_names_are_resolved_once_and_remembered(self):
        host = self.host_with()
        url = self.server.url.replace("127.0.0.1", "localhost")
        for _ in range(5):
            self.assertEqual(self.get(host, url + "/text")["status"], 200)
        stats = self.stats(host)
        self.assertEqual((stats["lookups"], stats["names"]), (1, 1))
        # Threads of ours and no others: curl resolves nothing by itself.
        pid = host.worker(host.unit("http")["instances"][0]["worker"])["pid"]
        self.assertEqual(thread_names(pid).count("http-names"), 1)
        self.assertEqual(self.get(host, url.replace("localhost", "LOCALHOST") + "/text")["status"], 200)
        self.assertEqual(self.stats(host)["lookups"], 1)
        self.assertEqual(len(thread_names(pid)), len([n for n in thread_names(pid) if n != "http-names"]) + 1)

    def test_names_are_asked_for_again_in_time(self):
        host = self.host_with({"NamesMs": 50})
        url = self.server.url.replace("127.0.0.1", "localhost")
        self.get(host, url + "/text")
        wait_for(lambda: self.get(host, url + "/text") and self.stats(host)["lookups"] > 1, 20 * SLOW)

    def test_a_name_without_an_address_is_an_error_and_remembered(self):
        # What /etc/hosts does not have is not asked for elsewhere.
        with tempfile.NamedTemporaryFile("w", prefix="troupe-") as switch:
            switch.write("hosts: files\n")
            switch.flush()
            os.chmod(switch.name, 0o644)
            host = self.host_with({"NamesFailedMs": 60000},
                                  wrap=["unshare", "--mount", "sh", "-c", f'mount --bind {switch.name} /etc/nsswitch.conf && exec "$@"', "sh"])
        for _ in range(3):
            told = self.refused("CannotResolve", host, "http://nobody.invalid/")
            self.assertEqual(told["host"], "nobody.invalid")
        self.assertEqual(self.stats(host)["lookups"], 1)
        told = self.refused("CannotResolve", host, "http://münchen.invalid/")
        self.assertEqual(told["host"], "xn--mnchen-3ya.invalid")
        self.refused("CannotResolve", host, "http://" + "x" * 64 + ".invalid/")

    def test_addresses_need_no_lookup(self):
        host = self.host_with()
        for url in (self.server.url, self.server.url.replace("127.0.0.1", "2130706433"), self.server.url.replace("127.0.0.1", "0x7f.1")):
            self.assertEqual(self.get(host, url + "/text")["status"], 200)
        self.assertEqual(self.stats(host)["lookups"], 0)


class DeadNames(HttpTest):
    @waits(28)
    def test_a_name_server_that_never_answers_delays_no_address(self):
        """1,000 names and more wait for it; the daemon sees no other name server."""
        silent, address = silent_name_server(self)
        resolve_ms = 20000
        with tempfile.NamedTemporaryFile("w", prefix="troupe-") as resolver:
            resolver.write(f"nameserver {address}\noptions timeout:30 attempts:1\n")
            resolver.flush()
            os.chmod(resolver.name, 0o644)
            host = self.host_with({"Timeouts.ResolveMs": resolve_ms}, unit={"Worker": 1},
                                  wrap=["unshare", "--mount", "sh", "-c", f'mount --bind {resolver.name} /etc/resolv.conf && exec "$@"', "sh"])
        clients = [host.client(60) for _ in range(20)]
        for number in range(4):
            clients[number].send(f"{HTTP}.Get", {"url": f"http://n{number}.example.org/"})
        # Four threads have asked for one each, and as many more names as may wait do.
        silent.settimeout(20 * SLOW)
        asked = set()
        while len(asked) < 4:
            asked.add(silent.recv(512)[12:-4])
        for number, client in enumerate(clients):
            for name in range(50):
                client.send(f"{HTTP}.Get", {"url": f"http://n{number}-{name}.example.org/"})
        self.wait_stats(host, resolving=1004)
        # The rest is refused. Sent only now: the actor's mailbox holds 1,024.
        for number in range(20):
            self.assertEqual(self.refused("Busy", host, f"http://m{number}.example.org/")["what"], "names")
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.get(host, "/text")["status"], 200)
        self.assertLess(time.monotonic() - began, resolve_ms / 2000)
        pid = host.worker(1)["pid"]
        self.assertEqual(thread_names(pid).count("http-names"), 4)
        told = []
        for number, client in enumerate(clients):
            for _ in range(51 if number < 4 else 50):
                with self.assertRaises(varlink.VarlinkError) as caught:
                    client.receive()
                told.append((caught.exception.name.rpartition(".")[2], caught.exception.parameters.get("phase", caught.exception.parameters.get("what"))))
            client.close()
        self.assertEqual({what: told.count(what) for what in set(told)}, {("TimedOut", "resolve"): 1004})
        # Names that nobody waits for are not asked for any more; four are with the threads.
        self.wait_stats(host, resolving=4, active=0, waiting=0)
        # Those do not hold up the actor's end, nor do they do anything after it.
        began = time.monotonic()
        host.ctl("stop", "http")
        self.assertLess(time.monotonic() - began, 15)
        host.ctl("start", "http")
        host.wait_unit("http", "running")
        self.assertEqual(self.get(host, "/text")["status"], 200)
        self.assertEqual(host.worker(1)["pid"], pid)
        began = time.monotonic()
        self.assertEqual(host.terminate(), 0)
        self.assertLess(time.monotonic() - began, 20)


class Addresses(HttpTest):
    def test_private_addresses_can_be_denied_however_they_are_written(self):
        host = self.host_with({"Deny": "private", "Retries": 0})
        port = self.server.port
        for name in ("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::]", "0.0.0.0",
                     "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
                     "224.0.0.1"):
            with self.subTest(name):
                self.refused("Refused", host, f"http://{name}:{port}/text")
        self.assertEqual(self.server.connections, 0)

    def test_redirects_and_names_are_judged_like_addresses(self):
        outer = self.serve(host="127.0.0.2")
        host = self.host_with({"Deny": "127.0.0.1 ::1"})
        self.refused("Refused", host, f"{outer.url}/redirect/302?{self.server.url}/text")
        self.refused("Refused", host, f"http://localhost:{self.server.port}/text")
        self.assertEqual(self.server.connections, 0)

    def test_exceptions_can_be_allowed(self):
        host = self.host_with({"Deny": "private", "Allow": "127.0.0.0/31"})
        self.assertEqual(self.get(host, "/text")["status"], 200)
        self.refused("Refused", host, f"http://127.0.0.2:{self.server.port}/text")


class Tls(HttpTest):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="troupe-")
        cls.addClassCleanup(cls.directory.cleanup)
        os.chmod(cls.directory.name, 0o755)
        cls.certificates = Certificates(cls.directory.name)

    def tls_host(self, **config):
        return self.host_with({"CaFile": self.certificates.authority, **config})

    def test_a_certificate_that_is_right_is_accepted(self):
        host, server = self.tls_host(), self.serve(self.certificates.context("good"))
        page = self.get(host, server.url + "/text")
        self.assertEqual((page["status"], page["text"]), (200, "grüße\n"))
        self.assertGreater(page["timings"]["tlsUs"], 0)
        self.assertTrue(self.get(host, server.url + "/text")["reused"])
        by_name = server.url.replace("127.0.0.1", "localhost")
        self.assertEqual(self.get(host, by_name + "/text")["status"], 200)

    def test_certificates_that_are_wrong_are_refused(self):
        host = self.tls_host()
        for name, more in (("expired", {"expired": True}), ("selfmade", {"signed": False}), ("elsewhere", {"names": "DNS:example.org"})):
            with self.subTest(name):
                server = self.serve(self.certificates.context(name, **more))
                told = self.refused("TlsFailed", host, server.url + "/text")
                self.assertEqual(told["host"], "127.0.0.1")
                self.assertEqual(server.count("/text"), 0)
        # Nor one that is signed by somebody whom the system does not know.
        server = self.serve(self.certificates.context("unknown"))
        self.refused("TlsFailed", self.host_with(), server.url + "/text")
        # Nor what does not speak TLS at all.
        self.refused("TlsFailed", host, self.server.url.replace("http:", "https:") + "/text")

    def test_http2_is_spoken_where_it_is_offered(self):
        host = self.tls_host()
        certificate, key = self.certificates.make("h2")
        pages = os.path.join(self.directory.name, "pages")
        os.makedirs(pages, exist_ok=True)
        for name, size in (("small", 100), ("large", 900000)):
            with open(os.path.join(pages, name), "wb") as file:
                file.write((CHUNK * (size // len(CHUNK) + 1))[:size])
        def start():
            port = free_port()
            nghttpd = subprocess.Popen(["nghttpd", "--address=127.0.0.1", "-d", pages, str(port), key, certificate],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(nghttpd.wait)
            self.addCleanup(nghttpd.kill)
            return nghttpd, port

        nghttpd, port = start()

        def listens():
            nonlocal nghttpd, port
            if nghttpd.poll() is not None:  # somebody else has that port by now
                nghttpd, port = start()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            except OSError:
                return False
        wait_for(listens, 20 * SLOW)
        url = f"https://127.0.0.1:{port}"
        # It speaks nothing else.
        self.assertEqual(len(self.get(host, url + "/small")["text"]), 100)
        with host.client() as client:
            for _ in range(50):
                client.send(f"{HTTP}.Get", {"url": url + "/large"})
            for _ in range(50):
                self.assertEqual(len(client.receive()[0]["response"]["text"]), 900000)
        self.assertEqual(self.refused("TooLarge", host, url + "/large", maxBytes=1000)["limit"], 1000)
        self.wait_stats(host, active=0, waiting=0, memory=0)


class Proxies(HttpTest):
    def test_a_proxy_is_asked_and_exceptions_are_not(self):
        """The server stands in for a proxy: it gets absolute URLs."""
        host = self.host_with({"Proxy": self.server.url, "NoProxy": "127.0.0.2"})
        page = self.get(host, "http://nobody.invalid/text")
        self.assertEqual(page["status"], 404)
        self.assertEqual(self.server.seen[-1][1], "http://nobody.invalid/text")
        direct = self.serve(host="127.0.0.2")
        self.assertEqual(self.get(host, direct.url + "/text")["status"], 200)
        self.assertEqual(self.stats(host)["lookups"], 0)

    def test_the_environment_chooses_no_proxy(self):
        host = self.host_with(env={"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"})
        self.assertEqual(self.get(host, "/text")["status"], 200)


class Descriptors(HttpTest):
    def test_a_lack_of_descriptors_is_reported_once_and_survived(self):
        host = self.host_with({"Connections": 200, "ConnectionsPerHost": 200}, unit={"Worker": 1})
        pid = host.worker(1)["pid"]
        self.get(host, "/text")
        limit = descriptors(pid) + 20
        subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={limit}:{limit}"], check=True)
        clients = [host.client() for _ in range(100)]
        for client in clients:
            client.send(f"{HTTP}.Get", {"url": self.server.url + "/drip/3?500"})
        for client in clients:
            self.assertEqual(client.receive()[0]["response"]["text"], "xxx")
            client.close()
        self.assertEqual(host.log().count("no descriptor is left"), 1, host.log())
        # Idle connections to one server make room for those to another.
        others = [self.serve(host=f"127.0.0.{number}") for number in range(2, 8)]
        for other in others:
            with host.client() as client:
                for _ in range(20):
                    client.send(f"{HTTP}.Get", {"url": other.url + "/text"})
                for _ in range(20):
                    self.assertEqual(client.receive()[0]["response"]["status"], 200)
        self.assertEqual(host.log().count("no descriptor is left"), 1)
