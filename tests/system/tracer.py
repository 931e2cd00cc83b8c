"""python3 tracer.py PID [continue] [exit]: trace a process as a debugger at its prompt does,
until standard input ends.

Prints "traced" when it is. `continue`: let it run on. `exit`: stop it once more on its way out,
so that SIGKILL does not end it. The tracer never waits for it afterwards, so that nobody else
gets its exit status.
"""
import ctypes
import os
import sys

PTRACE_CONT, PTRACE_ATTACH, PTRACE_SETOPTIONS = 7, 16, 0x4200
PTRACE_O_TRACEEXIT = 0x40
WALL = 0x40000000


def main():
    pid, flags = int(sys.argv[1]), sys.argv[2:]
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def must(request, data=0):
        if ptrace(request, pid, None, data) < 0:
            sys.exit(f"ptrace {request}: {os.strerror(ctypes.get_errno())}")

    must(PTRACE_ATTACH)
    os.waitpid(pid, WALL)
    if "exit" in flags:
        must(PTRACE_SETOPTIONS, PTRACE_O_TRACEEXIT)
    if "continue" in flags:
        must(PTRACE_CONT)
    print("traced", flush=True)
    sys.stdin.read()


main()
