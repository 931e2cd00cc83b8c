"""The HTTP server as its clients see it, good ones and bad ones, on real sockets."""
import contextlib
import json
import os
import random
import resource
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

from host import HostTest, SLOW, free_port, waits
from http_wire import WebSocket, Wire, ask, request
from varlink import wait_for

GREET = "/io.troupe.hello.Greet"
WATCH = "/io.troupe.ticker.Watch"
ERRORS = "io.troupe.httpserver."
SERVICE = "org.varlink.service."
YOU = b'{"name":"you"}'


class HttpTest(HostTest):
    def serve(self, config=None, actors=None, web=None, daemon=None):
        """A daemon with a server, which runs; self.place is where it listens."""
        settings = {"Listen": "tcp:127.0.0.1:0", "HttpMethods": "io.troupe.hello.*", **(config or {})}
        self.host = self.daemon({"hello": {"Plugin": "hello"}, **(actors or {}),
                                 "web": {"Plugin": "http-server", **(web or {}), "Config": settings}}, daemon)
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]
        return self.host

    def server_pid(self):
        return self.host.worker(self.host.unit("web")["instances"][0]["worker"])["pid"]

    def status(self):
        return self.host.direct("io.troupe.httpserver.Status")

    def wait_status(self, **wanted):
        def reached():
            status = self.status()
            return all(status[key] == value for key, value in wanted.items())
        wait_for(reached, 20 * SLOW, f"{wanted} of {self.status()}")

    def pouring(self):
        return self.host.direct("io.troupe.test.fountain.Pouring")

    def wait_until_held_back(self):
        """Who pours has begun, and stands still."""
        def stands_still():
            before = self.pouring()["replies"]
            time.sleep(0.3)
            return 0 < before == self.pouring()["replies"]
        wait_for(stands_still, 60 * SLOW, "the stream to stand still")

    def ask(self, verb, target, body=b"", headers=(), **more):
        return ask(self.place, verb, target, body, headers, **more)

    def post(self, target, parameters, headers=()):
        return self.ask("POST", target, json.dumps(parameters).encode(), headers)

    def assert_greets(self):
        answer = self.post(GREET, {"name": "you"})
        self.assertEqual((answer.status, json.loads(answer.body)["text"]), (200, "hello, you"))

    def assert_refused(self, answer, status, error):
        self.assertEqual((answer.status, answer.headers["content-type"]), (status, "application/json"))
        body = json.loads(answer.body)
        self.assertEqual(body["error"], error)
        return body["parameters"]


class Calls(HttpTest):
    def setUp(self):
        self.serve({"HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch io.troupe.test.echo.* io.nowhere.Thing"},
                   {"ticker": {"Plugin": "ticker"}, "echo": {"Plugin": "echo"}})

    def test_a_post_is_a_call_and_its_answer_json(self):
        self.assert_greets()
        answer = self.post(GREET, {"name": "again"})
        self.assertEqual(json.loads(answer.body), {"text": "hello, again", "count": 2})
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_each_way_to_fail_has_a_status(self):
        self.assertEqual(self.assert_refused(self.post(GREET, {"name": "x" * 65}), 422, "io.troupe.hello.NameTooLong"), {"limit": 64})
        wrong = self.assert_refused(self.post(GREET, {"name": 1}), 400, SERVICE + "InvalidParameter")
        self.assertEqual(wrong["parameter"], "name")
        self.assertTrue(wrong["reason"])
        self.assert_refused(self.post("/io.troupe.hello.Shout", {}), 404, SERVICE + "MethodNotFound")
        self.assert_refused(self.post("/io.nowhere.Thing", {}), 404, ERRORS + "NotFound")
        self.assert_refused(self.post("/io.troupe.test.echo.Deny", {}), 403, SERVICE + "PermissionDenied")
        self.assert_refused(self.post("/io.troupe.test.echo.Fail", {"number": 3, "text": "\"\\\n"}), 422, "io.troupe.test.echo.Failed")
        for text in (b"", b"{", b"[]", b"{}x", b'{"name":"\xff"}', b'"name"'):
            answer = self.ask("POST", GREET, text)
            self.assertEqual(answer.status, 400, text)

    def test_what_is_not_listed_is_not_there(self):
        for target in ("/io.troupe.test.other.Thing", "/io.troupe.httpserver.Status", "/io.troupe.ticker.Watchers",
                       "/org.varlink.service.GetInfo", "/io.troupe.Control.Stop", "/", "/hello", "/io.troupe.hello.*",
                       "/io.troupe.hello.", "/io.troupe.hello.Greet/", "/io.troupe.hello.x.Greet", "/%69o.troupe.hello.Greet"):
            for verb in ("POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
                answer = self.ask(verb, target)
                self.assertEqual(answer.status, 404, (verb, target))

    def test_other_verbs_are_told_which_there_are(self):
        for verb in ("GET", "PUT", "DELETE", "PATCH"):
            self.assertEqual(self.assert_refused(self.ask(verb, GREET), 405, ERRORS + "MethodNotAllowed"), {})
            self.assertEqual(self.ask(verb, GREET).headers["allow"], "OPTIONS, POST")
        answer = self.ask("HEAD", GREET)
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "OPTIONS, POST"))
        answer = self.ask("OPTIONS", GREET)
        self.assertEqual((answer.status, answer.headers["allow"], answer.body), (204, "OPTIONS, POST", b""))
        self.assertEqual(self.ask("OPTIONS", "*").status, 204)

    def test_a_page_of_another_site_cannot_call(self):
        for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"):
            lines = [f"POST {GREET} HTTP/1.1", "Host: localhost", f"Content-Length: {len(YOU)}", *([f"Content-Type: {kind}"] if kind else [])]
            with Wire(self.place) as wire:
                wire.send("\r\n".join([*lines, "", ""]).encode() + YOU)
                self.assert_refused(wire.response(), 415, ERRORS + "UnsupportedMediaType")

    def test_a_call_has_a_deadline(self):
        self.host.actor("web", {"Plugin": "http-server", "Config": {"Listen": "tcp:127.0.0.1:0", "CallTimeoutMs": 50,
                                                                   "HttpMethods": "io.troupe.ticker.Watch"}})
        self.host.control("Reload")
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]
        self.assert_refused(self.post(WATCH, {"periodMs": 60000}), 504, "io.troupe.Control.Timeout")
        self.wait_status(calls=0)

    def test_connections_are_kept_and_pipelined_requests_answered_in_order(self):
        with Wire(self.place) as wire:
            for number in range(50):
                wire.send(request("POST", GREET, b'{"name":"%d"}' % number))
                self.assertIn(f"hello, {number}".encode(), wire.response().body)
            wire.send(b"".join(request("POST", GREET, b'{"name":"%d"}' % number) for number in range(500)))
            for number in range(500):
                self.assertIn(f'"hello, {number}"'.encode(), wire.response().body)
            wire.send(request("POST", GREET, YOU, ["Connection: close"]))
            self.assertEqual(wire.response().status, 200)
            self.assertTrue(wire.is_closed())
        self.wait_status(connections=0)

    def test_half_closed_connections_get_their_answers(self):
        with Wire(self.place) as wire:
            wire.send(request("POST", GREET, YOU) * 2)
            wire.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([answer.status for answer in wire.all_responses()][:1], [200])
        self.wait_status(connections=0, calls=0)

    def test_a_client_may_ask_whether_to_send_its_body(self):
        with Wire(self.place) as wire:
            wire.send(request("POST", GREET, YOU, ["Expect: 100-continue"])[:-len(YOU)])
            self.assertEqual(wire.head()[0], 100)
            wire.send(YOU)
            self.assertEqual(wire.response().status, 200)
            wire.send(request("POST", GREET, b"x" * (2 << 20), ["Expect: 100-continue"])[:-(2 << 20)])
            self.assertEqual(wire.response().status, 413)

    def test_however_a_request_is_cut_it_is_one(self):
        """Trap 20: libmicrohttpd's epoll is edge-triggered: a piece of the body that arrived
        with the header, or a timeout that is not set, would leave a request waiting for
        ever."""
        source = random.Random(20)
        with Wire(self.place) as wire:
            text = request("POST", GREET, YOU)
            self.assertEqual(wire.socket.sendmsg([text[:-len(YOU)], YOU[:5], YOU[5:]]), len(text))
            self.assertEqual(wire.response().status, 200)
            for number in range(10000 // SLOW):
                name = "x" * source.randrange(65)
                body = b'{"name":"%s"}' % name.encode()
                if number % 2:
                    text = request("POST", GREET, body)
                else:
                    at = source.randrange(len(body))
                    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:at], body[at:]) if part)
                    text = (f"POST {GREET} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n").encode() + parts + b"0\r\n\r\n"
                cuts = sorted(source.randrange(len(text)) for _ in range(source.randrange(4)))
                for begin, end in zip([0, *cuts], [*cuts, len(text)]):
                    wire.send(text[begin:end])
                answer = wire.response()
                self.assertEqual((answer.status, json.loads(answer.body)["text"]), (200, f"hello, {name}"), text)

    def test_large_answers_arrive_whole(self):
        for size in (0, 1, 4096, 100000, 5 << 20):
            answer = self.post("/io.troupe.test.echo.Big", {"bytes": size})
            self.assertEqual(json.loads(answer.body), {"text": "x" * size})

    def test_places_of_every_kind(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "web")
            stale = socket.socket(socket.AF_UNIX)
            stale.bind(path)
            stale.close()
            self.host.actor("second", {"Plugin": "http-server", "Config": {
                "Listen": f"tcp:[::1]:0 unix:{path}", "HttpMethods": "io.troupe.hello.Greet"}})
            self.host.control("Reload")
            self.host.wait_unit("second", "running")
            six, local = self.host.call("second", "io.troupe.httpserver.Status")["listen"]
            for place in (six, local):
                self.assertEqual(ask(place, "POST", GREET, YOU).status, 200, place)
            self.host.control("Stop", {"name": "second"})
            self.assertFalse(os.path.exists(path))

    def test_a_pool_shares_a_port(self):
        port = free_port()
        self.host.actor("pool", {"Plugin": "http-server", "Instances": 4, "Config": {
            "Listen": f"tcp:127.0.0.1:{port}", "HttpMethods": "io.troupe.hello.Greet"}})
        self.host.control("Reload")
        self.host.wait_unit("pool", "running")
        for _ in range(40):
            self.assertEqual(ask(f"tcp:127.0.0.1:{port}", "POST", GREET, YOU).status, 200)
        served = [self.host.call(f"pool/{number}", "io.troupe.httpserver.Status")["requests"] for number in range(4)]
        self.assertEqual(sum(served), 40)
        self.assertGreater(sum(count > 0 for count in served), 1, served)

    def test_a_log_line_for_each_request_stays_one_line(self):
        self.host.actor("web", {"Plugin": "http-server", "Config": {"Listen": "tcp:127.0.0.1:0", "AccessLog": "yes",
                                                                   "HttpMethods": "io.troupe.hello.*"}})
        self.host.control("Reload")
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]
        self.post(GREET, {"name": "you"})
        self.host.wait_log(f'127.0.0.1 "POST {GREET}" 200')
        self.ask("GET", '/"\x1b[1m\x01')
        self.host.wait_log('"GET /??[1m?" 404')


