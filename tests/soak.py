#!/usr/bin/env python3
"""Storms without end: random programs, random types, workers killed at random, hostile input of
every kind (tests/storms), and the figures of tests/trial.py, until the time is up.

    soak.py --build DIR [--seconds 600] [--only PART]... [--seed N] [--brief]

A failure prints the seed that shows it again; the last line counts rounds: "N passed, N
failed". --brief: each part once, for two seconds, with fixed seeds and without the figures.
"""
import argparse
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
STORMS = ["frames", "liars", "plugins", "configurations", "reloads", "operators", "onlookers", "departures", "chaos"]


def program(build, path, **env):
    done = subprocess.run([os.path.join(build, "tests", "unit", path)], env={**os.environ, **env}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"{path} fails with {env}:\n{done.stdout}", flush=True)
    return done.returncode == 0


def deaths(seed):
    """Calls to a pool whose workers are killed all the time, with the manual's defaults: with
    retries, every one is answered, in order, rightly."""
    from host import Daemon, TROUPECTL
    choose = random.Random(seed)
    count = choose.randrange(2000, 20000)
    with Daemon({"pool": {"Plugin": "slow", "Instances": choose.randrange(1, 9)}},
                daemon={"Workers": choose.randrange(1, 5)}) as daemon:
        over = threading.Event()

        def kill():
            while not over.wait(choose.random() / 5):
                # On a busy machine a start takes longer than it lives here.
                worker = choose.choice(daemon.workers())
                if worker["state"] == "running" and worker.get("pid"):
                    try:
                        os.kill(worker["pid"], choose.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]))
                    except ProcessLookupError:
                        pass

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


def weather(name, seed, seconds):
    """A storm of tests/storms."""
    module = importlib.import_module(f"storms.{name}")
    try:
        module.storm(seed, seconds)
        return True
    except Exception:
        print(f"storms.{name} fails with seed {seed}:\n{traceback.format_exc()}", flush=True)
        return False


def trial(build):
    return subprocess.run([os.path.join(HERE, "trial.py"), "--build", build]).returncode == 0


def main():
    parser = argparse.ArgumentParser(description="Storms without end.")
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--only", action="append", help="a part: runtime, world, types, deaths, trial, " + ", ".join(STORMS))
    parser.add_argument("--seed", type=int, help="where to begin")
    parser.add_argument("--brief", action="store_true")
    options = parser.parse_args()
    build = os.environ["TROUPE_BUILD"] = os.path.abspath(options.build)
    sys.path[:0] = [os.path.join(HERE, "system"), HERE]
    each = 2 if options.brief else 20
    parts = {"runtime": lambda seed: program(build, "core/test_sim_storm", STORM_SEED=str(seed)),
             "world": lambda seed: program(build, "world/test_storm", WORLD_SEED=str(seed)),
             "children": lambda seed: program(build, "io/test_sim_child_real", CHILDREN="10000"),
             "types": lambda seed: program(build, "proto/test_property", SEED=str(seed), ROUNDS="500"), "deaths": deaths}
    for name in STORMS:
        parts[name] = lambda seed, name=name: weather(name, seed, each)
    if not options.brief:
        parts["trial"] = lambda seed: trial(build)
    chosen = {name: part for name, part in parts.items() if not options.only or name in options.only}
    if not chosen:
        parser.error(f"no such part; there are {', '.join(parts)}")
    end = time.monotonic() + options.seconds
    seed = options.seed or (7 if options.brief else random.SystemRandom().randrange(1, 1 << 30))
    passed = failed = 0
    while True:
        for name, part in chosen.items():
            good = part(seed)
            passed += good
            failed += not good
            print(f"{'ok' if good else 'FAIL':4} {name}, seed {seed}", flush=True)
        seed += 1
        if options.brief or time.monotonic() > end:
            break
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
