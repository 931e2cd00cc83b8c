/* test_sim_budget.c - what one unit may have of its worker's memory, and what it leaves to the
 * others. */
#include "base/clock.h"
#include "base/random.h"
#include "core/cold.h"
#include "core/inside.h"
#include "core/share.h"
#include "world.h"
#include <errno.h>

#define MIB    ((uint64_t)1 << 20)
#define BUDGET (16 * MIB)
#define TEXT   (15000u)
#define HOGS   400

struct scene {
	struct troupe_address hogs[HOGS], sink;
	char text[TEXT + 1];
	int last; /* result of the last send of a sender */
	int64_t sent, refused, got, rooms;
};

static struct scene *scene_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static uint64_t memory(const struct world *world)
{
	return slab_bytes(&world->runtime->messages) + slab_bytes(&world->runtime->states);
}

static bool is_hog(const struct world *world, uint32_t unit)
{
	return definition_find(world->runtime, unit)->share->is_hog;
}

static int send_text(struct world *world, struct troupe_address to)
{
	struct scene *scene = world->test;

	return runtime_client_send(world->runtime, to, &text_method,
				   &(struct text){scene->text}, 0);
}

/* ------------------------------------------------------------------ hogs */

/* They keep what they get for ever; what is refused to be kept is dropped. */
static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 const char *text)
{
	struct troupe_kept *kept;

	(void)call;
	(void)text;
	if (me->id != 100)
		return 0;
	scene_of(self)->last = troupe_keep(self, &kept);
	return 0;
}

static int drops(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 const char *text)
{
	(void)self;
	(void)call;
	(void)text;
	me->count++;
	return 0;
}

static void begin(struct world *world, struct scene *scene, uint64_t budget)
{
	*scene = (struct scene){0};
	memset(scene->text, 'x', TEXT);
	world_init(world, 1, &(struct runtime_config){.memory = budget});
	world->test = scene;
	world->hooks.text = drops;
	world_unit(world, 2, world->type, 0, 0, 0);
	world_unit(world, 3, world->type, 0, 0, 0);
	for (int i = 0; i < HOGS; i++)
		scene->hogs[i] = world_spawn_in(world, 2, 100);
	scene->sink = world_spawn_in(world, 3, 3);
}

static void finish(struct world *world)
{
	runtime_stop_all(world->runtime);
	world_run(world);
	world_sleep(world, 5 * CLOCK_SECOND_NS);
	world_assert_empty(world);
	assert_false(world->runtime->budget.timer.started);
	world_fini(world);
}

/* Fill the mailboxes of unit 2, in which nobody has a turn meanwhile, until all are refused. */
static uint64_t fill(struct world *world, struct scene *scene)
{
	uint64_t n = 0;
	bool any;

	do {
		any = false;
		for (int i = 0; i < HOGS; i++)
			if (send_text(world, scene->hogs[i]) == 0) {
				any = true;
				n++;
			}
	} while (any);
	return n;
}

static void unit_cannot_fill_its_workers_memory(void **state)
{
	struct scene scene;
	struct world world;
	uint64_t n;

	(void)state;
	begin(&world, &scene, BUDGET);
	/* its mailboxes have room for 3 GiB */
	n = fill(&world, &scene);
	assert_true(is_hog(&world, 2));
	assert_false(is_hog(&world, 3));
	assert_in_range(n * TEXT, BUDGET / 2, BUDGET * 7 / 8);
	assert_in_range(memory(&world), BUDGET / 2, BUDGET);
	/* the neighbour gets through */
	for (int i = 0; i < 100; i++)
		assert_int_equal(send_text(&world, scene.sink), 0);
	assert_false(is_hog(&world, 3));
	assert_int_equal(send_text(&world, scene.hogs[0]), -EAGAIN);
	/* when all is read the bounds are as they were */
	world_run(&world);
	world_sleep(&world, CLOCK_SECOND_NS);
	assert_false(is_hog(&world, 2));
	assert_int_equal(definition_find(world.runtime, 2)->mailbox_units,
			 definition_find(world.runtime, 2)->mailbox_most);
	for (int i = 0; i < 300; i++)
		assert_int_equal(send_text(&world, scene.hogs[0]), 0);
	world_run(&world);
	finish(&world);
}

static void what_is_free_beyond_the_budget_goes_back(void **state)
{
	struct scene scene;
	struct world world;

	(void)state;
	begin(&world, &scene, BUDGET);
	/* each size has pieces of its own, and no second without messages passes */
	for (size_t size = 600; size < 4000; size += size / 4 + 16) {
		memset(scene.text, 'x', TEXT);
		scene.text[size] = '\0';
		assert_true(fill(&world, &scene) * size >= BUDGET / 2);
		world_run(&world);
		world_sleep(&world, 200 * CLOCK_MS_NS);
		assert_true(memory(&world) <= BUDGET);
		assert_false(is_hog(&world, 2));
	}
	finish(&world);
}

