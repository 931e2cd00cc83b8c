/* crawler.c - fetch many pages at once, count their words in other processes.
 *
 * A task for each page that is on the way: what it waits for stands in it from top to bottom.
 * A page that cannot be had now, or whose counter died, is tried again by its task.
 */
#include "crawler.varlink.h"
#include "http-client.varlink.h"
#include "listing.h"
#include "tally.h"
#include "wordcount.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>
#include <troupe/sync.h>
#include <troupe/task.h>

#define IN_FLIGHT_DEFAULT 1000
#define IN_FLIGHT_MAX     100000
#define COUNTING_MAX      128 /* of one Crawl: less than a counter takes in its line */
#define TRIES_DEFAULT     10
#define TOP_DEFAULT       10
#define DISTINCT_MAX      (1 << 20)
#define FAILURES_MAX      100
#define REASON_MAX        100
#define RETRY_NS          (20 * TROUPE_MS_NS) /* doubled each time, up to the second */
#define RETRY_MAX_NS      (2 * TROUPE_SECOND_NS)
#define PROGRESS_NS       (100 * TROUPE_MS_NS)

struct crawler {
	char client[TROUPE_NAME_MAX + 1], counter[TROUPE_NAME_MAX + 1]; /* units */
	char *listings; /* a directory, or NULL */
	size_t distinct_max;
};

/* One Crawl; stands on the stack of its handler. */
struct crawl {
	int64_t tries;
	struct troupe_semaphore counting;
	struct crawler_progress progress;
	struct tally tally;
	struct crawler_failure failures[FAILURES_MAX];
	char *urls[FAILURES_MAX]; /* of them; its own */
	char reasons[FAILURES_MAX][REASON_MAX];
	size_t n_failures;
	struct listing listing;
	size_t n_listed; /* lines of it */
	int ended;
};

/* What one page is about, on the stack of its task. */
struct page {
	const char *url;
	struct http_client_get_answer fetched;
	struct wordcount_count_bytes_answer counted;
	char reason[REASON_MAX]; /* why it was not had */
	bool is_final;           /* trying again is of no use */
};

/* Rather than that there is too much in a page. */
static bool is_busy(const struct wordcount_too_large *error)
{
	return strcmp(error->what, "counts under way") == 0;
}

/* Fetch it: 0; or why not, with the reason. */
static int fetch(struct troupe_self *self, const struct crawler *me, struct page *page)
{
	const struct http_client_get in = {.url = page->url, .binary = &(bool){true}};
	struct http_client_get_answer *fetched = &page->fetched;
	struct troupe_address client;

	int r = troupe_find(self, me->client, &client);
	if (r == 0)
		r = http_client_get_await(self, client, &in, fetched);
	if (r < 0) {
		snprintf(page->reason, sizeof(page->reason), "not fetched: %s", strerror(-r));
		page->is_final = fetched->bad_url || fetched->refused || fetched->too_large ||
				 fetched->too_many_redirects;
		return r;
	}
	const int64_t status = fetched->out->response.status;
	if (status == 200)
		return 0;
	snprintf(page->reason, sizeof(page->reason), "status %lld", (long long)status);
	page->is_final = status < 500;
	return -EREMOTEIO;
}

/* Count its words: likewise. */
static int count(struct troupe_self *self, const struct crawler *me, struct page *page)
{
	const struct troupe_binary *bytes = page->fetched.out->response.bytes;
	const struct wordcount_count_bytes in = {
		.top = &(int64_t){0},
		.bytes = bytes ? *bytes : (struct troupe_binary){0},
	};
	struct troupe_address counter;

	/* The next of the pool, in whatever worker. */
	int r = troupe_find(self, me->counter, &counter);
	if (r == 0)
		r = wordcount_count_bytes_await(self, counter, &in, &page->counted);
	if (r < 0) {
		snprintf(page->reason, sizeof(page->reason), "not counted: %s", strerror(-r));
		page->is_final = page->counted.too_large && !is_busy(page->counted.too_large);
	}
	return r;
}

