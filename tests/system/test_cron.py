"""cron: calls at times of day, in zones, over changes of the clock and deaths of its worker."""
import datetime
import json
import os
import random
import shutil
import tempfile
import time
import zoneinfo

from host import SLOW, HostTest
from varlink import wait_for

CRON = "io.troupe.Cron"
HELLO = {"actor": "hello", "method": "io.troupe.hello.Greet", "parameters": {"name": "cron"}}


def matches(fields, shown, any_day, any_weekday):
    second, minute, hour, day, month, weekday = fields
    if shown.second not in second or shown.minute not in minute or shown.hour not in hour or shown.month not in month:
        return False
    of_month, of_week = shown.day in day, shown.isoweekday() % 7 in weekday
    return of_month and of_week if any_day or any_weekday else of_month or of_week


class Reckoned:
    """The same by another way: what the clocks of Python's zones show, minute by minute."""

    def __init__(self, at, zone):
        words = at.split()
        self.zone = zoneinfo.ZoneInfo(zone)
        bounds = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
        words = ["0"] * (6 - len(words)) + words
        self.fields = [self.field(word, *bound) for word, bound in zip(words, bounds)]
        self.fields[5] = {value % 7 for value in self.fields[5]}
        self.any_day, self.any_weekday = words[3] == "*", words[5] == "*"
        self.all_hours = len(self.fields[2]) == 24

    def field(self, word, least, most):
        values = set()
        for part in word.split(","):
            span, _, step = part.partition("/")
            low, high = (least, most) if span == "*" else (int(span.split("-")[0]), int(span.split("-")[-1]))
            if step and "-" not in span and span != "*":
                high = most
            values |= set(range(low, high + 1, int(step or 1)))
        return values

    def shown(self, moment):
        return datetime.datetime.fromtimestamp(moment, self.zone)

    def times(self, after, until):
        found, before = [], None
        for moment in range(after - after % 60 - 86400, until, 60):
            shown = self.shown(moment)
            if self.all_hours:
                if matches(self.fields, shown, self.any_day, self.any_weekday) and moment > after:
                    found.append(moment)
                continue
            naive = shown.replace(tzinfo=None)
            # what was left out since the minute before counts now, and nothing twice
            first = naive if before is None or naive <= before else before + datetime.timedelta(minutes=1)
            if before is not None and naive <= before:
                continue
            while first <= naive:
                if matches(self.fields, first, self.any_day, self.any_weekday):
                    if moment > after and (not found or found[-1] != moment):
                        found.append(moment)
                first += datetime.timedelta(minutes=1)
            before = naive
        return found


