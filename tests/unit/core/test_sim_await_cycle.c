/* Calls in a circle of handlers that are alone: none would ever be answered. */
#include "core/inside.h"
#include "tasker.h"
#include <troupe/await.h>

/* Alone: each puppet asks that of the next number, but the one whose digit is the text's first,
 * which asks that of the second. */
static int asks_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     const char *text)
{
	struct troupe_answer answer = {0};
	int64_t next = me->id == text[0] - '0' ? text[1] - '0' : me->id + 1;
	int rc = troupe_await(self, world_of(self)->actors[next], &text_method,
			      text_entry.interface, &(struct text){text}, &answer);

	note(self, "%d:asked %s; ", (int)me->id, tasker_word(rc));
	return rc < 0 ? rc : troupe_return(self, call, &text_method, &(struct text){text});
}

static int asks_in_a_task(struct troupe_self *self, struct puppet *me, void *unused,
			  const char *text)
{
	(void)unused;
	return asks_next(self, me, (struct troupe_call){0}, text);
}
TROUPE_TASK(asks_in_a_task, struct puppet, void, const char)

static int has_it_asked(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			const char *text)
{
	(void)me;
	(void)call;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	assert_int_equal(troupe_start(self, scope, &asks_in_a_task_task, NULL,
				      (void *)(uintptr_t)text, NULL),
			 0);
	return troupe_scope_end(self, scope);
}

static void begin_circle(struct world *world)
{
	tasker_begin(world, tasker_waits, 0);
	world->hooks.text = asks_next;
	for (unsigned i = 3; i <= 5; i++) {
		world_unit(world, i, world->tasker, 0, 0, 0);
		world->actors[i] = world_spawn_in(world, i, i);
	}
}

static void await_in_a_circle_of_those_who_are_alone_fails_at_once(void **state)
{
	struct world world;

	(void)state;
	begin_circle(&world);
	tasker_send_text(&world, "42"); /* 2 asks 3, that asks 4, that asks 2 */
	assert_log(&world, "2:text 42; 3:text 42; 4:text 42; log 4 unit4 task Text would wait "
			   "for itself: unit4 -> tasker -> unit3 -> unit4; 4:asked EDEADLK; "
			   "3:asked EIO; 2:asked EIO; ");
	tasker_send_text(&world, "22"); /* itself */
	assert_log(&world, "2:text 22; log 4 tasker task Text would wait for itself: tasker -> "
			   "tasker; 2:asked EDEADLK; ");
	/* a task that it waits for */
	world.hooks.text = has_it_asked;
	tasker_send_text(&world, "22");
	assert_log(&world, "2:text 22; log 4 tasker task asks_in_a_task would wait for itself: "
			   "tasker -> tasker; 2:asked EDEADLK; ");
	world_finish(&world);
}

/* One of them is not alone: it is asked, and answers. */
static int answers_in_between(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	(void)me;
	return troupe_return(self, call, &num_method, &(struct num){n});
}

static int asks_one_who_asks_back(struct troupe_self *self, struct puppet *me,
				  struct troupe_call call, const char *text)
{
	struct troupe_answer answer = {0};
	int rc;

	if (me->id == 2) {
		rc = troupe_await(self, world_of(self)->actors[3], &text_method,
				  text_entry.interface, &(struct text){text}, &answer);
		note(self, "2:asked %s; ", tasker_word(rc));
		return rc;
	}
	rc = troupe_await(self, world_of(self)->actors[4], &num_method, num_entry.interface,
			  &(struct num){1}, &answer);
	note(self, "3:asked %s; ", tasker_word(rc));
	return troupe_return(self, call, &text_method, &(struct text){text});
}

static void await_of_one_who_is_not_alone_is_no_circle(void **state)
{
	struct world world;

	(void)state;
	begin_circle(&world);
	world.test = (void *)answers_in_between;
	world.hooks.text = asks_one_who_asks_back;
	tasker_send_text(&world, "x");
	assert_log(&world, "2:text x; 3:text x; 4:num 1; 3:asked 0; 2:asked 0; ");
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(await_in_a_circle_of_those_who_are_alone_fails_at_once),
		cmocka_unit_test(await_of_one_who_is_not_alone_is_no_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
