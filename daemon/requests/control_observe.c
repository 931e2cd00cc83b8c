/* control_observe.c - what clients may look at: the daemon and its workers, the units and their
 * actors, the interfaces that they provide. */
#include "requests/control_handlers.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "clients/errors.h"
#include "clients/watchers.h"
#include "config.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "requests/describe.h"
#include "requests/relays.h"
#include "units/master_state.h"
#include "units/names.h"
#include "units/unit.h"
#include "units/version.h"
#include <string.h>
#include <unistd.h>

/* ---- the daemon and its workers */

/* Add up the pages' counters; a page may hold any value. */
static void add_counter(int64_t *sum, const _Atomic uint64_t *place)
{
	uint64_t value = atomic_load_explicit(place, memory_order_relaxed);

	if (value > INT64_MAX || __builtin_add_overflow(*sum, (int64_t)value, sum))
		*sum = INT64_MAX;
}

/* stalls: room for all. */
static bool count_workers(const struct master *master, struct arena *arena,
			  struct api_stall *stalls, int64_t *lost, struct api_status_out *out)
{
	out->stalls.items = stalls;
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++) {
		const struct worker *worker = master->workers[i];

		if (!worker)
			continue;
		out->workers++;
		if (worker->state != API_STATE_RUNNING)
			continue;
		out->workersRunning++;
		if (worker->stall.is_stalled) {
			const struct api_stall *stall = describe_stall(arena, worker);

			if (!stall)
				return false;
			stalls[out->stalls.count++] = *stall;
		}
		add_counter(&out->actors, &worker->page->actors);
		add_counter(&out->messages, &worker->page->messages);
		add_counter(&out->deadLetters, &worker->page->dead_letters);
		add_counter(lost, &worker->page->lost);
	}
	return true;
}

void control_on_status(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;
	int64_t lost = 0;
	struct api_status_out out = {
		.version = TROUPE_VERSION,
		.pid = getpid(),
		.uptimeMs = (int64_t)((loop_clock_ns(master->loop) - master->started_ns) /
				      CLOCK_MS_NS),
		.state = master_state(master),
		.restarts = (int64_t)master->worker_restarts,
		.connections = control_server_connections(master->server),
		.lostMemory = &lost,
	};
	struct api_stall stalls[LIMIT_WORKERS];
	const struct problems *problems[] = {&master->conf_problems, &master->problems};
	struct arena arena;
	bool fits;

	(void)in;
	arena_init(&arena);
	fits = count_workers(master, &arena, stalls, &lost, &out);
	units_foreach (unit, master) {
		out.units++;
		out.unitsFailed += unit_state(unit) == API_STATE_FAILED;
	}
	if (fits && describe_problems(&arena, problems, 2, &out.problems, &out.warnings))
		(void)control_call_reply(call, &api_status_method, &out, false);
	else
		control_overloaded(call);
	arena_fini(&arena);
}

void control_on_workers(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;
	struct api_worker workers[LIMIT_WORKERS];
	struct api_workers_out out = {.workers = {.items = workers}};
	struct arena arena;
	bool fits = true;

	(void)in;
	arena_init(&arena);
	for (unsigned i = 1; fits && i <= LIMIT_WORKERS; i++)
		if (master->workers[i])
			fits = describe_worker(&arena, master->workers[i],
					       &workers[out.workers.count++]);
	if (fits)
		(void)control_call_reply(call, &api_workers_method, &out, false);
	else
		control_overloaded(call);
	arena_fini(&arena);
}

void control_on_watch(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;

	(void)in;
	if (!control_refuses(master, call))
		watchers_add(master->watchers, call);
}

/* ---- units and actors */

/* ---- introspection */

/* Whether calls of its interfaces are answered, now or when it is back. */
static bool is_callable(const struct unit *unit)
{
	return (unit->n_in[API_STATE_RUNNING] > 0 || names_is_between_lives(unit)) &&
	       unit->version->type;
}

void control_list_interfaces(void *context, void (*add)(void *list, const char *name),
			     void *list)
{
	struct master *master = context;
	cleanup_free const char **names = NULL;
	size_t n = 0;

	units_foreach (unit, master) {
		const struct plugin_actor *type =
			is_callable(unit) ? unit->version->type : NULL;
		const char **grown;

		if (!type || type->n_interfaces == 0)
			continue;
		grown = realloc(names, (n + type->n_interfaces) * sizeof(*grown));
		if (!grown)
			break;
		names = grown;
		memcpy(names + n, type->interfaces, type->n_interfaces * sizeof(*names));
		n += type->n_interfaces;
	}
	texts_sort(names, n);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
			add(list, names[i]);
}

const char *control_describe_interface(void *context, const char *name)
{
	struct master *master = context;

	/* Where two units have two versions of it, the one that is called without a name. */
	for (int want_default = 1; want_default >= 0; want_default--)
		units_foreach (unit, master)
			if (is_callable(unit) && unit->file.is_default >= want_default &&
			    unit_provides(unit, name, strlen(name)))
				return deploy_description(unit->version->deployment, name);
	/* Of actors that others spawn: no unit's, but clients may have their addresses. */
	units_foreach (unit, master) {
		const char *text = is_callable(unit)
					   ? deploy_description(unit->version->deployment, name)
					   : NULL;

		if (text)
			return text;
	}
	return NULL;
}
