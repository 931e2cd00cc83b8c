"""Plug-ins that were built with the SDK of an earlier version, on this daemon; and the check
that keeps it so."""
import glob
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import varlink
from host import BUILD, HostTest, TROUPECTL

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FIXTURES = os.path.join(TREE, "tests", "abi")
VETERAN = "io.troupe.test.veteran"
VERSIONS = sorted(os.path.basename(path) for path in glob.glob(f"{FIXTURES}/[0-9]*"))
ITEM = {"name": "all", "number": 1 << 62, "ratio": 0.5, "on": True, "mood": "cross", "where": "1.2.3.4.5",
        "bytes": "AAEC/w==", "raw": {"a": [1, None]}, "tags": ["x", ""], "weights": {"a": 1, "b": -2}}


class Veterans(HostTest):
    def veteran(self, version, config):
        return self.daemon({"veteran": {"Plugin": f"{BUILD}/abi/{version}.so", "Type": "veteran", "Mailbox": 100, "Config": config}},
                           daemon={"Workers": 1})

    def test_a_plugin_of_each_version_does_all_it_did(self):
        self.assertTrue(VERSIONS)
        for version in VERSIONS:
            with self.subTest(version=version):
                host = self.veteran(version, {"greeting": "good day", "limit": 12, "mood": "cross"})
                with open(f"{FIXTURES}/{version}/expected") as file:
                    expected = file.read().splitlines()
                self.assertEqual(host.call("veteran", f"{VETERAN}.Work")["steps"], expected)
                self.assertEqual(host.direct(f"{VETERAN}.Configured"),
                                 {"config": {"greeting": "good day", "limit": 12, "mood": "cross"}})
                item = dict(ITEM, inner=dict(ITEM, where=None, inner=None))
                answer = host.direct(f"{VETERAN}.Echo", {"item": item})["item"]
                self.assertEqual(answer["inner"]["weights"], ITEM["weights"])
                self.assertEqual({k: answer[k] for k in ITEM}, ITEM)
                host.direct(f"{VETERAN}.Retire")
                host.wait_log("veteran ends, reason 1")

    def test_inspect_reads_a_plugin_of_each_version(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                text = subprocess.run([TROUPECTL, "inspect", f"{BUILD}/abi/{version}.so"], check=True, capture_output=True,
                                      text=True).stdout
                self.assertIn(version, text)
                self.assertIn("Has seen much", text)
                self.assertIn("apprentice", text)
                self.assertIn("greeting: string", text)

    def test_a_plugin_of_a_newer_version_is_refused_by_the_daemon(self):
        host = self.daemon({"veteran": {"Plugin": f"{BUILD}/abi/newer.so", "Type": "veteran", "Config": {"greeting": "x", "mood": "calm"}},
                            "liar": {"Plugin": f"{BUILD}/abi/larger.so", "Type": "veteran", "Config": {"greeting": "x", "mood": "calm"}}},
                           daemon={"Workers": 1})
        host.wait_log("was built for ABI 2.")
        host.wait_log("larger than this host knows it: it was built with a newer SDK than it says")
        with self.assertRaises(varlink.VarlinkError):
            host.call("liar", f"{VETERAN}.Configured")


class Walls(unittest.TestCase):
    def test_no_process_of_the_daemon_reads_tables_from_a_file(self):
        # Where plug-ins are built, and nowhere else; it is enough that the functions are linked
        # in.
        def reads(binary):
            names = subprocess.run(["nm", os.path.join(BUILD, binary)], check=True, capture_output=True, text=True).stdout
            return [name for name in ("plugin_describe", "elf_image_make") if f" {name}\n" in names]
        self.assertEqual(len(reads("troupe-gen")), 2)
        for binary in ("trouped", "troupe-worker", "troupectl"):
            self.assertEqual(reads(binary), [], binary)


def load_check():
    loader = importlib.machinery.SourceFileLoader("check_abi", os.path.join(TREE, "tests", "check", "abi"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_abi", loader))
    loader.exec_module(module)
    return module


@unittest.skipUnless(shutil.which("clang"), "clang reads the headers")
class Rules(unittest.TestCase):
    """What tests/check/abi says of changes to the headers."""

    @classmethod
    def setUpClass(cls):
        cls.check = load_check()
        cls.old = cls.check.Layout(f"{TREE}/include")

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="troupe-")
        self.addCleanup(shutil.rmtree, self.directory)

    def problems(self, *changes):
        """Of the headers with changes (file, pattern, replacement): what is not allowed."""
        shutil.copytree(f"{TREE}/include/troupe", f"{self.directory}/troupe", dirs_exist_ok=True)
        for name, pattern, replacement in changes:
            path = f"{self.directory}/troupe/{name}"
            with open(path) as file:
                text, n = re.subn(pattern, replacement, file.read(), flags=re.M | re.S)
            self.assertEqual(n, 1, f"{pattern} is not once in {name}")
            with open(path, "w") as file:
                file.write(text)
        return list(self.check.compare(self.old, self.check.Layout(self.directory)))

    def test_members_at_the_end_of_tables_and_events_may_be_added(self):
        subprocess.run([f"{FIXTURES}/next", f"{TREE}/include", self.directory], check=True)
        new = self.check.Layout(self.directory)
        self.assertEqual(list(self.check.compare(self.old, new)), [])
        self.assertEqual(new.structs["troupe_life"][0], self.old.structs["troupe_life"][0] + 16)

    def test_functions_values_and_constants_may_be_added(self):
        self.assertEqual(self.problems(
            ("actor.h", r"^void troupe_exit\(", "int troupe_new(int a);\nvoid troupe_exit("),
            ("actor.h", r"^\tTROUPE_STATUS_COUNT", "\tTROUPE_NEW,\n\tTROUPE_STATUS_COUNT"),
            ("actor.h", r"^#define TROUPE_MORE 1u", "#define TROUPE_MORE 1u\n#define TROUPE_NEWEST 2u")), [])

    def test_nothing_else_may_be_changed(self):
        # Each group is one set of headers: (file, pattern, replacement, what is said of it).
        exit_function = r"^void troupe_exit\(struct troupe_self \*self, int error\);"
        last_of_actor = r"(const struct troupe_entry \*entries\[TROUPE_ENTRIES_MAX\];)"
        groups = [[
            ("type.h", r"^\tuint32_t count; ", "\tuint64_t count; ",
             ["struct troupe_type: count was uint32_t at 12, 4 bytes; is uint64_t"]),
            ("actor.h", r"^(\tconst struct troupe_life \*life )", r"\tconst void *news;\n\1",
             ["struct troupe_actor: life was const struct troupe_life * at 40, 8 bytes; is const struct troupe_life * at 48",
              "struct troupe_actor: news is new and does not stand at the end"]),
            ("actor.h", r"^\tint \(\*on_cancel\)\(struct troupe_self \*self, void \*state, struct troupe_call call\);\n", "",
             ["struct troupe_life: on_cancel is gone", "struct troupe_life: it was 40 bytes, is 32"]),
            ("type.h", r"^(\tconst struct troupe_type \*type;\n\tuint32_t offset; /\* in the struct \*/)", r"\tuint64_t more;\n\1",
             ["struct troupe_field: type was"]),
            ("actor.h", r"^struct troupe_timer \{\n\tuint64_t id;", "struct troupe_timer {\n\tuint64_t id;\n\tuint64_t more;",
             ["struct troupe_timer: more is new, but this struct does not say its size and can never grow"]),
            ("actor.h", r"^\tTROUPE_FAILED, ", "\tTROUPE_SLOW,\n\tTROUPE_FAILED, ",
             ["enum troupe_status: TROUPE_FAILED was 9, is 10", "enum troupe_status: TROUPE_SLOW is new and has a value"]),
            ("actor.h", r"^#define TROUPE_MESSAGE_MAX +\(16u", "#define TROUPE_MESSAGE_MAX (32u",
             ["constant TROUPE_MESSAGE_MAX was 16777216, is 33554432"]),
            ("actor.h", exit_function, "", ["function troupe_exit is gone"]),
            ("actor.h", r"^#define TROUPE_ACTOR_TABLE\(id\)", "#define TROUPE_ACTOR_TABLE(id, more)",
             ["macro TROUPE_ACTOR_TABLE was (id), is (id,more)"]),
        ], [
            ("actor.h", last_of_actor, r"\1 uint32_t half;",
             ["struct troupe_actor: there are 4 bytes at its end that no member fills; add one called reserved"]),
            ("actor.h", r"^\tTROUPE_FAILED, .*?\n", "", ["enum troupe_status: TROUPE_FAILED is gone"]),
            ("actor.h", exit_function, "int troupe_exit(struct troupe_self *self, int error);",
             ["function troupe_exit was void (struct troupe_self *, int), is int (struct troupe_self *, int)"]),
        ], [
            ("actor.h", last_of_actor, r"\1 uint32_t half; void *whole;",
             ["struct troupe_actor: there are 4 bytes before whole that no member fills; add one called reserved"]),
        ]]
        for group in groups:
            said = "\n".join(self.problems(*(case[:3] for case in group)))
            for problem in (problem for case in group for problem in case[3]):
                with self.subTest(problem=problem):
                    self.assertIn(problem, said)

    def test_a_version_that_was_released_stays_as_it_was(self):
        for what in ("include", "tests/abi", "daemon/plugin"):
            shutil.copytree(f"{TREE}/{what}", f"{self.directory}/{what}")

        def said():
            done = subprocess.run([f"{TREE}/tests/check/abi"], cwd=self.directory, stdout=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1 if done.stdout else 0)
            return done.stdout

        self.assertEqual(said(), "")
        newest = self.check.Layout(f"{TREE}/include").version()
        with open(f"{self.directory}/include/troupe/address.h", "a") as file:
            file.write("int troupe_new(int a);\n")
        self.assertIn("daemon/plugin/sdk.symbols: lacks troupe_new", said())
        if "{}.{}".format(*newest) in VERSIONS:
            self.assertIn("raise TROUPE_ABI_MINOR and tell it in the ABI log", said())
        with open(f"{self.directory}/tests/abi/{VERSIONS[0]}/include/troupe/address.h", "a") as file:
            file.write("int troupe_new(int a);\n")
        self.assertIn(f"tests/abi/{VERSIONS[0]}: its headers are not those that its layout tells", said())


if __name__ == "__main__":
    unittest.main()