static void worker_without_a_budget_has_no_bound(void **state)
{
	struct scene scene;
	struct world world;

	(void)state;
	begin(&world, &scene, 0);
	world.hooks.text = keeps;
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < HOGS; i++)
			assert_int_equal(send_text(&world, scene.hogs[i]), 0);
	world_run(&world);
	assert_true(memory(&world) > BUDGET);
	/* one that comes later is for what is there, too; and it may go again */
	runtime_set_memory(world.runtime, BUDGET);
	world_sleep(&world, CLOCK_SECOND_NS);
	assert_true(is_hog(&world, 2));
	assert_int_equal(send_text(&world, scene.hogs[0]), -EAGAIN);
	runtime_set_memory(world.runtime, 0);
	world_sleep(&world, CLOCK_SECOND_NS);
	assert_false(is_hog(&world, 2));
	assert_int_equal(send_text(&world, scene.hogs[0]), 0);
	finish(&world);
}

static void unit_that_keeps_too_much_is_refused(void **state)
{
	struct scene scene;
	struct world world;
	uint64_t kept = 0;

	(void)state;
	begin(&world, &scene, BUDGET);
	world.hooks.text = keeps;
	for (int round = 0; round < 100; round++)
		for (int i = 0; i < HOGS; i++) {
			if (send_text(&world, scene.hogs[i]) < 0)
				continue;
			scene.last = -1;
			world_run(&world);
			kept += scene.last == 0;
		}
	assert_true(is_hog(&world, 2));
	assert_in_range(kept * TEXT, BUDGET / 2, BUDGET * 7 / 8);
	assert_true(memory(&world) <= BUDGET);
	for (int i = 0; i < 50; i++)
		assert_int_equal(send_text(&world, scene.sink), 0);
	world_run(&world);
	/* nothing is done, and the worker does not look much more often than once a second */
	world_sleep(&world, 10 * CLOCK_SECOND_NS);
	assert_in_range(world.runtime->budget.wait_ns, CLOCK_SECOND_NS, CLOCK_SECOND_NS);
	assert_true(is_hog(&world, 2));
	/* those that keep it end, and that unit is as any other */
	for (int i = 1; i < HOGS; i++)
		assert_int_equal(runtime_stop(world.runtime, scene.hogs[i]), 0);
	world_sleep(&world, 3 * CLOCK_SECOND_NS);
	assert_false(is_hog(&world, 2));
	finish(&world);
}

/* ------------------------------------------------------------------ who waits */

static int floods(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct scene *scene = scene_of(self);

	(void)call;
	(void)n;
	(void)me;
	scene->last =
		troupe_send(self, scene->hogs[0], &text_method, &(struct text){scene->text});
	scene->sent += scene->last == 0;
	scene->refused += scene->last == -EAGAIN;
	return 0;
}

static int tries_again(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	(void)where;
	scene_of(self)->rooms++;
	return floods(self, me, (struct troupe_call){0}, 0);
}

static void waiters_are_notified_once_when_the_bound_is_back(void **state)
{
	struct troupe_address waiter;
	struct scene scene;
	struct world world;

	(void)state;
	begin(&world, &scene, BUDGET);
	world.hooks.num = floods;
	world.hooks.room = tries_again;
	world.hooks.text = keeps;
	waiter = world_spawn_in(&world, 3, 4);
	/* hogs keep all there is; the one that is sent to has nothing, and so never a turn */
	for (int round = 0; round < 100; round++)
		for (int i = 1; i < HOGS; i++)
			if (send_text(&world, scene.hogs[i]) == 0)
				world_run(&world);
	assert_true(is_hog(&world, 2));
	assert_true(definition_find(world.runtime, 2)->mailbox_units < TEXT / 16);
	assert_int_equal(world_send(&world, waiter, 1), 0);
	world_run(&world);
	assert_int_equal(scene.last, -EAGAIN);
	world_sleep(&world, CLOCK_SECOND_NS);
	assert_int_equal(scene.rooms, 0);
	for (int i = 1; i < HOGS; i++)
		assert_int_equal(runtime_stop(world.runtime, scene.hogs[i]), 0);
	world_sleep(&world, 3 * CLOCK_SECOND_NS);
	assert_int_equal(scene.rooms, 1);
	assert_int_equal(scene.sent, 1);
	assert_int_equal(scene.refused, 1);
	finish(&world);
}

