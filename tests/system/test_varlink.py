"""The control socket as foreign clients see it, good ones and bad ones."""
import errno
import json
import os
import socket
import time

import varlink
from host import HostTest, CONTROL, SLOW, is_alive, plugin
from varlink import wait_for

HELLO = {"hello": {"Plugin": "hello"}}
SERVICE = "org.varlink.service"
GREET = "io.troupe.hello.Greet"


class Service(HostTest):
    def setUp(self):
        self.host = self.daemon(HELLO)

    def test_get_info_lists_the_interfaces_of_running_actors(self):
        info = self.host.direct(f"{SERVICE}.GetInfo")
        self.assertEqual(sorted(info), ["interfaces", "product", "url", "vendor", "version"])
        for interface in (SERVICE, CONTROL, "io.troupe.hello"):
            self.assertIn(interface, info["interfaces"])
        self.host.control("Stop", {"name": "hello"})
        self.assertNotIn("io.troupe.hello", self.host.direct(f"{SERVICE}.GetInfo")["interfaces"])

    def test_descriptions_are_the_idl_texts(self):
        for interface in (SERVICE, CONTROL, "io.troupe.hello"):
            text = self.host.direct(f"{SERVICE}.GetInterfaceDescription", {"interface": interface})["description"]
            self.assertRegex(text, rf"(?m)^interface {interface}$")
        lost = self.assert_error(f"{SERVICE}.InterfaceNotFound", self.host.direct,
                                 f"{SERVICE}.GetInterfaceDescription", {"interface": "io.troupe.nothing"})
        self.assertEqual(lost, {"interface": "io.troupe.nothing"})

    def test_methods_of_actors_are_called_directly(self):
        self.assertEqual(self.host.direct(GREET, {"name": "you"}), {"text": "hello, you", "count": 1})
        self.assertEqual(self.host.direct(GREET, {"name": "again"})["count"], 2)

    def test_errors_of_actors_arrive_typed(self):
        data = self.assert_error("io.troupe.hello.NameTooLong", self.host.direct, GREET, {"name": "x" * 1000})
        self.assertEqual(data, {"limit": 64})

    def test_errors_of_the_service(self):
        self.assertEqual(self.assert_error(f"{SERVICE}.InterfaceNotFound", self.host.direct, "no.such.Thing"),
                         {"interface": "no.such"})
        self.assertEqual(self.assert_error(f"{SERVICE}.MethodNotFound", self.host.direct, "io.troupe.hello.Shout"),
                         {"method": "io.troupe.hello.Shout"})
        # Qualified, whoever answers.
        for method in (f"{SERVICE}.Nothing", f"{CONTROL}.Nothing", "io.troupe.hello.shout"):
            self.assertEqual(self.assert_error(f"{SERVICE}.MethodNotFound", self.host.direct, method), {"method": method})
        self.assert_error(f"{SERVICE}.ExpectedMore", self.host.direct, f"{CONTROL}.Watch")
        self.host.ctl("spawn", "echo", plugin("echo"))
        self.assertEqual(self.assert_error(f"{SERVICE}.PermissionDenied", self.host.direct, "io.troupe.test.echo.Deny"), {})

    def test_parameters_at_fault_are_named(self):
        for parameters, path in [({}, "name"), ({"name": 1}, "name"), ({"name": None}, "name"),
                                 ({"name": "x", "shout": True}, "shout"), ({"name": ["x"]}, "name")]:
            data = self.assert_error(f"{SERVICE}.InvalidParameter", self.host.direct, GREET, parameters)
            self.assertEqual(data["parameter"], path, parameters)
        for method, parameters, path in [("Describe", {"name": 1}, "name"), ("Describe", {}, "name"), ("Call", {"name": "x", "method": "Y"}, "method"),
                                         ("Call", {"name": "x", "method": "a.b.Y", "timeoutMs": -1}, "timeoutMs"), ("Actors", {"worker": 9}, "worker")]:
            data = self.assert_error(f"{SERVICE}.InvalidParameter", self.host.control, method, parameters)
            self.assertEqual(data["parameter"], path)
            self.assertTrue(data["reason"])

    def test_replies_come_in_the_order_of_the_calls(self):
        with self.host.client() as client:
            for number in range(500):
                client.send(GREET, {"name": str(number)})
            for number in range(500):
                self.assertEqual(client.receive()[0]["text"], f"hello, {number}")

    def test_oneway_calls_get_no_reply(self):
        with self.host.client() as client:
            client.send(GREET, {"name": "a"}, oneway=True)
            client.send("no.such.Method", oneway=True)
            client.send(GREET, {"name": "b"})
            self.assertEqual(client.receive()[0], {"text": "hello, b", "count": 2})

    def test_false_flags_and_empty_parameters_are_as_good_as_none(self):
        with self.host.client() as client:
            self.assertIn("version", client.call(f"{CONTROL}.Status", {}, more=False, oneway=False, upgrade=False))
            client.send_raw(b'{"method":"io.troupe.Control.Status","parameters":null}\0')
            self.assertIn("version", client.receive()[0])

    def test_half_closed_connections_get_their_replies(self):
        with self.host.client() as client:
            client.send(GREET, {"name": "a"})
            client.send(GREET, {"name": "b"})
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(client.receive()[0]["text"], "hello, a")
            self.assertEqual(client.receive()[0]["text"], "hello, b")
            self.assertTrue(client.is_closed(20 * SLOW))

    def test_ambiguous_interfaces_name_the_candidates(self):
        self.host.actor("other", {"Plugin": "hello"})
        self.host.control("Reload")
        data = self.assert_error("Ambiguous", self.host.direct, GREET, {"name": "x"})
        self.assertEqual(sorted(data["candidates"]), ["hello", "other"])
        self.assertEqual(self.host.call("other", GREET, {"name": "x"})["text"], "hello, x")
        self.host.actor("other", {"Plugin": "hello", "Default": "yes", "Config": {"Greeting": "salve"}})
        self.host.control("Reload")
        self.assertEqual(self.host.direct(GREET, {"name": "x"})["text"], "salve, x")


