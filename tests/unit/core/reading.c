#include "reading.h"

#include "core/inside.h"
#include <errno.h>

struct reading reading;

void reading_begin(int64_t total, uint32_t window)
{
	memset(&reading, 0, sizeof(reading));
	reading.total = total;
	reading.window = window;
}

static void count_sent(void)
{
	reading.sent++;
	if (reading.sent - reading.taken > reading.most_ahead)
		reading.most_ahead = reading.sent - reading.taken;
}

int reading_yield(struct troupe_self *self, struct troupe_call call, int64_t n)
{
	int rc = troupe_reply_wait(self, call, &num_method, &(struct num){n});

	reading.yielded = rc;
	if (rc == 0)
		count_sent();
	return rc;
}

/* A task: yields all, and returns the last. */
static int makes(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_call call = me->kept_call;

	(void)unused;
	(void)unused_too;
	for (int64_t n = 1; n < reading.total; n++) {
		int rc = reading_yield(self, call, n);

		if (rc < 0) {
			note(self, "yield %s; ", strerrorname_np(-rc));
			return 0;
		}
	}
	return troupe_return(self, call, &num_method, &(struct num){reading.total});
}
TROUPE_TASK(makes, struct puppet, void, void)

int reading_starts_making(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_task, NULL, NULL, NULL);
}

int reading_open(struct troupe_self *self, int id, int64_t n, struct troupe_items *items)
{
	return troupe_items_open(self, cluster_puppet(self, id), &num_method,
				 num_entry.interface, &(struct num){n}, reading.window, items);
}

int64_t reading_num(const struct troupe_items *items)
{
	return ((const struct num *)items->now.data)->n;
}

static int reads(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_items items = {0};
	int rc = reading_open(self, 2, 1, &items);

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(rc, 0);
	for (;;) {
		if (reading.nap_ns && troupe_sleep(self, reading.nap_ns) < 0)
			return 0; /* its actor ends */
		rc = troupe_items_next(self, &items);
		if (rc <= 0)
			break;
		reading.taken++;
		assert_int_equal(reading_num(&items), ++reading.n_read);
		if (reading.n_read == reading.leave_after) {
			if (reading.closes)
				troupe_items_close(self, &items);
			return 0;
		}
	}
	note(self, "%s; ", rc ? strerrorname_np(-rc) : "end");
	assert_int_equal(troupe_items_next(self, &items), rc == -ECANCELED ? rc : 0);
	assert_true(items.now.data == NULL);
	troupe_items_close(self, &items);
	assert_int_equal(troupe_items_next(self, &items), -EINVAL);
	troupe_items_close(self, &items);
	return 0;
}
TROUPE_TASK(reads, struct puppet, void, void)

const struct troupe_task_entry *const reading_reads = &reads_task;
const struct troupe_task_entry *reading_task;

/* Puppet 1 starts the reader; the others do what the test's behaviour says. */
static int begins(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	if (me->id != 1)
		return ((behaviour *)world_of(self)->test)(self, me, call, n);
	return troupe_start(self, TROUPE_OF_ACTOR, reading_task, NULL, NULL, NULL);
}

void reading_begin_near(struct world *world, behaviour *two)
{
	world_init(world, 1, NULL);
	world->hooks.num = begins;
	world->test = (void *)two;
	world_spawn(world, 1);
	world_spawn(world, 2);
}

void reading_begin_far(struct cluster *cluster, behaviour *two)
{
	cluster_begin(cluster, two);
	for (int i = 1; i <= 3; i++)
		cluster->worlds[i].hooks.num = begins;
}

void reading_tell(struct world *world)
{
	assert_int_equal(world_send(world, world->actors[1], 0), 0);
}

void reading_sleep_all(struct cluster *cluster, uint64_t ns)
{
	for (int i = 1; i <= 3; i++)
		if (cluster->net.worlds[i])
			world_sleep(&cluster->worlds[i], ns);
	net_run(&cluster->net);
}

void reading_assert_over(const struct world *world)
{
	assert_int_equal(world->runtime->items.count, 0);
	assert_int_equal(world->runtime->kept.count, 0);
	assert_int_equal(world->runtime->calls.count, 0);
	assert_int_equal(world->runtime->tasks.count, 0);
}
