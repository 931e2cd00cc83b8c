"""Hostile workers: worker 1 is a real one whose words and status page are changed on their way
to the master."""
import os
import random
import shutil
import tempfile

import host
import varlink

from storms import honest

HERE = os.path.dirname(os.path.abspath(__file__))


def storm(seed, seconds):
    choose = random.Random(seed)
    # trouped takes the troupe-worker that lies beside it.
    bin_directory = tempfile.mkdtemp(prefix="troupe-liars-", dir="/tmp")
    trouped = os.path.join(bin_directory, "trouped")
    shutil.copy(host.TROUPED, trouped)
    shutil.copy(os.path.join(HERE, "liar.py"), os.path.join(bin_directory, "troupe-worker"))
    # Starts that a liar swallows are waited for, as those of a slow init.
    units = {"honest": {"Plugin": "echo", "Worker": 2, "StartTimeout": "40s"}, "echo": {"Plugin": "echo", "Worker": 1, "Instances": 3},
             "slow": {"Plugin": "slow", "Worker": 1, "Instances": 5}}

    class LiarsDaemon(host.Daemon):
        def command(self, *arguments):
            return [trouped, *super().command(*arguments)[1:]]

    try:
        env = {"TROUPE_LIAR_WORKER": os.path.join(host.BUILD, "troupe-worker"), "TROUPE_LIAR_SEED": str(seed)}
        with LiarsDaemon(units, {"StartTimeout": "1s"}, env=env) as daemon, honest(daemon, seconds) as goes_on:
            while goes_on():
                try:
                    with varlink.Client(daemon.socket, 2) as client:
                        for n in range(20):
                            name, method, parameters = choose.choice([
                                ("echo", "io.troupe.test.echo.Text", {"text": "x" * choose.randrange(1, 2000)}),
                                ("slow", "io.troupe.test.slow.Answer", {"text": "x", "delayMs": choose.randrange(5)}),
                                ("slow", "io.troupe.test.slow.Stream", {"count": 5, "periodMs": 1})])
                            client.send("io.troupe.Control.Call", {"name": name, "method": method, "parameters": parameters, "timeoutMs": 500},
                                        more=method.endswith("Stream"))
                        for n in range(20):
                            while client.receive_raw().get("continues"):
                                pass
                    with varlink.Client(daemon.socket, 10) as client:
                        for method in ("Status", "Workers", "List", "Actors"):
                            client.call(f"io.troupe.Control.{method}")
                except (varlink.VarlinkError, TimeoutError):
                    pass  # what a liar swallows never comes
    finally:
        shutil.rmtree(bin_directory, ignore_errors=True)
