#include "asking.h"

#include "core/inside.h"
#include <errno.h>

int asking_await(struct troupe_self *self, struct troupe_address to, int64_t n,
		 struct troupe_answer *answer)
{
	return troupe_await(self, to, &num_method, num_entry.interface, &(struct num){n},
			    answer);
}

void asking_note(struct troupe_self *self, int rc, const struct troupe_answer *answer)
{
	note(self, "%s", rc ? strerrorname_np(-rc) : "ok");
	if (rc == 0)
		note(self, " %d", (int)((const struct num *)answer->data)->n);
	if (rc == -EREMOTEIO)
		note(self, " %s %s", answer->error_name,
		     ((const struct text *)answer->data)->text);
	if (answer->code)
		note(self, " (%s)", strerrorname_np(-answer->code));
	if (answer->detail)
		note(self, " (%s)", answer->detail);
	note(self, "; ");
}

void *asking_arg(int64_t n)
{
	return (void *)(uintptr_t)n;
}

/* arg: which Num; asks puppet 2 once */
static int asks(struct troupe_self *self, struct puppet *me, void *n, void *unused)
{
	struct troupe_answer answer = {0};
	int rc;

	(void)me;
	(void)unused;
	rc = asking_await(self, cluster_puppet(self, 2), (int64_t)(uintptr_t)n, &answer);
	note(self, "%d:", (int)(uintptr_t)n);
	asking_note(self, rc, &answer);
	return rc == -ECANCELED || rc == -ETIMEDOUT ? rc : 0;
}
TROUPE_TASK(asks, struct puppet, void, void)

const struct troupe_task_entry *const asking_once = &asks_task;

static int begins(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	const struct asking *asking = world_of(self)->test;

	if (me->id != 1)
		return asking->two(self, me, call, n);
	return troupe_start(self, TROUPE_OF_ACTOR, asking->one, asking_arg(n), NULL, NULL);
}

void asking_begin(struct world *world, struct asking *asking)
{
	world_init(world, 1, NULL);
	world->hooks.num = begins;
	world->test = asking;
	world_spawn(world, 1);
	world_spawn(world, 2);
}

void asking_begin_far(struct cluster *cluster, struct asking *asking)
{
	cluster_begin(cluster, NULL);
	for (int i = 1; i <= 3; i++) {
		cluster->worlds[i].hooks.num = begins;
		cluster->worlds[i].test = asking;
	}
}

void asking_tell(struct world *world, int64_t n)
{
	assert_int_equal(world_send(world, world->actors[1], n), 0);
}

int asking_answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return troupe_fail_parameter(self, call, "n", "too much");
	if (n == 9)
		return -EIO;
	if (n == 10)
		return 0;
	if (n == 11)
		return troupe_fail_permission_denied(self, call);
	return troupe_return(self, call, &num_method, &(struct num){n + 1});
}

struct troupe_self asking_outside(struct world *world, int id)
{
	return (struct troupe_self){.runtime = world->runtime,
				    .actor = actor_find(world->runtime, world->actors[id])};
}

int asking_takes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

void asking_begin_small(struct world *world, struct asking *asking, uint32_t mailbox)
{
	world_init(world, 1, NULL);
	world_unit(world, 2, world->type, mailbox, 0, 0);
	world->hooks.num = begins;
	world->test = asking;
	world_spawn(world, 1);
	world_spawn_in(world, 2, 2);
}