/* Both; pages that are fetched wait here for their turn to be counted. */
static int have(struct troupe_self *self, const struct crawler *me, const struct crawl *crawl,
		struct page *page)
{
	int r = fetch(self, me, page);
	if (r < 0)
		return r;
	r = troupe_acquire(self, crawl->counting);
	if (r < 0) {
		snprintf(page->reason, sizeof(page->reason), "not counted: %s", strerror(-r));
		return r;
	}
	r = count(self, me, page);
	troupe_give_back(self, crawl->counting);
	return r;
}

static int merge(struct crawl *crawl, const struct page *page)
{
	const struct wordcount_result *result = &page->counted.out->result;

	for (size_t i = 0; i < result->top.count; i++) {
		const struct wordcount_word *word = &result->top.items[i];
		int r = tally_add(&crawl->tally, word->word, word->count);

		if (r < 0)
			return r;
	}
	crawl->progress.pages++;
	crawl->progress.bytes += result->bytes;
	return 0;
}

/* One page's trouble is not all pages'. */
static void give_up(struct crawl *crawl, const struct page *page)
{
	crawl->progress.failed++;
	if (crawl->n_failures == FAILURES_MAX)
		return;
	char *url = strdup(page->url);
	if (!url)
		return; /* it is counted */
	crawl->urls[crawl->n_failures] = url;
	char *reason = crawl->reasons[crawl->n_failures];
	memcpy(reason, page->reason, REASON_MAX);
	crawl->failures[crawl->n_failures++] =
		(struct crawler_failure){.url = url, .reason = reason};
}

static int fetch_page(struct troupe_self *self, struct crawler *me, const char *const *url,
		      struct crawl *crawl)
{
	struct page page = {.url = *url};
	uint64_t wait_ns = RETRY_NS;

	for (int64_t tried = 1; have(self, me, crawl, &page) < 0; tried++) {
		if (page.is_final || tried >= crawl->tries) {
			give_up(crawl, &page);
			return 0;
		}
		/* Says also when nobody waits for the result any more. */
		int r = troupe_sleep(self, wait_ns / 2 + troupe_random(self) % wait_ns);
		if (r < 0)
			return r;
		crawl->progress.retried++;
		wait_ns = wait_ns * 2 < RETRY_MAX_NS ? wait_ns * 2 : RETRY_MAX_NS;
	}
	return merge(crawl, &page);
}
TROUPE_TASK(fetch_page, struct crawler, const char *const, struct crawl)

/* The page at the next line, which is the task's. */
static int fetch_listed(struct troupe_self *self, struct crawler *me, const char *unused,
			struct crawl *crawl)
{
	char *url;

	(void)unused;
	int r = listing_next(self, &crawl->listing, &url);
	if (r == 0) /* somebody has cut it short since it was counted */
		r = -ESTALE;
	if (r < 0)
		return r;
	r = fetch_page(self, me, &(const char *){url}, crawl);
	free(url);
	return r;
}
TROUPE_TASK(fetch_listed, struct crawler, const char, struct crawl)

static int return_result(struct troupe_self *self, struct crawler_crawl_call call,
			 struct crawl *crawl, size_t n_top)
{
	struct tally_word *top;
	size_t n;

