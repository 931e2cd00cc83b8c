"""Calls by name with JSON text, of an actor that knows no interface but its own: to neighbours
and to actors of other workers; and which actor provides an interface."""
import threading

import varlink
from host import CONTROL, SLOW, HostTest, waits
from varlink import wait_for

GATEWAY = "io.troupe.test.gateway"
HELLO = "io.troupe.hello"
THERE = "io.troupe.test.slow"
PATIENT = {"RestartDelay": "10ms", "RestartDelayMax": "20ms", "GiveUp": "never"}
NEAR, FAR = {"Worker": 1}, {"Worker": 2}


@waits(5)
class Text(HostTest):
    def host(self, **units):
        host = self.daemon({"gateway": {"Plugin": "gateway", **NEAR}, **units}, daemon={"Workers": 3, **PATIENT})
        for name in units:
            host.wait_unit(name, "running")
        host.wait_unit("gateway", "running")
        return host

    def ask(self, host, method, parameters=None, **more):
        """What the gateway is answered, or (error, detail, parameters), or the errno it got."""
        asked = {"method": method, **({} if parameters is None else {"parameters": parameters}), **more}
        try:
            return host.call("gateway", f"{GATEWAY}.Call", asked)["parameters"]
        except varlink.VarlinkError as error:
            if error.name == f"{GATEWAY}.Refused":
                return error.parameters["error"]
            self.assertEqual(error.name, f"{GATEWAY}.NotAnswered")
            return error.parameters["error"], error.parameters["detail"], error.parameters.get("parameters")

    def provider(self, host, interface):
        try:
            return host.call("gateway", f"{GATEWAY}.Provider", {"interface": interface})["address"]
        except varlink.VarlinkError as error:
            self.assertEqual(error.name, f"{GATEWAY}.Refused")
            return error.parameters["error"]

    def test_methods_are_called_by_name_near_and_far(self):
        for where in (NEAR, FAR):
            host = self.host(hello={"Plugin": "hello", **where}, words={"Plugin": "wordcount", **where},
                             slow={"Plugin": "slow", **where})
            for number in (1, 2):
                self.assertEqual(self.ask(host, f"{HELLO}.Greet", {"name": "J\u00fcrgen \"x\""}),
                                 {"text": "hello, J\u00fcrgen \"x\"", "count": number})
            self.assertEqual(self.ask(host, f"{HELLO}.Greet", {"name": "x" * 65}),
                             (f"{HELLO}.NameTooLong", "", {"limit": 64}))
            self.assertEqual(self.ask(host, f"{HELLO}.Greet", {"nam": "x"})[:2],
                             ("org.varlink.service.InvalidParameter", "nam: the type has no such field"))
            self.assertEqual(self.ask(host, f"{HELLO}.Greet")[:2],
                             ("org.varlink.service.InvalidParameter", "name: the field is missing"))
            self.assertEqual(self.ask(host, f"{HELLO}.Gret", {})[0], "org.varlink.service.MethodNotFound")
            self.assertEqual(self.ask(host, f"{HELLO}.Greet", {}, to="slow")[0], "org.varlink.service.MethodNotFound")
            self.assertEqual(self.ask(host, f"{HELLO}.greet", {}), "EINVAL")
            self.assertEqual(self.ask(host, "io.troupe.nobody.Greet", {}), "ENOENT")
            self.assertEqual(self.ask(host, f"{THERE}.Missing")[0], "org.varlink.service.MethodNotImplemented")
            self.assertEqual(self.ask(host, f"{THERE}.Forget")[0], f"{CONTROL}.NoReply")
            self.assertEqual(self.ask(host, f"{THERE}.Fail", {"code": -5})[0], f"{CONTROL}.Failed")
            self.assertEqual(self.ask(host, f"{THERE}.Never", timeoutMs=50)[0], f"{CONTROL}.Timeout")
            wait_for(lambda: self.ask(host, f"{THERE}.Kept") == {"kept": 0, "cancelled": 1}, 20 * SLOW)
            # As a large message goes.
            much = self.ask(host, f"{THERE}.Much", {"bytes": 300000})["text"]
            self.assertEqual(len(much), 300000)
            self.assertEqual(self.ask(host, f"{THERE}.Answer", {"text": much, "delayMs": 1}), {"text": much})
            # The same answer as a client gets.
            counted = {"text": "a b a"}
            self.assertEqual(self.ask(host, "io.troupe.wordcount.Count", counted),
                             host.direct("io.troupe.wordcount.Count", counted))
            host.stop()

    def test_a_stream_is_called_by_name_and_cancelled(self):
        for where in (NEAR, FAR):
            host = self.host(slow={"Plugin": "slow", **where})
            asked = {"name": "gateway", "method": f"{GATEWAY}.Call",
                     "parameters": {"method": f"{THERE}.Stream", "parameters": {"count": 50, "periodMs": 1}}}
            with host.client() as client:
                numbers = [reply["parameters"]["parameters"]["number"]
                           for reply in client.stream(f"{CONTROL}.Call", asked)]
            self.assertEqual(numbers, list(range(1, 51)))
            # Nobody waits any more: nor does who is called last.
            asked["parameters"] = {"method": f"{THERE}.Never"}
            with host.client() as client:
                client.send(f"{CONTROL}.Call", asked, more=True)
                wait_for(lambda: self.ask(host, f"{THERE}.Kept")["kept"] == 1, 20 * SLOW)
            wait_for(lambda: self.ask(host, f"{THERE}.Kept")["kept"] == 0, 20 * SLOW)
            host.stop()

    def test_the_death_of_the_callees_worker_ends_the_call(self):
        host = self.host(slow={"Plugin": "slow", **FAR})
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.ask(host, f"{THERE}.Never")))
        thread.start()
        wait_for(lambda: self.ask(host, f"{THERE}.Kept")["kept"] == 1, 20 * SLOW)
        host.kill_worker(2)
        thread.join(20 * SLOW)
        self.assertEqual(answers[0][0], f"{CONTROL}.ActorDied")
        # And the next one is for its successor, as soon as there is one.
        wait_for(lambda: self.ask(host, f"{THERE}.Kept") == {"kept": 0, "cancelled": 0}, 20 * SLOW)

    def test_a_call_by_name_is_forwarded_to_a_third_worker(self):
        host = self.host(slow={"Plugin": "slow", "Worker": 3},
                         forward={"Plugin": "relay", "Type": "forward", **FAR, "Config": {"to": "slow"}})
        self.assertEqual(self.ask(host, f"{THERE}.Answer", {"text": "round", "delayMs": 1}, to="forward"), {"text": "round"})
        asked = {"name": "gateway", "method": f"{GATEWAY}.Call",
                 "parameters": {"method": f"{THERE}.Stream", "to": "forward", "parameters": {"count": 50, "periodMs": 1}}}
        with host.client() as client:
            self.assertEqual([reply["parameters"]["parameters"]["number"]
                              for reply in client.stream(f"{CONTROL}.Call", asked)], list(range(1, 51)))
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.ask(host, f"{THERE}.Never", to="forward")))
        thread.start()
        wait_for(lambda: self.ask(host, f"{THERE}.Kept", to="slow")["kept"] == 1, 20 * SLOW)
        host.kill_worker(3)
        thread.join(20 * SLOW)
        self.assertEqual(answers[0][0], f"{CONTROL}.ActorDied")

    def test_the_provider_follows_stops_restarts_and_reloads(self):
        hello = {"Plugin": "hello", **FAR}
        host = self.host(hello=hello)

        first = self.provider(host, HELLO)
        self.assertRegex(first, r"^0\.2\.1\.")
        self.assertEqual(self.provider(host, "io.troupe.nobody"), "ENOENT")
        self.assertEqual(self.provider(host, "hello"), "EINVAL")
        self.assertEqual(self.provider(host, GATEWAY)[:6], "0.1.1.")
        # Stopped, and started again.
        host.ctl("stop", "hello")
        wait_for(lambda: self.provider(host, HELLO) == "ENOENT", 20 * SLOW)
        host.ctl("start", "hello")
        wait_for(lambda: self.provider(host, HELLO)[:4] == "0.2.", 20 * SLOW)
        self.assertNotEqual(self.provider(host, HELLO), first)
        # Its worker dies: it is on its way, and then somebody else.
        host.kill_worker(2)
        host.wait_unit("hello", "running")
        wait_for(lambda: self.provider(host, HELLO).startswith("0.2.2."), 20 * SLOW)
        # A second provides it, until one of them is the default, and until that goes.
        host.actor("other", {"Plugin": "hello", "Worker": 3})
        host.ctl("reload")
        host.wait_unit("other", "running")
        wait_for(lambda: self.provider(host, HELLO) == "ENOTUNIQ", 20 * SLOW)
        self.assertEqual(self.ask(host, f"{HELLO}.Greet", {"name": "x"}), "ENOTUNIQ")
        self.assert_error("Ambiguous", host.direct, f"{HELLO}.Greet", {"name": "x"})
        host.actor("other", {"Plugin": "hello", "Worker": 3, "Default": "yes"})
        host.ctl("reload")
        wait_for(lambda: self.provider(host, HELLO).startswith("0.3."), 20 * SLOW)
        host.actor("other", {"Plugin": "echo", "Worker": 3})
        host.ctl("reload")
        wait_for(lambda: self.provider(host, HELLO).startswith("0.2."), 20 * SLOW)

    @waits(13)
    def test_a_pool_provides_in_turn_and_is_awaited_while_it_starts(self):
        host = self.host(pool={"Plugin": "hello", "Instances": 4})
        found = [self.provider(host, HELLO) for _ in range(8)]
        self.assertEqual(len(set(found)), 4)
        self.assertEqual(found[:4], found[4:])
        self.assertGreater(len({address[:4] for address in found}), 1, "it is in several workers")
        # While it is started, it is not there yet, but is to come.
        host.actor("late", {"Plugin": "slow_life", **FAR, "Config": {"initMs": 12000}})
        reload = threading.Thread(target=host.ctl, args=("reload",))  # which waits for it
        reload.start()
        self.addCleanup(reload.join)
        wait_for(lambda: self.provider(host, "io.troupe.test.slow-life") == "EINPROGRESS", 20 * SLOW)
        self.assertEqual(self.ask(host, "io.troupe.test.slow-life.Ping"), "EINPROGRESS")
        wait_for(lambda: self.provider(host, "io.troupe.test.slow-life").startswith("0.2."), 40 * SLOW)
        self.assertEqual(self.ask(host, "io.troupe.test.slow-life.Ping"), {})
