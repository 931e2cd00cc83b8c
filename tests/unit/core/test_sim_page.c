/* The status page: what is being done, for whoever looks from outside. */
#include "base/page.h"
#include "world.h"

static void assert_doing(struct troupe_self *self, uint64_t doing)
{
	const struct page_thread *thread = &world_of(self)->page->thread;
	struct troupe_address address = troupe_address(self);

	assert_true(thread->type_hash == doing);
	assert_int_equal(thread->actor >> 32, address.slot);
	assert_int_equal((uint32_t)thread->actor, address.generation);
	assert_int_equal(thread->sequence % 2, 1);
	assert_int_equal(thread->version, 1);
}

static int page_of_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct troupe_address child;

	assert_doing(self, num_method.in_hash);
	if (n == 2)
		return troupe_call_keep(self, &call);
	if (me->id == 1 && n == 1) {
		assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){9}, 0, &child),
				 0);
		assert_doing(self, num_method.in_hash); /* again, after the child's init */
		assert_int_equal(troupe_timer_start(self, &tick_entry, 1, 0, 0, NULL), 0);
		return troupe_call(self, world_of(self)->actors[2], &num_method,
				   &(struct num){2}, &num_entry, 0, 1000000, 0, NULL);
	}
	return 0;
}

static int page_of_reply(struct troupe_self *self, struct puppet *me, uint64_t context,
			 const struct troupe_reply *reply)
{
	(void)me;
	(void)context;
	(void)reply;
	assert_doing(self, PAGE_DOING_REPLY);
	return 0;
}

static int page_of_tick(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)me;
	(void)context;
	assert_doing(self, PAGE_DOING_TIMER);
	return 0;
}

static int page_of_init(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	assert_doing(self, PAGE_DOING_INIT);
	return 0;
}

static void page_of_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	(void)me;
	(void)cause;
	assert_doing(self, PAGE_DOING_FINI);
}

static int page_of_cancel(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	(void)me;
	(void)call;
	assert_doing(self, PAGE_DOING_CANCEL);
	return 0;
}

static void page_says_what_is_being_done(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks = (struct hooks){.num = page_of_num,
				     .reply = page_of_reply,
				     .tick = page_of_tick,
				     .init = page_of_init,
				     .fini = page_of_fini,
				     .cancel = page_of_cancel};
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world_send(&world, world.actors[1], 1);
	world_sleep(&world, 3000000);
	assert_log(&world, "1:num 1; 2:num 2; 1:tick0; 2:cancel; 1:reply0 timeout; ");
	assert_int_equal(world.page->thread.sequence % 2, 0);
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_says_what_is_being_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
