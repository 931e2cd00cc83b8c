/* Mailboxes: their bounds, who waits for room, and messages that are kept. */
#include "core/cold.h"
#include "core/inside.h"
#include "world.h"
#include <errno.h>

/* Puppet 1 sends n times to puppet 2, as far as it gets. */
static int sends(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	(void)call;
	if (me->id == 2)
		return 0;
	for (int64_t i = 1; i <= n; i++) {
		int rc = troupe_send(self, world_of(self)->actors[2], &num_method,
				     &(struct num){i});

		if (rc < 0) {
			world_note(world_of(self), "%d:refused %d; ", (int)me->id, (int)i);
			assert_int_equal(rc, -EAGAIN);
			assert_int_equal(troupe_send(self, world_of(self)->actors[2],
						     &num_method, &(struct num){i}),
					 -EAGAIN);
			/* what is wrong is so in a full mailbox, too */
			assert_int_equal(troupe_send(self, world_of(self)->actors[2],
						     &text_method, &(struct text){"\xff"}),
					 -EINVAL);
			break;
		}
	}
	return 0;
}

static int sends_again(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	(void)me;
	assert_true(troupe_address_equal(where, world_of(self)->actors[2]));
	return troupe_send(self, where, &num_method, &(struct num){100 + me->id});
}

static void full_mailbox_refuses_and_calls_when_half_empty(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 4, 0, 2);
	world.hooks.num = sends;
	world.hooks.room = sends_again;
	world_spawn(&world, 1);
	world_spawn_in(&world, 2, 2);
	world_spawn(&world, 3);
	world_send(&world, world.actors[1], 9);
	world_send(&world, world.actors[3], 9);
	world_run(&world);
	/* batch 2: half empty after the first turn, room for both, in the order in which they
	 * came */
	assert_log(&world,
		   "1:num 9; 1:refused 5; 3:num 9; 3:refused 1; 2:num 1; 2:num 2; 1:room; "
		   "3:room; 2:num 3; 2:num 4; 2:num 101; 2:num 103; ");
	assert_int_equal(runtime_info(world.runtime, world.actors[2], &info), 0);
	assert_int_equal(info.refused, 4);
	assert_int_equal(info.queued, 0);
	world_finish(&world);
}

static int declines(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	(void)self;
	(void)me;
	(void)where;
	return 0;
}

static void room_that_is_not_used_goes_to_the_next(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 1, 0, 0);
	world.hooks.num = sends;
	world.hooks.room = declines;
	world_spawn_in(&world, 2, 2);
	world_send(&world, world.actors[2], 0);
	for (int i = 3; i < 8; i++) {
		world_spawn(&world, i);
		world_send(&world, world.actors[i], 1);
	}
	runtime_stop(world.runtime, world.actors[5]); /* one of them dies before */
	world_run(&world);
	assert_int_equal(world.rooms, 3); /* one got in, one died */
	world_finish(&world);
}

static void mailbox_is_bounded_by_bytes_too(void **state)
{
	char big[600];
	struct world world;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 100, 1024, 0);
	world_spawn_in(&world, 2, 2);
	assert_int_equal(runtime_client_send(world.runtime, world.actors[2], &text_method,
					     &(struct text){big}, 0),
			 0);
	assert_int_equal(runtime_client_send(world.runtime, world.actors[2], &text_method,
					     &(struct text){big}, 0),
			 -EAGAIN);
	world_run(&world);
	assert_int_equal(runtime_client_send(world.runtime, world.actors[2], &text_method,
					     &(struct text){big}, 0),
			 0);
	world_run(&world);
	world_unit(&world, 3, world.type, 100, 512, 0);
	world_spawn_in(&world, 3, 3);
	assert_int_equal(runtime_client_send(world.runtime, world.actors[3], &text_method,
					     &(struct text){big}, 0),
			 -EMSGSIZE);
	world_finish(&world);
}

static int keeps_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      const char *text)
{
	(void)call;
	(void)text;
	return troupe_keep(self, &me->kept);
}

static int releases(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	const struct text *text = troupe_kept_in(me->kept);

	(void)call;
	(void)n;
	assert_string_equal(text->text, "kept");
	troupe_release(self, me->kept);
	return 0;
}

static void kept_message_stays_valid_until_released(void **state)
{
	struct runtime_info info;
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.text = keeps_text;
	world.hooks.num = releases;
	world_spawn(&world, 1);
	runtime_client_send(world.runtime, world.actors[1], &text_method,
			    &(struct text){"kept"}, 0);
	world_run(&world);
	runtime_info(world.runtime, world.actors[1], &info);
	assert_int_equal(info.queued_bytes, 0);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	/* a dying actor releases what it kept */
	runtime_client_send(world.runtime, world.actors[1], &text_method,
			    &(struct text){"kept"}, 0);
	world_run(&world);
	world_finish(&world);
}

static int keeps_all(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct troupe_kept *kept;
	int rc;

	(void)call;
	if (n == 100) { /* the one that releases reaches its actor */
		troupe_release(self, me->kept);
		return 0;
	}
	rc = troupe_keep(self, &kept);
	assert_true(rc == 0 || rc == -ENOBUFS);
	if (rc == 0 && n % 2) { /* kept and released in one handler is as if never kept */
		troupe_release(self, kept);
		assert_int_equal(troupe_keep(self, &kept), 0);
	}
	me->count += rc == 0;
	me->kept = rc == 0 ? kept : me->kept;
	return 0;
}

/* By messages in one unit, by bytes in another: three fit. */
static void keep_too_much(uint32_t mailbox, uint32_t bytes)
{
	const struct puppet *puppet;
	struct world world;

	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, mailbox, bytes, 0);
	world.hooks.num = keeps_all;
	world_spawn_in(&world, 2, 1);
	puppet = actor_find(world.runtime, world.actors[1])->state;
	for (int n = 0; n < 10; n++) {
		assert_int_equal(world_send(&world, world.actors[1], n), 0);
		world_run(&world);
	}
	assert_int_equal(puppet->count, 3);
	/* the mailbox is as empty as ever: all three have room */
	for (int n = 0; n < 3; n++)
		assert_int_equal(world_send(&world, world.actors[1], 100), 0);
	assert_int_equal(world_send(&world, world.actors[1], 100), -EAGAIN);
	world_run(&world);
	assert_int_equal(world_send(&world, world.actors[1], 1), 0);
	world_run(&world);
	assert_int_equal(puppet->count, 4);
	world_finish(&world);
}

static void kept_messages_have_bounds_of_their_own(void **state)
{
	(void)state;
	keep_too_much(3, 0);
	keep_too_much(0, 3 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_mailbox_refuses_and_calls_when_half_empty),
		cmocka_unit_test(room_that_is_not_used_goes_to_the_next),
		cmocka_unit_test(mailbox_is_bounded_by_bytes_too),
		cmocka_unit_test(kept_message_stays_valid_until_released),
		cmocka_unit_test(kept_messages_have_bounds_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
