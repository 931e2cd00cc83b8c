"""A plain Varlink client that knows nothing of Troupe: JSON objects with a NUL byte behind
each."""
import json
import socket
import time


class VarlinkError(Exception):
    def __init__(self, name, parameters):
        super().__init__(f"{name} {json.dumps(parameters)}")
        self.name, self.parameters = name, parameters


class Closed(Exception):
    """The other end closed the connection."""


def connect(client, path, timeout):
    """Wait for room in the queue of those not accepted yet: a socket with a timeout is told
    EAGAIN at once."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return client.connect(path)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Client:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        connect(self.socket, path, timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, method, parameters=None, **flags):
        message = {"method": method, **flags}
        if parameters is not None:
            message["parameters"] = parameters
        self.send_raw(json.dumps(message).encode() + b"\0")

    def receive_raw(self):
        while b"\0" not in self.buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                raise Closed(self.buffer)
            self.buffer += data
        frame, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(frame)

    def receive(self):
        """The parameters of the next reply, and whether more follow; raises VarlinkError."""
        reply = self.receive_raw()
        if "error" in reply:
            raise VarlinkError(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {}), reply.get("continues", False)

    def call(self, method, parameters=None, **flags):
        self.send(method, parameters, **flags)
        return self.receive()[0]

    def stream(self, method, parameters=None):
        """Each reply's parameters, to the last."""
        self.send(method, parameters, more=True)
        continues = True
        while continues:
            parameters, continues = self.receive()
            yield parameters

    def is_closed(self, seconds=5):
        """Whether the other end closes within that time; what it says before is dropped."""
        self.socket.settimeout(seconds)
        try:
            while True:
                if not self.socket.recv(1 << 16):
                    return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False


def call(path, method, parameters=None, timeout=20):
    with Client(path, timeout) as client:
        return client.call(method, parameters)


def answers(path):
    """Whether a daemon takes connections there."""
    try:
        return call(path, "io.troupe.Control.Status")
    except (OSError, Closed):
        return False


def wait_for(condition, seconds=20, what="a condition"):
    """Poll until condition() is true and return its value; fail after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)