static int spawns(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct troupe_address child;

	(void)call;
	(void)n;
	(void)me;
	scene_of(self)->last = troupe_spawn(self, &puppet_table, &(struct num){100}, 0, &child);
	return 0;
}

static void children_count_for_their_unit_and_wait(void **state)
{
	struct troupe_address spawner;
	struct scene scene;
	struct world world;

	(void)state;
	begin(&world, &scene, BUDGET);
	world.hooks.num = spawns;
	spawner = world_spawn_in(&world, 2, 5);
	assert_int_equal(world_send(&world, spawner, 1), 0);
	world_run(&world);
	assert_int_equal(scene.last, 0);
	/* what lies with the child is its unit's */
	assert_int_equal(world.runtime->n_actors, HOGS + 3);
	(void)fill(&world, &scene);
	assert_true(is_hog(&world, 2));
	for (const struct definition *unit = world.runtime->units; unit; unit = unit->next)
		if (!unit->number)
			assert_true(unit->mailbox_units < unit->mailbox_most);
	/* a spawner of the unit gets none now, one of another does */
	assert_int_equal(world_send(&world, spawner, 1), 0);
	scene.last = 1;
	world_run(&world);
	assert_int_equal(scene.last, -ENOMEM);
	assert_int_equal(world_send(&world, scene.sink, 1), 0);
	world_run(&world);
	assert_int_equal(scene.last, 0);
	world_sleep(&world, CLOCK_SECOND_NS);
	assert_int_equal(world_send(&world, spawner, 1), 0);
	world_run(&world);
	assert_int_equal(scene.last, 0);
	finish(&world);
}

static int sends_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	struct scene *scene = scene_of(self);

	(void)me;
	(void)call;
	(void)n;
	scene->last =
		troupe_send(self, scene->hogs[0], &text_method, &(struct text){scene->text});
	return 0;
}

static void message_from_elsewhere_ends_with_the_reason(void **state)
{
	struct world world, other;
	struct net net = {0};
	struct scene scene;

	(void)state;
	begin(&world, &scene, BUDGET);
	world_init(&other, 2, NULL);
	other.test = &scene;
	other.hooks.num = sends_text;
	world_link(&world, &net);
	world_link(&other, &net);
	world_spawn(&other, 1);
	(void)fill(&world, &scene);
	assert_int_equal(world_send(&other, other.actors[1], 1), 0);
	world_run(&other);
	assert_int_equal(scene.last, 0);
	assert_true(net_carry_one(&net, 1));
	assert_int_equal(world.dead_letters, 1);
	assert_string_equal(world.last_dead_letter, "unit-memory");
	runtime_stop_all(other.runtime);
	world_fini(&other);
	finish(&world);
	net_fini(&net);
}

/* ------------------------------------------------------------------ a storm */

#define ACTORS 24
#define STEPS  400
#define SMALL  (4 * MIB) /* for four units that want far more */

struct storm {
	struct random random;
	struct troupe_address actors[ACTORS];
	bool waits[ACTORS][ACTORS]; /* the first for room at the second */
	char text[10001];
	uint64_t refused, rooms;
};

static uint32_t draw(struct storm *storm, uint32_t n)
{
	return (uint32_t)(random_next(&storm->random) % n);
}

static int index_at(const struct storm *storm, struct troupe_address address)
{
	for (int i = 0; i < ACTORS; i++)
		if (troupe_address_equal(storm->actors[i], address))
			return i;
	return -1; /* an earlier one */
}

static void send_any(struct troupe_self *self, int me, int to)
{
	struct storm *storm = world_of(self)->test;
	uint32_t sizes[] = {100, 1000, 10000};
	uint32_t size = sizes[draw(storm, 3)];
	int rc = troupe_send(self, storm->actors[to], &text_method,
			     &(struct text){storm->text + sizeof(storm->text) - 1 - size});

	if (rc == -EAGAIN) {
		storm->refused++;
		storm->waits[me][to] = true;
	} else {
		assert_true(rc == 0 || rc == -ESRCH);
	}
}

static int storm_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct storm *storm = world_of(self)->test;
	int to = (int)draw(storm, ACTORS);

	(void)call;
	for (int64_t i = 0; i < n && !storm->waits[me->id - 100][to]; i++)
		send_any(self, (int)me->id - 100, to);
	return 0;
}

static int storm_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      const char *text)
{
	struct storm *storm = world_of(self)->test;
	struct troupe_kept *kept;
	int rc;

	(void)call;
	(void)text;
	if (draw(storm, 3))
		return 0;
	if (me->kept && draw(storm, 8) == 0) {
		troupe_release(self, me->kept);
		me->kept = NULL;
	}
	rc = troupe_keep(self, &kept);
	assert_true(rc == 0 || rc == -ENOBUFS);
	if (rc == 0)
		me->kept = kept;
	return 0;
}