class Config(HttpTest):
    def test_what_cannot_be_served_is_said(self):
        self.host = self.daemon({"hello": {"Plugin": "hello"}})
        for number, (config, text) in enumerate([
                ({"Listen": "tcp:127.0.0.1"}, "names no place"), ({"Listen": "tcp:300.0.0.1:80"}, "names no place"),
                ({"Listen": "tcp:127.0.0.1:65536"}, "names no place"), ({"Listen": "unix:relative"}, "names no place"),
                ({"Listen": ""}, "Listen= must name"), ({"HttpMethods": "*"}, "names no method"),
                ({"HttpMethods": "io.troupe"}, "names no method"), ({"Root": "/no/such/place"}, "/no/such/place"),
                ({"HeaderMax": "100"}, "HeaderMax= must be"), ({"CallTimeoutMs": "0"}, "CallTimeoutMs= must be"),
                ({"WebSocket": "ws"}, "WebSocket=: no path"), ({"Listen": "tls:127.0.0.1:0"}, "Certificate= and Key="),
                ({"Certificate": "/dev/null", "Key": "/dev/null", "Listen": "tls:127.0.0.1:0"}, "/dev/null")]):
            self.host.actor(f"web{number}", {"Plugin": "http-server", "GiveUpAfter": 1,
                                             "Config": {"Listen": "tcp:127.0.0.1:0", **config}})
            self.host.control("Reload")
            self.host.wait_log(text)
            self.assertNotEqual(self.host.unit(f"web{number}")["state"], "running")


# Each is one request of a client that means ill, then one more that must not be taken for
# another's.
HEAD = f"POST {GREET} HTTP/1.1\r\n"
TYPE = "Content-Type: application/json\r\n"
REFUSED = {
    "length and encoding": HEAD + "Host: localhost\r\n" + TYPE + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding and length": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 44\r\n\r\n{}",
    "one length twice": HEAD + "Host: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": HEAD + "Host: localhost\r\nContent-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": HEAD + "Host: localhost\r\nContent-Length: +2\r\n\r\n{}",
    "a negative length": HEAD + "Host: localhost\r\nContent-Length: -2\r\n\r\n{}",
    "a length in hexadecimal": HEAD + "Host: localhost\r\nContent-Length: 0x2\r\n\r\n{}",
    "an empty length": HEAD + "Host: localhost\r\nContent-Length: \r\n\r\n{}",
    "a length with a blank": HEAD + "Host: localhost\r\nContent-Length: 2 2\r\n\r\n{}",
    "a length that overflows": HEAD + "Host: localhost\r\nContent-Length: 18446744073709551618\r\n\r\n{}",
    "an unknown encoding": HEAD + "Host: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings in one": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": HEAD + "Host: localhost\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    "two encodings": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank behind the encoding": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n",
    "a vertical tab before the encoding": HEAD + "Host: localhost\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n",
    "an encoding in quotes": HEAD + "Host: localhost\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "an encoding in HTTP/1.0": HEAD.replace("1.1", "1.0") + "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": HEAD + "Host: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a length with a blank before the colon": HEAD + "Host: localhost\r\nContent-Length : 2\r\n\r\n{}",
    "a folded encoding": HEAD + "Host: localhost\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a header whose name goes on in a folded line": HEAD + "Host: localhost\r\nTransfer-: chunked\r\n Encoding\r\n\r\n0\r\n\r\n",
    "a folded line": HEAD + "Host: localhost\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "a first line that is folded": HEAD + " Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "a NUL in a value": HEAD + "Host: localhost\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "a NUL behind the encoding": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n",
    "a NUL behind the length": HEAD + "Host: localhost\r\nContent-Length: 2\0" + "0\r\n\r\n{}",
    "a NUL in a name": HEAD + "Host: localhost\r\nX\0: a\r\nContent-Length: 2\r\n\r\n{}",
    "a NUL in the target": f"POST {GREET}\0x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n" + "{}",
    "a NUL in the verb": f"POST\0 {GREET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n" + "{}",
    "a bare CR that hides a header": HEAD + "Host: localhost\r\nX: \rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare CR in a value": HEAD + "Host: localhost\r\nX: a\rb\r\nContent-Length: 2\r\n\r\n{}",
    "a bare LF between headers": HEAD + "Host: localhost\r\nX: a\nContent-Length: 2\r\n\r\n{}",
    "a bare LF behind the request's line": HEAD.replace("\r\n", "\n") + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "LF everywhere": (HEAD + "Host: localhost\r\nContent-Length: 2\r\n\r\n").replace("\r\n", "\n") + "{}",
    "no Host": HEAD + "Content-Length: 2\r\n\r\n{}",
    "two Hosts": HEAD + "Host: localhost\r\nHost: y\r\nContent-Length: 2\r\n\r\n{}",
    "a Host with a user": HEAD + "Host: a@b\r\nContent-Length: 2\r\n\r\n{}",
    "a Host with a path": HEAD + "Host: a/b\r\nContent-Length: 2\r\n\r\n{}",
    "Host with a blank before the colon": HEAD + "Host : x\r\nContent-Length: 2\r\n\r\n{}",
    "a line without a colon": HEAD + "Host: localhost\r\nNothing\r\nContent-Length: 2\r\n\r\n{}",
    "a header without a name": HEAD + "Host: localhost\r\n: nothing\r\nContent-Length: 2\r\n\r\n{}",
    "a name with a blank": HEAD + "Host: localhost\r\nX Y: nothing\r\nContent-Length: 2\r\n\r\n{}",
    "a name that is not ASCII": HEAD + "Host: localhost\r\nX\x80: nothing\r\nContent-Length: 2\r\n\r\n{}",
    "a body of a GET": "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "a chunked body of a GET": "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/2.0": HEAD.replace("1.1", "2.0") + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.2": HEAD.replace("1.1", "1.2") + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.10": HEAD.replace("1.1", "1.10") + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "another protocol": HEAD.replace("HTTP", "HTCP") + "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "no version": f"GET {GREET}\r\n\r\n",
    "a blank in the target": f"POST {GREET} x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n" + "{}",
    "an absolute target": f"POST http://localhost{GREET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n" + "{}",
    "NULs behind the last value": HEAD + "Host: localhost\r\nTransfer-Encoding: chunked\0\0\r\n\r\n0\r\n\r\n",
    "LF and LF behind the last value": HEAD + "Host: localhost\r\nContent-Length: 2\n\n{}",
    "two blanks in the request's line": f"POST  {GREET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n" + "{}",
    "a target that is a host": "CONNECT x:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an empty target": "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a chunk's size with a sign": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "a negative chunk": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size with 0x": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size behind a blank": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size before a blank": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
    "a chunk without a size": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n",
    "a huge chunk": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n1" + "0" * 16 + "2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than its size": HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}}}\r\n0\r\n\r\n",
}
# libmicrohttpd 0.9 begins its answer to these twice.
TWICE = ["a list of lengths", "a length with a sign", "a negative length", "a length in hexadecimal", "an empty length",
         "a length with a blank", "a length that overflows", "no Host"]
