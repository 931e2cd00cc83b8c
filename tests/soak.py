#!/usr/bin/env python3
"""Storms without end: random programs, random types, workers killed at random, until the time is up.

    soak.py --build DIR [--seconds 600]

A failure prints the seed that shows it again; the last line counts rounds: "N passed, N failed".
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def program(build, path, **env):
    done = subprocess.run([os.path.join(build, "tests", "unit", path)], env={**os.environ, **env}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"{path} fails with {env}:\n{done.stdout}", flush=True)
    return done.returncode == 0


def deaths(seed):
    """Calls to a pool whose workers are killed all the time: with retries, every one is answered, in order, rightly."""
    from host import Daemon, TROUPECTL
    choose = random.Random(seed)
    count = choose.randrange(2000, 20000)
    with Daemon({"pool": {"Plugin": "slow", "Instances": choose.randrange(1, 9)}},
                daemon={"Workers": choose.randrange(1, 5), "RestartDelay": "10ms", "RestartDelayMax": "50ms", "GiveUp": "never"}) as daemon:
        over = threading.Event()

        def kill():
            while not over.wait(choose.random()):
                pid = choose.choice(daemon.workers()).get("pid")
                if pid:
                    os.kill(pid, choose.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))

        killer = threading.Thread(target=kill)
        killer.start()
        lines = "".join(json.dumps({"text": str(n), "delayMs": choose.randrange(0, 5)}) + "\n" for n in range(count))
        try:
            done = subprocess.run([TROUPECTL, "--socket", daemon.socket, "map", "--retry", "1000", "pool", "io.troupe.test.slow.Answer"],
                                  input=lines, stdout=subprocess.PIPE, text=True, timeout=600)
        finally:
            over.set()
            killer.join()
        good = done.returncode == 0 and [json.loads(line)["text"] for line in done.stdout.splitlines()] == [str(n) for n in range(count)]
        if not good:
            print(f"deaths fails with seed {seed}: status {done.returncode}, {len(done.stdout.splitlines())} of {count} lines\n{daemon.log()}",
                  flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description="Storms without end.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    build = os.environ["TROUPE_BUILD"] = os.path.abspath(options.build)
    sys.path.insert(0, os.path.join(HERE, "system"))
    end = time.monotonic() + options.seconds
    seed = random.SystemRandom().randrange(1, 1 << 30)
    passed = failed = 0
    while time.monotonic() < end:
        seed += 1
        for good in (program(build, "core/test_sim_storm", STORM_SEED=str(seed)),
                     program(build, "proto/test_property", SEED=str(seed), ROUNDS="500"), deaths(seed)):
            passed += good
            failed += not good
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
