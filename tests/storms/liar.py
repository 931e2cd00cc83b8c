#!/usr/bin/env python3
"""A worker that lies: stands between trouped and a real troupe-worker, and now and then changes
what that one says.

Run in place of troupe-worker, with TROUPE_LIAR_WORKER (the real one) and TROUPE_LIAR_SEED in
its environment. Only worker 1 lies; it also scribbles on its status page.
"""
import array
import ctypes
import mmap
import os
import random
import select
import socket
import struct
import subprocess
import sys

PACKET = 1 << 18


def receive(channel):
    """One packet and its descriptors; b"" at the end."""
    data, ancillary, _, _ = channel.recvmsg(PACKET, socket.CMSG_SPACE(8 * 4))
    fds = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
    return data, list(fds)


def send(channel, data, fds):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        channel.sendmsg([data], ancillary)
    except OSError:
        pass
    for fd in fds:
        os.close(fd)


class Liar:
    def __init__(self, choose):
        self.choose, self.seen, self.page, self.lies = choose, [], None, False

    def start(self, data, fds):
        """The first packet: who it is for, and the page."""
        worker = struct.unpack_from("<q", data, 16 + 8)[0]
        self.lies = worker == 1
        if self.lies and fds:
            try:
                self.page = mmap.mmap(fds[0], 65536)
            except (OSError, ValueError):
                pass

    def change(self, data):
        """What is said instead: packets."""
        choose = self.choose
        self.seen = [*self.seen[-50:], data]
        if choose.random() < 0.2 and self.page:
            at = choose.randrange(64, 8192)
            self.page[at:at + 8] = struct.pack("<Q", choose.choice([0, 1, 3, 2 ** 32 - 1, 2 ** 64 - 1, choose.getrandbits(64)]))
        if choose.random() > 0.05:
            return [data]
        how = choose.randrange(6)
        changed = bytearray(data)
        if how == 0:
            return []
        if how == 1:
            return [data, data]
        if how == 2:
            return [data, choose.choice(self.seen)]
        if how == 3 and len(data) >= 24:
            # a number of the block: that of another, or an odd one
            at = 16 + 8 * choose.randrange((len(data) - 16) // 8)
            other = choose.choice(self.seen)
            word = other[16:24] if len(other) >= 24 and choose.random() < 0.5 else \
                struct.pack("<Q", choose.choice([0, 1, 2, 7, 2 ** 31, 2 ** 63, 2 ** 64 - 1]))
            changed[at:at + 8] = word
            return [bytes(changed)]
        if how == 4:
            return [data[:choose.randrange(1, len(data) + 1)]]
        changed[choose.randrange(len(changed))] ^= 1 << choose.randrange(8)
        return [bytes(changed)]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, 9)
    os.dup2(END, CHANNEL)


def main():
    global END, CHANNEL
    CHANNEL = int(sys.argv[1].removeprefix("--channel="))
    master = socket.socket(fileno=os.dup(CHANNEL))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    END = theirs.fileno()
    worker = subprocess.Popen([os.environ["TROUPE_LIAR_WORKER"], sys.argv[1]], close_fds=False, preexec_fn=die_with_parent)
    theirs.close()
    os.close(CHANNEL)
    liar = Liar(random.Random(f"{os.environ['TROUPE_LIAR_SEED']} {os.getpid()}"))
    first = True
    while True:
        for channel in select.select([master, ours], [], [])[0]:
            data, fds = receive(channel)
            if not data:
                worker.kill()
                sys.exit(worker.wait() & 0xff)
            if channel is master:
                if first:
                    liar.start(data, fds)
                    first = False
                send(ours, data, fds)
            else:
                packets = liar.change(data) if liar.lies else [data]
                for packet in packets:
                    send(master, packet, fds if packet is packets[0] else [])
                if not packets:
                    for fd in fds:
                        os.close(fd)


if __name__ == "__main__":
    main()
