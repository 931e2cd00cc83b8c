#include "requests/describe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "config/problems.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/version.h"
#include <stdio.h>
#include <string.h>

/* A number that may be absent. */
static const int64_t *number(struct arena *arena, int64_t value)
{
	int64_t *place = arena_alloc(arena, sizeof(*place));

	if (place)
		*place = value;
	return place;
}

const struct api_stall *describe_stall(struct arena *arena, const struct worker *worker)
{
	struct api_stall *api = arena_alloc(arena, sizeof(*api));
	struct activity_names names;

	if (!api)
		return NULL;
	*api = (struct api_stall){
		.worker = worker->number,
		.forMs = (int64_t)(stall_ns(worker) / CLOCK_MS_NS),
	};
	if (!stall_name(worker, &names))
		return api;
	api->message = arena_copy(arena, names.message, strlen(names.message));
	if (names.actor[0])
		api->actor = arena_copy(arena, names.actor, strlen(names.actor));
	if (names.child[0])
		api->child = arena_copy(arena, names.child, strlen(names.child));
	return api->message && (api->actor || !names.actor[0]) ? api : NULL;
}

/* ---- units */

static bool describe_instance(struct arena *arena, const struct instance *instance,
			      struct api_instance *ret_instance)
{
	*ret_instance = (struct api_instance){
		.instance = instance->number,
		.state = instance_shown(instance),
		.address =
			troupe_address_is_null(instance->address) ? NULL : &instance->address,
		.outstanding = instance->outstanding,
	};
	if (instance->worker) {
		ret_instance->worker = number(arena, instance->worker->number);
		return ret_instance->worker;
	}
	return true;
}

struct api_string_array describe_interfaces(const struct plugin_actor *type)
{
	return type ? (struct api_string_array){type->interfaces, type->n_interfaces}
		    : (struct api_string_array){0};
}

bool describe_instances(struct arena *arena, const struct unit *unit, unsigned first,
			unsigned n, struct api_instance_array *ret_instances)
{
	struct api_instance *instances = arena_alloc(arena, (n + 1) * sizeof(*instances));

	for (unsigned i = 0; i < n; i++)
		if (!instances ||
		    !describe_instance(arena, &unit->instances[first + i], &instances[i]))
			return false;
	*ret_instances = (struct api_instance_array){instances, n};
	return true;
}

/* Those of its version, which has some. */
static bool describe_sockets(struct arena *arena, const struct unit *unit,
			     const struct api_socket_array **ret_sockets)
{
	const struct version *version = unit->version;
	struct api_socket *items = arena_alloc(arena, version->n_sockets * sizeof(*items));
	struct api_socket_array *array = arena_alloc(arena, sizeof(*array));

	if (!items || !array)
		return false;
	for (size_t i = 0; i < version->n_sockets; i++)
		items[i] = (struct api_socket){.name = version->sockets[i].name,
					       .place = version->sockets[i].place};
	*array = (struct api_socket_array){items, version->n_sockets};
	*ret_sockets = array;
	return true;
}

bool describe_unit(struct arena *arena, const struct unit *unit, struct api_unit *ret_unit)
{
	*ret_unit = (struct api_unit){
		.name = unit->file.name,
		.state = unit_shown(unit),
		.reason = unit->reason,
		.description = unit->file.description,
		.plugin = unit->file.plugin ? unit->file.plugin : "",
		.actorType = unit->version->type ? unit->version->type->name
			     : unit->file.type   ? unit->file.type
						 : "",
		.file = unit->is_configured ? unit->file.file : NULL,
		.restarts = (int64_t)unit->restarts,
		.interfaces = describe_interfaces(unit->version->type),
	};
	if (unit->version->n_sockets > 0 && !describe_sockets(arena, unit, &ret_unit->sockets))
		return false;
	if (unit->slow_handlers > 0) {
		ret_unit->slowHandlers = number(arena, (int64_t)unit->slow_handlers);
		if (!ret_unit->slowHandlers)
			return false;
	}
	if (ret_unit->state == API_STATE_STALLED) {
		ret_unit->stall = describe_stall(arena, unit_stalls(unit));
		return ret_unit->stall;
	}
	return true;
}

/* ---- workers */

bool describe_frames(struct arena *arena, const struct crash_frame *frames, unsigned n,
		     struct api_string_array *ret_texts)
{
	const char **texts = arena_alloc(arena, (n + 1) * sizeof(*texts));

	if (!texts)
		return false;
	for (unsigned i = 0; i < n; i++) {
		texts[i] = frames[i].place[0] ? arena_printf(arena, "%s %s", frames[i].text,
							     frames[i].place)
					      : frames[i].text;
		if (!texts[i])
			return false;
	}
	*ret_texts = (struct api_string_array){texts, n};
	return true;
}

static const struct api_crash *describe_crash(struct arena *arena, const struct crash *crash)
{
	struct api_crash *api = arena_alloc(arena, sizeof(*api));
	struct api_string_array frames;

	if (!api || !describe_frames(arena, crash->frames, crash->n_frames, &frames))
		return NULL;
	*api = (struct api_crash){
		.timeMs = (int64_t)crash->time_ms,
		.incarnation = crash->process.incarnation,
		.cause = crash->cause,
		.killed = crash->killed,
		.actor = crash->names.actor[0] ? crash->names.actor : NULL,
		.child = crash->names.child[0] ? crash->names.child : NULL,
		.message = crash->names.message[0] ? crash->names.message : NULL,
		.backtrace = frames,
	};
	return api;
}

