"""Fairness: neighbours of handlers that take long, deadlines beside them, and what a worker
holds. Defaults of the manual."""
import statistics
import threading
import time

import varlink
from host import CONTROL, SLOW, HostTest, measures
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
SLOW_ACTOR = "io.troupe.test.slow"
BUSY = {"slow": {"Plugin": "slow", "Worker": 1}, "hello": {"Plugin": "hello", "Worker": 1}}


MIB = 1 << 20


def memory_of(pid, key="VmRSS"):
    """Bytes of a process: VmRSS now, VmHWM at most so far."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(key + ":"))


class Memory(HostTest):
    def test_a_burst_goes_back_to_the_system(self):
        host = self.daemon({"flood": {"Plugin": "flood", "Type": "flood", "Worker": 1},
                            "sink": {"Plugin": "flood", "Type": "sink", "Worker": 1, "Mailbox": 1048576,
                                     "MailboxBytes": "1G"}})
        pid = host.worker(1)["pid"]
        before = memory_of(pid)
        for _ in range(2):
            host.call("flood", "io.troupe.test.flood.Flood", {"sink": "sink", "count": 1000000}, seconds=45)
            self.assertGreater(memory_of(pid, "VmHWM"), before + 40 * MIB)
            wait_for(lambda: memory_of(pid) < before + 16 * MIB, 20 * SLOW, "the worker to give its memory back")
        self.assertEqual(host.call("sink", "io.troupe.test.sink.Taken")["count"], 2000000)

    def test_a_client_that_does_not_read_makes_a_worker_hold_a_bounded_amount(self):
        host = self.daemon(BUSY)
        pid = host.worker(1)["pid"]
        before = memory_of(pid)
        with host.client() as client:
            for _ in range(64):
                client.send(f"{SLOW_ACTOR}.Much", {"bytes": 15 * MIB})
            # 960 MiB in all, and the neighbour is served meanwhile, as fast as the build is
            for _ in range(20):
                host.control("Call", {"name": "hello", "method": GREET, "parameters": {"name": "x"}, "timeoutMs": 20000 * SLOW})
        most = memory_of(pid, "VmHWM") - before
        # of 960; a sanitizer takes its part
        self.assertLess(most, (300 if SLOW <= 2 else 600) * MIB, most / MIB)
        if SLOW <= 2:  # a sanitizer keeps what was freed
            wait_for(lambda: memory_of(pid) < before + 32 * MIB, 20 * SLOW, "the worker to give its memory back")

    HOARD = {"hoard": {"Plugin": "hoard", "Type": "hoard", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 1}}

    def fill(self, host):
        """400 MB for 20 children, who keep what they get."""
        return host.call("hoard", "io.troupe.test.hoard.Fill", {"cells": 20, "texts": 200, "bytes": 100000})

    def test_a_unit_that_takes_all_memory_is_refused_and_its_neighbour_goes_on(self):
        host = self.daemon(self.HOARD, daemon={"WorkerMemory": "64M"})
        worker = host.worker(1)
        before = memory_of(worker["pid"])
        text = {"text": "x" * 100000, "delayMs": 0}
        for _ in range(5):
            filled = self.fill(host)
            self.assertGreater(filled["refused"], 3000)
            for _ in range(20):
                self.assertEqual(host.call("slow", f"{SLOW_ACTOR}.Answer", text)["text"], text["text"])
        if SLOW <= 2:  # a sanitizer has memory of its own for each byte
            # the budget, and what pieces of memory are larger than what lies in them
            self.assertLess(memory_of(worker["pid"], "VmHWM") - before, 96 * MIB)
        self.assertRegex(host.log(), r"hoard: its actors hold \d+ MiB of the 64 MiB of this worker")
        self.assertEqual(host.worker(1)["pid"], worker["pid"])
        # what it gives back it may have again
        host.call("hoard", "io.troupe.test.hoard.Empty")
        wait_for(lambda: host.call("hoard", "io.troupe.test.hoard.Fill",
                                   {"cells": 20, "texts": 10, "bytes": 100000})["refused"] == 0,
                 20 * SLOW, "the unit to have as much as any other")

    def test_the_memory_of_workers_changes_with_a_reload(self):
        host = self.daemon(self.HOARD, daemon={"WorkerMemory": "64M"})
        pid = host.worker(1)["pid"]
        self.assertGreater(self.fill(host)["refused"], 0)
        host.write("trouped.conf", "[Daemon]\nWorkers=2\nWorkerMemory=infinity\n")
        host.control("Reload")
        wait_for(lambda: self.fill(host)["refused"] == 0, 20 * SLOW, "no bound")
        self.assertGreater(memory_of(pid), 300 * MIB)
        self.assertEqual(host.worker(1)["pid"], pid)


@measures
class Fair(HostTest):
    def send(self, host, count, method, parameters):
        """So many messages, all in the mailbox when this returns: the answer that is waited for
        comes behind them."""
        with host.client() as client:
            for _ in range(count):
                client.send(f"{SLOW_ACTOR}.{method}", parameters, oneway=True)
            client.call(GREET, {"name": "x"})

    def ask(self, client, name, method, parameters=None, **more):
        return client.call(f"{CONTROL}.Call", {"name": name, "method": method, "parameters": parameters or {}, **more})

    def test_a_neighbour_of_slow_handlers_waits_for_two_at_most(self):
        host = self.daemon(BUSY)
        self.send(host, 1000, "Burn", {"ms": 20})
        waits = []
        with host.client() as client:
            for _ in range(40):
                began = time.monotonic()
                self.ask(client, "hello", GREET, {"name": "x"})
                waits.append(time.monotonic() - began)
            # it was busy all the time
            with self.assertRaises(varlink.VarlinkError):
                self.ask(client, "slow", f"{SLOW_ACTOR}.Kept", timeoutMs=1)
        # Two handlers of 20 ms, and what the machine adds: other processes have their share of
        # the processor, too, and one or two waits may be theirs. The aim is 60 ms, which make
        # trial measures; more than a second, each time, was the fault.
        self.assertLess(statistics.median(waits), 0.3 * SLOW, waits)
        self.assertLess(sorted(waits)[-3], 1 * SLOW, waits)

    def test_deadlines_hold_beside_slow_handlers_and_what_expired_is_not_run(self):
        host = self.daemon(BUSY)
        self.send(host, 300, "Burn", {"ms": 20})
        late = []

        def call(client):
            began = time.monotonic()
            with self.assertRaises(varlink.VarlinkError) as caught:
                # would hold the worker for a minute, if it were run
                self.ask(client, "slow", f"{SLOW_ACTOR}.Block", {"ms": 60000}, timeoutMs=50)
            late.append(time.monotonic() - began - 0.05)
            self.assertIn("Timeout", caught.exception.name)

        with host.client(50) as client:
            for _ in range(5):
                call(client)
            self.assertLess(statistics.median(late), 0.2 * SLOW, late)
            began = time.monotonic()
            self.ask(client, "slow", f"{SLOW_ACTOR}.Kept")
            self.assertLess(time.monotonic() - began, 40 * SLOW)

    def test_an_answer_that_comes_too_late_is_a_timeout(self):
        host = self.daemon(BUSY)
        with host.client() as client:
            with self.assertRaises(varlink.VarlinkError) as caught:
                self.ask(client, "slow", f"{SLOW_ACTOR}.Block", {"ms": 400}, timeoutMs=100)
            self.assertIn("Timeout", caught.exception.name)
            self.ask(client, "slow", f"{SLOW_ACTOR}.Block", {"ms": 100}, timeoutMs=20000)
