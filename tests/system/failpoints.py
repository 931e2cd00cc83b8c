"""Daemons whose processes fail where a test says: what they share with
tests/failpoints/failpoint.c."""
import mmap
import os
import struct
import subprocess

import host

BINARIES = os.path.join(host.BUILD, "failpoints")
SIZE = 4096
FRAMES = 12
ONLY = 40 + 8 * FRAMES + 32


class Points:
    """The failpoints of all processes of one program."""

    def __init__(self, directory, program):
        self.program = program
        path = os.path.join(directory, program)
        with open(path, "wb") as file:
            file.truncate(SIZE)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), SIZE)

    def set(self, number=0, seed=0, one_in=0):
        """From now on that one fails, counted from 1; or one in so many, by the seed."""
        # The number last, and none before it: they go on meanwhile.
        struct.pack_into("QQ", self.memory, 8, 0, 0)
        struct.pack_into("QQQ", self.memory, 16, seed, one_in, 0)
        struct.pack_into("Q", self.memory, 0, 0)
        struct.pack_into("Q", self.memory, 8, number)

    def only(self, function, pid):
        """Until the test is over none but those of that process count or fail, and of them
        those that are called from within the function."""
        lines = subprocess.run(["nm", "-S", os.path.join(BINARIES, self.program)], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.splitlines()
        found = {words[-1]: words for words in map(str.split, lines)}
        base, (at, size) = int(found["__executable_start"][0], 16), (int(word, 16) for word in found[function][:2])
        struct.pack_into("QQQ", self.memory, ONLY, pid, at - base, at - base + size)

    def passed(self):
        return struct.unpack_from("Q", self.memory, 0)[0]

    def failed(self):
        return struct.unpack_from("Q", self.memory, 32)[0]

    def last(self):
        """Which one failed last, and who called it."""
        frames = struct.unpack_from(f"{FRAMES}Q", self.memory, 40)
        call = self.memory[40 + 8 * FRAMES:40 + 8 * FRAMES + 32].split(b"\0")[0].decode()
        addresses = [hex(frame - 1) for frame in frames if frame]
        if not addresses:
            return "none"
        lines = subprocess.run(["addr2line", "-spfi", "-e", os.path.join(BINARIES, self.program), *addresses],
                               stdout=subprocess.PIPE, text=True).stdout.splitlines()
        return f"{self.program}: {call} failed\n" + "\n".join(f"    {line}" for line in lines if "??" not in line)


class Daemon(host.Daemon):
    """Its points: daemon.points["trouped"], daemon.points["troupe-worker"]."""

    def __init__(self, *arguments, env=None, **more):
        super().__init__(*arguments, **{**more, "start": False})
        directory = os.path.join(self.directory, "points")
        os.mkdir(directory)
        self.points = {program: Points(directory, program)
                       for program in ("trouped", "troupe-worker", "troupe-symbolize", "troupectl")}
        self.env = {**(env or {}), "TROUPE_FAILPOINTS": directory}

    def command(self, *arguments):
        return [os.path.join(BINARIES, "trouped"), *super().command(*arguments)[len(self.wrap) + 1:]]
