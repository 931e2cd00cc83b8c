/* limit.c - the least that passing messages can cost on one core: what our figures are held
 * against.
 *
 * One thread, actors with intrusive mailboxes, a FIFO run queue, messages of 64 bytes from a
 * free list over slabs, handlers called through a pointer. No bounds, no addresses, no
 * counters, no types, no failures, no timers: nothing that a host of actors is for. Prints one
 * line, "RESULT,NAME,PARAMS,SECONDS,OPS,BYTES-PER-ACTOR,PEAK-KIB".
 *
 *   limit pingpong ROUNDS | ring ACTORS HOPS | ringx ACTORS HOPS | counting MESSAGES BURST
 *         | fanin PRODUCERS MESSAGES | big ACTORS PINGS | broadcast LISTENERS TIMES
 *         | create ACTORS SLICE | idle ACTORS
 *
 * A producer sends BURST messages in a turn, and goes on in its next; with BURST = MESSAGES it
 * fills the memory first. SLICE actors are made before they have their turns. ringx: neighbours
 * are far apart in memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLAB (256u << 10)
#ifndef PAYLOAD /* bytes that each send copies, 64 at least */
#define PAYLOAD 64
#endif

enum tag { GO, BALL, PING, PONG };

struct message {
	struct message *next;
	uint32_t tag, size;
	unsigned char payload[PAYLOAD];
};

struct actor;
typedef void handle_fn(struct actor *me, struct message *message);

struct actor { /* 72 bytes */
	struct message *first, *last;
	struct actor *next; /* in the run queue, or in the free list */
	handle_fn *handle;
	uint32_t generation, number;
	uint32_t is_queued, is_dead;
	struct actor *peer;
	uint64_t left, count;
};

/* Static, for then the compiler knows that no message lies in it, and keeps it in registers: a
 * fifth of a burst. */
static struct {
	struct message *free_messages;
	struct actor *free_actors;
	struct actor *first, *last; /* the run queue */
	struct actor **all;
	uint64_t n_all, burst, ended;
	uint64_t random;
} world = {.random = 88172645463325252ull};
static unsigned char blank[PAYLOAD];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		fail("limit: mmap");
	return at;
}

static __attribute__((noinline)) struct message *grow_messages(void)
{
	struct message *slab = pages(SLAB);

	for (size_t i = 0; i + 1 < SLAB / sizeof(*slab); i++)
		slab[i].next = &slab[i + 1];
	return slab;
}

static __attribute__((noinline)) struct actor *grow_actors(void)
{
	struct actor *slab = pages(SLAB);

	for (size_t i = 0; i + 1 < SLAB / sizeof(*slab); i++)
		slab[i].next = &slab[i + 1];
	return slab;
}

static inline void queue(struct actor *actor)
{
	actor->is_queued = 1;
	actor->next = NULL;
	if (world.last)
		world.last->next = actor;
	else
		world.first = actor;
	world.last = actor;
}

static inline void send(struct actor *to, enum tag tag, const void *payload)
{
	struct message *message = world.free_messages;

	if (__builtin_expect(!message, 0))
		message = grow_messages();
	world.free_messages = message->next;
	message->next = NULL;
	message->tag = tag;
	message->size = PAYLOAD;
	memcpy(message->payload, payload, PAYLOAD);
	if (to->last)
		to->last->next = message;
	else
		to->first = message;
	to->last = message;
	if (!to->is_queued)
		queue(to);
}

static struct actor *spawn(handle_fn *handle)
{
	struct actor *actor = world.free_actors;

	if (!actor)
		actor = grow_actors();
	world.free_actors = actor->next;
	actor->first = actor->last = NULL;
	actor->is_queued = actor->is_dead = 0;
	actor->handle = handle;
	actor->left = actor->count = 0;
	actor->generation++;
	return actor;
}

