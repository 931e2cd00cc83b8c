"""StateDirectory=: what an actor writes there survives restarts, and what is in the way fails
its unit with the reason."""
import os
import shutil
import stat
import tempfile
import unittest

from host import HostTest

DIARY = "io.troupe.test.diary"
UNIT = {"Plugin": "diary", "StateDirectory": "yes"}


class State(HostTest):
    def setUp(self):
        super().setUp()
        self.top = tempfile.mkdtemp(prefix="troupe-state-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.top)
        self.root = f"{self.top}/lib/troupe"

    def host(self, units):
        return self.daemon(units, daemon={"Workers": 1, "StateDirectory": self.root})

    def test_what_is_written_survives_a_restart_of_the_daemon(self):
        host = self.host({"a": UNIT, "pool@eu": {**UNIT, "Instances": 3}, "none": {"Plugin": "diary"}})
        for name in ["a", "pool@eu"]:
            path = f"{self.root}/{name}"
            host.call(name, f"{DIARY}.Write", {"text": f"of {name}"})
            self.assertEqual(host.call(name, f"{DIARY}.Read")["directory"], path)
            self.assertEqual(stat.S_IMODE(os.lstat(path).st_mode), 0o700)
            with open(f"{path}/page") as page:
                self.assertEqual(page.read(), f"of {name}")
        self.assertEqual(stat.S_IMODE(os.lstat(self.root).st_mode), 0o700)
        self.assertIsNone(host.call("none", f"{DIARY}.Read").get("directory"))
        # units that do not ask for one have none
        self.assertEqual(sorted(os.listdir(self.root)), ["a", "pool@eu"])
        host.kill_worker(1)
        host.wait_unit("a", "running")
        self.assertEqual(host.call("a", f"{DIARY}.Read")["text"], "of a")
        os.chmod(f"{self.root}/a", 0o750)
        host.terminate()
        host.start()
        for name in ["a", "pool@eu"]:
            host.wait_unit(name, "running")
            self.assertEqual(host.call(name, f"{DIARY}.Read")["text"], f"of {name}")
        # what is there is used as it is
        self.assertEqual(stat.S_IMODE(os.lstat(f"{self.root}/a").st_mode), 0o750)

    def test_what_is_in_the_way_fails_the_unit_with_the_reason(self):
        os.makedirs(self.root)
        elsewhere = f"{self.top}/elsewhere"
        os.mkdir(elsewhere)
        os.symlink(elsewhere, f"{self.root}/link")
        os.symlink(f"{self.top}/nowhere", f"{self.root}/dangling")
        with open(f"{self.root}/file", "w") as file:
            file.write("mine")
        host = self.host({name: UNIT for name in ["link", "dangling", "file", "good"]})
        host.wait_unit("good", "running")
        for name in ["link", "dangling", "file"]:
            reason = host.wait_unit(name, "failed")["reason"]
            self.assertIn(f"{self.root}/{name}", reason)
            self.assertIn("symbolic link", reason)
        self.assertEqual(os.listdir(elsewhere), [])
        self.assertFalse(os.path.lexists(f"{self.top}/nowhere"))
        with open(f"{self.root}/file") as file:
            self.assertEqual(file.read(), "mine")
        # an operator clears the way
        os.unlink(f"{self.root}/link")
        host.ctl("start", "link")
        host.wait_unit("link", "running")
        self.assertEqual(host.call("link", f"{DIARY}.Read")["directory"], f"{self.root}/link")

    def test_a_root_that_cannot_be_made_fails_the_unit_with_the_reason(self):
        self.root = "/proc/troupe"
        host = self.host({"a": UNIT, "none": {"Plugin": "diary"}})
        reason = host.wait_unit("a", "failed")["reason"]
        self.assertIn("cannot make /proc/troupe/a: No such file or directory", reason)
        host.wait_unit("none", "running")

    def test_a_directory_that_was_removed_is_made_again_at_the_next_start(self):
        host = self.host({"a": UNIT})
        host.ctl("stop", "a")
        os.rmdir(f"{self.root}/a")
        host.ctl("start", "a")
        host.wait_unit("a", "running")
        self.assertTrue(os.path.isdir(f"{self.root}/a"))

    def test_a_unit_that_is_changed_gets_one_at_reload(self):
        host = self.host({"a": {"Plugin": "diary"}})
        self.assertIsNone(host.call("a", f"{DIARY}.Read").get("directory"))
        # a file in the way: the unit goes on as it was
        os.makedirs(self.root)
        with open(f"{self.root}/a", "w"):
            pass
        host.actor("a", UNIT)
        done = host.ctl("reload", check=False)
        self.assertIn("symbolic link", done.stdout + done.stderr)
        self.assertIsNone(host.call("a", f"{DIARY}.Read").get("directory"))
        os.unlink(f"{self.root}/a")
        host.ctl("reload")
        host.wait_unit("a", "running")
        self.assertEqual(host.call("a", f"{DIARY}.Read")["directory"], f"{self.root}/a")
        host.call("a", f"{DIARY}.Write", {"text": "x"})


if __name__ == "__main__":
    unittest.main()
