#!/usr/bin/env python3
"""The job of actors/crawler in Python: aiohttp fetches, processes of a pool count.

    pipeline_asyncio.py IN_FLIGHT PROCESSES LISTING

LISTING: a file with a URL in each line. Prints {"seconds", "pages", "bytes", "words",
"rss_kib"} as JSON: pages counted, bytes and words in them, and the most memory that this
process, which fetches and merges, has had.

Batches of pages go to the pool, for a page each would cost it three times as much.
"""
import asyncio
import collections
import concurrent.futures
import json
import re
import resource
import sys
import time

import aiohttp

WORD = re.compile(rb"[a-z]+")
BATCH = 32
TRIES = 10


def count(bodies):
    words = collections.Counter()
    for body in bodies:
        words.update(WORD.findall(body.lower()))
    return len(bodies), sum(map(len, bodies)), words


class Crawl:
    def __init__(self, pool, in_flight):
        self.pool, self.in_flight = pool, in_flight
        self.batch, self.under_way = [], set()
        self.pages, self.bytes, self.words = 0, 0, collections.Counter()

    def merge(self, done):
        pages, size, words = done.result()
        self.pages += pages
        self.bytes += size
        self.words.update(words)
        self.under_way.discard(done)

    def hand_over(self):
        future = asyncio.get_running_loop().run_in_executor(self.pool, count, self.batch)
        self.batch = []
        self.under_way.add(future)
        future.add_done_callback(self.merge)

    @staticmethod
    async def fetch(session, url):
        for tries_left in reversed(range(TRIES)):
            try:
                async with session.get(url) as response:
                    response.raise_for_status()
                    return await response.read()
            except aiohttp.ClientConnectionError:  # such as one kept that the server has closed
                if not tries_left:
                    raise
                await asyncio.sleep(0.02)

    async def fetch_some(self, session, lines):
        for line in lines:
            body = await self.fetch(session, line.strip())
            self.batch.append(body)  # to what is the batch now
            if len(self.batch) == BATCH:
                self.hand_over()
            while len(self.under_way) * BATCH > self.in_flight:  # memory is bounded
                await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)

    async def run(self, lines):
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=self.in_flight)) as session:
            await asyncio.gather(*(self.fetch_some(session, lines) for _ in range(self.in_flight)))
        if self.batch:
            self.hand_over()
        while self.under_way:
            await asyncio.wait(self.under_way)
            await asyncio.sleep(0)  # for merge()


def main():
    in_flight, processes = int(sys.argv[1]), int(sys.argv[2])
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        list(pool.map(count, [[b""]] * processes))  # they are there before it begins
        crawl = Crawl(pool, in_flight)
        with open(sys.argv[3]) as lines:
            began = time.monotonic()
            asyncio.run(crawl.run(lines))
            seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "pages": crawl.pages, "bytes": crawl.bytes, "words": sum(crawl.words.values()),
                      "distinct": len(crawl.words), "rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


if __name__ == "__main__":
    main()
