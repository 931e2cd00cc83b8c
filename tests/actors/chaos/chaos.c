/* chaos.c - whatever tasks may do, in an order that a seed decides.
 *
 * Each task has random numbers of its own, so a seed does the same again as far as time allows.
 * What a deed may return is listed with it; anything else, and any answer that is not right, is
 * logged as "chaos: ..." and fails the deed. */
#include "chaos.varlink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/child.h>
#include <troupe/file.h>
#include <troupe/items.h>
#include <troupe/names.h>
#include <troupe/pool.h>
#include <troupe/stream.h>
#include <troupe/sync.h>
#include <unistd.h>

#define MANY     4
#define LINE_MAX 300

struct chaos {
	const char **others;
	size_t n_others, n_deeds;
	struct troupe_channel channel; /* of int64_t: what was put is `mark` */
	struct troupe_semaphore lock;  /* one at a time */
	struct troupe_event event;
	struct troupe_listener listener;
	char place[TROUPE_PLACE_MAX];
	int64_t playing;
	int holders; /* of the lock */
};

struct player {
	uint64_t random; /* never 0 */
	int64_t deeds, depth, done;
};

static const int64_t mark = 0x6d61726b;

/* xorshift64*, Vigna 2016 */
static uint64_t pick(struct player *player, uint64_t below)
{
	player->random ^= player->random >> 12;
	player->random ^= player->random << 25;
	player->random ^= player->random >> 27;
	return ((player->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static uint64_t pick_ns(struct player *player)
{
	return pick(player, 4) ? pick(player, 3 * TROUPE_MS_NS) + 1 : 1;
}

static struct player beget(struct player *player)
{
	return (struct player){
		.random = (pick(player, UINT32_MAX) << 32) + pick(player, UINT32_MAX) + 1,
		.deeds = player->depth > 0 ? 1 + (int64_t)pick(player, 4) : 0,
		.depth = player->depth - 1,
	};
}

static int wrong(struct troupe_self *self, const char *what, int64_t value)
{
	troupe_log(self, 3, "chaos: %s: %lld", what, (long long)value);
	return -EPROTO;
}

static bool is_cut(int64_t rc)
{
	return rc == -ECANCELED || rc == -ETIMEDOUT;
}

/* Nothing more is to be had now: of tasks, of memory, of a unit's share. */
static bool is_lack(int64_t rc)
{
	return rc == -EAGAIN || rc == -ENOMEM || rc == -EMFILE || rc == -ENOBUFS ||
	       rc == -EBUSY;
}

/* What an answer may be that did not come: others end, are killed, are stopped and fail. */
static bool is_lost(int64_t rc)
{
	return rc == -ECONNRESET || rc == -ESRCH || rc == -ENODATA || rc == -EIO ||
	       rc == -ECANCELED || rc == -ETIMEDOUT || rc == -EDEADLK;
}

static int play(struct troupe_self *self, struct chaos *me, struct player *player,
		void *unused);
TROUPE_TASK(play, struct chaos, struct player, void)

/* What it does with a result: go on, or fail. -EPROTO has been logged where it came from. */
static int judge(struct troupe_self *self, const char *what, int64_t rc)
{
	if (rc >= 0 || is_cut(rc) || is_lack(rc) || rc == -EREMOTEIO)
		return 0;
	return rc == -EPROTO ? -EPROTO : wrong(self, what, rc);
}

/* ------------------------------------------------------------------ scopes and tasks */

static int sleeps(struct troupe_self *self, struct chaos *me, struct player *player)
{
	(void)me;
	return judge(self, "sleep",
		     pick(player, 3) ? troupe_sleep(self, pick_ns(player))
				     : troupe_yield(self));
}

static int in_scope(struct troupe_self *self, struct chaos *me, struct player *player)
{
	const bool is_shield = pick(player, 3) == 0, is_left = pick(player, 4) == 0;
	struct player inside = beget(player);
	struct troupe_scope scope;
	int rc = is_shield ? troupe_scope_shield(self, pick_ns(player), &scope)
			   : troupe_scope_begin(self, pick_ns(player), &scope);

	if (rc < 0)
		return judge(self, "scope", rc);
	rc = play(self, me, &inside, NULL);
	player->done += inside.done;
	if (rc < 0 || is_left) /* it ends with the task */
		return rc;
	if (pick(player, 4) == 0)
		troupe_scope_cancel(self, scope);
	return judge(self, "end of a scope", troupe_scope_end(self, scope));
}

static int nursery(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct player children[MANY];
	struct troupe_task tasks[MANY] = {0};
	const unsigned n = 1 + (unsigned)pick(player, MANY);
	int rc = 0, result;

	(void)me;
	TROUPE_SCOPE(scope, self, pick(player, 2) ? TROUPE_UNLIMITED : pick_ns(player));
	for (unsigned i = 0; i < n && rc == 0; i++) {
		children[i] = beget(player);
		rc = troupe_start(self, scope, &play_task, &children[i], NULL,
				  pick(player, 2) ? &tasks[i] : NULL);
	}
	if (rc < 0)
		return judge(self, "start", rc);
	for (unsigned i = 0; i < n; i++) {
		if (!tasks[i].id)
			continue;
		if (pick(player, 3) == 0)
			(void)troupe_task_cancel(self, tasks[i]);
		if (pick(player, 2) == 0) {
			rc = troupe_join(self, tasks[i], &result);
			if (rc < 0 && !is_cut(rc))
				return wrong(self, "join", rc);
		}
	}
	if (pick(player, 4) == 0)
		return 0; /* the scope is cancelled and ended */
	rc = troupe_scope_end(self, scope);
	for (unsigned i = 0; i < n; i++)
		player->done += children[i].done;
	return judge(self, "a nursery", rc);
}

static int all_of_them(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct player items[5 * MANY] = {0};
	const size_t n = pick(player, 5 * MANY);
	int rc;

	(void)me;
	for (size_t i = 0; i < n; i++)
		items[i] = beget(player);
	rc = troupe_for_all(self, &play_task, items, sizeof(items[0]), n,
			    1 + pick(player, MANY), NULL);
	for (size_t i = 0; i < n; i++)
		player->done += items[i].done;
	return judge(self, "for all", rc);
}

static int first_of_them(struct troupe_self *self, struct chaos *me, struct player *player)
{
	const struct troupe_task_entry *entries[MANY];
	struct player players[MANY];
	void *args[MANY];
	const size_t n = 1 + pick(player, MANY);
	int rc;

	(void)me;
	for (size_t i = 0; i < n; i++) {
		players[i] = beget(player);
		args[i] = &players[i];
		entries[i] = &play_task;
	}
	rc = troupe_race(self, n, entries, args, NULL);
	return rc >= (int)n ? wrong(self, "race", rc) : judge(self, "race", rc);
}

static int detached(struct troupe_self *self, struct chaos *me, struct player *given,
		    void *unused)
{
	struct player player = *given;

	(void)unused;
	free(given);
	return play(self, me, &player, NULL);
}
TROUPE_TASK(detached, struct chaos, struct player, void)

static int detaches(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct player *copy = malloc(sizeof(*copy));
	int rc;

	(void)me;
	if (!copy)
		return 0;
	*copy = beget(player);
	rc = troupe_start(self, TROUPE_OF_ACTOR, &detached_task, copy, NULL, NULL);
	if (rc < 0)
		free(copy);
	return judge(self, "detach", rc);
}

/* ------------------------------------------------------------------ others */

static int find(struct troupe_self *self, struct chaos *me, struct player *player,
		struct troupe_address *ret_other)
{
	return troupe_find(self, me->others[pick(player, me->n_others)], ret_other);
}

static int asks(struct troupe_self *self, struct chaos *me, struct player *player)
{
	const struct chaos_add in = {(int64_t)pick(player, 1000), (int64_t)pick(player, 1000)};
	struct chaos_add_answer answer = {0};
	struct troupe_address other;
	int rc = find(self, me, player, &other);

	if (rc < 0)
		return 0;
	rc = chaos_add_await(self, other, &in, &answer);
	if (rc == 0 && answer.out->sum != in.a + in.b)
		return wrong(self, "a sum", answer.out->sum);
	return is_lost(rc) ? 0 : judge(self, "await", rc);
}

static int has_others_play(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct player there = beget(player);
	struct chaos_play_answer played = {0};
	struct chaos_reign_answer reigned = {0};
	struct troupe_address other;
	int rc = find(self, me, player, &other);

	if (rc < 0 || player->depth <= 0)
		return 0;
	rc = pick(player, 4)
		     ? chaos_play_await(self, other,
					&(struct chaos_play){(int64_t)there.random, there.deeds,
							     there.depth},
					&played)
		     : chaos_reign_await(self, other,
					 &(struct chaos_reign){(int64_t)there.random,
							       there.deeds, there.depth},
					 &reigned);
	if (rc == 0)
		player->done += played.out ? played.out->done : reigned.out->done;
	return is_lost(rc) ? 0 : judge(self, "play of others", rc);
}

static int reads_items(struct troupe_self *self, struct chaos *me, struct player *player)
{
	const struct chaos_count in = {
		.count = (int64_t)pick(player, 100),
		.bytes = (int64_t)pick(player, 2) * (int64_t)pick(player, 100000),
		.seed = (int64_t)pick(player, UINT32_MAX) + 1,
	};
	const bool is_read = pick(player, 2) != 0;
	struct chaos_count_items items = {0};
	struct troupe_address other;
	int64_t next = 0;
	int rc = find(self, me, player, &other);

	if (rc < 0)
		return 0;
	rc = chaos_count_open(self, other, &in, 1 + (uint32_t)pick(player, 20), &items);
	while (rc >= 0 && (rc = chaos_count_next(self, &items)) > 0) {
		if (items.out->number != next || strlen(items.out->padding) != (size_t)in.bytes)
			return wrong(self, "an item", items.out->number);
		next++;
		if (!is_read && pick(player, 10) == 0)
			break;
	}
	if (rc == 0 && next != in.count)
		return wrong(self, "the end of items", next);
	if (pick(player, 2)) /* else it ends with the task */
		chaos_count_close(self, &items);
	return is_lost(rc) ? 0 : judge(self, "items", rc);
}

/* ------------------------------------------------------------------ between tasks */

static int puts_or_gets(struct troupe_self *self, struct chaos *me, struct player *player)
{
	int64_t got = mark;
	int rc;

	switch (pick(player, 4)) {
	case 0:
		rc = troupe_try_put(self, me->channel, &mark);
		break;
	case 1:
		rc = troupe_try_get(self, me->channel, &got);
		break;
	case 2:
		rc = troupe_put(self, me->channel, &mark);
		break;
	default:
		rc = troupe_get(self, me->channel, &got);
		break;
	}
	return got != mark ? wrong(self, "an item of a channel", got)
			   : judge(self, "channel", rc);
}

static int locks(struct troupe_self *self, struct chaos *me, struct player *player)
{
	int rc = troupe_acquire(self, me->lock), slept;

	if (rc < 0)
		return judge(self, "lock", rc);
	if (me->holders++ != 0)
		return wrong(self, "holders of the lock", me->holders);
	slept = troupe_sleep(self, pick_ns(player));
	me->holders--;
	rc = troupe_give_back(self, me->lock);
	return rc < 0 ? wrong(self, "unlock", rc) : judge(self, "sleep with the lock", slept);
}

static int meets(struct troupe_self *self, struct chaos *me, struct player *player)
{
	switch (pick(player, 3)) {
	case 0:
		return judge(self, "event", troupe_event_set(self, me->event));
	case 1:
		return judge(self, "event", troupe_event_clear(self, me->event));
	default:
		return judge(self, "event", troupe_event_wait(self, me->event));
	}
}

/* ------------------------------------------------------------------ outside */

struct work {
	useconds_t us;
	uint64_t in, out;
};

static int works(struct troupe_job *job, void *arg)
{
	struct work *work = arg;

	(void)troupe_job_progress(job, 1, 2);
	usleep(work->us);
	work->out = work->in + 1;
	return troupe_job_cancelled(job) ? 1 : 0;
}

static int blocks(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct work work = {.us = (useconds_t)pick(player, 2000), .in = pick(player, 100)};
	int rc = troupe_blocking(self, works, &work);

	(void)me;
	if (rc >= 0 && work.out != work.in + 1)
		return wrong(self, "what a job did", (int64_t)work.out);
	return judge(self, "job", rc);
}

static int starts_child(struct troupe_self *self, struct chaos *me, struct player *player)
{
	static const char *const quick[] = {"true", NULL},
				 *const slow[] = {"sleep", "0.01", NULL},
				 *const none[] = {"no-such-program", NULL};
	const unsigned which = (unsigned)pick(player, 5);
	struct troupe_child child;
	struct troupe_scope shield;
	int status, rc;

	(void)me;
	rc = troupe_child_start(self,
				which == 0   ? none
				: which == 1 ? slow
					     : quick,
				NULL, &child);
	if (rc < 0)
		return which == 0 && rc == -ENOENT ? 0 : judge(self, "child", rc);
	if (which == 0)
		return wrong(self, "a program that is not there", rc);
	rc = troupe_child_wait(self, child, &status);
	if (is_cut(rc) && troupe_scope_shield(self, TROUPE_SECOND_NS, &shield) == 0) {
		rc = troupe_child_wait(self, child,
				       &status); /* who takes no statuses collects them */
		(void)troupe_scope_end(self, shield);
	}
	return rc == 0 && status != 0 ? wrong(self, "a child's status", status)
				      : judge(self, "a child's end", rc);
}

static int looks_outside(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct sockaddr_storage addresses[2];
	char text[64];
	ssize_t n;
	int fd;

	(void)me;
	if (pick(player, 2)) {
		n = troupe_resolve(self, "localhost", "80", addresses, 2);
		return n == 0 ? wrong(self, "names", n) : judge(self, "names", n);
	}
	fd = troupe_file_open(self, "/proc/self/comm", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return judge(self, "open", fd);
	n = troupe_file_read(self, fd, text, sizeof(text), 0);
	close(fd);
	return n == 0 ? wrong(self, "read", n) : judge(self, "read", n);
}

/* A line there and back. It may be cut anywhere; the other end sees that, too. */
static int converse(struct troupe_self *self, struct player *player,
		    struct troupe_stream stream)
{
	char line[LINE_MAX];
	const size_t size = 1 + pick(player, sizeof(line) - 1);
	const char *text;
	ssize_t n;

	memset(line, 'a', size - 1);
	line[size - 1] = '\n';
	n = troupe_write(self, stream, line, size);
	if (n == 0 && pick(player, 4)) {
		n = troupe_read_until(self, stream, "\n", LINE_MAX, &text);
		if (n > 0 && ((size_t)n != size || memcmp(text, line, size) != 0))
			return wrong(self, "an echo", n);
	}
	return n == -EPIPE || n == -ECONNRESET ? 0 : judge(self, "a line", n);
}

static int connects(struct troupe_self *self, struct chaos *me, struct player *player)
{
	struct troupe_stream stream;
	int rc = troupe_connect(self, me->place, &stream);

	if (rc < 0)
		return judge(self, "connect", rc);
	rc = converse(self, player, stream);
	troupe_close(self, stream);
	return rc;
}

static int echo(struct troupe_self *self, struct chaos *me, struct troupe_stream *stream,
		void *unused)
{
	const char *text;
	ssize_t n;

	(void)me;
	(void)unused;
	while ((n = troupe_read_until(self, *stream, "\n", LINE_MAX, &text)) > 0)
		if (troupe_write(self, *stream, text, (size_t)n) < 0)
			break;
	return 0;
}
TROUPE_TASK(echo, struct chaos, struct troupe_stream, void)

static int serve(struct troupe_self *self, struct chaos *me, void *unused, void *unused_too)
{
	int rc = troupe_serve(self, me->listener, &echo_task, NULL, 100);

	(void)unused;
	(void)unused_too;
	return rc < 0 ? judge(self, "serve", rc) : 0;
}
TROUPE_TASK(serve, struct chaos, void, void)

/* ------------------------------------------------------------------ the play */

typedef int deed_fn(struct troupe_self *self, struct chaos *me, struct player *player);

static deed_fn *const deeds[] = {
	sleeps,          in_scope,     in_scope,     nursery,       nursery,  all_of_them,
	first_of_them,   detaches,     asks,         asks,          asks,     reads_items,
	reads_items,     puts_or_gets, puts_or_gets, locks,         meets,    has_others_play,
	has_others_play, blocks,       starts_child, looks_outside, connects,
};
#define DEEDS  (sizeof(deeds) / sizeof(deeds[0]))
#define INSIDE (DEEDS - 4) /* the last of them leave the runtime */

static int play(struct troupe_self *self, struct chaos *me, struct player *player, void *unused)
{
	int rc = 0;

	(void)unused;
	me->playing++;
	for (int64_t i = 0; i < player->deeds && rc == 0; i++) {
		struct troupe_scope scope;
		bool has_scope = troupe_scope_begin(self, 20 * TROUPE_MS_NS, &scope) == 0;

		rc = deeds[pick(player, me->n_deeds)](self, me, player);
		player->done++;
		if (has_scope && rc == 0)
			(void)troupe_scope_end(self, scope);
	}
	me->playing--;
	return rc;
}

static struct player invite(int64_t seed, int64_t n, int64_t depth)
{
	return (struct player){.random = seed ? (uint64_t)seed : 1, .deeds = n, .depth = depth};
}

static int on_play(struct troupe_self *self, struct chaos *me, struct chaos_play_call call,
		   const struct chaos_play *in)
{
	struct player player = invite(in->seed, in->deeds, in->depth);
	int rc = play(self, me, &player, NULL);

	return rc < 0 ? rc
		      : chaos_play_return(self, call, &(struct chaos_play_out){player.done});
}

static int on_reign(struct troupe_self *self, struct chaos *me, struct chaos_reign_call call,
		    const struct chaos_reign *in)
{
	struct player player = invite(in->seed, in->deeds, in->depth);
	int rc = play(self, me, &player, NULL);

	return rc < 0 ? rc
		      : chaos_reign_return(self, call, &(struct chaos_reign_out){player.done});
}

static int on_add(struct troupe_self *self, struct chaos *me, struct chaos_add_call call,
		  const struct chaos_add *in)
{
	(void)me;
	return chaos_add_return(self, call, &(struct chaos_add_out){in->a + in->b});
}

static int on_count(struct troupe_self *self, struct chaos *me, struct chaos_count_call call,
		    const struct chaos_count *in)
{
	struct player player = invite(in->seed, 0, 0);
	char *padding = malloc((size_t)in->bytes + 1);
	int rc = padding ? 0 : -ENOMEM;

	(void)me;
	if (padding) {
		memset(padding, 'x', (size_t)in->bytes);
		padding[in->bytes] = 0;
	}
	for (int64_t i = 0; i < in->count && rc == 0; i++) {
		rc = chaos_count_yield(self, call, &(struct chaos_count_out){i, padding});
		if (rc == 0 && pick(&player, 20) == 0)
			rc = troupe_sleep(self, pick_ns(&player));
	}
	free(padding);
	return rc == -EPIPE ? 0 : rc < 0 && !is_cut(rc) ? judge(self, "yield", rc) : rc;
}

static int on_playing(struct troupe_self *self, struct chaos *me,
		      struct chaos_playing_call call, const struct chaos_playing *in)
{
	(void)in;
	return chaos_playing_return(self, call, &(struct chaos_playing_out){me->playing});
}

static int init(struct troupe_self *self, struct chaos *me, const struct chaos_config *config)
{
	int rc;

	me->n_others = config->others.count;
	me->others = calloc(me->n_others, sizeof(*me->others));
	if (!me->others)
		return -ENOMEM;
	for (size_t i = 0; i < me->n_others; i++) {
		me->others[i] = strdup(config->others.items[i]);
		if (!me->others[i])
			return -ENOMEM;
	}
	rc = troupe_channel_open(self, sizeof(mark), MANY, &me->channel);
	if (rc == 0)
		rc = troupe_semaphore_open(self, 1, &me->lock);
	if (rc == 0)
		rc = troupe_event_open(self, &me->event);
	me->n_deeds = DEEDS;
	if (rc == 0 && config->inside && *config->inside) {
		me->n_deeds = INSIDE;
		return 0;
	}
	if (rc == 0)
		rc = troupe_listen(self, "tcp:127.0.0.1:0", &me->listener);
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	return rc < 0 ? rc : troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL);
}

static void fini(struct troupe_self *self, struct chaos *me, enum troupe_cause cause)
{
	(void)cause;
	if (me->playing != 0)
		(void)wrong(self, "tasks behind the end", me->playing);
	for (size_t i = 0; me->others && i < me->n_others; i++)
		free((char *)(uintptr_t)me->others[i]);
	free(me->others);
}
TROUPE_LIFE(living, struct chaos, struct chaos_config, .init = init, .fini = fini)
CHAOS_HANDLERS(playing, struct chaos, .play_task = on_play, .reign_alone = on_reign,
	       .add = on_add, .count_task = on_count, .playing = on_playing)
TROUPE_ACTOR(chaos) = {TROUPE_ABI(chaos), .state_size = sizeof(struct chaos),
		       .config = &chaos_config_type, .life = &living, .interfaces = {&playing}};
