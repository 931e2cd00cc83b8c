#include "tasker.h"

#include "core/inside.h"
#include "couple.h"
#include <errno.h>
#include <troupe/await.h>

void tasker_begin(struct world *world, behaviour *two, uint32_t tasks)
{
	world_init(world, 1, NULL);
	assert_int_equal(
		runtime_unit_define(world->runtime,
				    &(struct runtime_unit){.number = 2,
							   .name = "tasker",
							   .type = world->tasker,
							   .task_grace_ns = 100 * TROUPE_MS_NS,
							   .mailbox = 4,
							   .tasks = tasks}),
		0);
	world->hooks.num = couple_call_two;
	world->test = (void *)two;
	world->actors[1] = world_spawn(world, 1);
	world->actors[2] = world_spawn_in(world, 2, 2);
}

void tasker_ask(struct world *world, int64_t n)
{
	assert_int_equal(world_send(world, world->actors[1], 100 + n), 0);
	world_run(world);
}

void tasker_send_none(struct world *world)
{
	assert_int_equal(runtime_client_send(world->runtime, world->actors[2], &none_method,
					     &(struct num){0}, 0),
			 0);
	world_run(world);
}

int tasker_send_text(struct world *world, const char *text)
{
	int rc = runtime_client_send(world->runtime, world->actors[2], &text_method,
				     &(struct text){text}, 0);

	world_run(world);
	return rc;
}

const char *tasker_word(int rc)
{
	return rc < 0 ? strerrorname_np(-rc) : "0";
}

int tasker_waits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	int rc = n ? troupe_sleep(self, (uint64_t)n * TROUPE_MS_NS) : 0;

	note(self, "%d:waited%d %s; ", (int)me->id, (int)n, tasker_word(rc));
	if (rc < 0)
		return rc;
	return n < 50 ? troupe_return(self, call, &num_method, &(struct num){n + 1}) : -EIO;
}

int tasker_waits_long(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	int rc = troupe_sleep(self, 5 * TROUPE_SECOND_NS);

	(void)n;
	(void)call;
	note(self, "%d:%s; ", (int)me->id, tasker_word(rc));
	assert_int_equal(troupe_sleep(self, 1), rc);
	return rc;
}
