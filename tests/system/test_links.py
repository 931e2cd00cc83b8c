"""Links between workers: a peer that stands still, peers that come and go, descriptors that run
out."""
import os
import resource
import signal
import threading
import time

import varlink
from host import SLOW, HostTest, count_descriptors, most_descriptors, waits
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
ANSWER = "io.troupe.test.relay.Answer"
# Deaths on purpose must not end in a start limit.
PATIENT = {"RestartDelay": "10ms", "RestartDelayMax": "20ms", "GiveUp": "never"}


def ticks(pid):
    """Hundredths of a second of processor time."""
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


@waits(10)
class Links(HostTest):
    def relay(self, host, text="x", timeout=15000):
        """What an actor in worker 1 is answered by one in worker 2; or the status without an
        answer."""
        try:
            return host.call("relay", ANSWER, {"to": "slow", "text": text, "delayMs": 0, "timeoutMs": timeout * SLOW})["text"]
        except varlink.VarlinkError as error:
            return error.parameters.get("status", error.name)

    def pair(self):
        host = self.daemon({"relay": {"Plugin": "relay", "Type": "relay", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 2}},
                           daemon=PATIENT)
        host.wait_workers()
        self.assertEqual(self.relay(host), "x")
        return host

    def test_a_peer_that_stands_still_holds_up_its_senders_only(self):
        count = 300000
        host = self.daemon({"flood": {"Plugin": "flood", "Type": "flood", "Worker": 1},
                            "sink": {"Plugin": "flood", "Type": "sink", "Worker": 2, "Mailbox": 1000000, "MailboxBytes": "1G"},
                            "relay": {"Plugin": "relay", "Type": "relay", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 2},
                            "near": {"Plugin": "hello", "Worker": 1}})
        host.wait_workers()
        sender, peer = host.worker(1)["pid"], host.worker(2)["pid"]
        before = resident(sender)
        flooded = []

        def flood():
            flooded.append(host.call("flood", "io.troupe.test.flood.Flood", {"sink": "sink", "count": count}, seconds=45))

        os.kill(peer, signal.SIGSTOP)
        self.addCleanup(lambda: os.path.exists(f"/proc/{peer}") and os.kill(peer, signal.SIGCONT))
        thread = threading.Thread(target=flood)
        thread.start()
        # The link is full when a call over it is refused.
        wait_for(lambda: self.relay(host, timeout=50) == "overloaded", 20 * SLOW)
        used = ticks(sender)
        for number in range(20):
            self.assertEqual(host.call("near", GREET, {"name": "x"})["count"], number + 1)
            time.sleep(0.1)
        self.assertLess(ticks(sender) - used, 50 * SLOW, "a quarter of a processor is used for nothing")
        self.assertLess(resident(sender) - before, (16 << 20) * SLOW)
        self.assertEqual(flooded, [])
        os.kill(peer, signal.SIGCONT)
        thread.join(60 * SLOW)
        self.assertGreater(flooded[0]["refusals"], 0)
        # The question takes another way, and may be there before the last of them.
        wait_for(lambda: host.call("sink", "io.troupe.test.sink.Taken")["count"] == count, 20 * SLOW)
        self.assertEqual(host.call("sink", "io.troupe.test.sink.Taken")["outOfOrder"], 0)
        self.assertEqual(self.relay(host), "x")

    def test_the_daemon_stops_though_a_worker_stands_still(self):
        host = self.pair()
        os.kill(host.worker(2)["pid"], signal.SIGSTOP)
        processes = host.processes()
        self.assertEqual(host.terminate(60), 0)
        for pid in processes:
            self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_peers_that_come_and_go_leave_nothing_behind(self):
        host = self.pair()
        pid = host.worker(1)["pid"]
        descriptors = most_descriptors(pid)
        for number in range(25):
            host.kill_worker(2)
            # Often before the name has been told again, and before the link is up.
            self.assertIn(self.relay(host), ("x", "no-such-actor", "actor-died",
                                             "io.troupe.test.relay.NoSuchName"))
        host.wait_unit("slow", "running")
        wait_for(lambda: self.relay(host) == "x", 20 * SLOW)
        self.assertEqual(host.worker(2)["incarnation"], 26)
        self.assertEqual(host.worker(1)["pid"], pid)
        wait_for(lambda: count_descriptors(pid) <= descriptors, 20 * SLOW)

    def test_a_link_that_had_no_descriptor_is_made_when_there_is_one(self):
        host = self.pair()
        pid = host.worker(1)["pid"]
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # 0 to 3 stay in use whatever comes and goes: there is no place for another.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, limit[1]))
        host.kill_worker(2)
        host.wait_unit("slow", "running")
        host.wait_log("no link to worker 2")
        self.assertEqual(self.relay(host), "no-such-actor")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.assertEqual(self.relay(host), "x")
        self.assertEqual(host.worker(1)["pid"], pid)
