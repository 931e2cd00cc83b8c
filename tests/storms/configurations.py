"""Mutated configurations: checked, and reloaded beside an honest unit that must not be touched
by what is wrong elsewhere."""
import random
import subprocess

import host
import varlink

from storms import honest

UNIT = """[Actor]
Plugin={plugin}
Description=a unit with many keys
Instances=3
Worker=any
Mailbox=100
MailboxBytes=1M
Batch=64
OnError=continue
Restart=on-failure
RestartDelay=100ms
RestartDelayMax=10s
StartTimeout=10s
[Config]
Greeting=good morning
"""
PIECES = ["[Actor]", "[Config]", "[", "]", "=", "Plugin=", "Plugin=/dev/null", "Instances=0", "Instances=99999999999", "Instances=-1", "Instances=5000",
          "Mailbox=0", "Mailbox=1", "Worker=own", "Worker=64", "Worker=65", "RestartDelay=infinity", "RestartDelay=-1s", "StartTimeout=0",
          "Greeting=" + "x" * 70000, "Greeting=\"\\xff\"", "#", ";", "\\", "%i%n%%", "Default=yes", "Unknown=1", "\xe9", "\t \t", "OnError=restart",
          "Description=", "Batch=1048576", "MailboxBytes=1P", "X-Something=1"]


def mutate(choose, text):
    lines = text.splitlines()
    for _ in range(choose.randrange(1, 5)):
        at = choose.randrange(len(lines) + 1)
        how = choose.randrange(5)
        if how == 0:
            lines.insert(at, choose.choice(PIECES))
        elif how == 1 and lines:
            lines.pop(at % len(lines))
        elif how == 2 and lines:
            lines[at % len(lines)] = lines[at % len(lines)][:choose.randrange(20)]
        elif how == 3 and lines:
            lines.insert(at, lines[choose.randrange(len(lines))])
        elif lines:
            line = bytearray(lines[at % len(lines)].encode())
            if line:
                line[choose.randrange(len(line))] = choose.randrange(1, 256)
            lines[at % len(lines)] = line.decode("latin-1").replace("\n", " ")
    return "\n".join(lines) + choose.choice(["\n", "", "\\"])


def storm(seed, seconds):
    choose = random.Random(seed)
    with host.Daemon({"honest": {"Plugin": "echo"}}) as daemon, honest(daemon, seconds) as goes_on:
        address = daemon.unit("honest")["instances"][0]["address"]
        rounds = 0
        while goes_on():
            rounds += 1
            for n in range(choose.randrange(1, 4)):
                text = mutate(choose, UNIT.format(plugin=host.plugin("hello")))
                daemon.write(choose.choice([f"odd{choose.randrange(5)}.actor", f"odd{choose.randrange(5)}.actor.d/{n}.conf"]), text)
            check = subprocess.run([host.TROUPED, "--config", daemon.config, "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            assert check.returncode in (0, 1), f"--check: status {check.returncode}:\n{check.stdout.decode(errors='replace')}"
            try:
                with varlink.Client(daemon.socket, 60) as client:
                    client.call("io.troupe.Control.Reload")
            except varlink.VarlinkError as refusal:
                assert refusal.name.startswith("io.troupe.Control."), refusal
            unit = daemon.unit("honest")
            assert unit["instances"][0]["address"] == address and unit["restarts"] == 0, f"the honest unit was restarted: {unit}"
        assert rounds > 0
