"""Threads of plug-ins that hand something to an actor, in real workers."""
import os
import signal

from host import HostTest, SLOW
from varlink import wait_for

POSTER = "io.troupe.test.poster"


class Inlets(HostTest):
    def poster(self, **unit):
        return self.daemon({"poster": {"Plugin": "poster", "RestartDelay": "1ms", **unit}}, daemon={"Workers": 1})

    def worker(self, host):
        return host.worker(host.unit("poster")["instances"][0]["worker"])

    def test_a_million_posts_of_threads_arrive_in_order(self):
        host = self.poster()
        count = 1000000 // SLOW
        for threads in 1, 4:
            out = host.call("poster", f"{POSTER}.Post", {"threads": threads, "count": count // threads}, seconds=45)
            self.assertEqual(out, {"arrived": count, "misplaced": 0})

    def test_a_mailbox_of_one_holds_them_back(self):
        host = self.poster(Mailbox=1)
        out = host.call("poster", f"{POSTER}.Post", {"threads": 2, "count": 1000})
        self.assertEqual(out, {"arrived": 2000, "misplaced": 0})

    def test_others_have_their_turns_and_the_unit_stops_while_a_thread_posts(self):
        host = self.poster()
        host.call("poster", f"{POSTER}.PostForEver")
        arrived = [0]
        for _ in range(20):
            # The thread keeps the inlet full; a message waits for what is before it, no longer.
            wait_for(lambda: arrived.append(host.call("poster", f"{POSTER}.Count")["arrived"]) or arrived[-1] > arrived[-2], 20 * SLOW)
        # fini joins the thread, which waits for room at this very moment.
        pid = self.worker(host)["pid"]
        host.ctl("stop", "poster")
        self.assertEqual(host.unit("poster")["state"], "stopped")
        # It was no worker that had to be ended for it.
        host.ctl("start", "poster")
        self.assertEqual(self.worker(host)["pid"], pid)

    def test_a_worker_that_is_killed_comes_back_with_a_new_inlet(self):
        host = self.poster()
        host.call("poster", f"{POSTER}.PostForEver")
        old = self.worker(host)["pid"]
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: (i := host.unit("poster")["instances"][0])["state"] == "running" and host.worker(i["worker"]).get("pid") not in (None, old), 20 * SLOW)
        out = host.call("poster", f"{POSTER}.Post", {"threads": 2, "count": 5000})
        self.assertEqual(out, {"arrived": 10000, "misplaced": 0})
