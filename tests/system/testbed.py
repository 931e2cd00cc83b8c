"""A real systemd, booted as PID 1 of namespaces of its own over this machine's files, thrown
away after.

Nothing of the machine changes: its root is the lower layer of an overlay whose upper layer is a
tmpfs. The network is a loopback of its own. Needs root. As a program:

    testbed.py COMMAND...    boot, run COMMAND inside, power off; exit with COMMAND's status
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

BOOT_SECONDS = 60 * int(os.environ.get("TROUPE_SLOW", "1"))
# Units of the machine that have no place in a test: slow, or at odds with the missing network.
MASKED = ["systemd-networkd-wait-online.service", "systemd-firstboot.service", "systemd-resolved.service",
          "apt-daily.timer", "apt-daily-upgrade.timer"]

# Runs as PID 1 of the new namespaces: builds the tree that systemd expects, then becomes
# systemd.
STAGE = r"""
set -e
root=$1
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || mount --rbind /sys "$root/sys"
umount -R "$root/sys/fs/cgroup" 2>/dev/null || :
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for at in run:755 tmp:1777 dev:755; do mount -t tmpfs -o "mode=${at#*:}" tmpfs "$root/${at%:*}"; done
for node in null zero full random urandom tty; do
	: > "$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/before"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
hostname testbed
ip link set lo up
cd "$root"
pivot_root . run/before
umount -l /run/before
mount --make-rshared /
exec env -i container=testbed /lib/systemd/systemd systemd.unit=basic.target systemd.firstboot=no \
	systemd.log_target=journal
"""


class Testbed:
    def __init__(self, files=None):
        """files: {path inside: path on this machine}, copied in before the boot (folders
        too)."""
        self.files = files or {}
        self.directory = None
        self.leader = None
        self.cgroups = []

    def __enter__(self):
        self.boot()
        return self

    def __exit__(self, *_):
        self.power_off()

    def boot(self):
        self.directory = tempfile.mkdtemp(prefix="testbed-", dir="/run")
        try:
            self.prepare()
            self.launch()
            self.wait_until_booted()
        except BaseException:
            self.power_off()
            raise

    @property
    def root(self):
        return os.path.join(self.directory, "root")

    def prepare(self):
        run("mount", "-t", "tmpfs", "-o", "size=2g,mode=700", "testbed", self.directory)
        for name in ("upper", "work", "root"):
            os.mkdir(os.path.join(self.directory, name))
        os.chmod(os.path.join(self.directory, "upper"), 0o755)
        layers = f"lowerdir=/,upperdir={self.directory}/upper,workdir={self.directory}/work"
        run("mount", "-t", "overlay", "testbed", "-o", layers, self.root)
        # A machine of its own: new identity, empty journal, services allowed to start.
        for stale in ("etc/machine-id", "var/lib/dbus/machine-id", "usr/sbin/policy-rc.d"):
            if os.path.lexists(os.path.join(self.root, stale)):
                os.unlink(os.path.join(self.root, stale))
        open(os.path.join(self.root, "etc/machine-id"), "w").close()
        shutil.rmtree(os.path.join(self.root, "var/log/journal"), ignore_errors=True)
        for unit in MASKED:
            path = os.path.join(self.root, "etc/systemd/system", unit)
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink("/dev/null", path)
        for inside, outside in self.files.items():
            target = os.path.join(self.root, inside.lstrip("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            run("cp", "-a", outside, target)

    def launch(self):
        # A cgroup of its own, in which the new cgroup namespace is rooted.
        hierarchies = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"]
        if not os.path.isdir(hierarchies[0]):
            hierarchies = ["/sys/fs/cgroup"]
        name = os.path.basename(self.directory)
        for hierarchy in hierarchies:
            if os.path.isdir(hierarchy):
                self.cgroups.append(os.path.join(hierarchy, name))
                os.makedirs(self.cgroups[-1], exist_ok=True)
        join = "".join(f'echo $$ > "{group}/cgroup.procs"; ' for group in self.cgroups)
        unshare = "exec unshare --pid --mount --uts --ipc --cgroup --net --fork --kill-child bash -c \"$0\" testbed \"$1\""
        self.console = open(os.path.join(self.directory, "console"), "wb")
        self.process = subprocess.Popen(["bash", "-c", join + unshare, STAGE, self.root], stdin=subprocess.DEVNULL,
                                        stdout=self.console, stderr=self.console, start_new_session=True)

    def wait_until_booted(self):
        end = time.monotonic() + BOOT_SECONDS
        while not self.leader:
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.console.name, errors="replace") as file:
                    raise RuntimeError("systemd did not start:\n" + file.read())
            for child in children(self.process.pid):
                if command_of(child) == "systemd" and os.path.exists(f"/proc/{child}/root/run/systemd/private"):
                    self.leader = child
            time.sleep(0.02)
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        if state not in ("running", "degraded"):
            raise RuntimeError(f"systemd is {state}")

    def run(self, *command, check=True, input=None, timeout=120):
        """Run a command inside, as root; the result has its output, standard error included."""
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-p", "-C", "-n", "-r", "-w", "--", "env", "-i",
                 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
                 "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"]
        done = subprocess.run([*enter, *command], input=input, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
        return done

    def power_off(self):
        if self.leader:
            try:
                self.run("systemctl", "poweroff", "--no-wall", check=False, timeout=30)
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                pass
        if getattr(self, "process", None) and self.process.poll() is None:
            # unshare takes its child along, and PID 1 of a namespace everything in it.
            self.process.kill()
            self.process.wait()
        if getattr(self, "console", None):
            self.console.close()
        for path in (self.root, self.directory):
            subprocess.run(["umount", "-R", "-l", path], stderr=subprocess.DEVNULL)
        os.rmdir(self.directory)
        for group in self.cgroups:
            for folder, _, _ in os.walk(group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass


def run(*command):
    subprocess.run(command, check=True)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def command_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    with Testbed() as testbed:
        result = testbed.run(*sys.argv[1:], check=False, timeout=600)
    sys.stdout.write(result.stdout)
    sys.exit(result.returncode)
