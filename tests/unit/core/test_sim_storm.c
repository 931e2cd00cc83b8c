/* A storm: hundreds of actors in three runtimes that do anything they may at random, for many
 * seeds, which also decide which of them is next. Whatever happens, each call, of an actor or
 * of a client, ends exactly once, and who has kept one that has ended hears of it; messages
 * between two actors keep their order, and so do the replies of a stream, of which none is
 * missing; sends add up, bounds hold; who was refused hears of room exactly once; no child
 * outlives its parent and no task its scope, and nothing is left in the end. A failure names
 * its seed. */
#include "base/cleanup.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "storm.h"
#include "tests/unit/sim/seeds.h"
#include <errno.h>

#define SEEDS 40 /* `make soak` goes on with others */

static void people(struct storm *storm, struct world *world, int n)
{
	while (n-- > 0 && storm->next_id < STORM_IDS)
		world_spawn_in(world, 1 + (uint32_t)storm_below(storm, 2), storm->next_id++);
}

static void start(struct storm *storm, struct world *world)
{
	world->hooks = storm_hooks;
	world->test = storm;
	sim_seed(world->loop, random_next(&storm->random));
	world_unit(world, 2, world->type, 4, 4096, 2);
	world_count_shares(world);
	people(storm, world, 30);
}

static void kill_one(struct storm *storm)
{
	uint16_t worker = (uint16_t)(1 + storm_below(storm, STORM_WORKERS));
	struct world *dead = &storm->worlds[worker];
	uint32_t incarnation = dead->process.incarnation;
	int budget = storm->budget;

	storm->net.worlds[worker] = NULL;
	dead->net = NULL;
	storm->budget = 0; /* its last breath is not part of the storm */
	world_fini(dead);
	storm->budget = budget;
	for (unsigned i = 0; i < STORM_CLIENTS; i++)
		assert_false(storm->askers[worker][i].is_open);
	for (uint16_t i = 1; i <= STORM_WORKERS; i++) {
		if (i == worker)
			continue;
		while (net_carry_one(&storm->net, i)) /* its last mail, too */
			;
		runtime_peer_down(storm->worlds[i].runtime, life_of(worker, incarnation),
				  TROUPE_ACTOR_DIED);
	}
	world_restart(dead, &storm->net);
	memset(storm->clients[worker], 0, sizeof(storm->clients[worker]));
	start(storm, dead);
}

/* Clients come, send, and go. */
static void visit(struct storm *storm, struct world *world)
{
	uint64_t *number =
		&storm->clients[world->process.worker][storm_below(storm, STORM_CLIENTS)];
	int rc;

	if (*number && storm_below(storm, 8) == 0) {
		runtime_client_gone(world->runtime, *number);
		*number = 0;
		return;
	}
	if (!*number)
		*number = ++storm->next_client;
	rc = runtime_client_send(world->runtime, storm_anybody(storm), &num_method,
				 &(struct num){0}, *number);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	storm->sends += rc == 0;
}

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct asker *asker = container_of(client_call, struct asker, client_call);

	(void)type;
	assert_true(asker->is_open); /* nothing after the end */
	storm_see_reply(asker->storm, asker->number, reply);
	asker->is_open = reply->continues;
	if (reply->continues)
		client_call->window.bytes += storm_below(asker->storm, 20000);
}

static void on_client_kept(struct runtime_client_call *client_call)
{
	assert_true(container_of(client_call, struct asker, client_call)->is_open);
}

static void give_up(struct world *world, struct asker *asker)
{
	runtime_client_cancel(world->runtime, &asker->client_call);
	memset(asker, 0xa5, sizeof(*asker)); /* it is the caller's again */
	asker->is_open = false;
}

static void ask(struct storm *storm, struct world *world)
{
	struct asker *asker =
		&storm->askers[world->process.worker][storm_below(storm, STORM_CLIENTS)];
	uint64_t deadline_ns = UINT64_MAX;
	char text[32];
	int rc;

	if (asker->is_open && storm_below(storm, 3) == 0) {
		give_up(world, asker);
	} else if (asker->is_open) {
		runtime_client_taken(world->runtime, &asker->client_call,
				     (uint32_t)storm_below(storm, 400),
				     storm_below(storm, 4000000));
	} else {
		if (storm_below(storm, 3) == 0)
			deadline_ns = loop_clock_ns(world->loop) + 50000000;
		*asker = (struct asker){
			.client_call = {.on_reply = on_client_reply, .on_kept = on_client_kept},
			.storm = storm,
			.is_open = true,
			.has_deadline = deadline_ns != UINT64_MAX,
			.number = STORM_CALLS + storm->n_client_calls++};
		(void)snprintf(text, sizeof(text), "storm %u", asker->number);
		rc = runtime_client_call(world->runtime, storm_anybody(storm), &text_method,
					 &(struct text){text}, deadline_ns,
					 storm_below(storm, 2) ? TROUPE_MORE : 0,
					 &asker->client_call);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
		asker->is_open = rc == 0;
	}
	runtime_client_hold(world->runtime, storm_below(storm, 4) == 0);
}