/* A turn takes what was in the mailbox when it began. */
static void run(void)
{
	struct actor *actor;

	while ((actor = world.first)) {
		struct message *message = actor->first, *next;

		world.first = actor->next;
		if (!world.first)
			world.last = NULL;
		actor->first = actor->last = NULL;
		for (; message; message = next) {
			next = message->next;
			actor->handle(actor, message);
			message->next = world.free_messages;
			world.free_messages = message;
		}
		if (__builtin_expect(actor->is_dead, 0)) {
			actor->next = world.free_actors;
			world.free_actors = actor;
		} else if (actor->first) {
			queue(actor);
		} else {
			actor->is_queued = 0;
		}
	}
}

static uint64_t draw(void)
{
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return world.random;
}

/* ---- handlers */

static void on_ball(struct actor *me, struct message *message)
{
	if (me->left) {
		me->left--;
		me->count++;
		send(me->peer, BALL, message->payload);
	}
}

static void on_token(struct actor *me, struct message *message)
{
	uint64_t left;

	memcpy(&left, message->payload, sizeof(left));
	if (left == 0) {
		world.ended++;
		return;
	}
	left--;
	memcpy(message->payload, &left, sizeof(left));
	send(me->peer, BALL, message->payload);
}

static void on_count(struct actor *me, struct message *message)
{
	(void)message;
	me->count++;
}

static void on_produce(struct actor *me, struct message *message)
{
	uint64_t burst = me->left < world.burst ? me->left : world.burst;

	(void)message;
	for (uint64_t i = 0; i < burst; i++)
		send(me->peer, BALL, blank);
	me->left -= burst;
	if (me->left)
		send(me, GO, blank);
}

static void on_ping_or_pong(struct actor *me, struct message *message)
{
	struct actor *from;

	memcpy(&from, message->payload, sizeof(from));
	memcpy(blank, &me, sizeof(me));
	me->count += message->tag != GO;
	if (message->tag == PING) {
		send(from, PONG, blank);
	} else if (me->left) {
		me->left--;
		send(world.all[draw() % world.n_all], PING, blank);
	}
}

static void on_announce(struct actor *me, struct message *message)
{
	(void)message;
	if (me->left == 0)
		return;
	me->left--;
	for (uint64_t i = 0; i < world.n_all; i++)
		send(world.all[i], BALL, blank);
	send(me, GO, blank);
}

static void on_live(struct actor *me, struct message *message)
{
	(void)message;
	world.ended++;
	me->is_dead = 1;
}

/* ---- measurements: each returns what was done, and adds up its own seconds */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double resident(void)
{
	long all = 0, here = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file) {
		if (fscanf(file, "%ld %ld", &all, &here) != 2)
			here = 0;
		fclose(file);
	}
	return (double)here * (double)sysconf(_SC_PAGESIZE);
}

static long peak_kib(void)
{
	char line[128];
	long peak = 0;
	FILE *file = fopen("/proc/self/status", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &peak) == 1)
			break;
	if (file)
		fclose(file);
	return peak;
}

static double timed_run(void)
{
	double began = now();

	run();
	return now() - began;
}

static void make_all(uint64_t n, handle_fn *handle)
{
	world.all = malloc(n * sizeof(*world.all));
	if (!world.all)
		fail("limit");
	world.n_all = n;
	for (uint64_t i = 0; i < n; i++)
		world.all[i] = spawn(handle);
}

static uint64_t sum_all(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < world.n_all; i++)
		sum += world.all[i]->count;
	return sum;
}

static uint64_t pingpong(uint64_t rounds, uint64_t unused, double *seconds)
{
	(void)unused;
	make_all(2, on_ball);
	for (int i = 0; i < 2; i++) {
		world.all[i]->peer = world.all[1 - i];
		world.all[i]->left = rounds;
	}
	send(world.all[0], BALL, blank);
	*seconds = timed_run();
	return sum_all();
}

static uint64_t ring_of(uint64_t n, uint64_t hops, double *seconds)
{
	for (uint64_t i = 0; i < n; i++)
		world.all[i]->peer = world.all[(i + 1) % n];
	memcpy(blank, &hops, sizeof(hops));
	send(world.all[0], BALL, blank);
	*seconds = timed_run();
	return world.ended ? hops : 0;
}

static uint64_t ring(uint64_t n, uint64_t hops, double *seconds)
{
	make_all(n, on_token);
	return ring_of(n, hops, seconds);
}