# One way to read each, and it is this many requests.
TAKEN = {
    "an encoding in capitals": (HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: CHUNKED\r\n\r\nE\r\n%s\r\n0\r\n\r\n", [200]),
    "chunk extensions": (HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\ne;a=b;c=\"d\"\r\n%s\r\n0;x\r\n\r\n", [200]),
    "zeros before a chunk's size": (HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n000e\r\n%s\r\n000\r\n\r\n", [200]),
    "trailers": (HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\ne\r\n%s\r\n0\r\nX: y\r\nContent-Length: 7\r\n\r\n", [200]),
    "tabs around a value": (HEAD + "Host:\tlocalhost\r\n" + TYPE + "Content-Length: \t 14\r\n\r\n%s", [200]),
    "an empty line before the request": ("\r\n" + HEAD + "Host: localhost\r\n" + TYPE + "Content-Length: 14\r\n\r\n%s", [200]),
    "an empty value": (HEAD + "Host: localhost\r\nX:\r\nY: \r\n" + TYPE + "Content-Length: 14\r\n\r\n%s", [200]),
    "an empty Host": (HEAD + "Host:\r\n" + TYPE + "Content-Length: 14\r\n\r\n%s", [200]),
}
AFTER = f"POST {GREET} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\nConnection: close\r\n\r\n" + YOU.decode()


class Framing(HttpTest):
    """Nobody's request becomes another's: what could be read in two ways is refused, with the
    connection."""

    def setUp(self):
        self.serve({"HeaderTimeoutMs": 600000, "BodyTimeoutMs": 600000})

    def answers(self, text, place=None):
        with Wire(place or self.place) as wire:
            wire.send(text.encode("latin-1"))
            with contextlib.suppress(OSError):  # it may be closed already
                wire.socket.shutdown(socket.SHUT_WR)
            return wire.all_responses()

    def only_answer(self, text):
        with Wire(self.place) as wire:
            wire.send(text.encode("latin-1"))
            with contextlib.suppress(OSError):  # it may be closed already
                wire.socket.shutdown(socket.SHUT_WR)
            return wire.only_response()

    def test_what_can_be_read_in_two_ways_is_refused(self):
        for name, text in REFUSED.items():
            with self.subTest(name):
                answer = self.only_answer(text + AFTER)
                # A body may be found broken when the connection cannot be answered any more.
                status = answer.status if answer else 400
                self.assertTrue(400 <= status < 600 and status != 404, status)
        self.assert_greets()

    def test_what_is_refused_is_answered_once(self):
        """Each byte that comes is of that answer, whether its body is read or is still to come,
        and is the first request of its connection or a later one."""
        for name in TWICE:
            for before in ("", AFTER.replace("Connection: close\r\n", "")):
                with self.subTest(name, before=bool(before)), Wire(self.place) as wire:
                    wire.send((before + REFUSED[name]).encode("latin-1"))
                    if before:
                        self.assertEqual(wire.response().status, 200)
                    answer = wire.only_response()
                    self.assertIn(answer.status, (400, 413))
                    self.assertEqual((answer.headers["connection"], answer.body), ("close", b""))
        self.wait_status(malformed=2 * len(TWICE), timedOut=0, connections=0)
        self.assert_greets()

    def test_what_is_refused_in_pieces_is_answered_once(self):
        """It alone: who came before or after and is in the middle of a header is served."""
        for name in TWICE:
            with self.subTest(name), Wire(self.place) as before, Wire(self.place) as wire, Wire(self.place) as behind:
                for other in (before, behind):
                    other.send(AFTER[:60].encode())
                self.wait_status(connections=3)
                for byte in REFUSED[name].encode("latin-1").split(b"\r\n\r\n")[0] + b"\r\n\r\n":
                    wire.send(bytes([byte]))
                self.assertIn(wire.only_response().status, (400, 413))
                for other in (before, behind):
                    other.send(AFTER[60:].encode())
                    self.assertEqual(other.only_response().status, 200)
            self.wait_status(connections=0)

    def test_what_is_well_formed_is_taken_for_what_it_is(self):
        for name, (text, wanted) in TAKEN.items():
            with self.subTest(name):
                with Wire(self.place) as wire:
                    wire.send((text.replace("%s", YOU.decode()) + AFTER).encode("latin-1"))
                    statuses = [answer.status for answer in wire.all_responses()]
                self.assertEqual(statuses, [*wanted, 200])

    def test_another_server_sees_no_other_requests(self):
        """Of each text that this server takes, nginx sees as many requests, or refuses it."""
        with nginx() as other:
            source = random.Random(9)
            texts = [text + AFTER for text in REFUSED.values()]
            texts += [text.replace("%s", YOU.decode()) + AFTER for text, _ in TAKEN.values()]
            texts += [mutant(source) + AFTER for _ in range(400)]
            for text in texts:
                ours = [answer.status for answer in self.answers(text)]
                theirs = [answer.status for answer in self.answers(text, other)]
                if any(status in (400, 411, 413, 431, 501, 505) for status in [*ours[:1], *theirs[:1]]):
                    continue  # one of them goes no further
                if not ours or not theirs:
                    continue  # nor does who closes without an answer
                self.assertEqual(len(ours), len(theirs), (text, ours, theirs))
        self.assert_greets()


def mutant(source):
    """A request that is framed in ways which may be wrong."""
    end = lambda: source.choice(["\r\n"] * 30 + ["\n", "\r", "\r\r\n", "\r\n "])
    body = YOU.decode()
    names = ["Content-Length", "Transfer-Encoding", "content-length", "Content-Length ", "Transfer-Encoding\t", "Transfer_Encoding"]
    values = ["14", "chunked", "0", "14, 14", "CHUNKED", "chunked, chunked", "014", "14\t", " 14", "\x0bchunked", "5", "\"14\"", ""]
    lines = [source.choice(names) + ":" + source.choice(["", " ", "\t", "\r", "\0"] if source.random() < 0.2 else [" "]) + source.choice(values)
             for _ in range(source.randrange(3))]
    size = source.choice(["e", "E", "0e", "e ", "e;x", "e\t", "00000000000000e", "10000000e"])
    chunks = f"{size}{end()}{body}{end()}0{end()}{end()}"
    return HEAD + "Host: localhost" + end() + TYPE + "".join(line + end() for line in lines) + "\r\n" + source.choice([body, chunks, ""])


def is_listened_at(path):
    """It is there a moment before."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            return True
        except OSError:
            return False


@contextlib.contextmanager
def nginx():
    with tempfile.TemporaryDirectory(prefix="troupe-") as directory:
        path = os.path.join(directory, "s")
        with open(os.path.join(directory, "conf"), "w") as file:
            file.write(f"daemon off; master_process off; pid {directory}/pid; error_log {directory}/log;\n"
                       "events { worker_connections 64; }\n"
                       "http { access_log off; keepalive_requests 100;\n" +
                       "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) +
                       f"server {{ listen unix:{path}; location / {{ return 200 'x'; }} }} }}\n")
        process = subprocess.Popen(["nginx", "-c", f"{directory}/conf", "-p", directory], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: is_listened_at(path), 20 * SLOW, "nginx to listen")
            yield f"unix:{path}"
        finally:
            process.kill()
            process.wait()


class Hosts(HttpTest):
    """A page of another site that made its name mean this address is not served."""

    def status_for(self, host, target=GREET, place=None):
        with Wire(place or self.place) as wire:
            wire.send(request("POST", target, YOU, host=host))
            return wire.response()

    def test_over_loopback_only_names_that_are_nobody_elses_are_taken(self):
        self.serve({"Listen": "tcp:127.0.0.1:0 tcp:[::1]:0", "WebSocket": "/ws", "Root": "/usr/share/common-licenses"})
        places = self.status()["listen"]
        for place in places:
            for host in ("localhost", "LOCALHOST:80", "localhost.", "a.localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:80", "[::1]", "10.0.0.1"):
                self.assertEqual(self.status_for(host, place=place).status, 200, (place, host))
            for host in ("example.org", "localhost.example.org", "example.org:80", "xlocalhost", ".localhost", "127.0.0.1.example.org", "127.0.0.1x",
                         "[::1].example.org", "[::1", "x" * 300, "127.1"):
                self.assertEqual(self.status_for(host, place=place).status, 421, (place, host))
        self.assertEqual(self.assert_refused(self.status_for("evil.example:80"), 421, ERRORS + "Misdirected"), {"host": "evil.example:80"})
        # Whatever is asked for, and the connection goes on.
        with Wire(self.place) as wire:
            for verb, target in (("GET", "/"), ("GET", "/GPL-3"), ("GET", "/ws"), ("OPTIONS", "*"), ("POST", "/nothing"), ("POST", GREET)):
                wire.send(request(verb, target, YOU if verb == "POST" else b"", host="evil.example"))
                self.assertEqual(wire.response().status, 421, target)
            wire.send(request("POST", GREET, YOU))
            self.assertEqual(json.loads(wire.response().body), {"text": "hello, you", "count": 19})

    def test_names_that_are_listed_are_taken_and_no_others(self):
        self.serve({"Hosts": "example.org *.example.net"})
        for host in ("example.org", "Example.ORG:8080", "example.org.", "www.example.net", "a.b.example.net", "localhost", "127.0.0.1"):
            self.assertEqual(self.status_for(host).status, 200, host)
        for host in ("www.example.org", "example.net", "example.org.evil.example", "xexample.org", "wwwexample.net"):
            self.assertEqual(self.status_for(host).status, 421, host)

    def test_any_name_is_taken_where_the_unit_says_so_and_over_a_unix_socket(self):
        path = os.path.join(tempfile.mkdtemp(prefix="troupe-"), "web")
        self.serve({"Listen": f"tcp:127.0.0.1:0 unix:{path}"})
        self.assertEqual([self.status_for("example.org", place=place).status for place in self.status()["listen"]], [421, 200])
        self.host.terminate()
        os.rmdir(os.path.dirname(path))
        self.serve({"Hosts": "*"})
        self.assertEqual(self.status_for("example.org").status, 200)

    def test_what_is_no_name_is_not_begun_with(self):
        for hosts in ("example.org:80", "*example.org", "http://example.org", "a@b", "*.", "x" * 256):
            host = self.daemon({"web": {"Plugin": "http-server", "Config": {"Listen": "tcp:127.0.0.1:0", "Hosts": hosts}}},
                               daemon={"GiveUpAfter": 1})
            host.wait_unit("web", "failed")
            host.wait_log("Hosts=: ")
            host.terminate()


class Files(HttpTest):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="troupe-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.root])
        self.write("index.html", b"<p>top\n")
        self.write("a/b.txt", b"0123456789")
        self.write("a/index.html", b"<p>a\n")
        self.write(".secret", b"no")
        self.write("a/.git/config", b"no")
        self.write("a b\xe9.css".encode().decode(), b"css")
        os.symlink("/etc/passwd", os.path.join(self.root, "passwd"))
        os.symlink("/", os.path.join(self.root, "slash"))
        os.symlink("a/b.txt", os.path.join(self.root, "link.txt"))
        os.mkfifo(os.path.join(self.root, "fifo"))
        self.serve({"Root": self.root})

    def write(self, name, data):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def test_files_are_served_with_their_types(self):
        for target, body, kind in [("/", b"<p>top\n", "text/html; charset=utf-8"), ("/a/", b"<p>a\n", "text/html; charset=utf-8"),
                                   ("/a/b.txt", b"0123456789", "text/plain; charset=utf-8"), ("/a/b%2etxt?x=y", b"0123456789", "text/plain; charset=utf-8"),
                                   ("/link.txt", b"0123456789", "text/plain; charset=utf-8"), ("/a%20b%C3%A9.css", b"css", "text/css; charset=utf-8")]:
            answer = self.ask("GET", target)
            self.assertEqual((answer.status, answer.body, answer.headers["content-type"]), (200, body, kind), target)
            head = self.ask("HEAD", target)
            self.assertEqual((head.status, head.headers["content-length"]), (200, str(len(body))))
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertEqual(self.ask("OPTIONS", "/").headers["allow"], "GET, HEAD, OPTIONS")
        self.assertEqual(self.ask("POST", "/").status, 405)
        self.assert_greets()

    def test_no_file_is_read_whose_head_alone_is_asked_for(self):
        def read():  # bytes, by the whole worker
            with open(f"/proc/{self.server_pid()}/io") as file:
                return int(file.readline().split()[1])

        self.write("small.txt", b"x" * 8000)
        before = read()
        for _ in range(50):
            self.assertEqual(self.ask("HEAD", "/small.txt").headers["content-length"], "8000")
        self.assertLess(read() - before, 25 * 8000)
        before = read()
        for _ in range(50):
            self.assertEqual(len(self.ask("GET", "/small.txt").body), 8000)
        self.assertGreaterEqual(read() - before, 50 * 8000)

    def test_nothing_else_is_reached(self):
        for target in ("/.secret", "/a/.git/config", "/passwd", "/slash/etc/passwd", "/../etc/passwd", "/a/../index.html",
                       "/%2e%2e/etc/passwd", "/..%2fetc/passwd", "/a%2fb.txt", "//etc/passwd", "/a//b.txt", "/fifo", "/a", "/nothing",
                       "/a/b.txt/", "/a/b.txt%00", "/%2esecret", "/a/%zz", "/a/%", "/\\..\\x", "/" + "a" * 5000, "/" + "a/" * 3000):
            answer = self.ask("GET", target)
            self.assertIn(answer.status, (404,), target)

    def test_what_the_reader_has_is_not_sent_again(self):
        first = self.ask("GET", "/a/b.txt")
        tag, modified = first.headers["etag"], first.headers["last-modified"]
        for header in (f"If-None-Match: {tag}", f'If-None-Match: "x", {tag}', "If-None-Match: *", f"If-Modified-Since: {modified}"):
            answer = self.ask("GET", "/a/b.txt", headers=[header])
            self.assertEqual((answer.status, answer.body, answer.headers["etag"]), (304, b"", tag), header)
        self.write("a/b.txt", b"9876543210")
        answer = self.ask("GET", "/a/b.txt", headers=[f"If-None-Match: {tag}", f"If-Modified-Since: {modified}"])
        self.assertEqual((answer.status, answer.body), (200, b"9876543210"))

    def test_a_range_is_sent_alone(self):
        for text, status, body in [("bytes=0-3", 206, b"0123"), ("bytes=8-", 206, b"89"), ("bytes=-2", 206, b"89"), ("bytes=0-99", 206, b"0123456789"),
                                   ("bytes=-99", 206, b"0123456789"), ("bytes=5-4", 200, b"0123456789"), ("bytes=a-b", 200, b"0123456789"),
                                   ("bytes=0-1,3-4", 200, b"0123456789"), ("lines=0-1", 200, b"0123456789"), ("bytes=-", 200, b"0123456789")]:
            answer = self.ask("GET", "/a/b.txt", headers=[f"Range: {text}"])
            self.assertEqual((answer.status, answer.body), (status, body), text)
        for text in ("bytes=10-", "bytes=-0", "bytes=99999999999999999999-"):
            self.assert_refused(self.ask("GET", "/a/b.txt", headers=[f"Range: {text}"]), 416, ERRORS + "RangeNotSatisfiable")
        answer = self.ask("GET", "/a/b.txt", headers=["Range: bytes=0-3", 'If-Range: "other"'])
        self.assertEqual((answer.status, answer.body), (200, b"0123456789"))

    def test_files_and_their_parts_arrive_whole_whatever_their_size(self):
        for size in (0, 1, 8191, 8192, 8193, 100_000):
            data = os.urandom(size)
            self.write("file.bin", data)
            self.assertEqual(self.ask("HEAD", "/file.bin").headers["content-length"], str(size))
            self.assertEqual(self.ask("GET", "/file.bin").body, data)
            for first, last in ((0, size - 1), (size // 2, size - 1), (size // 3, size // 3 + 8192)):
                if size:
                    part = self.ask("GET", "/file.bin", headers=[f"Range: bytes={first}-{last}"])
                    self.assertEqual((part.status, part.body), (206, data[first:last + 1]), (size, first, last))

    def test_a_large_file_arrives_whole_at_a_slow_reader(self):
        data = os.urandom(1 << 16) * 256
        self.write("large.bin", data)
        with Wire(self.place, receive_buffer=65536) as wire:
            wire.send(request("GET", "/large.bin"))
            self.assert_greets()
            self.assertEqual(wire.response().body, data)


class Streams(HttpTest):
    def setUp(self):
        self.serve({"HttpMethods": "io.troupe.ticker.Watch io.troupe.hello.* io.troupe.test.fountain.Pour io.troupe.test.chaos.Count",
                    "HeartbeatMs": 300, "StreamBuffer": 1 << 20, "Streams": 3},
                   {"ticker": {"Plugin": "ticker"}, "fountain": {"Plugin": "fountain"},
                    "chaos": {"Plugin": "chaos", "Config": {"Others": "chaos"}}})

    def open(self, method, parameters, **more):
        wire = Wire(self.place, **more)
        self.addCleanup(wire.socket.close)
        wire.send(request("POST", method, json.dumps(parameters).encode(), ["Accept: text/event-stream"]))
        return wire

    def events(self, wire):
        text = b""
        while part := wire.chunk():
            text += part
            while b"\n\n" in text:
                event, text = text.split(b"\n\n", 1)
                if not event.startswith(b":"):
                    yield event.decode()

    def watchers(self):
        return self.host.direct("io.troupe.ticker.Watchers")["count"]

    def test_each_reply_is_an_event(self):
        wire = self.open(WATCH, {"periodMs": 10, "count": 5})
        status, headers = wire.head()
        self.assertEqual((status, headers["content-type"], headers["cache-control"]), (200, "text/event-stream", "no-store"))
        events = list(self.events(wire))
        self.assertEqual([json.loads(event[6:])["tick"] for event in events[:-1]], [1, 2, 3, 4, 5])
        self.assertEqual(events[-1], "event: end\ndata: {}")
        wire.send(request("POST", GREET, YOU))
        self.assertEqual(wire.response().status, 200)
        answer = self.post(WATCH + "?more", {"periodMs": 10, "count": 2})
        self.assertEqual(answer.body.count(b"data: "), 3)

    def test_a_stream_may_end_behind_its_last_reply(self):
        """As troupectl has it: a generator has no reply left to say that with."""
        wire = self.open("/io.troupe.test.chaos.Count", {"count": 3, "bytes": 1, "seed": 1})
        self.assertEqual(wire.head()[0], 200)
        events = list(self.events(wire))
        self.assertEqual([json.loads(event[6:])["number"] for event in events[:-1]], [0, 1, 2])
        self.assertEqual(events[-1], "event: end\ndata: {}")
        wire.send(request("POST", "/io.troupe.test.chaos.Count", b'{"count":0,"bytes":1,"seed":1}', ["Accept: text/event-stream"]))
        answer = wire.response()
        # of a stream that was begun meanwhile, which it is after a second, it is the last event
        self.assertTrue(answer.status == 502 or b"event: error\n" in answer.body, answer)

    def test_what_fails_at_once_has_a_status(self):
        self.assert_refused(self.open(WATCH, {"periodMs": 1}).response(), 422, "io.troupe.ticker.BadPeriod")
        self.assert_refused(self.open(WATCH, {"periodMs": "x"}).response(), 400, SERVICE + "InvalidParameter")
        self.wait_status(calls=0, streams=0)

    def test_a_quiet_stream_begins_and_gets_comments(self):
        wire = self.open(WATCH, {"periodMs": 60000})
        self.assertEqual(wire.head()[0], 200)
        for _ in range(3):
            self.assertEqual(wire.chunk(), b":\n\n")

    def test_a_reader_who_leaves_ends_the_call(self):
        for leave in (lambda wire: wire.socket.close(), lambda wire: wire.socket.shutdown(socket.SHUT_WR),
                      lambda wire: (wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)), wire.socket.close())):
            for period in (10, 60000):
                wire = self.open(WATCH, {"periodMs": period})
                wire.head()
                wait_for(lambda: self.watchers() == 1, 20 * SLOW, "the call to be there")
                leave(wire)
                wait_for(lambda: self.watchers() == 0, 20 * SLOW, "the call to be cancelled")
                self.wait_status(streams=0, calls=0, connections=0)

    def test_a_reader_who_leaves_before_the_first_event_ends_the_call(self):
        wire = self.open(WATCH, {"periodMs": 60000})
        wait_for(lambda: self.watchers() == 1, 20 * SLOW, "the call to be there")
        wire.socket.close()
        wait_for(lambda: self.watchers() == 0, 20 * SLOW, "the call to be cancelled")
        self.wait_status(streams=0, calls=0)

    def test_as_many_streams_as_are_allowed(self):
        wires = [self.open(WATCH, {"periodMs": 10}) for _ in range(3)]
        for wire in wires:
            self.assertEqual(wire.head()[0], 200)
        answer = self.open(WATCH, {"periodMs": 10}).response()
        self.assert_refused(answer, 503, ERRORS + "Busy")
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assert_greets()
        wires[0].socket.close()
        self.wait_status(streams=2)
        self.assertEqual(self.open(WATCH, {"periodMs": 10}).head()[0], 200)

    def test_all_of_a_long_stream_arrives_at_a_reader_who_reads(self):
        wire = self.open("/io.troupe.test.fountain.Pour", {"bytes": 50000, "count": 16})
        wire.head()
        numbers = [json.loads(event[6:])["number"] for event in self.events(wire) if event.startswith("data: ")]
        self.assertEqual(numbers, list(range(1, 17)))

    def web(self, **config):
        self.host.actor("web", {"Plugin": "http-server",
                                "Config": {"Listen": "tcp:127.0.0.1:0", "HttpMethods": "io.troupe.ticker.Watch io.troupe.hello.* io.troupe.test.fountain.Pour",
                                           "HeartbeatMs": 300, "StreamBuffer": 1 << 20, **config}})
        self.host.control("Reload")
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]

    def test_a_slow_reader_holds_back_who_streams(self):
        count = 2000 if SLOW == 1 else 600
        for worker in ("1", "own"):
            with self.subTest(worker=worker):
                self.host.actor("fountain", {"Plugin": "fountain", "Worker": worker})
                self.host.control("Reload")
                self.host.wait_unit("fountain", "running")
                wire = self.open("/io.troupe.test.fountain.Pour", {"bytes": 50000, "count": count}, receive_buffer=4096)
                wire.head()
                self.wait_until_held_back()
                # What the limits allow, and what the sockets hold.
                self.assertLess(self.pouring()["replies"] * 50000, 16 << 20)
                self.assertEqual(self.pouring()["count"], 1)
                # Who reads another stream does not wait for that one.
                ticks = self.open(WATCH, {"periodMs": 10, "count": 3})
                ticks.head()
                self.assertEqual(list(self.events(ticks))[-1], "event: end\ndata: {}")
                self.assert_greets()
                *events, last = self.events(wire)
                self.assertEqual([json.loads(event[6:])["number"] for event in events], list(range(1, count + 1)))
                self.assertEqual(last, "event: end\ndata: {}")
                self.wait_status(calls=0, streams=0)

    def test_a_reader_who_is_dropped_and_says_something_costs_no_time(self):
        self.web(ReaderTimeoutMs=500)
        pid = self.server_pid()
        wire = self.open("/io.troupe.test.fountain.Pour", {"bytes": 50000}, receive_buffer=4096)
        wire.head()
        wait_for(lambda: self.pouring()["count"] == 0, 60 * SLOW, "the call to be cancelled")
        wire.send(b"x")
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(1)
        self.assertLess((cpu_seconds(pid) - before) / (time.monotonic() - began), 0.3)

    def test_a_reader_who_does_not_read_is_let_go_and_costs_little(self):
        self.web(ReaderTimeoutMs=500)
        pid = self.server_pid()
        wire = self.open("/io.troupe.test.fountain.Pour", {"bytes": 50000}, receive_buffer=4096)
        wire.head()
        wait_for(lambda: self.pouring()["count"] == 0, 60 * SLOW, "the call to be cancelled")
        if SLOW <= 2:
            self.assertLess(resident(pid), 400 << 20)
        self.assert_greets()
        *before, last = self.events(wire)
        # What the limit allows, and what the sockets held.
        self.assertLess(sum(map(len, before)), 16 << 20)
        self.assertTrue(last.startswith("event: error\n"), last)
        self.assertEqual(json.loads(last.split("data: ")[1]), {"error": ERRORS + "TooSlow", "parameters": {"limit": 1 << 20, "afterMs": 500}})

    def test_the_death_of_who_streams_is_an_event(self):
        self.host.actor("far", {"Plugin": "ticker", "Worker": "own", "Default": "yes"})
        self.host.control("Reload")
        self.host.wait_unit("far", "running")
        wire = self.open(WATCH, {"periodMs": 10})
        wire.head()
        next(self.events(wire))
        number = self.host.heard("Describe", {"name": "far"})["actors"][0]["worker"]
        os.kill(self.host.worker(number)["pid"], signal.SIGKILL)
        last = list(self.events(wire))[-1]
        self.assertTrue(last.startswith("event: error\n"), last)
        self.assertIn("io.troupe.Control.", last)


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) << 10


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def in_chunks(line):
    """What a request with such a line of a chunk begins with."""
    return (HEAD + "Host: localhost\r\n" + TYPE + "Transfer-Encoding: chunked\r\n\r\n").encode() + line


class Limits(HttpTest):
    def start(self, **config):
        self.serve({"HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch", **config}, {"ticker": {"Plugin": "ticker"}},
                   web={"Worker": 1})

    def test_headers_and_bodies_have_a_size(self):
        self.start(HeaderMax=4096, BodyMax=10000)
        self.assertEqual(self.ask("GET", "/" + "x" * 5000).status, 414)
        self.assertEqual(self.ask("GET", "/", headers=["X: " + "x" * 5000]).status, 431)
        self.assertEqual(self.ask("GET", "/", headers=[f"X{number}: y" for number in range(1000)]).status, 431)
        body = b'{"name":"%s"}' % (b"x" * 9980)
        self.assert_refused(self.ask("POST", GREET, body), 422, "io.troupe.hello.NameTooLong")
        self.assertEqual(self.assert_refused(self.ask("POST", GREET, body + b" " * 20), 413, ERRORS + "TooLarge"), {"limit": 10000})
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        head = HEAD.encode() + b"Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        with Wire(self.place) as wire:
            wire.send(head + chunk * 11 + b"0\r\n\r\n")
            self.assert_refused(wire.response(), 413, ERRORS + "TooLarge")
        with Wire(self.place) as wire, contextlib.suppress(ConnectionError):
            wire.send(head)
            for _ in range(100000):
                wire.send(chunk)
            self.fail("a body without an end is read to none")
        self.assert_greets()

    @waits(10)
    def test_slow_clients_have_an_end(self):
        ms = 6000 + 2000 * SLOW  # none is up before all four are there
        self.start(HeaderTimeoutMs=ms, BodyTimeoutMs=ms, IdleTimeoutMs=ms)
        with Wire(self.place) as header, Wire(self.place) as body, Wire(self.place) as idle, Wire(self.place) as silent:
            header.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            body.send(request("POST", GREET, b" " * 1000)[:-1000])
            idle.send(request("POST", GREET, YOU))
            self.assertEqual(idle.response().status, 200)
            began = time.monotonic()
            # A byte now and then does not help.
            open_ones = {header: b"X: y\r\n", body: b" "}
            while open_ones and time.monotonic() - began < 20 * SLOW:
                time.sleep(0.1)
                for wire, more in list(open_ones.items()):
                    try:
                        wire.send(more)
                    except ConnectionError:
                        del open_ones[wire]
            self.assertFalse(open_ones)
            self.assertTrue(idle.is_closed())
            self.assertTrue(silent.is_closed())
        self.wait_status(connections=0, timedOut=4)

    def assert_rests(self):
        pid, shares = self.server_pid(), []
        # what was begun before may still be under way
        while len(shares) < 4 and (not shares or shares[-1] >= 0.3):
            before, began = cpu_seconds(pid), time.monotonic()
            time.sleep(1.5)
            shares.append((cpu_seconds(pid) - before) / (time.monotonic() - began))
        self.assertLess(shares[-1], 0.3, shares)

    def test_the_line_of_a_chunk_has_a_size(self):
        """libmicrohttpd itself would ask to be run for ever."""
        self.start(BodyTimeoutMs=600000, IdleTimeoutMs=600000)
        first = request("POST", GREET, YOU)
        for line in (b"e;" + b"a" * 20000, b"0" * 20000, b"5\r\n12345\r\n1;" + b"a" * 20000, b"e;" + b"a" * 200000):
            for before in (b"", first):
                with self.subTest(line[:8], before=bool(before)), Wire(self.place) as wire:
                    with contextlib.suppress(ConnectionError):
                        wire.send(before + in_chunks(line))
                    if before:
                        self.assertEqual(wire.response().status, 200)
                    answer = wire.only_response()
                    # What is still being sent then is answered by a reset.
                    self.assertEqual(answer.status if answer else 400, 400)
        self.wait_status(connections=0, malformed=8, timedOut=0)
        self.assert_greets()

    def test_who_leaves_behind_the_line_of_a_chunk_is_let_go(self):
        self.start(BodyTimeoutMs=600000, IdleTimeoutMs=600000)
        for _ in range(4):
            with Wire(self.place) as wire:
                wire.send(in_chunks(b"e;" + b"a" * 20000))
        self.wait_status(connections=0, requests=4)

    def test_who_leaves_in_the_middle_of_a_request_is_let_go(self):
        """Though his end comes together with the last that he says."""
        self.start(HeaderTimeoutMs=600000, BodyTimeoutMs=600000, IdleTimeoutMs=600000)
        whole = request("POST", GREET, YOU)
        for said in (whole[:-5], whole[:60], b"", whole, in_chunks(b"5\r\n123"), in_chunks(b"e;" + b"a" * 5000)):
            for _ in range(20):
                with Wire(self.place) as wire:
                    wire.send(said)
        self.wait_status(connections=0, timedOut=0)
        self.assert_greets()

    @waits(8)
    def test_the_line_of_a_chunk_that_fills_the_buffer_costs_no_time(self):
        """Nothing is left unread then: it may go on. The size is found by trying: one more is
        refused."""
        self.start(BodyTimeoutMs=600000, IdleTimeoutMs=600000)
        fits, most, wires = 10000, 20000, {}
        while most - fits > 1:
            tried = [*range(fits, most, max(1, (most - fits) // 32)), most]
            for size in tried:
                wires[size] = Wire(self.place)
                self.addCleanup(wires[size].socket.close)
                wires[size].send(in_chunks(b"e;" + b"a" * size))
            self.assertEqual(wires[most].only_response().status, 400)
            time.sleep(0.5)
            for size in tried:
                wires[size].socket.settimeout(0)
            most = min(size for size in tried if self.has_come(wires[size]))
            fits = max((size for size in tried if size < most), default=most - 1)
        self.assert_rests()
        # Others are served meanwhile, and who does go on is refused.
        self.assert_greets()
        if full := wires.get(fits):
            full.socket.settimeout(20 * SLOW)
            with contextlib.suppress(ConnectionError):
                full.send(b"aa")
            self.assertEqual(full.only_response().status, 400)

    def has_come(self, wire):
        try:
            return wire.fill() or True
        except BlockingIOError:
            return False

    def test_connections_of_one_address_and_in_all(self):
        self.start(Connections=5, ConnectionsPerAddress=3)
        with contextlib.ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(Wire(self.place))
            self.wait_status(connections=3)
            with Wire(self.place) as fourth:
                self.assertTrue(fourth.is_closed())
            others = [stack.enter_context(Wire(self.place, source="127.0.0.2")) for _ in range(3)]
            self.wait_status(connections=5, turnedAway=1)
            self.host.wait_log("no more connections are accepted for now")
            for wire in others:
                wire.send(request("POST", GREET, YOU, ["Connection: close"]))
            for wire in others:
                self.assertEqual(wire.response().status, 200)
        self.wait_status(connections=0)

    def test_idle_connections_make_room(self):
        self.start(Connections=2, IdleTimeoutMs=3600000, HeaderTimeoutMs=3600000)
        with Wire(self.place) as idle:
            idle.send(request("POST", GREET, YOU))
            self.assertEqual(idle.response().status, 200)
            with Wire(self.place), Wire(self.place) as third:
                third.send(request("POST", GREET, YOU))
                self.assertEqual(third.response().status, 200)
            self.assertTrue(idle.is_closed())

    def test_calls_under_way(self):
        self.start(Calls=2)
        with Wire(self.place) as first, Wire(self.place) as second:
            for wire in (first, second):
                wire.send(request("POST", WATCH, b'{"periodMs":60000}'))
            self.wait_status(calls=2)
            answer = self.post(GREET, {"name": "you"})
            self.assert_refused(answer, 503, ERRORS + "Busy")
            self.assertEqual(answer.headers["retry-after"], "1")

    def test_descriptors_that_run_out(self):
        self.start()
        pid = self.server_pid()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
        wires = [Wire(self.place, timeout=60 * SLOW) for _ in range(80)]
        self.host.wait_log("no more connections are accepted for now")
        # Some are left to the worker's other actors.
        self.assertLessEqual(len(os.listdir(f"/proc/{pid}/fd")), 48)
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(1)
        self.assertLess((cpu_seconds(pid) - before) / (time.monotonic() - began), 0.3)
        for wire in wires:
            wire.send(request("POST", GREET, YOU))
        for wire in wires:
            self.assertEqual(wire.response().status, 200)
            wire.socket.close()
        self.assertEqual(self.host.log().count("no more connections are accepted"), 1)
        self.wait_status(connections=0)
        self.assert_greets()
        self.assertEqual(self.host.worker(1)["restarts"], 0)

    def test_ten_thousand_connections(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit[0] < 12000:
            resource.setrlimit(resource.RLIMIT_NOFILE, (12000, max(12000, limit[1])))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limit)
        count = 10000 // SLOW
        self.start(Connections=count, ConnectionsPerAddress=count, HeaderTimeoutMs=300000)
        wires = []
        self.addCleanup(lambda: [wire.socket.close() for wire in wires])
        for _ in range(count):
            wires.append(Wire(self.place, timeout=120 * SLOW))
        self.wait_status(connections=count)
        for begin in range(0, count, 500):
            for wire in wires[begin:begin + 500]:
                wire.send(request("POST", GREET, YOU))
            for wire in wires[begin:begin + 500]:
                self.assertEqual(wire.response().status, 200)
        if SLOW <= 2:  # sanitizers take a multiple
            self.assertLess(resident(self.server_pid()), 600 << 20)
        for wire in wires:
            wire.socket.close()
        self.wait_status(connections=0)


class Deaths(HttpTest):
    def setUp(self):
        port = free_port()
        self.serve({"Listen": f"tcp:127.0.0.1:{port}", "HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch"},
                   {"ticker": {"Plugin": "ticker", "Worker": 2}}, web={"Worker": 1})

    def test_a_caller_is_told_that_the_callee_died(self):
        with Wire(self.place) as wire:
            wire.send(request("POST", WATCH, b'{"periodMs":60000}'))
            wait_for(lambda: self.host.direct("io.troupe.ticker.Watchers")["count"] == 1, 20 * SLOW, "the call to be there")
            self.host.kill_worker(2)
            answer = wire.response()
            self.assertEqual(answer.status, 502)
            self.assertIn(json.loads(answer.body)["error"], ("io.troupe.Control.ActorDied", "io.troupe.Control.PeerDown"))
            wire.send(request("POST", GREET, YOU))
            self.assertEqual(wire.response().status, 200)

    def test_a_server_that_was_killed_serves_again(self):
        with Wire(self.place) as wire:
            wire.send(request("POST", WATCH, b'{"periodMs":60000}'))
            self.wait_status(calls=1)
            self.host.kill_worker(1)
            self.assertTrue(wire.is_closed())
        self.host.wait_unit("web", "running")
        self.assert_greets()
        wait_for(lambda: self.host.direct("io.troupe.ticker.Watchers")["count"] == 0, 20 * SLOW, "the call to be cancelled")

    def test_resets_in_each_phase_cost_nothing(self):
        text = request("POST", GREET, YOU)
        for size in range(0, len(text) + 1, 3):
            with Wire(self.place) as wire:
                wire.send(text[:size])
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wait_status(connections=0, calls=0)
        self.assert_greets()
        self.assertEqual(self.host.worker(1)["restarts"], 0)

    def test_a_server_that_is_stopped_answers_what_waits(self):
        with Wire(self.place) as call, Wire(self.place) as stream:
            call.send(request("POST", WATCH, b'{"periodMs":60000}'))
            stream.send(request("POST", WATCH + "?more", b'{"periodMs":10}'))
            stream.head()
            self.wait_status(calls=2)
            self.host.control("Stop", {"name": "web"})
            self.assert_refused(call.response(), 503, ERRORS + "Stopping")
            text = b""
            while part := stream.chunk():
                text += part
            self.assertTrue(text.endswith(b'event: error\ndata: {"error":"io.troupe.httpserver.Stopping","parameters":{}}\n\n'), text[-200:])
            self.assertTrue(stream.is_closed())
        wait_for(lambda: self.host.direct("io.troupe.ticker.Watchers")["count"] == 0, 20 * SLOW, "the calls to be cancelled")
        with self.assertRaises(ConnectionError):
            Wire(self.place)
        self.assertEqual(self.host.worker(1)["restarts"], 0)


class WebSockets(HttpTest):
    def setUp(self):
        self.serve({"WebSocket": "/ws", "BodyMax": 100000,
                    "HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch io.troupe.test.echo.* io.troupe.test.fountain.Pour",
                    "HeartbeatMs": 3600000, "StreamBuffer": 1 << 20},
                   {"ticker": {"Plugin": "ticker"}, "echo": {"Plugin": "echo"}, "fountain": {"Plugin": "fountain"}})

    def open(self, headers=(), **more):
        wire = Wire(self.place, **more)
        self.addCleanup(wire.socket.close)
        return WebSocket(wire, "/ws", headers)

    def assert_closed(self, socket, status):
        """It says so, waits to be told the same, and closes."""
        self.assertEqual(socket.closed_with(), status)
        with contextlib.suppress(ConnectionError):
            socket.frame(8, status.to_bytes(2, "big"))
        self.assertTrue(socket.wire.is_closed())

    def watchers(self):
        return self.host.direct("io.troupe.ticker.Watchers")["count"]

    def test_calls_are_answered_in_order(self):
        socket = self.open()
        self.assertEqual(socket.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        socket.call("io.troupe.hello.Greet", {"name": "you"})
        self.assertEqual(socket.answer(), {"parameters": {"text": "hello, you", "count": 1}})
        for number in range(500):
            socket.call("io.troupe.hello.Greet", {"name": str(number)})
        for number in range(500):
            self.assertEqual(socket.answer()["parameters"]["text"], f"hello, {number}")
        socket.call("io.troupe.ticker.Watch", {"periodMs": 10, "count": 3}, more=True)
        socket.call("io.troupe.hello.Greet", {"name": "then"}, more=False)
        for tick in (1, 2, 3):
            answer = socket.answer()
            self.assertEqual((answer["parameters"]["tick"], answer.get("continues")), (tick, None if tick == 3 else True))
        self.assertEqual(socket.answer()["parameters"]["text"], "hello, then")
        self.assertEqual(self.status()["calls"], 0)
        self.assertEqual(self.status()["streams"], 0)

    def test_errors_are_answers(self):
        socket = self.open()
        for method, parameters, error in [("io.troupe.hello.Greet", {"name": 1}, SERVICE + "InvalidParameter"), ("io.troupe.hello.Greet", {"name": "x" * 65},
                                           "io.troupe.hello.NameTooLong"), ("io.troupe.hello.Nothing", {}, SERVICE + "MethodNotFound"),
                                          ("io.troupe.httpserver.Status", {}, ERRORS + "NotFound"), ("hello", {}, ERRORS + "NotFound")]:
            socket.call(method, parameters)
            self.assertEqual(socket.answer()["error"], error)
        socket.frame(1, b'{"parameters":{"name":"you"} , "method" : "io.troupe.hello.Greet"} ')
        self.assertEqual(socket.answer()["parameters"]["text"], "hello, you")
        socket.frame(1, b'{"method":"io.troupe.hello.Greet","parameters":{"name":"}\\"{"}}')
        self.assertEqual(socket.answer()["parameters"]["text"], 'hello, }"{')
        socket.frame(1, b'{"method":"io.troupe.hello.Greet","parameters":{"name":"a" "b"}}')
        self.assertEqual(socket.answer()["error"], ERRORS + "BadRequest")

    def test_what_is_no_call_closes(self):
        for text in (b"", b"{}", b"[]", b'{"method":1}', b'{"method":"a.b.C"', b'{"method":"a.b.C"}x', b'{"method":"a.b.C","method":"a.b.C"}',
                     b'{"method":"a.b.C","parameters":[]}', b'{"method":"a.b.C","more":1}', b'{"method":"a.b.C","other":1}', b'{"method":"a\\u0000b"}',
                     b'{"method":"a.b.C","parameters":{"a":"}', b'{"method":"a.b.C",}', b'{"method":"' + b"x" * 300 + b'"}'):
            socket = self.open()
            socket.frame(1, text)
            self.assert_closed(socket, 1008)

    def test_frames_are_as_they_must_be(self):
        # 0: a close frame without a status
        for status, frames in [
                (1002, [(1, b"{}", True, 4)]), (1002, [(3, b"x")]), (1002, [(11, b"x")]), (1002, [(0, b"x")]), (0, [(9, b"x" * 126)]),
                (0, [(9, b"x", False)]), (1002, [(1, b"{", False), (1, b"}")]), (1002, [(8, b"\x03\xed")]),
                (1007, [(1, b"\xff")]), (1007, [(1, b"\xc3", False), (0, b"\x28")]), (1007, [(1, b"\xed\xa0\x80")]), (1007, [(8, b"\x03\xe8\xff")]),
                (1003, [(2, b"{}")]), (1009, [(1, b" " * 100001)]), (1009, [(1, b" " * 60000, False), (0, b" " * 60000)])]:
            with self.subTest(f"{frames[0][0]} {frames[0][1][:10]} {status}"):
                socket = self.open()
                with contextlib.suppress(ConnectionError):
                    for frame in frames:
                        socket.frame(*frame)
                self.assertEqual(socket.closed_with(), status)
                socket.wire.socket.close()
        socket = self.open()
        socket.frame(1, b'{"method":"io.troupe.hello.Greet","parameters":{"name":"you"}}', masked=False)
        self.assertIn(socket.closed_with(), (0, 1002))
        socket.wire.socket.close()
        socket = self.open()
        with contextlib.suppress(ConnectionError):
            socket.frame(1, b" " * 1000, size=1 << 62)
        self.assertIn(socket.closed_with(), (0, 1002, 1009))
        socket.wire.socket.close()
        self.wait_status(connections=0)
        self.assert_greets()

    def test_fragments_pings_and_the_end(self):
        source, socket = random.Random(4), self.open()
        for number in range(300):
            text = json.dumps({"method": "io.troupe.hello.Greet", "parameters": {"name": f"\u00e4{number}"}}, ensure_ascii=False).encode()
            cuts = sorted(source.randrange(len(text)) for _ in range(source.randrange(4)))
            bounds = list(zip([0, *cuts], [*cuts, len(text)]))
            data = b""
            for index, (begin, end) in enumerate(bounds):
                data += socket.text_of(0 if index else 1, text[begin:end], index == len(bounds) - 1)
                if source.random() < 0.2 and index < len(bounds) - 1:
                    data += socket.text_of(10, b"unasked")
            at = source.randrange(len(data))
            socket.wire.send(data[:at])
            socket.wire.send(data[at:])
            self.assertEqual(socket.answer()["parameters"]["text"], f"hello, \u00e4{number}")
        socket.frame(9, b"mark")
        self.assertEqual(socket.receive(), (10, b"mark"))
        socket.frame(8, b"\x03\xe8bye")
        self.assert_closed(socket, 1000)
        self.wait_status(connections=0)

    def test_a_frame_that_comes_with_the_handshake(self):
        with Wire(self.place) as wire:
            text = (f"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {WebSocket.KEY}\r\n"
                    "Sec-WebSocket-Version: 13\r\n\r\n").encode()
            wire.send(text + WebSocket.text_of(1, b'{"method":"io.troupe.hello.Greet","parameters":{"name":"you"}}'))
            self.assertEqual(wire.head()[0], 101)
            socket = WebSocket.__new__(WebSocket)
            socket.wire = wire
            self.assertEqual(socket.answer()["parameters"]["text"], "hello, you")

    def test_handshakes_that_are_none(self):
        good = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": WebSocket.KEY, "Sec-WebSocket-Version": "13"}
        for change, status in [({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426), ({"Sec-WebSocket-Version": "8"}, 426),
                               ({"Sec-WebSocket-Version": None}, 426), ({"Connection": "close"}, 400), ({"Sec-WebSocket-Key": "x"}, 400),
                               ({"Sec-WebSocket-Key": None}, 400), ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
                               ({"Origin": "http://localhost.evil.example"}, 403)]:
            headers = [f"{name}: {value}" for name, value in {**good, **change}.items() if value]
            answer = self.ask("GET", "/ws", headers=headers)
            self.assertEqual(answer.status, status, change)
            if status == 426:
                self.assertEqual(answer.headers["sec-websocket-version"], "13")
        self.assertEqual(self.ask("POST", "/ws", b"{}").status, 405)
        socket = self.open(["Origin: http://localhost"])
        socket.call("io.troupe.hello.Greet", {"name": "you"})
        self.assertIn("parameters", socket.answer())

    def test_who_leaves_ends_his_call(self):
        for leave in (lambda socket: socket.wire.socket.close(), lambda socket: socket.frame(8, b"\x03\xe8")):
            socket = self.open()
            socket.call("io.troupe.ticker.Watch", {"periodMs": 60000}, more=True)
            wait_for(lambda: self.watchers() == 1, 20 * SLOW, "the call to be there")
            self.assertEqual(self.status()["streams"], 1)
            leave(socket)
            wait_for(lambda: self.watchers() == 0, 20 * SLOW, "the call to be cancelled")
            self.wait_status(connections=0, calls=0, streams=0)

    def test_who_answers_no_ping_is_let_go(self):
        self.host.actor("web", {"Plugin": "http-server", "Config": {"Listen": "tcp:127.0.0.1:0", "WebSocket": "/ws", "HeartbeatMs": 300}})
        self.host.control("Reload")
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]
        socket = self.open()
        self.assertEqual(socket.receive()[0], 9)
        self.assertIsNone(socket.closed_with())
        self.wait_status(connections=0)

    def test_who_reads_nothing_is_let_go_and_held_back(self):
        socket = self.open(receive_buffer=4096)
        socket.wire.socket.settimeout(1)
        text = socket.text_of(1, b'{"method":"io.troupe.test.echo.Big","parameters":{"bytes":100000}}')
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(100000):
                socket.wire.send(text)
            self.fail("calls are taken without end")
        self.wait_status(calls=0)
        socket.wire.socket.settimeout(20 * SLOW)
        for _ in range(100):
            self.assertEqual(len(socket.answer()["parameters"]["text"]), 100000)
        self.assert_greets()

    def test_who_reads_a_stream_slowly_holds_it_back(self):
        socket = self.open(receive_buffer=4096)
        socket.call("io.troupe.test.fountain.Pour", {"bytes": 50000, "count": 2000}, more=True)
        self.wait_until_held_back()
        self.assertLess(self.pouring()["replies"] * 50000, 16 << 20)
        self.assertEqual(self.pouring()["count"], 1)
        self.assert_greets()
        self.assertEqual([socket.answer()["parameters"]["number"] for _ in range(2000)], list(range(1, 2001)))
        self.wait_status(calls=0, streams=0)

    def test_what_comes_behind_a_wrong_message_keeps_nothing_open(self):
        socket = self.open()
        socket.wire.send(socket.text_of(1, b"x") * 40)
        self.assertIsNotNone(socket.closed_with())
        socket.wire.socket.close()
        self.wait_status(connections=0, calls=0)

    def test_who_pings_and_reads_nothing_is_held_back(self):
        socket = self.open(receive_buffer=4096)
        socket.wire.socket.settimeout(1)
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(100):
                socket.wire.send(socket.text_of(9) * (1 << 16))
            self.fail("pings are taken without end")
        self.assert_greets()

    def test_who_takes_nothing_is_let_go(self):
        self.host.actor("web", {"Plugin": "http-server",
                                "Config": {"Listen": "tcp:127.0.0.1:0", "WebSocket": "/ws", "HeartbeatMs": 300,
                                           "HttpMethods": "io.troupe.test.echo.* io.troupe.test.fountain.Pour"}})
        self.host.control("Reload")
        self.host.wait_unit("web", "running")
        self.place = self.status()["listen"][0]
        socket = self.open(receive_buffer=4096)
        socket.call("io.troupe.test.fountain.Pour", {"bytes": 50000}, more=True)
        wait_for(lambda: self.pouring()["count"] == 0, 60 * SLOW, "the stream to be cancelled")
        socket = self.open(receive_buffer=4096)
        socket.wire.socket.settimeout(1)
        text = socket.text_of(1, b'{"method":"io.troupe.test.echo.Big","parameters":{"bytes":100000}}')
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(100000):
                socket.wire.send(text)
        self.wait_status(connections=0, calls=0)

    def test_one_answer_may_be_larger_than_the_buffer_of_a_slow_reader(self):
        socket = self.open(receive_buffer=4096)
        socket.call("io.troupe.test.echo.Big", {"bytes": 6000000})
        self.wait_status(calls=0)
        self.assertEqual(len(socket.answer()["parameters"]["text"]), 6000000)

    def test_a_message_of_countless_fragments_closes(self):
        socket = self.open()
        socket.wire.send(socket.text_of(1, b"{", fin=False) + socket.text_of(0, b" ", fin=False) * 1100)
        self.assertEqual(socket.closed_with(), 1009)

    def test_a_server_that_is_stopped_goes_away(self):
        idle, busy = self.open(), self.open()
        busy.call("io.troupe.ticker.Watch", {"periodMs": 10}, more=True)
        busy.answer()
        self.host.control("Stop", {"name": "web"})
        self.assert_closed(idle, 1001)
        self.assert_closed(busy, 1001)
        wait_for(lambda: self.watchers() == 0, 20 * SLOW, "the call to be cancelled")
        self.assertTrue(all(worker["restarts"] == 0 for worker in self.host.workers()))


class Tls(HttpTest):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="troupe-")
        self.addCleanup(subprocess.run, ["rm", "-rf", self.directory])
        self.key, self.certificate = (os.path.join(self.directory, name) for name in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.key,
                        "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, stderr=subprocess.DEVNULL)
        self.serve({"Listen": "tls:127.0.0.1:0 tcp:127.0.0.1:0", "Certificate": self.certificate, "Key": self.key, "HeaderTimeoutMs": 6000 * min(SLOW, 3), "WebSocket": "/ws",
                    "HttpMethods": "io.troupe.hello.* io.troupe.ticker.Watch"}, {"ticker": {"Plugin": "ticker"}})
        self.secure, self.place = self.status()["listen"]

    def context(self, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version, context.maximum_version = least, most
        return context

    def connect(self, context, name="localhost"):
        wire = Wire(self.secure)
        self.addCleanup(wire.socket.close)
        wire.socket = context.wrap_socket(wire.socket, server_hostname=name)
        return wire

    def test_calls_and_streams_over_tls(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            wire = self.connect(self.context(version, version))
            for _ in range(3):
                wire.send(request("POST", GREET, YOU))
                self.assertEqual(wire.response().status, 200)
            wire.send(request("POST", WATCH + "?more", b'{"periodMs":10,"count":3}'))
            self.assertEqual(wire.response().body.count(b"data: "), 4)
            wire.buffer = b""
            websocket = WebSocket(wire, "/ws")
            for number in range(100):
                websocket.call("io.troupe.hello.Greet", {"name": str(number)})
                self.assertEqual(websocket.answer()["parameters"]["text"], f"hello, {number}")
            websocket.frame(8, b"\x03\xe8")
            self.assertEqual(websocket.closed_with(), 1000)
        self.assert_greets()

    def test_old_versions_and_wrong_names_are_refused(self):
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old = self.context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect(old)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(self.context(), "example.org")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.connect(ssl.create_default_context())
        self.assert_greets()

    def hello(self):
        """What a client says first."""
        out = ssl.MemoryBIO()
        client = self.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        return out.read()

    @waits(8)
    def test_who_does_not_go_on_with_tls_costs_no_time(self):
        pid, hello = self.server_pid(), self.hello()
        silent = [Wire(self.secure) for _ in range(4 * 5)]
        for wire in silent:
            self.addCleanup(wire.socket.close)
        for wire, data in zip(silent, (b"", hello[:1], hello[:-1], hello) * 5):
            wire.send(data)
        self.wait_status(connections=len(silent))
        time.sleep(0.5)
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(1.5)
        self.assertLess((cpu_seconds(pid) - before) / (time.monotonic() - began), 0.3)
        # Others are served meanwhile.
        wire = self.connect(self.context())
        wire.send(request("POST", GREET, YOU))
        self.assertEqual(wire.response().status, 200)
        wire.socket.close()
        # Their time is that of a request's header.
        self.wait_status(connections=0, timedOut=len(silent))

    def test_who_goes_on_with_tls_late_is_served(self):
        client, reply = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context().wrap_bio(reply, client, server_hostname="localhost")
        with Wire(self.secure) as wire:
            self.wait_status(connections=1)
            while not (done := self.steps(tls.do_handshake)) or client.pending:
                for byte in client.read():  # in as many packets
                    wire.send(bytes([byte]))
                if not done:
                    reply.write(wire.socket.recv(65536))
            tls.write(request("POST", GREET, YOU))
            wire.send(client.read())
            while not (said := self.steps(lambda: tls.read(65536))):
                reply.write(wire.socket.recv(65536))
        self.assertTrue(said.startswith(b"HTTP/1.1 200 "), said)

    def test_what_is_refused_in_pieces_is_answered(self):
        """By libmicrohttpd itself, before there is a request."""
        for pieces, status in (((b"GET / H", b"X\r\n\r\n"), 400), ((b"GET / HT", b"TP/3.0\r\n\r\n"), 505)):
            wire = self.connect(self.context())
            for piece in pieces:
                wire.send(piece)
                time.sleep(0.2)
            self.assertEqual(wire.response().status, status)
        self.assertEqual(self.status()["timedOut"], 0)

    def test_what_is_refused_is_answered_once(self):
        for name in TWICE:
            for before in (False, True):
                with self.subTest(name, before=before):
                    wire = self.connect(self.context())
                    if before:
                        wire.send(request("POST", GREET, YOU))
                        self.assertEqual(wire.response().status, 200)
                    wire.send(REFUSED[name].encode("latin-1"))
                    self.assertIn(wire.only_response().status, (400, 413))
                    wire.socket.close()

    def test_the_line_of_a_chunk_has_a_size(self):
        for line in (b"e;" + b"a" * 20000, b"0" * 20000, b"5\r\n12345\r\n1;" + b"a" * 20000):
            with self.subTest(line[:8]):
                wire = self.connect(self.context())
                wire.send(in_chunks(line))
                self.assertEqual(wire.only_response().status, 400)
        self.wait_status(connections=0, malformed=3)

    def steps(self, step):
        """What it gives, or None when it wants to read first."""
        with contextlib.suppress(ssl.SSLWantReadError):
            return step() or True

    def test_a_server_ends_with_tls_half_agreed_on(self):
        silent = [Wire(self.secure) for _ in range(2)]
        for wire in silent:
            self.addCleanup(wire.socket.close)
        silent[1].send(self.hello())
        self.wait_status(connections=2)
        self.assertTrue(silent[1].fill())
        pid = self.server_pid()
        self.host.control("Restart", {"name": "web"})
        self.host.wait_unit("web", "running")
        for wire in silent:
            with contextlib.suppress(ConnectionError):
                while wire.fill():
                    pass
        self.assertEqual(self.server_pid(), pid)

    @waits(8)
    def test_what_is_no_tls_is_no_request(self):
        wires = []
        for data in (request("POST", GREET, YOU), os.urandom(1000), b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\x16"):
            wires.append(Wire(self.secure))
            self.addCleanup(wires[-1].socket.close)
            wires[-1].send(data)
        for wire in wires:
            with contextlib.suppress(ConnectionError):
                while wire.fill():
                    pass
            self.assertNotIn(b"HTTP/", wire.buffer)
        self.assertEqual(self.status()["requests"], 0)
        self.wait_status(connections=0)