	int r = tally_top(&crawl->tally, n_top, &top, &n);
	if (r < 0)
		return r;
	struct crawler_word *words = calloc(n ? n : 1, sizeof(*words));
	if (!words) {
		free(top);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		words[i] = (struct crawler_word){.word = top[i].text, .count = top[i].count};
	const struct crawler_result result = {
		.words = crawl->tally.words,
		.distinct = (int64_t)crawl->tally.distinct,
		.top = {.items = words, .count = n},
		.failures = {.items = crawl->failures, .count = crawl->n_failures},
	};
	r = crawler_crawl_return(
		self, call,
		&(struct crawler_crawl_out){.progress = crawl->progress, .result = &result});
	free(words);
	free(top);
	return r;
}

/* All pages. How it ended is left in `crawl`, so that it is no failure of the scope. */
static int fetch_all(struct troupe_self *self, struct crawler *me,
		     const struct crawler_crawl *in, struct crawl *crawl)
{
	const size_t limit = in->inFlight ? (size_t)*in->inFlight : IN_FLIGHT_DEFAULT;

	(void)me;
	crawl->ended = troupe_for_all(self, &fetch_page_task, in->urls.items,
				      sizeof(*in->urls.items), in->urls.count, limit, crawl);
	/* Items of no size: each takes the next line for itself. */
	if (crawl->ended == 0)
		crawl->ended = troupe_for_all(self, &fetch_listed_task, "", 0, crawl->n_listed,
					      limit, crawl);
	return 0;
}
TROUPE_TASK(fetch_all, struct crawler, const struct crawler_crawl, struct crawl)

/* Wait for it, so long at most: 0; -ETIMEDOUT. */
static int join_within(struct troupe_self *self, struct troupe_task task, uint64_t ns)
{
	TROUPE_SCOPE(scope, self, ns);
	return troupe_join(self, task, NULL);
}

/* Have it done, and report how far it is until it is over. */
static int fetch_and_report(struct troupe_self *self, struct crawler_crawl_call call,
			    const struct crawler_crawl *in, struct crawl *crawl)
{
	struct crawler_crawl in_copy = *in; /* what it points to stays where it is */
	struct troupe_task task;

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED); /* left: all in it is cancelled */
	int r = troupe_start(self, scope, &fetch_all_task, &in_copy, crawl, &task);
	if (r < 0)
		return r;
	while ((r = join_within(self, task, PROGRESS_NS)) == -ETIMEDOUT) {
		if (!crawler_crawl_wants_more(self, call))
			continue;
		r = crawler_crawl_reply(
			self, call, &(struct crawler_crawl_out){.progress = crawl->progress});
		if (r < 0 && r != -EAGAIN) /* who is behind gets the next */
			return r;
	}
	return r < 0 ? r : crawl->ended;
}

/* What opening it, or counting its lines, has failed with: an answer, where the caller can do
 * something about it; what is left is no fault of the call's. */
static int fail_listing(struct troupe_self *self, struct crawler_crawl_call call,
			const char *name, int error)
{
	switch (error) {
	case -ENOENT:
		return crawler_crawl_fail_listing_not_found(
			self, call, &(struct crawler_listing_not_found){.listing = name});
	case -EACCES:
		return crawler_crawl_fail_listing_denied(
			self, call, &(struct crawler_listing_denied){.listing = name});
	case -EILSEQ:
		return crawler_crawl_fail_parameter(
			self, call, "listing",
			"each line must be a URL of at most 8192 visible ASCII characters");
	case -EPERM:
	case -EISDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENOTSUP:
	case -ENXIO: /* a socket */
		return crawler_crawl_fail_parameter(self, call, "listing",
						    "is no regular file of Listings=");
	default:
		return error;
	}
}

/* Open the listing, if one is named, and count its lines. */
static int open_listing(struct troupe_self *self, const struct crawler *me, const char *name,
			struct crawl *crawl)
{
	if (!name)
		return 0;
	int r = listing_open(self, me->listings, name, &crawl->listing);
	return r < 0 ? r : listing_count(self, &crawl->listing, &crawl->n_listed);
}

static void end_crawl(struct troupe_self *self, struct crawl *crawl)
{
	listing_close(self, &crawl->listing);
	for (size_t i = 0; i < crawl->n_failures; i++)
		free(crawl->urls[i]);
	tally_fini(&crawl->tally);
}