static int storm_room(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	struct storm *storm = world_of(self)->test;
	int to = index_at(storm, where), from = (int)me->id - 100;

	storm->rooms++;
	if (to < 0)
		return 0;
	assert_true(storm->waits[from][to]); /* each is told once */
	storm->waits[from][to] = false;
	if (draw(storm, 2))
		send_any(self, from, to);
	return 0;
}

static void respawn(struct world *world, struct storm *storm, int i)
{
	if (!troupe_address_is_null(storm->actors[i])) {
		assert_int_equal(runtime_stop(world->runtime, storm->actors[i]), 0);
		/* those who waited there are told, too, but it is nobody's place now */
		for (int j = 0; j < ACTORS; j++)
			storm->waits[i][j] = storm->waits[j][i] = false;
	}
	storm->actors[i] = world_spawn_in(world, 2 + (uint32_t)i % 4, 100 + i);
}

static uint64_t held(const struct world *world)
{
	uint64_t units = 0;

	for (uint32_t slot = 0; slot < world->runtime->actors.used; slot++) {
		const struct actor *actor = actor_at(world->runtime, slot);
		const struct actor_cold *cold;

		if (slots_is_closed(&actor->slot))
			continue;
		cold = cold_find(world->runtime, actor);
		units += actor->load.charged + (cold ? cold->keeping.charged : 0);
	}
	return units * 16;
}

static void storm_step(struct world *world, struct storm *storm)
{
	switch (draw(storm, 40)) {
	case 0:
		respawn(world, storm, (int)draw(storm, ACTORS));
		break;
	case 1:
		runtime_set_memory(world->runtime, SMALL - draw(storm, 1024) * 16);
		break;
	case 2:
	case 3:
	case 4:
		world_sleep(world, draw(storm, 50) * CLOCK_MS_NS);
		break;
	default:
		(void)world_send(world, storm->actors[draw(storm, ACTORS)], draw(storm, 400));
		if (draw(storm, 2))
			loop_step(world->loop, false);
	}
	assert_true(held(world) <= SMALL);
}

static void storm_once(uint64_t seed, uint64_t *refused)
{
	struct storm storm = {0};
	struct world world;

	random_init(&storm.random, seed);
	memset(storm.text, 'x', sizeof(storm.text) - 1);
	world_init(&world, 1, &(struct runtime_config){.memory = SMALL, .seed = seed});
	world.test = &storm;
	world.hooks.num = storm_num;
	world.hooks.text = storm_text;
	world.hooks.room = storm_room;
	for (uint32_t unit = 2; unit <= 5; unit++)
		world_unit(&world, unit, world.type, 100000, 0, 0);
	for (int i = 0; i < ACTORS; i++)
		respawn(&world, &storm, i);
	for (int step = 0; step < STEPS; step++)
		storm_step(&world, &storm);
	/* the peace: half of those who keep the most are gone, or the bound is */
	world.hooks.text = drops;
	if (seed % 2)
		runtime_set_memory(world.runtime, 0);
	for (int i = 0; i < ACTORS; i++)
		if (seed % 2 == 0 && i % 4 < 2)
			respawn(&world, &storm, i);
	world_run(&world);
	world_sleep(&world, 5 * CLOCK_SECOND_NS);
	for (int i = 0; i < ACTORS; i++)
		for (int j = 0; j < ACTORS; j++)
			assert_false(storm.waits[i][j]);
	for (uint32_t unit = 2; unit <= 5; unit++)
		assert_false(seed % 2 && is_hog(&world, unit));
	*refused += storm.refused;
	finish(&world);
}

static void nobody_waits_for_ever_and_no_memory_is_taken_beyond_the_budget(void **state)
{
	uint64_t refused = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++)
		storm_once(seed, &refused);
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unit_cannot_fill_its_workers_memory),
		cmocka_unit_test(what_is_free_beyond_the_budget_goes_back),
		cmocka_unit_test(worker_without_a_budget_has_no_bound),
		cmocka_unit_test(unit_that_keeps_too_much_is_refused),
		cmocka_unit_test(waiters_are_notified_once_when_the_bound_is_back),
		cmocka_unit_test(children_count_for_their_unit_and_wait),
		cmocka_unit_test(message_from_elsewhere_ends_with_the_reason),
		cmocka_unit_test(
			nobody_waits_for_ever_and_no_memory_is_taken_beyond_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
