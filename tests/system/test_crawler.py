"""crawler: the pages of a real server, counted by a pool, one of whose workers is killed."""
import collections
import os
import random
import re
import shutil
import signal
import socket
import tempfile
import threading
import time

from host import CONTROL, SLOW, HostTest, silent_place
from http_server import Server
from varlink import wait_for

CRAWL = "io.troupe.crawler.Crawl"
WORD = re.compile(rb"[a-z]+")


class Crawler(HostTest):
    def crawler(self, client=None, counter=None, crawler=None, web=None, pool=None, settings=None, wrap=None):
        units = {
            "http-client": {"Plugin": "http-client", "Worker": 2, "Config": {
                "Connections": 100, "ConnectionsPerHost": 100, "Retries": 0, **(client or {})}},
            "crawler": {"Plugin": "crawler", "Worker": 2, "Tasks": 200, "Config": crawler or {}},
            "wordcount": {"Plugin": "wordcount", **(pool or {"Instances": 3}), "Config": counter or {}}}
        if web:
            units["web"] = {"Plugin": "http-server", "Worker": 1, "Config": {
                "Listen": "tcp:127.0.0.1:0", "Root": web, "Connections": 1000}}
        return self.daemon(units, daemon={"Workers": 3, **(settings or {})}, wrap=wrap)

    def crawl(self, host, urls, **parameters):
        done = host.call("crawler", CRAWL, {"urls": urls, "inFlight": 50, **parameters})
        return done["progress"], done["result"]

    def serve(self):
        server = Server()
        self.addCleanup(server.close)
        return server

    def make_directory(self):
        directory = tempfile.mkdtemp(prefix="troupe-pages-", dir="/tmp")
        self.addCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        return directory

    def make_pages(self, count):
        directory = self.make_directory()
        words = collections.Counter()
        for number in range(count):
            text = (f"page number {'abcdefghij'[number % 10] * (number % 7 + 1)}\n" * (1 + number * 7)).encode()
            with open(f"{directory}/{number}", "wb") as file:
                file.write(text)
            words.update(WORD.findall(text))
        return directory, {word.decode(): number for word, number in words.items()}

    def test_all_pages_are_counted_though_a_worker_is_killed(self):
        directory, expected = self.make_pages(300)
        host = self.crawler(web=directory)
        place = host.call("web", "io.troupe.httpserver.Status")["listen"][0].removeprefix("tcp:")
        last = {}
        with host.client(60) as client:
            client.send("io.troupe.crawler.Crawl", {
                "urls": [f"http://{place}/{i % 300}" for i in range(3000)], "inFlight": 100, "top": 0}, more=True)
            continues, killed = True, False
            while continues:
                last, continues = client.receive()
                if continues and not killed and last["progress"]["pages"] > 0:
                    host.kill_worker(3)
                    killed = True
        self.assertTrue(killed, "it was over before a worker was killed")
        self.assertEqual((last["progress"]["pages"], last["progress"]["failed"]), (3000, 0))
        self.assertEqual({w["word"]: w["count"] for w in last["result"]["top"]},
                         {word: 10 * count for word, count in expected.items()})
        self.assertEqual(last["result"]["distinct"], len(expected))
        self.assertEqual(last["result"]["failures"], [])

    def test_workers_are_killed_again_and_again(self):
        pages, seed = 800, random.randrange(1 << 32)
        chance = random.Random(seed)
        server, turn, is_over = self.serve(), threading.Semaphore(0), threading.Event()

        def do_page(connection, rest, **_):
            # Pages go out between two kills, so the job lasts until the last of these.
            while not is_over.is_set() and not turn.acquire(timeout=0.2):
                if server.is_over.is_set():
                    return False
            return server.say(connection, body=b"all are counted " + b"again and " * 2000 + b"abcdefghij"[int(rest) % 10:][:1])
        server.do_page = do_page
        host = self.crawler()
        with host.client(120) as client:
            client.send(CRAWL, {"urls": [f"{server.url}/page/{i}" for i in range(pages)],
                                "inFlight": 50, "tries": 1000, "top": 0}, more=True)
            for _ in range(20):
                for _ in range(20):
                    turn.release()
                time.sleep(chance.random() / 20)
                host.kill_worker(chance.choice((1, 3)))
            is_over.set()
            continues = True
            while continues:
                last, continues = client.receive()
        killed = sum(host.worker(number)["restarts"] for number in (1, 3))
        self.assertEqual((killed, last["progress"]["pages"], last["progress"]["failed"]), (20, pages, 0), f"seed {seed}")
        expected = {word: pages for word in ("all", "are", "counted")}
        expected.update({letter: pages // 10 for letter in "abcdefghij"})
        expected.update({"again": 2000 * pages, "and": 2000 * pages})
        self.assertEqual({w["word"]: w["count"] for w in last["result"]["top"]}, expected, f"seed {seed}")

    def test_few_pages_are_with_counters_at_a_time(self):
        server, pages = self.serve(), 190
        host = self.crawler(pool={"Worker": 3}, settings={"WorkerWatchdog": 0})
        pid = host.worker(3)["pid"]
        with host.client(60) as client:
            os.kill(pid, signal.SIGSTOP)
            try:
                client.send(CRAWL, {"urls": [f"{server.url}/bytes/16"] * pages, "inFlight": pages})

                def all_others_wait():
                    with host.client() as other:
                        tasks = [t for reply in other.stream(f"{CONTROL}.Tasks", {"name": "crawler"}) for t in reply["tasks"]]
                    waits = collections.Counter(t.get("waitsFor") for t in tasks if t["name"] == "fetch_page")
                    return waits["semaphore"] == pages - 128 and waits["answer"] == 128
                wait_for(all_others_wait, 20 * SLOW, "all pages but 128 to wait for their turn")
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(client.receive()[0]["progress"]["pages"], pages)

    def test_a_listing_is_read_as_it_goes(self):
        server, listings, lines = self.serve(), self.make_directory(), 300
        host = self.crawler(crawler={"Listings": listings}, settings={"FrameMax": "1M"})
        urls = [f"{server.url}/bytes/16?{number:04}".ljust(8192 if number % 2 else 8000, "x") for number in range(lines)]
        with open(f"{listings}/long", "w") as file:
            for number, url in enumerate(urls):
                file.write(url + "\n" * (1 + number % 3))
            file.write(f"{server.url}/nowhere")  # the last line may have no end
        self.assertGreater(os.path.getsize(f"{listings}/long"), 2 << 20)
        progress, result = self.crawl(host, [f"{server.url}/bytes/16"], listing="long")
        self.assertEqual((progress["pages"], progress["failed"]), (lines + 1, 1), result["failures"])
        self.assertEqual(result["failures"], [{"url": f"{server.url}/nowhere", "reason": "status 404"}])
        with server.lock:
            asked = collections.Counter(server.url + target for _, target, _ in server.seen)
        self.assertTrue(asked == collections.Counter([*urls, f"{server.url}/bytes/16", f"{server.url}/nowhere"]))
        with open(f"{listings}/empty", "w"):
            pass
        self.assertEqual(self.crawl(host, [], listing="empty")[0]["pages"], 0)

    def test_what_is_no_listing_is_refused(self):
        directory = self.make_directory()
        listings = f"{directory}/listings"
        os.mkdir(listings)
        os.mkdir(f"{listings}/directory")
        os.mkfifo(f"{listings}/fifo")
        os.symlink("../outside", f"{listings}/link")
        texts = {"../outside": b"http://localhost/\n", "long": b"http://localhost/" + b"x" * 8192, ".hidden": b"",
                 "longer": b"x" * 100000, "space": b"http://localhost/\nhttp://localhost/ \n", "binary": b"http://localhost/\xff\n"}
        for name, text in texts.items():
            with open(f"{listings}/{name}", "wb") as file:
                file.write(text)
        host = self.crawler(crawler={"Listings": listings})
        bound = socket.socket(socket.AF_UNIX)
        self.addCleanup(bound.close)
        bound.bind(f"{listings}/socket")
        for name in (*texts, "directory", "fifo", "link", "socket", "x" * 300, "", "directory/../long"):
            error = self.assert_error("org.varlink.service.InvalidParameter", self.crawl, host, [], listing=name)
            self.assertEqual(error["parameter"], "listing", name)
        self.assert_error("org.varlink.service.InvalidParameter", self.crawl, self.crawler(), [], listing="long")

    def test_a_listing_that_cannot_be_had_is_named(self):
        directory = f"{self.make_directory()}/listings"
        os.mkdir(directory)
        with open(f"{directory}/secret", "w"):
            pass
        os.chmod(f"{directory}/secret", 0)
        # to root's own rights no file is closed
        wrap = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        host = self.crawler(crawler={"Listings": directory}, wrap=wrap)
        for name, error in (("nowhere", "ListingNotFound"), ("secret", "ListingDenied")):
            parameters = self.assert_error(f"io.troupe.crawler.{error}", self.crawl, host, [], listing=name)
            self.assertEqual(parameters, {"listing": name})
        # what is no fault of the caller's is none of these: here the directory is no longer one
        os.chmod(f"{directory}/secret", 0o600)
        os.unlink(f"{directory}/secret")
        os.rmdir(directory)
        with open(directory, "w"):
            pass
        self.assert_error("Failed", self.crawl, host, [], listing="nowhere")

    def test_pages_that_cannot_be_had_are_given_up_one_by_one(self):
        server = self.serve()
        nobody = silent_place(self).getsockname()[1]
        host = self.crawler(client={"BodyMax": 100000})
        bad = {f"{server.url}/nowhere": "status 404", "gopher://localhost/": "not fetched", f"{server.url}/bytes/200000": "not fetched",
               f"http://127.0.0.1:{nobody}/": "not fetched"}
        progress, result = self.crawl(host, [f"{server.url}/bytes/16", *bad, f"{server.url}/bytes/0", f"{server.url}/bytes/16"], tries=3)
        self.assertEqual((progress["pages"], progress["failed"], progress["bytes"]), (3, 4, 32))
        self.assertEqual(result["top"], [{"word": "abcdef", "count": 2}])
        self.assertEqual({f["url"] for f in result["failures"]}, set(bad))
        for failure in result["failures"]:
            self.assertIn(bad[failure["url"]], failure["reason"])
        # What is of no use is not tried again, what may be is.
        self.assertEqual(progress["retried"], 2)
        self.assertEqual((server.count("/nowhere"), server.count("/bytes/200000")), (1, 1))

    def test_a_server_that_closes_is_tried_again(self):
        server = self.serve()
        closes = {"left": 5}

        def do_closes(connection, **_):
            with server.lock:
                closes["left"] -= 1
                if closes["left"] >= 0:
                    return False
            return server.say(connection, body=b"at last")
        server.do_closes = do_closes
        host = self.crawler()
        progress, result = self.crawl(host, [f"{server.url}/closes"])
        self.assertEqual((progress["pages"], progress["failed"], progress["retried"]), (1, 0, 5))
        self.assertEqual(result["words"], 2)

    def test_what_is_too_much_is_refused(self):
        server = self.serve()
        host = self.crawler(crawler={"Distinct": 1})
        self.assertEqual(self.crawl(host, [f"{server.url}/bytes/16"])[1]["distinct"], 1)
        server.do_two = lambda connection, **_: server.say(connection, body=b"one two")
        self.assert_error("io.troupe.crawler.TooLarge", self.crawl, host, [f"{server.url}/two"])
        for parameters in ({"inFlight": 0}, {"inFlight": 100001}, {"tries": 0}, {"top": -1}):
            self.assert_error("org.varlink.service.InvalidParameter", self.crawl, host, [], **parameters)
        self.assertEqual(self.crawl(host, [])[0], {"pages": 0, "failed": 0, "retried": 0, "bytes": 0})

    def test_who_leaves_ends_what_is_on_the_way(self):
        server = self.serve()
        server.do_never = lambda **_: server.is_over.wait(60 * SLOW) and False
        host = self.crawler()
        with host.client() as client:
            client.send(CRAWL, {"urls": [f"{server.url}/never"] * 100, "inFlight": 20}, more=True)
            client.receive()
            wait_for(lambda: server.count("/never") == 20, 20 * SLOW, "20 requests")
        wait_for(lambda: host.call("http-client", "io.troupe.HttpClient.Stats")["active"] == 0, 20 * SLOW, "none on the way")
        self.assertEqual(server.count("/never"), 20)