class Cron(HostTest):
    def cron(self, unit=None, daemon=None, **jobs):
        return self.daemon({"cron": {"Plugin": "cron", "Worker": 1, **(unit or {}), "Config": {"Jobs": json.dumps(jobs)}},
                            "hello": {"Plugin": "hello", "Worker": 2}}, daemon=daemon)

    def jobs(self, host):
        return {job["name"]: job for job in host.call("cron", f"{CRON}.Jobs")["jobs"]}

    def next(self, host, at, zone=None, **more):
        return host.call("cron", f"{CRON}.Next", {"at": at, **({"zone": zone} if zone else {}), **more})["times"]

    def test_a_job_is_called_when_its_time_comes(self):
        # Before its actor runs a call of it would fail: they are in two workers.
        host = self.daemon({"hello": {"Plugin": "hello", "Worker": 2}})
        host.actor("cron", {"Plugin": "cron", "Worker": 1, "Config": {"Jobs": json.dumps(
            {"each": {"at": "* * * * * *", **HELLO}, "never": {"at": "0 0 30 2 *", **HELLO}})}})
        self.assertEqual(host.control("Reload")["problems"], [])
        wait_for(lambda: (each := self.jobs(host)["each"])["calls"] >= 3 and not each["running"], 20 * SLOW, "three calls")
        job = self.jobs(host)["each"]
        self.assertEqual((job["failed"], job["missed"]), (0, 0))
        self.assertLessEqual(abs(job["last"] - time.time()), 20 * SLOW)
        self.assertGreater(job["next"], job["last"])
        never = self.jobs(host)["never"]
        self.assertEqual(never, {"name": "never", "running": False, "calls": 0, "failed": 0, "skipped": 0, "missed": 0})
        self.assertGreaterEqual(host.call("hello", "io.troupe.hello.Greet", {"name": "me"})["count"], 4)

    def test_a_job_is_run_by_hand(self):
        host = self.cron(never={"at": "0 0 30 2 *", **HELLO}, odd={"at": "@yearly", **HELLO, "method": "io.troupe.hello.Nothing"},
                         lost={"at": "@yearly", **HELLO, "actor": "nobody"})
        host.call("cron", f"{CRON}.Run", {"name": "never"})
        wait_for(lambda: not self.jobs(host)["never"]["running"], 20 * SLOW, "the answer")
        self.assertEqual((self.jobs(host)["never"]["calls"], self.jobs(host)["never"]["failed"]), (1, 0))
        host.call("cron", f"{CRON}.Run", {"name": "odd"})
        wait_for(lambda: self.jobs(host)["odd"]["failed"] == 1, 20 * SLOW, "the failure")
        self.assertIn("MethodNotFound", self.jobs(host)["odd"]["error"])
        host.call("cron", f"{CRON}.Run", {"name": "lost"})
        self.assertEqual(self.jobs(host)["lost"]["error"], "ENOENT")
        self.assert_error(f"{CRON}.NoSuchJob", host.call, "cron", f"{CRON}.Run", {"name": "nothing"})

    def test_times_that_passed_meanwhile_are_made_up_for_once(self):
        top = tempfile.mkdtemp(prefix="troupe-cron-", dir="/tmp")
        self.addCleanup(shutil.rmtree, top)
        host = self.cron(unit={"StateDirectory": "yes"}, daemon={"StateDirectory": top}, once={"at": "0 0 1 1 *", **HELLO}, skip={"at": "0 0 1 1 *", **HELLO, "missed": "skip"},
                         new={"at": "0 0 1 1 *", **HELLO})
        with open(os.path.join(top, "cron", "last"), "w", encoding="ascii") as file:
            file.write(f"{int(time.time()) - 3 * 366 * 86400} once\n{int(time.time()) - 3 * 366 * 86400} skip\nrubbish\n77\n")
        host.kill_worker(1)
        wait_for(lambda: host.unit("cron")["state"] == "running" and self.jobs(host)["once"]["calls"] == 1, 20 * SLOW, "the call")
        jobs = self.jobs(host)
        self.assertEqual([jobs[name]["missed"] for name in ("once", "skip", "new")], [1, 1, 0])
        self.assertEqual([jobs[name]["calls"] for name in ("once", "skip", "new")], [1, 0, 0])
        # and only once
        host.kill_worker(1)
        wait_for(lambda: host.unit("cron")["state"] == "running" and self.jobs(host), 20 * SLOW, "the unit")
        self.assertEqual([job["missed"] for job in self.jobs(host).values()], [0, 0, 0])

    def test_times_are_those_of_the_zone(self):
        host = self.cron()
        # the 31st of March 2024 has no 02:30 in Vienna, the 27th of October has two
        spring, autumn = 1711756800, 1729900800  # 00:00 UTC of the days before

        def at(moment):
            return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%d %H:%M")

        def times(schedule, after, count):
            return [at(moment) for moment in self.next(host, schedule, "Europe/Vienna", after=after, count=count)]

        self.assertEqual(times("30 2 * * *", spring, 3), ["30 01:30", "31 01:00", "01 00:30"])
        self.assertEqual(times("30 2 * * *", autumn, 3), ["26 00:30", "27 00:30", "28 01:30"])
        self.assertEqual(times("30 * * * *", autumn + 86400 - 1800, 4), ["27 00:30", "27 01:30", "27 02:30", "27 03:30"])
        # within the hour that is left out
        self.assertEqual(times("*/20 2 * * *", spring + 86400, 3), ["31 01:00", "01 00:00", "01 00:20"])

    def test_times_are_those_that_others_reckon(self):
        host, choose = self.cron(), random.Random(3)
        zones = ["UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
                 "America/St_Johns", "Pacific/Apia", "Asia/Tehran", "America/Sao_Paulo", "Europe/Dublin", "Africa/Cairo"]

        def field(least, most):
            kind = choose.randrange(5)
            if kind < 2:
                return "*"
            if kind == 2:
                return f"*/{choose.randrange(1, most)}"
            if kind == 3:
                low = choose.randrange(least, most)
                return f"{low}-{choose.randrange(low, most + 1)}/{choose.randrange(1, 4)}"
            return ",".join(str(choose.randrange(least, most + 1)) for _ in range(choose.randrange(1, 4)))

        for _ in range(150):
            zone = choose.choice(zones)
            at = " ".join((field(0, 59), choose.choice((field(0, 23), str(choose.randrange(4)))), field(1, 28), field(1, 12), field(0, 6)))
            # around a change of the clocks, if there is one near
            after = choose.randrange(946684800, 2208988800)
            tz = zoneinfo.ZoneInfo(zone)
            for day in range(200):
                moment = after + day * 86400
                if (datetime.datetime.fromtimestamp(moment, tz).utcoffset() !=
                        datetime.datetime.fromtimestamp(moment + 86400, tz).utcoffset()):
                    after = moment - choose.randrange(86400)
                    break
            until = after + 3 * 86400
            mine = [moment for moment in self.next(host, at, zone, after=after, count=100) if moment < until]
            theirs = Reckoned(at, zone).times(after, until)[:100]
            self.assertEqual(mine, theirs, f"{at!r} in {zone} after {after}")

    def test_what_is_no_schedule_is_refused(self):
        host = self.cron()
        for at in ("", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a * * * *",
                   "5-1 * * * *", "*/0 * * * *", "1- * * * *", "1,, * * * *", "@never", "*x * * * *"):
            self.assert_error(f"{CRON}.BadSchedule", self.next, host, at)
        for zone in ("Nowhere/Land", "", "/etc/localtime", "../../../etc/localtime", "Europe", "zone.tab", "Europe/Vienna/x"):
            self.assert_error(f"{CRON}.BadSchedule", host.call, "cron", f"{CRON}.Next", {"at": "@daily", "zone": zone})
        self.assertEqual(self.next(host, "0 0 29 feb *", after=0, count=3), [68169600, 194400000, 320630400])
        self.assertEqual(self.next(host, "0 0 13 * fri", after=0, count=3), [86400, 691200, 1036800])
        self.assertEqual(self.next(host, "0 0 30 2 *", count=5), [])
        self.assertEqual(len(self.next(host, "@hourly", "local", count=100)), 100)

    def test_a_wrong_configuration_is_refused_with_its_reason(self):
        for job, reason in (({"at": "x"}, "jobs.x: a schedule has five fields"), ({"at": "@daily", "zone": "No/Where"}, "jobs.x: no such zone"),
                            ({"at": "@daily", "timeoutMs": 0}, "jobs.x: timeoutMs must be")):
            host = self.cron(x={**HELLO, **job})
            host.wait_log(reason)
            host.stop()
