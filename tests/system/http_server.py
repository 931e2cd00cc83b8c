"""An HTTP/1.1 server on loopback that does by a request's path whatever a bad server might do.

    with Server() as server: ... server.url + "/text" ...

Each connection has a thread and speaks bytes, so that all of what goes over it is the test's.
"""
import gzip
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import urllib.parse
import zlib

CHUNK = b"0123456789abcdef" * 4096  # 64 KiB


class Server:
    def __init__(self, context=None, host="127.0.0.1", port=0):
        self.context = context
        self.listener = socket.create_server((host, port), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://{host}:{self.port}"
        self.lock = threading.Lock()
        self.requests, self.connections, self.seen = {}, 0, []
        self.open = set()
        self.sent = 0  # bytes of endless bodies
        self.is_over = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.is_over.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            left = list(self.open)
        for connection in left:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def count(self, path):
        with self.lock:
            return self.requests.get(path, 0)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, plain):
        connection = plain
        try:
            if self.context:
                connection = self.context.wrap_socket(plain, server_side=True)
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                    if buffer[0] == 0x16:  # TLS is not spoken here
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                        return
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                headers = {}
                for line in lines[1:]:
                    name, value = line.split(":", 1)
                    headers[name.lower()] = value.strip()
                length = int(headers.get("content-length", 0))
                while len(buffer) < length:
                    data = connection.recv(1 << 20)
                    if not data:
                        return
                    buffer += data
                body, buffer = buffer[:length], buffer[length:]
                path, _, query = target.partition("?")
                with self.lock:
                    self.requests[path] = number = self.requests.get(path, 0) + 1
                    self.seen.append((method, target, headers))
                if not self.answer(connection, method, path, query, headers, body, number):
                    return
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(plain)
            connection.close()

    @staticmethod
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def say(self, connection, status="200 OK", body=b"", method="GET", **headers):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        connection.sendall(head if method == "HEAD" else head + body)
        return True

    def answer(self, connection, method, path, query, headers, body, number):
        """Whether the connection goes on."""
        word, _, rest = path[1:].partition("/")
        mode = getattr(self, "do_" + word.replace("-", "_"), None)
        if not mode:
            return self.say(connection, "404 Not Found", b"no such page", method)
        return mode(connection=connection, method=method, rest=rest, query=query, headers=headers, body=body, number=number)

    def do_text(self, connection, method, **_):
        return self.say(connection, body="grüße\n".encode(), method=method, Content_Type="text/plain; charset=utf-8")

    def do_latin(self, connection, **_):
        return self.say(connection, body="grüße €".encode("cp1252"), Content_Type="text/plain; charset=ISO-8859-1")

    def do_bytes(self, connection, rest, method, **_):
        size = int(rest)
        return self.say(connection, body=(CHUNK * (size // len(CHUNK) + 1))[:size], method=method, Content_Type="text/plain")

    def do_blob(self, connection, **_):
        return self.say(connection, body=bytes(range(256)))

    def do_echo(self, connection, method, query, headers, body, **_):
        told = {"method": method, "query": query, "headers": headers, "body": body.decode("latin-1")}
        return self.say(connection, body=json.dumps(told).encode(), method=method)

    def do_status(self, connection, rest, method, **_):
        return self.say(connection, rest + " Status", b"status " + rest.encode(), method)

    def do_cookies(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Odd:  sp\xe9cial \t\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n")
        return True

    def do_early_hints(self, connection, **_):
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True

    def do_chunked(self, connection, rest, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n")
        for _ in range(int(rest or 3)):
            connection.sendall(b"5\r\nhello\r\n")
        connection.sendall(b"0\r\nX-End: yes\r\n\r\n")
        return True

    def do_bad_chunk(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnot a size\r\n")
        return True

    def do_cut_chunk(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello")
        return False

    def do_short(self, connection, **_):
        """Less than the Content-Length."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        return False

    def do_two_lengths(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nshort")
        return False

    def do_no_http(self, connection, **_):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)
        return False

    def do_to_the_end(self, connection, **_):
        """A body that ends with the connection."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
        return False

    def do_half_close(self, connection, **_):
        """No more from this side, which still listens."""
        connection.shutdown(socket.SHUT_WR)
        self.is_over.wait(20)
        return False

    def do_half_close_in_body(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_WR)
        self.is_over.wait(20)
        return False

    def do_reset(self, connection, rest, number, method, **_):
        """rest: before, headers, body, or first: once before the answer, then none."""
        if rest == "first" and number > 1:
            return self.say(connection, body=b"at last", method=method)
        if rest == "headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        if rest == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        self.reset(connection)
        return False

    def do_never(self, connection, **_):
        connection.settimeout(60)
        connection.recv(1)
        return False

    def do_stuck(self, connection, **_):
        """Headers, a byte, then nothing."""
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        return self.do_never(connection)

    def do_drip(self, connection, rest, query, **_):
        """rest bytes, one each `query` milliseconds."""
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {rest}\r\n\r\n".encode())
        for _ in range(int(rest)):
            connection.sendall(b"x")
            if self.is_over.wait(int(query or 10) / 1000):
                return False
        return True

    def do_endless(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(CHUNK)
            with self.lock:
                self.sent += len(CHUNK)

    def do_large(self, connection, rest, **_):
        """rest MiB."""
        size = int(rest) << 20
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(CHUNK)):
            connection.sendall(CHUNK)
            with self.lock:
                self.sent += len(CHUNK)
        return True

    def do_headers(self, connection, rest, **_):
        lines = "".join(f"X-{number}: {'v' * 100}\r\n" for number in range(int(rest)))
        connection.sendall(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n".encode())
        return True

    def do_trailers(self, connection, rest, **_):
        """rest: what each of the lines without end is."""
        line = urllib.parse.unquote(rest).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        while True:
            connection.sendall(line * 1000)

    def do_provisional(self, connection, **_):
        while True:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" * 1000)

    def do_endless_header(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nA: ")
        while True:
            connection.sendall(b"x" * 10000)

    def do_endless_status(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 ")
        while True:
            connection.sendall(b"x" * 10000)

    def do_two_lengths(self, connection, rest, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: " + rest.encode() + b"\r\n\r\nbody")
        return True

    def do_http_header(self, connection, **_):
        connection.sendall(b"HTTP/1.1 200 OK\r\nHTTP/x: y\r\nContent-Length: 4\r\n\r\nbody")
        return True

    def do_coded(self, connection, **_):
        packed = gzip.compress(b"x" * 1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" +
                           f"{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n")
        return True

    def do_redirect(self, connection, rest, query, method, **_):
        """rest: a status; query: where to."""
        return self.say(connection, rest + " Elsewhere", b"moved", method, Location=query)

    def do_loop(self, connection, rest, **_):
        return self.say(connection, "302 Found", b"again", Location=f"/loop/{int(rest or 0) + 1}")

    def do_busy(self, connection, rest, query, number, **_):
        """rest: so many times 503 with Retry-After: query, then a page."""
        if number > int(rest):
            return self.say(connection, body=b"at last")
        more = {"Retry_After": urllib.parse.unquote(query)} if query else {}
        return self.say(connection, "503 Busy", b"busy", **more)

    def do_gzip(self, connection, **_):
        return self.say(connection, body=gzip.compress(b"compressed\n" * 100), Content_Encoding="gzip", Content_Type="text/plain")

    def do_bomb(self, connection, **_):
        """256 MiB of zeros in 256 KiB."""
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        # Each block stands for itself, so that one can be had again and again; to the end,
        # where the sum is wrong, nobody comes.
        first, block = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
        return self.say(connection, body=first + 255 * block + packer.flush(), Content_Encoding="gzip")

    def do_bad_gzip(self, connection, **_):
        return self.say(connection, body=b"\x1f\x8b\x08not gzip at all", Content_Encoding="gzip")


class Certificates:
    """A certificate authority of the test's own, and certificates by it, as files below a
    directory."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = self.path("ca.pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                     "/CN=Test authority", "-keyout", self.path("ca.key"), "-out", self.authority)

    def path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def make(self, name, names="IP:127.0.0.1,DNS:localhost", expired=False, signed=True):
        """The paths of a certificate and its key."""
        certificate, key, request, extensions = (self.path(name + end) for end in (".pem", ".key", ".csr", ".ext"))
        with open(extensions, "w") as file:
            file.write(f"subjectAltName={names}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key, "-out", request)
        by = ["-CA", self.authority, "-CAkey", self.path("ca.key"), "-CAcreateserial"] if signed else ["-signkey", key]
        days = ["-days", "-1"] if expired else ["-days", "2"]
        self.openssl("x509", "-req", "-in", request, *by, *days, "-extfile", extensions, "-out", certificate)
        return certificate, key

    def context(self, *arguments, **more):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.make(*arguments, **more))
        return context