/* Of what is sound: to its end, and its answer. */
static int crawl_all(struct troupe_self *self, struct crawler_crawl_call call,
		     const struct crawler_crawl *in, struct crawl *crawl)
{
	int r = troupe_semaphore_open(self, COUNTING_MAX, &crawl->counting);
	if (r < 0)
		return r;
	r = fetch_and_report(self, call, in, crawl);
	troupe_semaphore_close(self, crawl->counting);
	if (r == 0)
		r = return_result(self, call, crawl, in->top ? (size_t)*in->top : TOP_DEFAULT);
	if (r == -E2BIG || r == -EMSGSIZE) {
		const struct crawler_too_large error = {
			.what = r == -E2BIG ? "distinct words" : "bytes in the reply"};

		r = crawler_crawl_fail_too_large(self, call, &error);
	}
	return r;
}

static int on_crawl(struct troupe_self *self, struct crawler *me,
		    struct crawler_crawl_call call, const struct crawler_crawl *in)
{
	if (in->inFlight && (*in->inFlight < 1 || *in->inFlight > IN_FLIGHT_MAX))
		return crawler_crawl_fail_parameter(self, call, "inFlight",
						    "must be from 1 to 100000");
	if (in->tries && *in->tries < 1)
		return crawler_crawl_fail_parameter(self, call, "tries", "must be at least 1");
	if (in->top && *in->top < 0)
		return crawler_crawl_fail_parameter(self, call, "top", "must not be negative");
	if (in->listing && !me->listings)
		return crawler_crawl_fail_parameter(self, call, "listing",
						    "this crawler has no Listings=");

	struct crawl crawl = {
		.tries = in->tries ? *in->tries : TRIES_DEFAULT,
		.tally = {.seed = troupe_random(self), .distinct_max = me->distinct_max},
	};
	int r = open_listing(self, me, in->listing, &crawl);
	r = r < 0 ? fail_listing(self, call, in->listing, r)
		  : crawl_all(self, call, in, &crawl);
	end_crawl(self, &crawl);
	return r;
}

/* A unit's name, or the usual one; false: that is none. */
static bool take_name(char name[TROUPE_NAME_MAX + 1], const char *given, const char *usual)
{
	int size = snprintf(name, TROUPE_NAME_MAX + 1, "%s", given ? given : usual);

	return size > 0 && size <= TROUPE_NAME_MAX;
}

static int begin(struct troupe_self *self, struct crawler *me,
		 const struct crawler_config *config)
{
	const int64_t distinct = config->distinct ? *config->distinct : DISTINCT_MAX;

	if (distinct < 1 || distinct > DISTINCT_MAX) {
		troupe_log(self, 3, "distinct must be 1 to %d", DISTINCT_MAX);
		return -EINVAL;
	}
	if (!take_name(me->client, config->client, "http-client") ||
	    !take_name(me->counter, config->counter, "wordcount")) {
		troupe_log(self, 3, "client and counter must be names of units");
		return -EINVAL;
	}
	me->distinct_max = (size_t)distinct;
	if (config->listings && config->listings[0] != '/') {
		troupe_log(self, 3, "listings must be the path of a directory, from / on");
		return -EINVAL;
	}
	if (config->listings) {
		me->listings = strdup(config->listings);
		if (!me->listings)
			return -ENOMEM;
	}
	return 0;
}

static void end(struct troupe_self *self, struct crawler *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	free(me->listings);
}

CRAWLER_HANDLERS(crawling, struct crawler, .crawl_task = on_crawl)
TROUPE_LIFE(life, struct crawler, struct crawler_config, .init = begin, .fini = end)

TROUPE_ACTOR(crawler) = {
	TROUPE_ABI(crawler),
	.description =
		"Fetches many pages at once, has their words counted in other processes.",
	.state_size = sizeof(struct crawler),
	.config = &crawler_config_type,
	.life = &life,
	.interfaces = {&crawling},
};
