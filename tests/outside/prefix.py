"""Run the daemon of a prefix with the configuration of that prefix, and call its only unit.
Called by run.sh."""
import os
import subprocess
import sys
import tempfile

import varlink


def main(prefix):
    with tempfile.TemporaryDirectory(prefix="troupe-", dir="/tmp") as directory:
        socket = os.path.join(directory, "s")
        with open(os.path.join(prefix, "etc/troupe/trouped.conf"), "w") as file:
            file.write(f"[Daemon]\nRuntimeDirectory={directory}/run\n")
        with open(os.path.join(directory, "log"), "w+") as log:
            process = subprocess.Popen([os.path.join(prefix, "bin/trouped"), "--socket", socket], stdout=log, stderr=log)
            try:
                varlink.wait_for(lambda: varlink.answers(socket))
                ctl = [os.path.join(prefix, "bin/troupectl"), "--socket", socket, "call", "tally", "Add", "name=pear"]
                said = subprocess.run(ctl, check=True, stdout=subprocess.PIPE, text=True).stdout
                assert said == '{"count":1}\n', said
            except BaseException:
                log.seek(0)
                print(log.read(), file=sys.stderr)
                raise
            finally:
                process.terminate()
                status = process.wait(20)
            assert status == 0, status
    os.unlink(os.path.join(prefix, "etc/troupe/trouped.conf"))


main(sys.argv[1])
