"""Load the two plug-ins into a daemon and call them. Called by run.sh with the directory they were built in."""
import os
import sys

import varlink
from host import Daemon


def main(directory):
    plugins = {name: os.path.join(directory, name, "build", name + ".so") for name in ("tally", "shout")}
    with Daemon({"tally": {"Plugin": plugins["tally"]},
                 "shout": {"Plugin": plugins["shout"], "Config": {"Mark": "?!"}}}) as daemon:
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
            for name in plugins:
                assert daemon.unit(name)["state"] == "running", daemon.unit(name)
        except BaseException:
            print(daemon.log(), file=sys.stderr)
            raise


main(sys.argv[1])
