"""Pools, and actors that find and talk to each other across workers."""
import base64
import collections
import concurrent.futures

import varlink
from host import CONTROL, HostTest, SLOW
from varlink import wait_for

GREET = "io.troupe.hello.Greet"
ECHO = "io.troupe.test.echo"
SLOW_ACTOR = "io.troupe.test.slow"

ALL = {
    "truth": True, "number": -(1 << 63), "real": -0.1, "text": "grüße \U0001f600 \"\\\n\t\u0001", "anything": {"a": [1, {"b": None}]},
    "color": "blue", "shape": "round", "point": {"x": 1, "y": (1 << 63) - 1}, "nested": {"inside": {"deep": False}}, "empty": {},
    "bytes": base64.b64encode(bytes(range(256))).decode(), "address": "0.1.1.17.3", "numbers": [1, -2, 3], "points": [{"x": 1, "y": 2}] * 3,
    "lists": [["a", ""], [], ["b"]], "byName": {"b": 2, "a": 1, "": 0}, "pointsByName": {"p": {"x": 0, "y": 0}},
    "optionalNumber": 7, "optionalText": "here", "optionalPoint": {"x": 5, "y": 6}, "optionalList": ["x", "y"], "blobs": ["", "AA=="],
}


class Pools(HostTest):
    def test_a_pool_is_spread_over_the_workers_and_served_in_turn(self):
        host = self.daemon({"pool": {"Plugin": "hello", "Instances": 4}})
        instances = host.unit("pool")["instances"]
        self.assertEqual(collections.Counter(instance["worker"] for instance in instances), {1: 2, 2: 2})
        counts = [host.call("pool", GREET, {"name": "x"})["count"] for _ in range(40)]
        # Each of the four has greeted ten times.
        self.assertEqual(collections.Counter(counts), {number: 4 for number in range(1, 11)})
        counts = [host.direct(GREET, {"name": "x"})["count"] for _ in range(4)]
        self.assertEqual(counts, [11] * 4)

    def test_an_instance_is_called_by_number_and_by_address(self):
        host = self.daemon({"pool": {"Plugin": "hello", "Instances": 3}})
        for _ in range(5):
            host.call("pool/2", GREET, {"name": "x"})
        self.assertEqual(host.call("pool/2", GREET, {"name": "x"})["count"], 6)
        address = host.unit("pool")["instances"][2]["address"]
        self.assertEqual(host.call(address, GREET, {"name": "x"})["count"], 7)
        self.assert_error("NoSuchActor", host.call, "pool/3", GREET, {"name": "x"})
        self.assert_error("NoSuchActor", host.call, "0.1.1.999999.1", GREET, {"name": "x"})
        self.assert_error("NoSuchActor", host.call, "0.77.1.1.1", GREET, {"name": "x"})

    def test_least_outstanding_avoids_the_busy(self):
        host = self.daemon({"pool": {"Plugin": "slow", "Instances": 2, "Balance": "least-outstanding"}})
        clients = []
        for _ in range(4):
            clients.append(host.client())
            clients[-1].send(f"{CONTROL}.Call", {"name": "pool", "method": f"{SLOW_ACTOR}.Never"})
        wait_for(lambda: [i["outstanding"] for i in host.unit("pool")["instances"]] == [2, 2])
        # One of the two becomes free of its calls: the next ones go there.
        kept = [host.call(f"pool/{n}", f"{SLOW_ACTOR}.Kept")["kept"] for n in (0, 1)]
        self.assertEqual(kept, [2, 2])
        for client in clients[:1] + clients[2:3]:
            client.close()
        def free():
            return sorted(i["outstanding"] for i in host.unit("pool")["instances"])
        wait_for(lambda: sum(free()) == 2)
        before = {i["instance"]: i["outstanding"] for i in host.unit("pool")["instances"]}
        for _ in range(2):
            clients.append(host.client())
            clients[-1].send(f"{CONTROL}.Call", {"name": "pool", "method": f"{SLOW_ACTOR}.Never"})
        wait_for(lambda: free() == [2, 2], what=f"even load after {before}")
        for client in clients:
            client.close()

    def test_a_pool_goes_on_with_those_that_live(self):
        host = self.daemon({"pool": {"Plugin": "crash", "Instances": 4}}, daemon={"RestartDelay": "1h", "RestartDelayMax": "1h"})
        self.assert_error("ActorDied", host.call, "pool/1", "io.troupe.test.crash.Segfault")

        def count():
            return len([i for i in host.unit("pool")["instances"] if i["state"] == "running"])
        wait_for(lambda: count() == 3, 20 * SLOW)
        for _ in range(10):
            host.call("pool", "io.troupe.test.crash.Ping")
        self.assertEqual((count(), host.unit("pool")["state"]), (3, "backoff"))


