"""Load the plug-ins into a daemon and call them. Called by run.sh with the directory they were
built in."""
import os
import subprocess
import sys

import varlink
import waits
from host import Daemon


def curl(place, path):
    """The body and the status; "000": nobody listens yet."""
    return subprocess.run(["curl", "-s", "--max-time", "60", "-w", "%{http_code}", "--unix-socket", place, f"http://localhost/{path}"],
                          stdout=subprocess.PIPE, text=True).stdout


def main(directory):
    plugins = {name: os.path.join(directory, name, "build", name + ".so") for name in ("tally", "shout", "hello", "reminder", "later", "polite", "anyone", "divider", "crew",
                                                                                 "greeter", "web", "waits")}
    place = os.path.join(directory, "web.socket")
    with Daemon({"greeter": {"Plugin": plugins["greeter"], "Worker": 1},
                 "web": {"Plugin": plugins["web"], "Worker": 2},
                 "waits": {"Plugin": plugins["waits"], "Default": "yes"},
                 "crowd": {"Plugin": plugins["waits"], "Instances": 4},
                 "http-client": {"Plugin": "http-client"},
                 "tally": {"Plugin": plugins["tally"]},
                 "shout": {"Plugin": plugins["shout"], "Config": {"Mark": "?!"}},
                 "hello": {"Plugin": plugins["hello"], "Instances": 4},
                 "reminder": {"Plugin": plugins["reminder"], "Config": {"DelayMaxMs": 60000}},
                 "later": {"Plugin": plugins["later"]},
                 "polite": {"Plugin": plugins["polite"]},
                 "anyone": {"Plugin": plugins["anyone"]},
                 "divider": {"Plugin": plugins["divider"]},
                 "crew": {"Plugin": plugins["crew"], "Type": "crew"}}) as daemon:
        try:
            for name in ("pear", "apple", "pear"):
                reply = daemon.call("tally", "org.example.tally.Add", {"name": name})
            assert reply == {"count": 2}, reply
            reply = daemon.direct("org.example.tally.List")
            assert reply == {"counts": {"apple": 1, "pear": 2}}, reply

            reply = daemon.direct("org.example.shout.Shout", {"text": "hello"})
            assert reply == {"text": "HELLO?!", "said": [{"text": "hello", "times": 1}]}, reply
            try:
                daemon.direct("org.example.shout.Shout", {"text": ""})
                raise AssertionError("no error")
            except varlink.VarlinkError as error:
                assert error.name == "org.example.shout.Silence", error.name

            # The README's
            reply = daemon.call("greeter", "org.example.greeter.Greet", {"name": "you"})
            assert reply == {"text": "hello, you", "count": 1}, reply
            # Whom it finds its worker knows from the master, which is not between curl and it.
            varlink.wait_for(lambda: curl(place, "you") == "hello, you\n200")
            for path, expected in (("", "hello, you\n200"), ("all", "hello, all\n200"), ("x" * 65, "Remote I/O error\n502")):
                assert curl(place, path) == expected, curl(place, path)
            daemon.control("Stop", {"name": "greeter"})
            varlink.wait_for(lambda: curl(place, "you") == "No such file or directory\n502")

            # The tutorial's
            reply = daemon.direct("org.example.reminder.Remind", {"text": "now", "delayMs": 50})
            assert reply == {"text": "now"}, reply
            try:
                daemon.direct("org.example.reminder.Remind", {"text": "never", "delayMs": 60001})
                raise AssertionError("no error")
            except varlink.VarlinkError as error:
                assert (error.name, error.parameters) == ("org.example.reminder.TooLong", {"maxMs": 60000}), error
            client = daemon.client()
            client.send("org.example.reminder.Remind", {"text": "gone", "delayMs": 50000})
            varlink.wait_for(lambda: daemon.direct("org.example.reminder.Pending") == {"count": 1})
            client.close()
            varlink.wait_for(lambda: daemon.direct("org.example.reminder.Pending") == {"count": 0})
            reply = daemon.direct("org.example.later.Say", {"text": "now", "delayMs": 50})
            assert reply == {"text": "now"}, reply
            client = daemon.client()
            client.send("org.example.later.Say", {"text": "gone", "delayMs": 3600000})
            varlink.wait_for(lambda: daemon.direct("org.example.later.Pending") == {"count": 1})
            client.close()
            varlink.wait_for(lambda: daemon.direct("org.example.later.Pending") == {"count": 0})
            introduce = "org.example.polite.Introduce"
            reply = daemon.direct(introduce, {"greeter": "hello", "name": "you"})
            assert reply == {"text": "hello, you (bows)"}, reply
            for greeter, name, why in (("hello", "x" * 65, "what a long name"), ("nobody", "x", "nobody has that name")):
                try:
                    daemon.direct(introduce, {"greeter": greeter, "name": name})
                    raise AssertionError("no error")
                except varlink.VarlinkError as error:
                    assert error.parameters == {"why": why}, error.parameters
            ask = "org.example.anyone.Ask"
            asked = {"interface": "org.example.hello", "method": "Greet", "parameters": {"name": "all"}}
            reply = daemon.direct(ask, asked)
            assert reply["answer"]["text"] == "hello, all", reply
            asked["parameters"] = {"name": "x" * 65}
            for interface, expected in (("org.example.hello", ("org.example.hello.NameTooLong", {"limit": 64})),
                                        ("org.example.nobody", ("", None))):
                try:
                    daemon.direct(ask, {**asked, "interface": interface})
                    raise AssertionError("no error")
                except varlink.VarlinkError as error:
                    assert (error.parameters["error"], error.parameters.get("parameters")) == expected, error.parameters
            for number, divisor in ((91, 7), (99999999977, 99999999977), (2, 2)):
                assert daemon.direct("org.example.divider.Divide", {"number": number}) == {"divisor": divisor}
            for name, times in (("ada", 1), ("ada", 2), ("bob", 1), ("ada", 3)):
                assert daemon.direct("org.example.crew.Work", {"name": name}) == {"times": times}
            assert daemon.direct("org.example.crew.Dismiss", {"name": "ada"}) == {"known": True}
            assert daemon.direct("org.example.crew.Dismiss", {"name": "ada"}) == {"known": False}
            assert daemon.direct("org.example.crew.Work", {"name": "ada"}) == {"times": 1}
            hands = [actor for actor in daemon.heard("Actors")["actors"] if actor["actorType"] == "hand"]
            crew = daemon.unit("crew")["instances"][0]["address"]
            assert [hand["parent"] for hand in hands] == [crew] * 2, hands
            waits.check(daemon, plugins["waits"])
            for name in plugins.keys() - {"greeter"}:
                assert daemon.unit(name)["state"] == "running", daemon.unit(name)
        except BaseException:
            print(daemon.log(), file=sys.stderr)
            raise


main(sys.argv[1])
