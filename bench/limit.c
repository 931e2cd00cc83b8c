/* limit.c - the least that passing messages can cost on one core: what our figures are held against.
 *
 * One thread, actors with intrusive mailboxes, a FIFO run queue, messages of 64 bytes from a free list over slabs, handlers
 * called through a pointer. No bounds, no addresses, no counters, no types, no failures: nothing that a host of actors is
 * for. Prints one line, "RESULT,NAME,PARAMS,SECONDS,OPS,BYTES-PER-ACTOR".
 *
 *   limit pingpong ROUNDS | ring ACTORS HOPS | ringx ACTORS HOPS | idle ACTORS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SLAB    (256u << 10)
#define PAYLOAD 64

struct message {
	struct message *next;
	uint64_t left;
	unsigned char payload[PAYLOAD - 8];
};

struct world;
struct actor {
	struct message *first, **last;
	struct actor *next_ready;
	int (*handle)(struct world *world, struct actor *me, const struct message *message);
	struct actor *peer;
	int is_ready;
};

struct world {
	struct message *free;
	struct actor *ready, **ready_last;
};

static void *pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("limit: mmap");
		exit(1);
	}
	return at;
}

static __attribute__((noinline)) void grow(struct world *world)
{
	struct message *slab = pages(SLAB);

	for (size_t i = 0; i < SLAB / sizeof(*slab); i++) {
		slab[i].next = world->free;
		world->free = &slab[i];
	}
}

static inline void send(struct world *world, struct actor *to, const struct message *what)
{
	struct message *message;

	if (!world->free)
		grow(world);
	message = world->free;
	world->free = message->next;
	memcpy(&message->left, &what->left, PAYLOAD);
	message->next = NULL;
	*to->last = message;
	to->last = &message->next;
	if (!to->is_ready) {
		to->is_ready = 1;
		to->next_ready = NULL;
		*world->ready_last = to;
		world->ready_last = &to->next_ready;
	}
}

static int pass_on(struct world *world, struct actor *me, const struct message *message)
{
	struct message next = *message;

	if (next.left == 0)
		return 1;
	next.left--;
	send(world, me->peer, &next);
	return 0;
}

static void run(struct world *world)
{
	int done = 0;

	while (world->ready && !done) {
		struct actor *actor = world->ready;
		struct message *message = actor->first;

		world->ready = actor->next_ready;
		if (!world->ready)
			world->ready_last = &world->ready;
		actor->first = NULL;
		actor->last = &actor->first;
		actor->is_ready = 0;
		while (message) {
			struct message *next = message->next;

			done |= actor->handle(world, actor, message);
			message->next = world->free;
			world->free = message;
			message = next;
		}
	}
}

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

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[1] : "";
	size_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	size_t second = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	size_t n_actors = strcmp(name, "pingpong") == 0 ? 2 : first;
	uint64_t left = strcmp(name, "pingpong") == 0 ? 2 * first : second;
	struct world world = {.ready_last = &world.ready};
	struct actor *actors, **order;
	double before = resident(), seconds;

	if (n_actors == 0) {
		fprintf(stderr, "usage: limit pingpong ROUNDS | ring ACTORS HOPS | ringx "
				"ACTORS HOPS | idle ACTORS\n");
		return 2;
	}
	seconds = now();
	actors = pages(n_actors * sizeof(*actors));
	for (size_t i = 0; i < n_actors; i++)
		actors[i] = (struct actor){.last = &actors[i].first, .handle = pass_on};
	if (strcmp(name, "idle") == 0) {
		seconds = now() - seconds;
		printf("RESULT,idle,%zu,%.6f,%zu,%.1f\n", first, seconds, first,
		       (resident() - before) / (double)n_actors);
		return 0;
	}
	order = calloc(n_actors, sizeof(*order));
	if (!order)
		return 1;
	for (size_t i = 0; i < n_actors; i++)
		order[i] = &actors[i];
	for (size_t i = n_actors - 1; strcmp(name, "ringx") == 0 && i > 0; i--) {
		size_t j = (size_t)random() % (i + 1);
		struct actor *kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
	for (size_t i = 0; i < n_actors; i++)
		order[i]->peer = order[(i + 1) % n_actors];
	seconds = now();
	send(&world, order[0], &(struct message){.left = left});
	run(&world);
	seconds = now() - seconds;
	printf("RESULT,%s,%s%s%s,%.6f,%llu,0\n", name, argv[2], second ? ":" : "",
	       second ? argv[3] : "", seconds, (unsigned long long)left);
	free(order);
	return 0;
}