class Across(HostTest):
    def test_every_type_survives_the_way_through_both_encodings(self):
        host = self.daemon({"echo": {"Plugin": "echo"}})
        reply = host.call("echo", f"{ECHO}.EchoAll", {"all": ALL})["all"]
        self.assertEqual(reply, ALL)
        for anything in (1, [1, None], "text", None, True):
            data = {**ALL, "anything": anything}
            self.assertEqual(host.call("echo", f"{ECHO}.EchoAll", {"all": data})["all"], data)
        # A whole number is an int.
        self.assertEqual(host.call("echo", f"{ECHO}.EchoAll", {"all": {**ALL, "number": 3.0}})["all"], {**ALL, "number": 3})
        least = {k: v for k, v in ALL.items() if not k.startswith("optional")}
        self.assertEqual(host.call("echo", f"{ECHO}.EchoAll", {"all": least})["all"], least)
        tree = {"name": "a", "children": [{"name": "b", "children": [], "named": {}}], "named": {},
                "left": {"name": "c", "children": [], "named": {"d": {"name": "d", "children": [], "named": {}}}}}
        self.assertEqual(host.call("echo", f"{ECHO}.EchoTree", {"tree": tree})["tree"], tree)

    def test_values_at_fault_are_named_by_their_path(self):
        host = self.daemon({"echo": {"Plugin": "echo"}})
        for change, path in [({"points": [{"x": 1, "y": 2}, {"x": 1}]}, "all.points[1].y"), ({"number": 1 << 63}, "all.number"),
                             ({"number": 1.5}, "all.number"), ({"color": "mauve"}, "all.color"), ({"bytes": "?"}, "all.bytes"),
                             ({"address": "somewhere"}, "all.address"),
                             ({"byName": {"a": "b"}}, "all.byName"), ({"optionalPoint": {"x": 1, "y": 2, "z": 3}}, "all.optionalPoint.z")]:
            data = self.assert_error("org.varlink.service.InvalidParameter", host.call, "echo", f"{ECHO}.EchoAll", {"all": {**ALL, **change}})
            self.assertTrue(data["parameter"].startswith(path), (data, path))

    def test_replies_up_to_the_limit_arrive_whole(self):
        host = self.daemon({"echo": {"Plugin": "echo"}}, daemon={"FrameMax": "16M"})
        for size in (1, 65535, 65536, 1 << 20, 10 << 20):
            self.assertEqual(len(host.call("echo", f"{ECHO}.Big", {"bytes": size})["text"]), size)
        text = "y" * (3 << 20)
        self.assertEqual(host.call("echo", f"{ECHO}.Text", {"text": text})["text"], text)

    def test_floods_between_workers_lose_nothing_and_keep_their_order(self):
        for sink_worker in (1, 2):
            host = self.daemon({"sink": {"Plugin": "flood", "Type": "sink", "Worker": sink_worker, "Mailbox": 1048576, "MailboxBytes": "1G"},
                                "flood": {"Plugin": "flood", "Type": "flood", "Worker": 1}})
            host.call("flood", "io.troupe.test.flood.Flood", {"sink": "sink", "count": 300000}, seconds=45)
            wait_for(lambda: host.call("sink", "io.troupe.test.sink.Taken") == {"count": 300000, "outOfOrder": 0}, 30 * SLOW)

    def test_back_pressure_holds_a_flood_within_a_worker(self):
        host = self.daemon({"sink": {"Plugin": "flood", "Type": "sink", "Worker": 1, "Mailbox": 16},
                            "flood": {"Plugin": "flood", "Type": "flood", "Worker": 1}})
        done = host.call("flood", "io.troupe.test.flood.Flood", {"sink": "sink", "count": 100000}, seconds=45)
        self.assertGreater(done["refusals"], 0)
        wait_for(lambda: host.call("sink", "io.troupe.test.sink.Taken") == {"count": 100000, "outOfOrder": 0}, 30 * SLOW)

    def test_names_follow_an_actor_to_its_next_life(self):
        host = self.daemon({"slow": {"Plugin": "slow", "Worker": 1}, "relay": {"Plugin": "relay", "Type": "relay", "Worker": 2}})
        ask = {"to": "slow", "text": "x", "delayMs": 0}
        self.assertEqual(host.call("relay", "io.troupe.test.relay.Answer", ask)["text"], "x")
        for _ in range(3):
            host.kill_worker(1)
            host.wait_unit("slow", "running")
            def answered():
                try:
                    return host.call("relay", "io.troupe.test.relay.Answer", ask)["text"] == "x"
                except varlink.VarlinkError:
                    return False
            wait_for(answered, 20 * SLOW)
        data = self.assert_error("io.troupe.test.relay.NoSuchName", host.call, "relay", "io.troupe.test.relay.Answer", {**ask, "to": "nobody"})
        self.assertEqual(data, {"name": "nobody"})
