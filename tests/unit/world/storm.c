/* storm.c - the troubles. */
#include "storm.h"

#include "base/clock.h"
#include "master/worker.h"
#include "units/unit.h"
#include <stdio.h>
#include <string.h>

#define TASKS  "chaos.so\nTasks=200\nWorker="
#define OTHERS "\n[Config]\nInside=yes\nOthers=left right"

const struct storm_unit storm_units[STORM_UNITS] = {
	{"pool", NULL, "slow.Kept", "{}", false},
	{"one", NULL, "slow.Kept", "{}", true},
	{"two", "slow.so\nWorker=2", "slow.Kept", "{}", true},
	{"relay", "relay.so\nType=relay\nWorker=3", "relay.Answer",
	 "{\"to\":\"two\",\"text\":\"x\",\"delayMs\":1}", true},
	{"crash", "crash.so", "crash.Ping", "{}", false},
	{"own", "crash.so\nWorker=own", "crash.Ping", "{}", false},
	{"sink", "flood.so\nType=sink\nWorker=1\nMailbox=50", "sink.Taken", "{}", true},
	{"flood", "flood.so\nType=flood\nWorker=3", "flood.Flood",
	 "{\"sink\":\"sink\",\"count\":20}", true},
	{"noisy", "noisy.so\nType=noisy", "noisy.Taken", "{}", false},
	/* two who do in tasks whatever tasks can do, together */
	{"left", TASKS "1" OTHERS, "chaos.Add", "{\"a\":1,\"b\":2}", true},
	{"right", TASKS "3" OTHERS, "chaos.Add", "{\"a\":1,\"b\":2}", true},
};

uint64_t storm_draw(struct storm *storm, uint64_t bound)
{
	return random_below(&storm->world->random, bound);
}

void storm_write_one(struct storm *storm, bool is_changed)
{
	world_write(
		storm->world, "one.actor",
		is_changed
			? "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=2\nDefault=yes\n"
			: "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=1\nDefault=yes\n");
}

void storm_write_pool(struct storm *storm, unsigned instances)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "[Actor]\nPlugin=%%B/test-plugins/slow.so\nInstances=%u\nMailbox=8\n",
		       instances);
	world_write(storm->world, "pool.actor", text);
}

static struct world_process *pick_process(struct storm *storm)
{
	struct world_process *picked = NULL;
	unsigned n = 0;

	list_foreach (at, &storm->world->processes) {
		struct world_process *process = container_of(at, struct world_process, link);

		if (!process->is_dead && storm_draw(storm, ++n) == 0)
			picked = process;
	}
	return picked;
}

static void hurt_process(struct storm *storm)
{
	struct world_process *process = pick_process(storm);

	if (!process)
		return;
	switch (storm_draw(storm, 6)) {
	case 0:
	case 1:
		process_signal(process, SIGKILL);
		return;
	case 2:
		/* Again and again outside of handlers, that speaks against those who live
		 * there: in every other storm. */
		process_fault(process, storm->world->seed % 2 ? SIGSEGV : SIGKILL);
		return;
	case 3:
		process_stall(process, storm_draw(storm, 50 * CLOCK_SECOND_NS));
		return;
	default:
		process_stall(process, storm_draw(storm, 2 * CLOCK_SECOND_NS));
	}
}

static void manage(struct storm *storm)
{
	static const char *const methods[] = {"Stop",    "Start",   "Start",
					      "Restart", "Restart", "Kill"};
	const char *method = methods[storm_draw(storm, sizeof(methods) / sizeof(methods[0]))];
	struct caller *admin = &storm->callers[STORM_ADMIN];
	char text[160], name[64];

	(void)snprintf(name, sizeof(name), "io.troupe.Control.%s", method);
	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"%s\",\"parameters\":{\"name\":\"%s\"}}", name,
		       storm_units[storm_draw(storm, STORM_UNITS)].name);
	caller_send(admin, CALLER_ASSORTED, name, text);
}

static void reload(struct storm *storm)
{
	storm_write_one(storm, storm_draw(storm, 2) == 0);
	storm_write_pool(storm, 2 + (unsigned)storm_draw(storm, 4));
	caller_send(&storm->callers[STORM_ADMIN], CALLER_ASSORTED, "Reload",
		    "{\"method\":\"io.troupe.Control.Reload\"}");
}

static void hurt_actor(struct storm *storm)
{
	static const char *const messages[] = {
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"crash\","
		"\"method\":"
		"\"io.troupe.test.crash.Raise\",\"parameters\":{\"signal\":11}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"own\","
		"\"method\":"
		"\"io.troupe.test.crash.Raise\",\"parameters\":{\"signal\":6}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Quit\",\"parameters\":{\"code\":-5}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Block\",\"parameters\":{\"ms\":1500}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Block\",\"parameters\":{\"ms\":40000}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"crash\","
		"\"method\":"
		"\"io.troupe.test.crash.Maybe\",\"parameters\":{\"crash\":false,\"ms\":900}}}",
	};

	caller_send(&storm->callers[STORM_ADMIN], CALLER_ASSORTED, "a bad habit",
		    messages[storm_draw(storm, sizeof(messages) / sizeof(messages[0]))]);
}

static void change_machine(struct storm *storm)
{
	struct world *world = storm->world;

	world->refused_of_10 = storm_draw(storm, 3) == 0 ? (unsigned)storm_draw(storm, 8) : 0;
	world->late_ns = storm_draw(storm, 3) == 0 ? storm_draw(storm, 3 * CLOCK_SECOND_NS) : 0;
	world_limit_wires(world, storm_draw(storm, 3) == 0 ? 1 + (unsigned)storm_draw(storm, 4)
							   : 1000);
}

void storm_watch(struct storm *storm)
{
	client_fini(&storm->watcher);
	client_init(&storm->watcher, storm->world);
	(void)client_send(&storm->watcher,
			  "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
}

void storm_make_trouble(struct storm *storm)
{
	bool may_call = storm->callers[STORM_ADMIN].n_awaited < CALLER_AWAITED;

	switch (storm_draw(storm, 10)) {
	case 0 ... 2:
		hurt_process(storm);
		break;
	case 3:
		change_machine(storm);
		break;
	case 4:
		storm_watch(storm);
		break;
	case 5:
		if (may_call)
			reload(storm);
		break;
	case 6:
	case 7:
		if (may_call)
			manage(storm);
		break;
	default:
		if (may_call)
			hurt_actor(storm);
	}
	storm->trouble_ns = world_now_ns(storm->world) + storm_draw(storm, 300 * CLOCK_MS_NS);
}
