"""Large messages between workers: they go through shared memory, arrive whole, and leave
nothing behind."""
import hashlib
import os
import random
import signal
import string
import threading
import time

import varlink
from host import SLOW, HostTest, count_descriptors, most_descriptors, waits
from varlink import wait_for

ANSWER = "io.troupe.test.relay.Answer"
ARENA = "/memfd:troupe-arena"
MIB = 1 << 20
LARGE = 100_000  # enough for an arena; JSON of more takes its time
# What remains of 16 MiB beside the rest of a message, and beside the client's frame.
MOST = 16 * MIB - 8192
# Deaths on purpose must not end in a start limit.
PATIENT = {"FrameMax": "16M", "RestartDelay": "10ms", "RestartDelayMax": "20ms", "GiveUp": "never"}


def arenas(pid):
    """Of a process: the arenas that it has mapped, and descriptors of arenas."""
    with open(f"/proc/{pid}/maps") as file:
        mapped = sum(ARENA in line for line in file)
    fds = f"/proc/{pid}/fd"
    return mapped, [f"{fds}/{fd}" for fd in os.listdir(fds) if is_arena(f"{fds}/{fd}")]


def is_arena(path):
    try:
        return os.readlink(path).startswith(ARENA)
    except FileNotFoundError:
        return False


def some_text(length, seed):
    return "".join(random.Random(seed).choices(string.ascii_letters, k=min(length, 4096))) * (length // 4096 + 1)


class Arenas(HostTest):
    def cross(self):
        """An actor in each of two workers that asks one in the other."""
        host = self.daemon({"relay1": {"Plugin": "relay", "Type": "relay", "Worker": 1}, "slow1": {"Plugin": "slow", "Worker": 1},
                            "relay2": {"Plugin": "relay", "Type": "relay", "Worker": 2}, "slow2": {"Plugin": "slow", "Worker": 2}},
                           daemon=PATIENT)
        host.wait_workers()
        return host

    def ask(self, host, asker, text):
        """An actor in worker `asker` asks one in the other. A text, or how it ended."""
        try:
            return host.call(f"relay{asker}", ANSWER, {"to": f"slow{3 - asker}", "text": text, "delayMs": 0,
                                                       "timeoutMs": 10000 * SLOW})["text"]
        except varlink.VarlinkError as error:
            return error.parameters.get("status", error.name)

    def warm(self, host):
        """Both ways go through arenas now; the processes of the workers."""
        text = some_text(LARGE, 1)[:LARGE]
        pids = [host.worker(number)["pid"] for number in (1, 2)]

        def both():
            for asker in (1, 2):
                self.assertIn(self.ask(host, asker, text), (text, "actor-died", "no-such-actor", "io.troupe.test.relay.NoSuchName"))
            return all(arenas(pid)[0] == 2 for pid in pids)
        wait_for(both, 20 * SLOW, "both workers to have both arenas")
        return pids

    def held(self, host):
        """Bytes of memory in all arenas that the master knows of."""
        return sum(os.stat(path).st_blocks * 512 for path in arenas(host.process.pid)[1])

    def test_large_messages_arrive_whole_and_their_memory_is_given_back(self):
        host = self.cross()
        # Nobody has asked for any.
        self.assertEqual(self.ask(host, 1, "x"), "x")
        self.assertEqual(arenas(host.process.pid), (0, []))
        pids = self.warm(host)
        for number, length in enumerate((65000, 65536, 70000, MIB, MOST)):
            text = some_text(length, number)[:length]
            digest = hashlib.sha256(text.encode()).digest()
            for asker in (1, 2) if length <= MIB else (1,):
                self.assertEqual(hashlib.sha256(self.ask(host, asker, text).encode()).digest(), digest)
        # Mapped, and no descriptor kept but the master's.
        self.assertEqual([arenas(pid) for pid in pids], [(2, []), (2, [])])
        self.assertEqual(len(arenas(host.process.pid)[1]), 2)
        wait_for(lambda: self.held(host) == 0, 20 * SLOW, "the memory to be given back")
        self.assertEqual(self.ask(host, 1, "x" * MIB), "x" * MIB)

    @waits(5)
    def test_a_worker_that_is_killed_while_much_is_lent_costs_its_calls_only(self):
        host = self.cross()
        first, second = self.warm(host)
        text = some_text(LARGE, 2)[:LARGE]
        ends = []

        def ask(asker):
            ends.append(self.ask(host, asker, text))

        rounds = 0
        while rounds < 3 or "actor-died" not in ends and rounds < 20:
            rounds += 1
            # It stands still in the middle of whatever it does, and what it has borrowed stays
            # with it.
            threads = [threading.Thread(target=ask, args=(number % 2 + 1,)) for number in range(16)]
            for number, thread in enumerate(threads):
                if number == 8:
                    os.kill(second, signal.SIGSTOP)
                thread.start()
            time.sleep(0.3 * SLOW)
            host.kill_worker(2)
            for thread in threads:
                thread.join(30 * SLOW)
                self.assertFalse(thread.is_alive())
            for unit in ("slow2", "relay2"):
                host.wait_unit(unit, "running")
            self.assertEqual(host.worker(1)["pid"], first)
            first, second = self.warm(host)
        for end in ends:
            self.assertTrue(end == text or len(end) < 100, "a text that is not what was sent")
        self.assertIn("actor-died", ends)
        wait_for(lambda: self.held(host) == 0, 20 * SLOW, "the memory to be given back")
        self.assertEqual(self.ask(host, 1, text), text)
        self.assertEqual(self.ask(host, 2, text), text)

    @waits(6)
    def test_restarts_leave_no_descriptor_and_no_mapping(self):
        host = self.cross()
        first, _ = self.warm(host)
        master = host.process.pid
        counts = [most_descriptors(pid) for pid in (first, master)]
        for _ in range(8):
            host.kill_worker(2)
            for unit in ("slow2", "relay2"):
                host.wait_unit(unit, "running")
            self.assertEqual(self.warm(host)[0], first)
        wait_for(lambda: arenas(first) == (2, []) and len(arenas(master)[1]) == 2, 20 * SLOW)
        # Before, a client's connection may not have been closed yet.
        wait_for(lambda: all(count_descriptors(pid) <= count for pid, count in zip((first, master), counts)),
                 20 * SLOW, "no more descriptors than before")
