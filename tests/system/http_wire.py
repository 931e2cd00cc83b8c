"""HTTP as bytes on a socket: what no well-behaved client sends can be sent, and every byte that
comes back is seen."""
import json
import re
import socket

from host import SLOW


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


class Wire:
    def __init__(self, place, timeout=20 * SLOW, receive_buffer=None, source=None):
        kind, rest = place.split(":", 1)
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            address = rest
        else:
            host, port = rest.rsplit(":", 1)
            address = (host.strip("[]"), int(port))
            self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """False: the other end has closed, or reset, the connection."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            return False
        self.buffer += data
        return bool(data)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise EOFError(f"{mark!r} was to come, after {self.buffer[-300:]!r}")
        text, self.buffer = self.buffer.split(mark, 1)
        return text

    def exactly(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError(f"{size} bytes were to come, there are {len(self.buffer)}")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(re.fullmatch(r"HTTP/1\.[01] (\d{3}) .*", lines[0])[1])
        return status, {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}

    def chunk(self):
        """b"": the last one."""
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def response(self, to_head=False):
        status, headers = self.head()
        body = b""
        if to_head or status in (204, 304):
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while part := self.chunk():
                body += part
        elif "content-length" in headers:
            body = self.exactly(int(headers["content-length"]))
        return Response(status, headers, body)

    def all_responses(self):
        """Until the connection is closed."""
        found = []
        while self.buffer or self.fill():
            try:
                found.append(self.response())
            except EOFError:
                break
        return found

    def only_response(self):
        """All that comes until the connection is closed: one response or None, and never a
        byte more."""
        while self.fill():
            pass
        if not self.buffer:
            return None
        response = self.response()
        assert not self.buffer and not response.body.startswith(b"HTTP/"), (response, self.buffer)
        return response

    def is_closed(self):
        """Waits for it; nothing may come before."""
        return not self.buffer and not self.fill()


def request(verb, target, body=b"", headers=(), host="localhost"):
    lines = [f"{verb} {target} HTTP/1.1", f"Host: {host}"]
    if verb == "POST":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def ask(place, verb, target, body=b"", headers=(), **more):
    """One request on a connection of its own."""
    with Wire(place, **more) as wire:
        wire.send(request(verb, target, body, headers))
        return wire.response(to_head=verb == "HEAD")


class WebSocket:
    """A WebSocket whose frames are made by hand. frame() sends what it is told, right or
    wrong."""
    KEY = "dGhlIHNhbXBsZSBub25jZQ=="

    def __init__(self, wire, path, headers=()):
        self.wire = wire
        wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                  f"Sec-WebSocket-Key: {self.KEY}\r\nSec-WebSocket-Version: 13\r\n".encode() +
                  b"".join(header.encode() + b"\r\n" for header in headers) + b"\r\n")
        status, self.headers = wire.head()
        assert status == 101, status

    def frame(self, opcode, payload=b"", fin=True, rsv=0, masked=True, size=None):
        self.wire.send(self.text_of(opcode, payload, fin, rsv, masked, size))

    @staticmethod
    def text_of(opcode, payload=b"", fin=True, rsv=0, masked=True, size=None):
        size = len(payload) if size is None else size
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        bit = 0x80 if masked else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 65536:
            head += bytes([bit | 126]) + size.to_bytes(2, "big")
        else:
            head += bytes([bit | 127]) + size.to_bytes(8, "big")
        if masked:
            mask = b"\x12\x34\x56\x78"
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
            head += mask
        return head + payload

    def receive(self):
        """(opcode, payload) of a whole message, which the server sends unmasked, in one
        frame."""
        first, second = self.wire.exactly(2)
        assert not second & 0x80 and first & 0x80
        size = second & 0x7f
        if size == 126:
            size = int.from_bytes(self.wire.exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self.wire.exactly(8), "big")
        return first & 0xf, self.wire.exactly(size)

    def closed_with(self):
        """What has come before is passed over. None: without a close frame."""
        while True:
            try:
                opcode, payload = self.receive()
            except EOFError:
                return None
            if opcode == 8:
                return int.from_bytes(payload[:2], "big")

    def call(self, method, parameters=None, **more):
        self.frame(1, json.dumps({"method": method, "parameters": parameters or {}, **more}).encode())

    def answer(self):
        while True:
            opcode, payload = self.receive()
            if opcode == 1:
                return json.loads(payload)
            assert opcode == 9, opcode