/* Clients read all, and give up what need not be answered any more. */
static void calm_askers(struct storm *storm, struct world *world)
{
	runtime_client_hold(world->runtime, false);
	for (unsigned i = 0; i < STORM_CLIENTS; i++) {
		struct asker *asker = &storm->askers[world->process.worker][i];

		if (asker->is_open && asker->has_deadline)
			give_up(world, asker);
		else if (asker->is_open)
			runtime_client_taken(world->runtime, &asker->client_call, UINT32_MAX,
					     UINT64_MAX);
	}
}

/* A unit that is forgotten while its actors live: who they spawn are of it, too. */
static void pass_by(struct storm *storm, struct world *world)
{
	uint32_t number = STORM_PASSING + storm->next_unit++;

	world_unit(world, number, world->type, 8, 4096, 2);
	for (uint64_t n = storm_below(storm, 4); n > 0 && storm->next_id < STORM_IDS; n--)
		world_spawn_in(world, number, storm->next_id++);
	assert_int_equal(runtime_unit_forget(world->runtime, number), 0);
}

static void change_limits(struct storm *storm, struct world *world)
{
	const struct runtime_unit unit = {.number = 2,
					  .mailbox = 1 +
						     (uint32_t)storm_below(storm, STORM_WIDEST),
					  .mailbox_bytes = 1024u << storm_below(storm, 4),
					  .batch = 1 + (uint32_t)storm_below(storm, 4)};

	assert_int_equal(runtime_unit_change(world->runtime, &unit), 0);
}

/* What an idle runtime does, in the middle of everything. */
static void trim(struct storm *storm, struct runtime *runtime)
{
	struct slots *tables[] = {
		&runtime->actors, &runtime->colds,  &runtime->calls, &runtime->kept_calls,
		&runtime->kept,   &runtime->timers, &runtime->waits, &runtime->call_windows,
		&runtime->tasks,  &runtime->scopes};

	for (uint64_t n = storm_below(storm, 8); n > 0; n--)
		slab_trim(storm_below(storm, 2) ? &runtime->messages : &runtime->states);
	slots_trim(tables[storm_below(storm, ARRAY_LEN(tables))]);
}

static void rage(struct storm *storm)
{
	while (storm->budget > 0) {
		uint16_t worker = (uint16_t)(1 + storm_below(storm, STORM_WORKERS));
		struct world *world = &storm->worlds[worker];

		storm->budget--;
		switch (storm_below(storm, 14)) {
		case 12:
		case 13:
			ask(storm, world);
			break;
		case 0:
			world_sleep(world, storm_below(storm, 20000000));
			trim(storm, world->runtime);
			break;
		case 1:
			storm->net.full = storm_below(storm, 4) == 0;
			if (!storm->net.full)
				for (uint16_t i = 1; i <= STORM_WORKERS; i++)
					for (uint16_t k = 1; k <= STORM_WORKERS; k++)
						runtime_link_room(storm->worlds[i].runtime,
								  life_of(k, 1));
			break;
		case 2:
			if (storm_below(storm, 10) == 0)
				runtime_stop(world->runtime, storm_anybody(storm));
			else if (storm_below(storm, 10) == 0)
				change_limits(storm, world);
			else
				visit(storm, world);
			break;
		case 3:
			if (storm->kills && storm_below(storm, 40) == 0)
				kill_one(storm);
			else if (storm_below(storm, 5) == 0)
				people(storm, world, 2);
			else if (storm_below(storm, 5) == 0)
				pass_by(storm, world);
			break;
		case 4:
		case 5:
		case 6:
			loop_step(world->loop, false);
			break;
		default:
			for (uint64_t n = storm_below(storm, 10); n > 0; n--)
				net_carry_one(&storm->net, worker);
		}
	}
}

