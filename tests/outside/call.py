"""Load the plug-ins into a daemon and call them. Called by run.sh with the directory they were
built in."""
import os
import sys

import varlink
from host import Daemon


def main(directory):
    plugins = {name: os.path.join(directory, name, "build", name + ".so") for name in ("tally", "shout", "hello", "reminder", "polite", "crew")}
    with Daemon({"tally": {"Plugin": plugins["tally"]},
                 "shout": {"Plugin": plugins["shout"], "Config": {"Mark": "?!"}},
                 "hello": {"Plugin": plugins["hello"], "Instances": 4},
                 "reminder": {"Plugin": plugins["reminder"], "Config": {"DelayMaxMs": 1000}},
                 "polite": {"Plugin": plugins["polite"]},
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

            # The tutorial's
            reply = daemon.direct("org.example.reminder.Remind", {"text": "now", "delayMs": 50})
            assert reply == {"text": "now"}, reply
            try:
                daemon.direct("org.example.reminder.Remind", {"text": "never", "delayMs": 1001})
                raise AssertionError("no error")
            except varlink.VarlinkError as error:
                assert (error.name, error.parameters) == ("org.example.reminder.TooLong", {"maxMs": 1000}), error
            client = daemon.client()
            client.send("org.example.reminder.Remind", {"text": "gone", "delayMs": 900})
            varlink.wait_for(lambda: daemon.direct("org.example.reminder.Pending") == {"count": 1})
            client.close()
            varlink.wait_for(lambda: daemon.direct("org.example.reminder.Pending") == {"count": 0})
            introduce = "org.example.polite.Introduce"
            reply = daemon.direct(introduce, {"greeter": "hello", "name": "you"})
            assert reply == {"text": "hello, you (bows)"}, reply
            for greeter, name, why in (("hello", "x" * 65, "what a long name"), ("nobody", "x", "nobody has that name")):
                try:
                    daemon.direct(introduce, {"greeter": greeter, "name": name})
                    raise AssertionError("no error")
                except varlink.VarlinkError as error:
                    assert error.parameters == {"why": why}, error.parameters
            for name, times in (("ada", 1), ("ada", 2), ("bob", 1), ("ada", 3)):
                assert daemon.direct("org.example.crew.Work", {"name": name}) == {"times": times}
            assert daemon.direct("org.example.crew.Dismiss", {"name": "ada"}) == {"known": True}
            assert daemon.direct("org.example.crew.Dismiss", {"name": "ada"}) == {"known": False}
            assert daemon.direct("org.example.crew.Work", {"name": "ada"}) == {"times": 1}
            hands = [actor for actor in daemon.control("Actors")["actors"] if actor["actorType"] == "hand"]
            crew = daemon.unit("crew")["instances"][0]["address"]
            assert [hand["parent"] for hand in hands] == [crew] * 2, hands
            for name in plugins:
                assert daemon.unit(name)["state"] == "running", daemon.unit(name)
        except BaseException:
            print(daemon.log(), file=sys.stderr)
            raise


main(sys.argv[1])
