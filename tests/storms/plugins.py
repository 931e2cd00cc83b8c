"""Mutated plug-ins: a byte, a word or a stretch of a good one changed where it hurts, spawned
beside an honest unit."""
import os
import random
import shutil
import struct
import tempfile

import host
import varlink

from storms import honest


def hurting_places(image):
    """Stretches of the file that say what the plug-in is: headers, dynamic section, notes,
    symbols, relocated data."""
    yield 0, 64
    offset, = struct.unpack_from("<Q", image, 0x20)
    size, count = struct.unpack_from("<HH", image, 0x36)
    yield offset, size * count
    offset, = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3a)
    for section in range(count):
        kind, _, _, at, length = struct.unpack_from("<IQQQQ", image, offset + section * size + 4)
        # not the code: that one may do anything by right
        flags, = struct.unpack_from("<Q", image, offset + section * size + 8)
        if kind not in (0, 8) and not flags & 4 and length:
            yield at, length


def mutate(choose, image):
    image = bytearray(image)
    places = list(hurting_places(image))
    for _ in range(choose.choice([1, 1, 2, 3, 8])):
        at, length = choose.choice(places)
        at += choose.randrange(length)
        how = choose.randrange(4)
        if how == 0:
            image[at] ^= 1 << choose.randrange(8)
        elif how == 1:
            image[at] = choose.randrange(256)
        elif how == 2:
            at -= at % 8
            image[at:at + 8] = struct.pack("<Q", choose.choice([0, 1, 8, 2 ** 31, 2 ** 32 - 1, 2 ** 63, 2 ** 64 - 1, len(image), choose.getrandbits(20)]))
        else:
            other = choose.randrange(len(image) - 16)
            image[at:at + 16] = image[other:other + 16]
    if choose.random() < 0.05:
        del image[choose.randrange(len(image)):]
    return bytes(image)


def storm(seed, seconds):
    choose = random.Random(seed)
    # Below the build's directory, whose parents are as safe as those of the good plug-ins.
    directory = tempfile.mkdtemp(prefix="storm-plugins-", dir=host.BUILD)
    os.chmod(directory, 0o755)
    good = {}
    for name in ("echo", "hello", "ticker"):
        with open(host.plugin(name), "rb") as file:
            good[name] = file.read()
    try:
        # An init that hangs, and there will be some, is not waited for as long as a slow one.
        units = {"honest": {"Plugin": "echo", "Worker": 2, "StartTimeout": "40s"}}
        with host.Daemon(units, {"StartTimeout": "1s"}) as daemon, honest(daemon, seconds) as goes_on:
            n = 0
            while goes_on() or n <= 3:
                n += 1
                name = choose.choice(list(good))
                path = os.path.join(directory, f"{name}{n}.so")
                with open(path, "wb") as file:
                    file.write(mutate(choose, good[name]))
                unit = f"victim{n}"
                try:
                    daemon.control("Spawn", {"name": unit, "plugin": path, "worker": "1"})
                    method, parameters = {"echo": ("io.troupe.test.echo.Text", {"text": "x"}), "hello": ("io.troupe.hello.Greet", {"name": "x"}),
                                          "ticker": ("io.troupe.ticker.Describe", {})}[name]
                    daemon.control("Call", {"name": unit, "method": method, "parameters": parameters, "timeoutMs": 2000})
                except varlink.VarlinkError:
                    pass
                try:
                    daemon.control("Stop", {"name": unit})
                except varlink.VarlinkError:
                    pass
                os.unlink(path)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