static uint64_t ringx(uint64_t n, uint64_t hops, double *seconds)
{
	make_all(n, on_token);
	for (uint64_t i = n; i > 1; i--) {
		uint64_t j = draw() % i;
		struct actor *kept = world.all[j];

		world.all[j] = world.all[i - 1];
		world.all[i - 1] = kept;
	}
	return ring_of(n, hops, seconds);
}

static uint64_t counting(uint64_t messages, uint64_t burst, double *seconds)
{
	struct actor *producer = spawn(on_produce), *counter = spawn(on_count);

	world.burst = burst ? burst : messages;
	producer->left = messages;
	producer->peer = counter;
	send(producer, GO, blank);
	*seconds = timed_run();
	return counter->count;
}

static uint64_t fanin(uint64_t producers, uint64_t messages, double *seconds)
{
	struct actor *counter = spawn(on_count);

	world.burst = 64;
	make_all(producers, on_produce);
	*seconds = now();
	for (uint64_t i = 0; i < producers; i++) {
		world.all[i]->left = messages / producers;
		world.all[i]->peer = counter;
		send(world.all[i], GO, blank);
	}
	run();
	*seconds = now() - *seconds;
	return counter->count;
}

static uint64_t big(uint64_t n, uint64_t pings, double *seconds)
{
	make_all(n, on_ping_or_pong);
	*seconds = now();
	for (uint64_t i = 0; i < n; i++) {
		world.all[i]->left = pings;
		send(world.all[i], GO, blank);
	}
	run();
	*seconds = now() - *seconds;
	return sum_all();
}

static uint64_t broadcast(uint64_t listeners, uint64_t times, double *seconds)
{
	struct actor *announcer = spawn(on_announce);

	make_all(listeners, on_count);
	announcer->left = times;
	send(announcer, GO, blank);
	*seconds = timed_run();
	return sum_all();
}

static uint64_t create(uint64_t actors, uint64_t slice, double *seconds)
{
	*seconds = now();
	for (uint64_t i = 0; i < actors;) {
		for (uint64_t end = i + slice; i < end && i < actors; i++)
			send(spawn(on_live), BALL, blank);
		run();
	}
	*seconds = now() - *seconds;
	return world.ended;
}

static uint64_t idle(uint64_t actors, uint64_t unused, double *seconds)
{
	(void)unused;
	*seconds = now();
	for (uint64_t i = 0; i < actors; i++)
		spawn(on_live);
	*seconds = now() - *seconds;
	return actors;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n_params;
		uint64_t (*measure)(uint64_t first, uint64_t second, double *seconds);
	} measures[] = {
		{"pingpong", 1, pingpong},   {"ring", 2, ring},     {"ringx", 2, ringx},
		{"counting", 2, counting},   {"fanin", 2, fanin},   {"big", 2, big},
		{"broadcast", 2, broadcast}, {"create", 2, create}, {"idle", 1, idle},
	};

	for (size_t i = 0; argc > 2 && i < sizeof(measures) / sizeof(*measures); i++) {
		uint64_t first = strtoull(argv[2], NULL, 10), ops;
		uint64_t second = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
		double seconds = 0, before = resident();

		if (strcmp(argv[1], measures[i].name) != 0)
			continue;
		if (first == 0 || argc != 2 + measures[i].n_params ||
		    (measures[i].n_params == 2 && second == 0))
			break;
		ops = measures[i].measure(first, second, &seconds);
		printf("RESULT,%s,%s%s%s,%.6f,%llu,%.1f,%ld\n", argv[1], argv[2],
		       second ? ":" : "", second ? argv[3] : "", seconds,
		       (unsigned long long)ops,
		       measures[i].measure == idle ? (resident() - before) / (double)first : 0,
		       peak_kib());
		return 0;
	}
	fprintf(stderr,
		"usage: limit pingpong ROUNDS | ring ACTORS HOPS | ringx ACTORS HOPS |\n"
		"             counting MESSAGES BURST | fanin PRODUCERS MESSAGES |\n"
		"             big ACTORS PINGS | broadcast LISTENERS TIMES |\n"
		"             create ACTORS SLICE | idle ACTORS\n");
	return 2;
}
