/* crawl.c - keep an http_client busy with so many calls, and count what it answers. */
#include "crawl.varlink.h"
#include "http-client.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <troupe/actor.h>

struct crawl {
	struct crawl_crawl_call call;
	struct troupe_kept *kept; /* the message of that call; NULL: none is under way */
	struct troupe_address client;
	const char *url;
	int64_t left, on_the_way, most;
	struct crawl_crawl_out out;
	double began;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int on_page(struct troupe_self *self, struct crawl *me, uint64_t context,
		   const struct http_client_get_reply *reply);
HTTP_CLIENT_GET_REPLY(on_page, struct crawl)

/* As many calls as there may be. */
static int ask(struct troupe_self *self, struct crawl *me)
{
	const struct http_client_get page = {.url = me->url};

	while (me->left && me->on_the_way < me->most) {
		int r = http_client_get_ask(self, me->client, &page, &on_page_entry, 0, 0,
					    NULL);

		if (r == -EAGAIN)
			return 0; /* on_room follows */
		if (r < 0)
			return r;
		me->left--;
		me->on_the_way++;
	}
	return 0;
}

static int on_page(struct troupe_self *self, struct crawl *me, uint64_t context,
		   const struct http_client_get_reply *reply)
{
	(void)context;
	me->on_the_way--;
	if (reply->status == TROUPE_OK && reply->out->response.status == 200) {
		me->out.fetched++;
		me->out.bytes += (int64_t)strlen(reply->out->response.text);
	} else {
		me->out.failed++;
	}
	if (me->left || me->on_the_way)
		return ask(self, me);
	me->out.seconds = now() - me->began;
	troupe_release(self, me->kept);
	me->kept = NULL;
	return crawl_crawl_return(self, me->call, &me->out);
}

static int on_room(struct troupe_self *self, struct crawl *me, struct troupe_address where,
		   struct troupe_call call)
{
	(void)where;
	(void)call;
	return me->kept ? ask(self, me) : 0;
}

static int on_crawl(struct troupe_self *self, struct crawl *me, struct crawl_crawl_call call,
		    const struct crawl_crawl *in)
{
	int r;

	if (me->kept)
		return -EBUSY;
	if (in->pages < 1 || in->onTheWay < 1)
		return crawl_crawl_fail_parameter(self, call, "pages", "must be at least 1");
	*me = (struct crawl){.url = in->url, .left = in->pages, .most = in->onTheWay};
	r = troupe_find(self, in->client, &me->client);
	if (r == 0)
		r = troupe_keep(self, &me->kept);
	if (r == 0)
		r = crawl_crawl_keep(self, &call);
	if (r < 0)
		return r;
	me->call = call;
	me->began = now();
	return ask(self, me);
}

CRAWL_HANDLERS(crawling, struct crawl, .crawl = on_crawl)
TROUPE_LIFE(crawl_life, struct crawl, void, .on_room = on_room)

TROUPE_ACTOR(crawl) = {
	TROUPE_ABI(crawl),         .state_size = sizeof(struct crawl), .life = &crawl_life,
	.interfaces = {&crawling}, .entries = {&on_page_entry},
};
