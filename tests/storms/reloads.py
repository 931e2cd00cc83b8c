"""Reloads without end, of units that come, change and go, under the calls of four clients to
units that stay."""
import os
import random
import threading

import host
import varlink

from storms import honest


def storm(seed, seconds):
    choose = random.Random(seed)
    units = {"honest": {"Plugin": "echo"}, "pool": {"Plugin": "echo", "Instances": 4}}
    with host.Daemon(units) as daemon, honest(daemon, seconds) as goes_on:
        over, troubles, calls = threading.Event(), [], [0] * 4

        def call(number):
            try:
                with varlink.Client(daemon.socket, 30) as client:
                    while not over.is_set():
                        text = f"{number} {calls[number]}"
                        reply = client.call("io.troupe.Control.Call", {"name": "pool", "method": "io.troupe.test.echo.Text", "parameters": {"text": text}})
                        assert reply["parameters"]["text"] == text
                        calls[number] += 1
            except Exception as trouble:  # told below
                troubles.append(f"client {number}, call {calls[number]}: {type(trouble).__name__}: {trouble}")

        clients = [threading.Thread(target=call, args=(n,)) for n in range(4)]
        for client in clients:
            client.start()
        reloads = 0
        try:
            while goes_on():
                for n in range(choose.randrange(1, 5)):
                    name = f"guest{choose.randrange(6)}"
                    if choose.random() < 0.3:
                        path = os.path.join(daemon.config, f"{name}.actor")
                        if os.path.exists(path):
                            os.unlink(path)
                    else:
                        daemon.actor(name, {"Plugin": choose.choice(["hello", "slow", "echo"]), "Instances": choose.randrange(1, 5),
                                            "Mailbox": choose.randrange(1, 2000), "Description": f"guest {choose.random()}"})
                # What has no need of new actors, and what has.
                daemon.actor("pool", {"Plugin": "echo", "Instances": 4, "Description": f"the pool {choose.random()}",
                                      "Mailbox": choose.randrange(100, 2000), "RestartDelay": f"{choose.randrange(50, 200)}ms"})
                with varlink.Client(daemon.socket, 60) as client:
                    client.call("io.troupe.Control.Reload")
                reloads += 1
                assert not troubles, troubles
        finally:
            over.set()
            for client in clients:
                client.join(60)
        assert not troubles, troubles
        assert reloads > 0 and min(calls) > 0, (reloads, calls)
