"""Structure-aware mutated frames on the control socket, each between valid ones on the same
connection."""
import json
import random
import socket

import varlink
from host import Daemon

from storms import honest

CONTROL = "io.troupe.Control"
ALL = {"truth": True, "number": -1, "real": 0.5, "text": "t", "anything": {"a": [1]}, "color": "red", "shape": "round",
       "point": {"x": 1, "y": 2}, "nested": {"inside": {"deep": False}}, "empty": {}, "bytes": "AAA=", "address": "0.1.1.1.1",
       "numbers": [1], "points": [{"x": 1, "y": 1}], "lists": [["a"]], "byName": {"a": 1}, "pointsByName": {"p": {"x": 0, "y": 0}},
       "blobs": ["AA=="]}
FRAMES = [
    {"method": f"{CONTROL}.Status"}, {"method": f"{CONTROL}.Workers"}, {"method": f"{CONTROL}.List", "oneway": True},
    {"method": f"{CONTROL}.Describe", "parameters": {"name": "echo"}}, {"method": f"{CONTROL}.Actors", "more": True},
    {"method": f"{CONTROL}.Watch", "more": True},
    {"method": f"{CONTROL}.Call", "parameters": {"name": "echo", "method": "io.troupe.test.echo.EchoAll", "parameters": {"all": ALL}}},
    {"method": f"{CONTROL}.Send", "parameters": {"name": "echo", "method": "io.troupe.test.echo.Text", "parameters": {"text": "x"}}},
    {"method": "io.troupe.ticker.Watch", "parameters": {"periodMs": 10}, "more": True},
    {"method": "org.varlink.service.GetInfo"},
    {"method": "org.varlink.service.GetInterfaceDescription", "parameters": {"interface": CONTROL}},
    {"method": "io.troupe.test.slow.Answer", "parameters": {"text": "x", "delayMs": 5}},
    {"method": "io.troupe.test.slow.Stream", "parameters": {"count": 9, "periodMs": 1}, "more": True},
]
ODD = [None, True, False, 0, -1, 1, 2 ** 63 - 1, -2 ** 63, 2 ** 64, 1e308, 0.1, "", "x", "x" * 5000, "\ud800", "é", "a.b.C", [], {},
       [[[[]]]], {"": {}}, {"name": "echo"}, [None] * 300, "echo/0", "echo/99999999999", "0.1.1.0.1"]


def places(value, path=()):
    """Every place in a value, as the path to it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replace(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replace(value[path[0]], path[1:], new)
    return copy


def mutate_tree(choose, frame):
    for _ in range(choose.randrange(1, 4)):
        path = choose.choice(list(places(frame)))
        how = choose.randrange(4)
        if how == 0 or not path:
            frame = replace(frame, path, choose.choice(ODD)) if path else {**frame, choose.choice(["x", "more", "oneway", "upgrade"]): choose.choice(ODD)}
        else:
            parent = frame
            for key in path[:-1]:
                parent = parent[key]
            parent = dict(parent) if isinstance(parent, dict) else list(parent)
            if how == 1:
                parent.pop(path[-1])
            elif how == 2 and isinstance(parent, dict):
                parent[str(path[-1]).upper()] = parent[path[-1]]
            elif isinstance(parent, list):
                parent += parent
            else:
                parent[choose.choice(["more", "oneway", "parameters", "method", "name"])] = choose.choice(ODD)
            frame = replace(frame, path[:-1], parent)
    return json.dumps(frame).encode()


def mutate_bytes(choose, text):
    text = bytearray(text)
    for _ in range(choose.randrange(1, 5)):
        at = choose.randrange(len(text) or 1)
        how = choose.randrange(5)
        if how == 0 and text:
            text[at % len(text)] ^= 1 << choose.randrange(8)
        elif how == 1:
            text[at:at] = choose.choice([b"\xff", b"\xc0\x80", b"{", b"[" * 70, b'"', b",", b"\\u0000", b" " * 100, b"1e999", b"nul"])
        elif how == 2:
            del text[at:at + choose.randrange(1, 20)]
        elif how == 3:
            text += text[at:]
        elif text:
            text[at % len(text)] = choose.randrange(1, 256)
    return bytes(text).replace(b"\0", b"x")


def is_answered(client, greeting):
    """Read on until the reply of a valid call; False when the connection was closed, which the
    frame before may deserve."""
    try:
        for _ in range(200):
            if client.receive_raw().get("parameters", {}).get("text") == greeting:
                return True
    except (varlink.Closed, ConnectionError):
        return False
    return False  # a stream that goes on and on


def storm(seed, seconds):
    choose = random.Random(seed)
    units = {"honest": {"Plugin": "echo"}, "echo": {"Plugin": "echo", "Default": "yes"}, "slow": {"Plugin": "slow"}, "ticker": {"Plugin": "ticker"}}
    with Daemon(units) as daemon, honest(daemon, seconds) as goes_on:
        rounds = 0
        while goes_on():
            rounds += 1
            frame = choose.choice(FRAMES)
            text = mutate_tree(choose, frame) if choose.random() < 0.7 else mutate_bytes(choose, json.dumps(frame).encode())
            greeting = f"greeting {rounds}"
            valid = {"method": f"{CONTROL}.Call", "parameters": {"name": "echo", "method": "io.troupe.test.echo.Text",
                                                                 "parameters": {"text": greeting}}}
            # A stream that was asked for holds up what comes behind it: then only what is
            # before counts.
            valid = json.dumps(valid).encode()
            with varlink.Client(daemon.socket, 20) as client:
                before = valid.replace(b"greeting", b"before")
                client.send_raw(before + b"\0" + text + b"\0" + valid + b"\0")
                first = client.receive_raw()
                assert first["parameters"]["parameters"] == {"text": f"before {rounds}"}, (text, first)
                client.socket.settimeout(0.05)
                try:
                    is_answered(client, greeting)
                except (socket.timeout, TimeoutError):
                    pass
        assert rounds > 0
