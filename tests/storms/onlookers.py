"""Users who may only look ask for everything that costs much, on hundreds of connections, read
or not, against a large pool: whoever else asks is answered all the same, and soon."""
import contextlib
import json
import os
import random
import subprocess
import sys
import time

import host
import varlink

from storms import honest

# One such user, as a process: JSON lines on standard input are [connections, mode, frame]; each
# takes the place of the last.
USER = r"""
import json, os, resource, select, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
path = sys.argv[1]
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
line, clients = None, {}
poll = select.poll()
poll.register(0, select.POLLIN)
print("ready", flush=True)

def connect(mode, data):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(path)
    except OSError:
        return
    clients[client.fileno()] = [client, mode, data, 0]
    poll.register(client, select.POLLOUT | (0 if mode == "deaf" else select.POLLIN))

while True:
    for fd, events in poll.poll():
        if fd == 0:
            line = sys.stdin.readline()
            if not line:
                sys.exit()
            for client, *_ in clients.values():
                poll.unregister(client)
                client.close()
            clients.clear()
            n, mode, frame = json.loads(line)
            for _ in range(n):
                connect(mode, frame.encode() + b"\0")
            break
        client, mode, data, at = clients[fd]
        try:
            if events & select.POLLIN and not client.recv(10 if mode == "slow" else 1 << 18):
                raise ConnectionError
            if events & select.POLLOUT:
                clients[fd][3] = at = (at + client.send(data[at:] if mode != "bits" else data[at:at + 3])) % len(data)
                if mode == "leaves" and at == 0:
                    raise ConnectionError
            if events & (select.POLLHUP | select.POLLERR):
                raise ConnectionError
        except BlockingIOError:
            pass
        except OSError:
            poll.unregister(fd)
            del clients[fd]
            client.close()
            connect(mode, data)
"""

CONTROL = "io.troupe.Control."


def frames(choose):
    """What costs much to answer, to refuse or to read."""
    name = choose.choice(["pool", f"pool/{choose.randrange(20000)}", "0.1.1.7.1", "x" * choose.choice([1, 1000, 1000000]), 7, None])
    method, parameters = choose.choice([
        (CONTROL + "List", {}), (CONTROL + "Describe", {"name": name}), (CONTROL + "Actors", {}), (CONTROL + "Actors", {"worker": 1}),
        (CONTROL + "Status", {}), (CONTROL + "Workers", {}), (CONTROL + "Watch", {}), (CONTROL + "Spawn", {"name": "x", "plugin": "hello"}),
        (CONTROL + "Call", {"name": name, "method": "io.troupe.hello.Greet", "parameters": {"name": "x"}}), (CONTROL + "Reload", {}),
        ("org.varlink.service.GetInfo", {}), ("io.troupe.hello.Greet", {"name": "x"}), ("x." * choose.choice([1, 100, 400000]) + "Y", {}),
        ("org.varlink.service.GetInterfaceDescription", {"interface": choose.choice(["io.troupe.Control", "io.troupe.hello", "x.y"])}),
        (CONTROL + "Status", {"a": [1] * choose.choice([1, 400000])}), (CONTROL + "Status", {"a": 0}),
    ])
    return json.dumps({"method": method, "parameters": parameters, **choose.choice([{}, {"oneway": True}, {"more": True}])})


def storm(seed, seconds):
    choose = random.Random(seed)
    units = {"honest": {"Plugin": "echo"}, "pool": {"Plugin": "hello", "Instances": 20000, "Mailbox": 16}}
    with host.Daemon(units, start=False) as daemon, contextlib.ExitStack() as stack:
        daemon.launch()
        daemon.wait_ready(120)
        goes_on = stack.enter_context(honest(daemon, seconds, patience=15 * host.SLOW))
        os.chmod(daemon.directory, 0o755)
        user = subprocess.Popen([sys.executable, "-c", USER, daemon.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert user.stdout.readline() == "ready\n"
            while goes_on():
                asked = [choose.choice([1, 30, 300, 900]), choose.choice(["reads", "reads", "deaf", "slow", "bits", "leaves"]), frames(choose)]
                user.stdin.write(json.dumps(asked) + "\n")
                user.stdin.flush()
                end = time.monotonic() + 0.5 + choose.random()
                while time.monotonic() < end and goes_on():
                    began = time.monotonic()
                    with varlink.Client(daemon.socket, 30) as client:
                        client.call(CONTROL + "Status")
                    took = time.monotonic() - began
                    # The aim is 100 ms (tests/trial.py); half a minute was the fault.
                    assert took < 5 * host.SLOW, f"Status took {took:.3f} s beside {asked[0]} connections ({asked[1]}) of {asked[2][:200]}"
        finally:
            user.stdin.close()
            user.wait()
            user.stdout.close()