class Hostile(HostTest):
    """Whatever is sent, the daemon stays, answers others, and its memory stays small."""

    def setUp(self):
        self.host = self.daemon(HELLO)

    def tearDown(self):
        self.assertEqual(self.host.direct(GREET, {"name": "you"})["text"], "hello, you")
        self.assertEqual([worker["restarts"] for worker in self.host.workers()], [0, 0])

    def memory(self):
        with open(f"/proc/{self.host.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def test_half_a_frame_and_a_close(self):
        for data in (b"{", b'{"method":"io.troupe.hello.Greet","parameters":{"na', b"\xff", b""):
            with self.host.client() as client:
                client.send_raw(data)

    def test_a_gigabyte_frame(self):
        before = self.memory()
        with self.host.client() as client:
            block = b" " * (1 << 20)
            with self.assertRaises((ConnectionError, varlink.Closed, varlink.VarlinkError)):
                client.send_raw(b'{"method":"')
                for _ in range(1024):
                    client.send_raw(block)
                client.receive()
        if SLOW == 1:
            self.assertLess(self.memory() - before, 64 * 1024)

    def test_deep_nesting(self):
        before = self.memory()
        for depth in (100, 10000, 500000):
            with self.host.client() as client:
                client.send_raw(b'{"method":"io.troupe.hello.Greet","parameters":{"name":' + b"[" * depth +
                                b"]" * depth + b"}}\0")
                try:
                    client.receive()
                    self.fail("answered")
                except (varlink.VarlinkError, varlink.Closed, ConnectionError):
                    pass
        if SLOW == 1:
            self.assertLess(self.memory() - before, 64 * 1024)

    def test_millions_of_values(self):
        host = self.daemon(HELLO, daemon={"FrameMax": "16M"})
        frame = b'{"method":"io.troupe.hello.Greet","parameters":{"name":[' + b"{}," * 5000000 + b"{}]}}\0"
        began = time.monotonic()
        with host.client() as client:
            try:
                client.send_raw(frame)
                client.receive()
                self.fail("answered")
            except (varlink.VarlinkError, varlink.Closed, ConnectionError):
                pass
        self.assertLess(time.monotonic() - began, 15 * SLOW)
        self.assertEqual(host.direct(GREET, {"name": "x"})["text"], "hello, x")

    def test_a_message_over_the_limit_is_not_to_be_tried_again(self):
        host = self.daemon(HELLO, daemon={"FrameMax": "16M"})
        frame = b'{"method":"io.troupe.hello.Greet","parameters":{"name":""}}'
        frame = frame.replace(b'""', b'"' + b"x" * ((16 << 20) - len(frame)) + b'"')
        with host.client() as client:
            client.send_raw(frame + b"\0")
            data = self.assert_error("io.troupe.Control.Failed", client.receive)
            self.assertEqual(data["code"], -errno.EMSGSIZE)
        self.assertEqual(host.direct(GREET, {"name": "x"})["text"], "hello, x")

    def test_bad_utf8_and_forbidden_characters(self):
        for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\\ud800", b"\\u0000", b"\n"):
            with self.host.client() as client:
                client.send_raw(b'{"method":"io.troupe.hello.Greet","parameters":{"name":"' + text + b'"}}\0')
                try:
                    client.receive()
                    self.fail(f"{text} was answered")
                except (varlink.VarlinkError, varlink.Closed, ConnectionError):
                    pass

    def test_frames_that_are_no_calls(self):
        for frame in (b"", b"x", b"[]", b"1", b'"a"', b"null", b"{}", b'{"method":1}', b'{"method":""}',
                      b'{"method":"x"}', b'{"method":"io.troupe.Control.Status","method":"io.troupe.Control.Status"}',
                      b'{"method":"io.troupe.Control.Status","parameters":[]}', b'{"method":"io.troupe.Control.Status"} x',
                      b'{"method":"io.troupe.Control.Status","more":1}', b'{"method":"' + b"a." * 400000 + b'"}'):
            with self.host.client(20) as client:
                client.send_raw(frame + b"\0")
                try:
                    client.receive()
                    self.fail(f"{frame[:80]} was answered")
                except (varlink.VarlinkError, varlink.Closed, ConnectionError):
                    pass

    def test_one_byte_at_a_time(self):
        with self.host.client() as client:
            for byte in json.dumps({"method": GREET, "parameters": {"name": "slow"}}).encode() + b"\0":
                client.send_raw(bytes([byte]))
            self.assertEqual(client.receive()[0]["text"], "hello, slow")

    def test_a_client_that_never_reads_holds_up_nobody(self):
        with self.host.client() as client:
            client.socket.setblocking(False)
            call = json.dumps({"method": f"{SERVICE}.GetInterfaceDescription",
                               "parameters": {"interface": CONTROL}}).encode() + b"\0"
            sent = 0
            try:
                while sent < 64 << 20:
                    sent += client.socket.send(call * 50)
            except BlockingIOError:
                pass
            # Reading stopped before much was taken in.
            self.assertLess(sent, 16 << 20)
            self.assertEqual(self.host.direct(GREET, {"name": "x"})["text"], "hello, x")
            if SLOW == 1:
                self.assertLess(self.memory(), 200 * 1024)

    def test_connections_beyond_the_limit_are_closed_or_wait(self):
        clients = []
        try:
            for _ in range(1100):  # 1,024 per uid
                clients.append(self.host.client(5))
            refused = 0
            for client in clients[-60:]:
                try:
                    client.send(f"{CONTROL}.Status")
                    client.receive()
                except (varlink.Closed, ConnectionError, socket.timeout):
                    refused += 1
            self.assertGreater(refused, 0)
            self.assertIn("version", clients[0].call(f"{CONTROL}.Status"))
        finally:
            for client in clients:
                client.close()
        wait_for(lambda: self.host.control("Status")["connections"] < 10, what="connections to go")


class Sockets(HostTest):
    def test_a_path_too_long_is_refused(self):
        host = self.unstarted()
        host.socket = os.path.join(host.directory, "x" * 120)
        host.launch()
        self.assertNotEqual(host.process.wait(20 * SLOW), 0)
        self.assertIn("107", host.log())

    def test_a_live_socket_is_refused_and_left_alone(self):
        first = self.daemon(HELLO)
        second = self.unstarted(HELLO)
        second.socket = first.socket
        second.launch()
        self.assertNotEqual(second.process.wait(20 * SLOW), 0)
        self.assertIn(first.socket, second.log())
        self.assertEqual(first.direct(GREET, {"name": "x"})["count"], 1)

    def test_a_stale_socket_is_taken_over(self):
        first = self.daemon(HELLO)
        children = first.processes()
        first.process.kill()
        first.process.wait()
        self.assertTrue(os.path.exists(first.socket))
        wait_for(lambda: not any(map(is_alive, children)), what="all processes of the killed daemon to go")
        first.start()
        self.assertEqual(first.direct(GREET, {"name": "x"})["count"], 1)

    def test_something_else_at_the_path_is_left_alone(self):
        host = self.unstarted(HELLO)
        with open(host.socket, "w") as file:
            file.write("precious")
        host.launch()
        self.assertNotEqual(host.process.wait(20 * SLOW), 0)
        with open(host.socket) as file:
            self.assertEqual(file.read(), "precious")

    def test_the_socket_is_gone_after_an_orderly_stop(self):
        host = self.daemon(HELLO)
        self.assertEqual(host.terminate(), 0)
        self.assertFalse(os.path.exists(host.socket))
