"""Daemons that are told to stop, at any moment of their lives, with calls that nobody has read
yet: what was written before is answered, and nothing is left behind."""
import os
import random
import signal
import time

import host
import varlink

CALLS = [
    ("io.troupe.Control.Status", {}),
    ("io.troupe.Control.List", {}),
    ("io.troupe.Control.Call", {"name": "pool", "method": "io.troupe.test.echo.Text", "parameters": {"text": "x"}}),
    ("io.troupe.Control.Call", {"name": "slow", "method": "io.troupe.test.slow.Answer", "parameters": {"text": "x", "delayMs": 50}}),
    ("io.troupe.test.echo.Text", {"text": "x"}),
]


def write(client, frame, n):
    """As many calls as fit; how many do."""
    client.socket.setblocking(False)
    for written in range(n):
        try:
            if client.socket.send(frame) < len(frame):
                return written
        except BlockingIOError:
            return written
    return n


def read(client):
    """How many answers there are until the end."""
    client.socket.setblocking(True)
    client.socket.settimeout(30 * host.SLOW)
    answers = 0
    try:
        while True:
            data = client.socket.recv(1 << 16)
            answers += data.count(b"\0")
            if not data:
                return answers
    except ConnectionError:
        return answers


def depart(choose):
    """One that runs ends, with calls that are not read."""
    units = {"pool": {"Plugin": "echo", "Instances": 4}, "slow": {"Plugin": "slow", "Instances": 2}}
    with host.Daemon(units) as daemon:
        clients = []
        for _ in range(choose.choice([1, 20, 200])):
            method, parameters = choose.choice(CALLS)
            client = daemon.client(30)
            frame = varlink.json.dumps({"method": method, "parameters": parameters}).encode() + b"\0"
            clients.append((client, method, write(client, frame, choose.choice([1, 60, 200]))))
        time.sleep(choose.choice([0, 0, 0.001, 0.02, 0.2]))
        daemon.process.send_signal(choose.choice([signal.SIGTERM, signal.SIGINT]))
        for client, method, written in clients:
            answered = read(client)
            client.close()
            assert answered >= written, f"{answered} of {written} calls of {method} were answered\n{daemon.log()}"
        end(daemon)


def interrupt(choose):
    """One that is just starting, or whose workers are being killed, ends."""
    daemon = host.Daemon({"pool": {"Plugin": "echo", "Instances": choose.choice([1, 200])}, "fails": {"Plugin": "fail_in_init", "Config": {"Code": -5}}},
                         daemon={"Workers": choose.choice([1, 2, 4])}, start=False)
    try:
        daemon.launch()
        # Before that a signal finds no program yet.
        varlink.wait_for(lambda: os.path.exists(daemon.socket), 20 * host.SLOW, "the control socket")
        time.sleep(choose.choice([0, choose.random() / 50, choose.random() / 3]))
        for step in choose.choice([["TERM"], ["HUP", "TERM"], ["TERM", "HUP"], ["STOP", "TERM", "CONT"], ["workers", "TERM"], ["TERM", "workers"], ["INT", "TERM"]]):
            if step == "workers":
                for pid in daemon.processes()[1:]:
                    try:
                        os.kill(pid, choose.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP]))
                    except ProcessLookupError:
                        pass
            else:
                daemon.process.send_signal(getattr(signal, "SIG" + step))
            time.sleep(choose.choice([0, choose.random() / 30]))
        end(daemon)
    finally:
        daemon.finish()


def end(daemon):
    workers = daemon.processes()[1:]
    # StopTimeout=, and what a worker takes that has to be killed.
    status = daemon.process.wait(20 * host.SLOW)
    assert status == 0, f"trouped ended with {status}\n{daemon.log()}"
    assert not os.path.exists(daemon.socket), "the socket is still there"
    varlink.wait_for(lambda: not any(host.is_alive(pid) for pid in workers), 10 * host.SLOW, "the workers to be gone")


def storm(seed, seconds):
    choose = random.Random(seed)
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        choose.choice([depart, interrupt])(choose)
