"""What happens to daemons at the wrong moment, or behind their backs."""
import os
import resource
import shutil
import signal
import socket

import varlink
from host import HostTest, SLOW
from varlink import wait_for


class Unlucky(HostTest):
    def test_signals_before_it_listens_to_them_do_no_harm(self):
        # Many units: the control socket is there long before all of them are read.
        actors = {f"unit{n}": {"Plugin": "hello"} for n in range(1500)}
        host = self.unstarted(actors)
        host.launch()
        wait_for(lambda: os.path.exists(host.socket), 20 * SLOW, "the control socket")
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            host.process.send_signal(number)
        host.wait_ready(60)
        # The SIGHUP has been heard.
        host.wait_log("reload", 60)

    def test_however_few_descriptors_there_are_it_ends_with_a_reason(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}})
        # A sanitizer needs descriptors of its own to begin at all.
        for few in range(5, 15) if SLOW <= 2 else range(9, 15):
            host.launch(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
            wait_for(lambda: host.process.poll() is not None or "will try again" in host.log(), 20 * SLOW, "an end, or none")
            has_ended = host.process.poll() is not None
            with self.subTest(few=few, log=host.log()):
                self.assertEqual(host.process.returncode if has_ended else host.terminate(), 1 if has_ended else 0)
                self.assertIn("Too many open files", host.log())
            os.truncate(host.log_path, 0)

    def test_a_daemon_that_ends_leaves_anothers_socket(self):
        host = self.daemon({"hello": {"Plugin": "hello"}})
        # Somebody moves it away, and another daemon listens at the path.
        os.rename(host.socket, host.socket + ".away")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(host.socket)
            other.listen()
            self.assertEqual(host.terminate(), 0)
            self.assertTrue(os.path.exists(host.socket))

    def test_a_service_manager_that_does_not_read_holds_up_nobody(self):
        host = self.unstarted({"hello": {"Plugin": "hello"}})
        path = os.path.join(host.directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            manager.bind(path)
            manager.settimeout(20 * SLOW)
            other.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    other.sendto(b"X=1", path)
            host.env = {"NOTIFY_SOCKET": path}
            host.start()
            host.call("hello", "io.troupe.hello.Greet", {"name": "x"})
            host.control("Reload")
            # It reads again, and hears of everything.
            heard = []
            while len(heard) < 3:
                text = manager.recv(4096)
                if text.startswith((b"READY", b"RELOADING")):
                    heard.append(text.split(b"=")[0])
            self.assertEqual(heard, [b"READY", b"RELOADING", b"READY"])
            self.assertEqual(host.terminate(), 0)

    def test_a_crash_in_loading_names_the_plugin(self):
        host = self.unstarted({"bad": {"Plugin": "crash_in_load", "RestartDelay": "10ms", "GiveUpAfter": 2}})
        host.launch()
        host.wait_log("crash_in_load.so(crash_at_once")
        self.assertNotRegex(host.log(), r" \d+\(")

    def test_directories_that_are_deleted_are_made_again(self):
        host = self.unstarted({"relay": {"Plugin": "relay", "Type": "relay", "Worker": 1}, "slow": {"Plugin": "slow", "Worker": 2}})
        host.write("trouped.conf", f"[Daemon]\nWorkers=2\nRuntimeDirectory={host.directory}/run\n")
        host.socket = os.path.join(host.directory, "run", "control", "s")
        host.start()

        def relay(timeout=500):
            try:
                return host.call("relay", "io.troupe.test.relay.Answer",
                                 {"to": "slow", "text": "x", "delayMs": 0, "timeoutMs": timeout * SLOW})["text"] == "x"
            except varlink.VarlinkError:
                return False
        self.assertTrue(relay(15000))
        # At once: it may be made again while what was in it goes.
        away = os.path.join(host.directory, "away")
        os.rename(os.path.join(host.directory, "run"), away)
        shutil.rmtree(away)

        def answers():
            try:
                return host.control("Status")["state"] == "running"
            except OSError:
                return False
        wait_for(answers, 20 * SLOW, "the control socket to be there again")
        # Those who knew each other go on.
        self.assertTrue(relay(15000))
        # Successors of both find the other, and are found.
        host.kill_worker(1)
        wait_for(relay, 20 * SLOW, "the new worker 1 to reach worker 2")
        host.kill_worker(2)
        wait_for(relay, 20 * SLOW, "worker 1 to reach the new worker 2")
        self.assertEqual(host.terminate(), 0)
        # And nothing is left behind.
        self.assertEqual(os.listdir(os.path.join(host.directory, "run")), ["control"])
        self.assertEqual(os.listdir(os.path.join(host.directory, "run", "control")), [])
