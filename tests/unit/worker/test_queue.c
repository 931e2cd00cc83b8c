/* test_queue.c - channels, semaphores, events, for_all and race of a plug-in in a real
 * worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"
#include <stdio.h>

#define QUEUE "io.troupe.test.queue"

static struct stage_worker *begin(struct stage *s, struct troupe_address *ret_actor)
{
	struct stage_worker *w;

	stage_begin(s);
	w = stage_start(s, 1);
	*ret_actor = stage_cast(w, 7, "queue", "queue", "");
	return w;
}

static int64_t call(struct stage_worker *w, struct troupe_address actor, const char *method,
		    const char *parameters)
{
	char qualified[64];

	snprintf(qualified, sizeof(qualified), QUEUE ".%s", method);
	return stage_call(w, actor, qualified, parameters, 0, 0);
}

static void expect(struct stage_worker *w, int64_t number, const char *answer)
{
	assert_reply(stage_reply(w, number, 0), NULL, answer);
}

static void handlers_hand_numbers_to_tasks_in_turn(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	int64_t gets[3], late;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	/* the second gives up before there is anything, and leaves nothing behind */
	gets[0] = call(w, actor, "Get", "{\"ms\":60000}");
	gets[1] = call(w, actor, "Get", "{\"ms\":1}");
	gets[2] = call(w, actor, "Get", "{\"ms\":60000}");
	assert_reply(stage_reply(w, gets[1], 0), "io.troupe.Control.NoReply", NULL);
	expect(w, call(w, actor, "Put", "{\"number\":11}"), "{}");
	expect(w, call(w, actor, "Put", "{\"number\":22}"), "{}");
	expect(w, gets[0], "{\"number\":11}");
	expect(w, gets[2], "{\"number\":22}");
	/* four have room; the fifth is refused, and the first four are got */
	for (int i = 0; i < 4; i++)
		expect(w, call(w, actor, "Put", "{\"number\":5}"), "{}");
	assert_reply(stage_reply(w, call(w, actor, "Put", "{\"number\":6}"), 0),
		     "io.troupe.Control.Failed", NULL);
	for (int i = 0; i < 4; i++)
		expect(w, call(w, actor, "Get", "{\"ms\":60000}"), "{\"number\":5}");
	late = call(w, actor, "Get", "{\"ms\":60000}");
	expect(w, call(w, actor, "Close", ""), "{}");
	assert_reply(stage_reply(w, late, 0), "io.troupe.Control.NoReply", NULL);
	stage_end(&s);
}

static void many_tasks_and_one_work_together(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	expect(w, call(w, actor, "Squares", "{\"numbers\":2000,\"tasks\":50}"),
	       "{\"sum\":2668667000}");
	expect(w, call(w, actor, "Squares", "{\"numbers\":1,\"tasks\":1}"), "{\"sum\":1}");
	expect(w, call(w, actor, "Race", "{\"first\":60000,\"second\":2,\"third\":60000}"),
	       "{\"winner\":1}");
	stage_end(&s);
}

static void actor_that_is_stopped_leaves_nobody_waiting(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	call(w, actor, "Get", "{\"ms\":600000}");
	call(w, actor, "Race", "{\"first\":600000,\"second\":600000,\"third\":600000}");
	call(w, actor, "Squares", "{\"numbers\":100000,\"tasks\":900}");
	expect(w, call(w, actor, "Put", "{\"number\":1}"), "{}");
	stage_tell(w, &worker_shutdown_method, "");
	assert_int_equal(stage_wait_dead(w), 0);
	assert_int_equal(w->finisheds, 1);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers_hand_numbers_to_tasks_in_turn),
		cmocka_unit_test(many_tasks_and_one_work_together),
		cmocka_unit_test(actor_that_is_stopped_leaves_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