/* After the storm: no deeds any more, all that is under way arrives, all deadlines pass. */
static void calm(struct storm *storm)
{
	storm->net.full = false;
	for (int round = 0; round < 3; round++) {
		for (uint16_t i = 1; i <= STORM_WORKERS; i++)
			for (uint16_t k = 1; k <= STORM_WORKERS; k++)
				runtime_link_room(storm->worlds[i].runtime, life_of(k, 1));
		for (int n = 0; n < 20; n++) {
			for (uint16_t i = 1; i <= STORM_WORKERS; i++)
				calm_askers(storm, &storm->worlds[i]);
			net_run(&storm->net);
		}
		for (uint16_t i = 1; i <= STORM_WORKERS; i++)
			world_sleep(&storm->worlds[i], 100000000000);
	}
	net_run(&storm->net);
}

/* After its first reply a stream has no deadline: it may last as long as both sides live. */
static bool is_open_stream(struct storm *storm, unsigned i)
{
	struct runtime *runtime = storm->worlds[storm->workers[i]].runtime;
	struct call *call = call_find(runtime, storm->requests[i]);

	return call && (call->flags & CALL_MORE) && !wheel_has(&call->deadline);
}

/* Whoever has kept a call has it because somebody waits for the answer. */
static void assert_kept_calls_are_wanted(struct storm *storm)
{
	for (uint16_t i = 1; i <= STORM_WORKERS; i++) {
		struct runtime *runtime = storm->worlds[i].runtime;

		for (uint32_t at = 0; at < runtime->kept_calls.used; at++) {
			const struct kept_call *kept = slots_at(&runtime->kept_calls, at);

			if (slots_is_closed(&kept->slot))
				continue;
			assert_true(kept->owned);
			assert_false(kept->is_oneway);
			assert_int_not_equal(kept->call, 0);
			if (kept->peer)
				assert_non_null(call_find_alias(
					storm->worlds[kept->caller.worker].runtime,
					kept->call));
		}
		assert_int_equal(runtime->waits.count, 0);
	}
}

/* Forgotten units are gone with the last of their actors. */
static void assert_units_are_known(const struct runtime *runtime)
{
	for (const struct definition *unit = runtime->units; unit; unit = unit->next)
		assert_true(unit->origin < STORM_PASSING);
}

static void assert_families_are_whole(const struct storm *storm)
{
	for (unsigned id = 0; id < STORM_IDS; id++)
		if (storm->alive[id] && storm->parents[id])
			assert_true(storm->alive[storm->parents[id] - 1]);
}

static void rage_with_seed(uint64_t seed, bool kills)
{
	struct storm *storm = calloc(1, sizeof(*storm));
	uint64_t dead = 0;

	print_message("seed %d%s\n", (int)seed, kills ? " with deaths" : "");
	random_init(&storm->random, seed);
	storm->kills = kills;
	storm->budget = 4000;
	for (uint16_t i = 1; i <= STORM_WORKERS; i++) {
		struct world *world = &storm->worlds[i];

		world_init(world, i, NULL);
		world_link(world, &storm->net);
	}
	for (uint16_t i = 1; i <= STORM_WORKERS; i++)
		start(storm, &storm->worlds[i]);
	rage(storm);
	calm(storm);
	for (unsigned i = 0; i < storm->n_calls; i++) {
		assert_true(storm->calls[i] <= 1);
		if (storm->alive[storm->callers[i]] && storm->calls[i] == 0)
			assert_true(is_open_stream(storm, i));
	}
	assert_kept_calls_are_wanted(storm);
	assert_families_are_whole(storm);
	assert_int_equal(storm->n_refusals, 0); /* those of the dead are forgotten */
	assert_in_range(storm->n_tasks_ended, 1, storm->n_tasks);
	for (uint16_t i = 1; i <= STORM_WORKERS; i++)
		runtime_stop_all(storm->worlds[i].runtime);
	net_run(&storm->net);
	for (uint16_t i = 1; i <= STORM_WORKERS; i++) {
		dead += storm->worlds[i].dead_sends;
		for (unsigned n = 0; n < STORM_CLIENTS; n++)
			assert_false(storm->askers[i][n].is_open);
		world_assert_empty(&storm->worlds[i]);
		assert_units_are_known(storm->worlds[i].runtime);
	}
	if (!kills)
		assert_int_equal(storm->sends, storm->handled + dead);
	for (uint16_t i = 1; i <= STORM_WORKERS; i++)
		world_fini(&storm->worlds[i]);
	net_fini(&storm->net);
	free(storm);
}

static void storm_leaves_nothing_behind(void **state)
{
	const char *only = getenv("STORM_SEED");
	uint64_t first = only ? strtoull(only, NULL, 0) : 1;
	uint64_t last = only ? first : seeds_of(SEEDS);

	(void)state;
	for (uint64_t seed = first; seed <= last; seed++)
		rage_with_seed(seed, seed % 2 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(storm_leaves_nothing_behind)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