/* Memory and time of a process, from /proc; a value that cannot be read stays as it is. */
static void read_usage(pid_t pid, int64_t *memory, int64_t *cpu_ms)
{
	char path[64], line[1024];
	unsigned long long user, system, resident;
	cleanup_fclose FILE *statm = NULL, *stat = NULL;
	const char *after;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	statm = fopen(path, "re");
	if (statm && fscanf(statm, "%*u %llu", &resident) == 1)
		*memory = (int64_t)(resident * (unsigned long long)sysconf(_SC_PAGESIZE));
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (!stat || !fgets(line, sizeof(line), stat))
		return;
	/* The name before it may hold anything, even ')'. */
	after = strrchr(line, ')');
	if (after && sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			    &user, &system) == 2)
		*cpu_ms = (int64_t)((user + system) * 1000 /
				    (unsigned long long)sysconf(_SC_CLK_TCK));
}

/* A counter out of the page, which may hold anything. */
static int64_t counter(const _Atomic uint64_t *place)
{
	uint64_t value = atomic_load_explicit(place, memory_order_relaxed);

	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

const struct api_times *describe_times(struct arena *arena, const struct histogram *times)
{
	struct api_times *api = arena_alloc(arena, sizeof(*api));
	int64_t *counts = arena_alloc(arena, HISTOGRAM_BUCKETS * sizeof(*counts));

	if (!api || !counts)
		return NULL;
	*api = (struct api_times){.maxNs = counter(&times->max_ns),
				  .counts = {counts, HISTOGRAM_BUCKETS}};
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		counts[i] = counter(&times->counts[i]);
		if (__builtin_add_overflow(api->count, counts[i], &api->count))
			api->count = INT64_MAX;
	}
	return api;
}

bool describe_worker(struct arena *arena, const struct worker *worker,
		     struct api_worker *ret_worker)
{
	*ret_worker = (struct api_worker){
		.worker = worker->number,
		.incarnation = worker->incarnation,
		.state = worker->stall.is_stalled ? API_STATE_STALLED : worker->state,
		.restarts = (int64_t)worker->restarts,
	};
	if (worker->stall.is_stalled) {
		ret_worker->stall = describe_stall(arena, worker);
		if (!ret_worker->stall)
			return false;
	}
	if (worker->has_crashed) {
		ret_worker->lastCrash = describe_crash(arena, &worker->crash);
		if (!ret_worker->lastCrash)
			return false;
	}
	if (worker->pid > 0 && !worker->is_dead) {
		int64_t memory = -1, cpu_ms = -1;

		read_usage(worker->pid, &memory, &cpu_ms);
		ret_worker->pid = number(arena, worker->pid);
		ret_worker->memory = memory < 0 ? NULL : number(arena, memory);
		ret_worker->cpuMs = cpu_ms < 0 ? NULL : number(arena, cpu_ms);
		ret_worker->actors = counter(&worker->page->actors);
		ret_worker->messages = counter(&worker->page->messages);
		ret_worker->deadLetters = counter(&worker->page->dead_letters);
		ret_worker->lostMemory = number(arena, counter(&worker->page->lost));
		ret_worker->abandonedTasks = number(arena, counter(&worker->page->abandoned));
		ret_worker->stackGuard = page_guard_words(
			atomic_load_explicit(&worker->page->guard, memory_order_relaxed));
		ret_worker->handlerTimes = describe_times(arena, &worker->page->handlers);
		ret_worker->loopTimes = describe_times(arena, &worker->page->passes);
		if (!ret_worker->handlerTimes || !ret_worker->loopTimes)
			return false;
	}
	return true;
}

static size_t put_problems(struct api_problem *items, const struct problem *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		items[i] = (struct api_problem){
			.file = list[i].file,
			.line = list[i].line,
			.message = list[i].message,
		};
	return n;
}

bool describe_problems(struct arena *arena, const struct problems *const *lists, size_t n_lists,
		       struct api_problem_array *ret_problems,
		       struct api_problem_array *ret_warnings)
{
	size_t n = 0, n_warnings = 0;
	struct api_problem *problems, *warnings;

	for (size_t i = 0; i < n_lists; i++) {
		n += lists[i]->n;
		n_warnings += lists[i]->n_warnings;
	}
	problems = arena_alloc(arena, (n + 1) * sizeof(*problems));
	warnings = arena_alloc(arena, (n_warnings + 1) * sizeof(*warnings));
	if (!problems || !warnings)
		return false;
	n = n_warnings = 0;
	for (size_t i = 0; i < n_lists; i++) {
		n += put_problems(problems + n, lists[i]->items, lists[i]->n);
		n_warnings += put_problems(warnings + n_warnings, lists[i]->warnings,
					   lists[i]->n_warnings);
	}
	*ret_problems = (struct api_problem_array){problems, n};
	*ret_warnings = (struct api_problem_array){warnings, n_warnings};
	return true;
}
