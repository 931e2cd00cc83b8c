#include "requests/tasks.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "proto/arena.h"
#include "requests/control_handlers.h"
#include "requests/inquiry.h"
#include "requests/relays.h"
#include "requests/resolve.h"
#include "units/stall.h"
#include "units/unit.h"
#include <errno.h>
#include <string.h>

#define N_STATES ARRAY_LEN(states)

/* By the worker's number for it. */
static const enum api_task_state states[] = {API_TASK_STATE_NEW, API_TASK_STATE_WAITING,
					     API_TASK_STATE_READY, API_TASK_STATE_ENDED};

struct task_list {
	struct pending pending; /* in master->inquiries */
	struct arena arena;     /* of the texts of `tasks` */
	struct api_task tasks[LIMIT_DESCRIBED_TASKS];
	size_t n;
	int64_t silent[LIMIT_WORKERS];
	size_t n_silent;
	char unit[LIMIT_NAME + 1];   /* "": of one actor only */
	unsigned next;               /* of its instances */
	struct troupe_address actor; /* the one that is asked for */
	int64_t from;                /* in the table of its worker; next page */
	bool is_held;                /* the client does not read: not before there is room */
};

static struct task_list *list_of(struct pending *pending)
{
	return container_of(pending, struct task_list, pending);
}

static void fini(struct pending *pending)
{
	arena_fini(&list_of(pending)->arena);
}

static void answer(struct task_list *list)
{
	struct api_tasks_out out = {.tasks = {list->tasks, list->n},
				    .silent = {list->silent, list->n_silent}};

	(void)control_call_reply(list->pending.client, &api_tasks_method, &out, false);
	pending_free(&list->pending);
}

static void add_silent(struct task_list *list, unsigned worker)
{
	for (size_t i = 0; i < list->n_silent; i++)
		if (list->silent[i] == worker)
			return;
	list->silent[list->n_silent++] = worker;
}

/* ---- asking */

/* The worker that was asked last; NULL: that process is gone. */
static struct worker *worker_of(const struct task_list *list)
{
	return worker_find(list->pending.master, process_of(list->actor));
}

/* Ask for the next page. False: that actor's worker answers nothing. */
static bool ask(struct task_list *list)
{
	struct worker *worker = worker_of(list);
	struct worker_tasks question = {
		.request =
			(int64_t)(list->pending.request = ++list->pending.master->last_request),
		.actor = list->actor,
		.from = list->from,
		.limit = (int64_t)(LIMIT_DESCRIBED_TASKS - list->n),
	};

	if (!worker || !worker_is_up(worker))
		return false;
	if (stall_outlasts(worker, INQUIRY_NS)) {
		add_silent(list, worker->number);
		return false;
	}
	if (worker_send(worker, &worker_tasks_method, &question, -1) < 0)
		return false;
	loop_timer_start(&list->pending.timer, INQUIRY_NS);
	return true;
}

/* Turn to the next instance of the unit. False: that was the last one. */
static bool choose_next(struct task_list *list)
{
	const struct unit *unit =
		list->unit[0] ? unit_find(list->pending.master, list->unit) : NULL;

	list->from = 0;
	while (unit && list->next < unit->n_instances) {
		list->actor = unit->instances[list->next++].address;
		if (!troupe_address_is_null(list->actor))
			return true;
	}
	return false;
}

static void ask_next(struct task_list *list)
{
	while (choose_next(list))
		if (ask(list))
			return;
	answer(list);
}

/* ---- answers */

static char *copy_text(struct task_list *list, const char *text)
{
	return arena_copy(&list->arena, text, strlen(text));
}

static bool add_frames(struct task_list *list, const struct worker_task *task,
		       struct api_string_array *ret_frames)
{
	const char **frames =
		arena_alloc(&list->arena, (task->frames.count + 1) * sizeof(*frames));

	for (size_t i = 0; i < task->frames.count; i++)
		if (!frames || !(frames[i] = copy_text(list, task->frames.items[i].text)))
			return false;
	*ret_frames = (struct api_string_array){frames, task->frames.count};
	return frames;
}

/* False: no memory. */
static bool add_task(struct task_list *list, const struct worker_task *task)
{
	struct api_task *api = &list->tasks[list->n];
	int64_t *for_ms = arena_alloc(&list->arena, sizeof(*for_ms));
	struct api_progress *progress = arena_alloc(&list->arena, sizeof(*progress));
	enum api_task_state state = states[task->state];
	bool has_time = state == API_TASK_STATE_NEW || state == API_TASK_STATE_WAITING;

	if (!for_ms || !progress)
		return false;
	if (task->progress)
		*progress = (struct api_progress){task->progress->done, task->progress->all};
	*for_ms = task->forNs / (int64_t)CLOCK_MS_NS;
	*api = (struct api_task){
		.task = task->id,
		.actor = list->actor,
		.name = copy_text(list, task->name),
		.state = state,
		.waitsFor = task->waitsFor ? copy_text(list, task->waitsFor) : NULL,
		.forMs = has_time ? for_ms : NULL,
		.cancelled = task->isCut,
		.progress = task->progress ? progress : NULL,
	};
	if (!api->name || (task->waitsFor && !api->waitsFor) ||
	    !add_frames(list, task, &api->backtrace))
		return false;
	list->n++;
	return true;
}

/* To a client that takes several replies. False: it was answered, or there is no room. */
static bool send_page(struct task_list *list)
{
	struct api_tasks_out out = {.tasks = {list->tasks, list->n}};
	int r = control_call_reply(list->pending.client, &api_tasks_method, &out, true);

	if (r == -EAGAIN) {
		/* It has not read the last pages; this one will be asked for again. */
		list->is_held = true;
		loop_timer_stop(&list->pending.timer);
	} else if (r < 0) {
		pending_overload(&list->pending);
		return false;
	}
	list->n = 0;
	arena_fini(&list->arena);
	arena_init(&list->arena);
	return r == 0;
}

/* `next`: as the worker says where to go on. */
static void go_on(struct task_list *list, int64_t next)
{
	list->from = next;
	if (list->n >= LIMIT_DESCRIBED_TASKS)
		answer(list);
	else if (next == 0 || !ask(list))
		ask_next(list);
}

static void on_tasks(struct pending *pending, struct worker *worker,
		     const struct worker_task_census *census)
{
	struct task_list *list = list_of(pending);
	char address[TROUPE_ADDRESS_TEXT];

	if (list->is_held || worker_of(list) != worker)
		return;
	if (!census->found && !list->unit[0]) {
		address_print(list->actor, address);
		control_no_such_actor(pending->client, address);
		pending_free(pending);
		return;
	}
	for (size_t i = 0; i < census->tasks.count && list->n < LIMIT_DESCRIBED_TASKS; i++)
		if (!add_task(list, &census->tasks.items[i])) {
			pending_overload(pending);
			return;
		}
	if (pending->client->more && list->n > 0 && !send_page(list))
		return;
	/* A worker whose pages lead nowhere could go on for ever. */
	go_on(list, census->next > list->from && census->next <= (int64_t)LIMIT_TASKS
			    ? census->next
			    : 0);
}

static void on_room(struct pending *pending)
{
	struct task_list *list = list_of(pending);

	list->is_held = false;
	if (!ask(list))
		ask_next(list);
}

static void on_worker_down(struct pending *pending, const struct worker *worker)
{
	struct task_list *list = list_of(pending);

	if (worker_of(list) == worker && !list->is_held)
		ask_next(list);
}

static void on_late(struct pending *pending)
{
	struct task_list *list = list_of(pending);

	add_silent(list, list->actor.worker);
	ask_next(list);
}

static const struct pending_ops ops = {
	.size = sizeof(struct task_list),
	.share = SHARE_INQUIRIES,
	.is_for_worker = true,
	.on_late = on_late,
	.on_room = on_room,
	.on_tasks = on_tasks,
	.on_worker_down = on_worker_down,
	.fini = fini,
};

/* ---- as others see it */

static bool makes_sense(const struct worker_task_census *census)
{
	if (census->tasks.count > LIMIT_DESCRIBED_TASKS)
		return false;
	for (size_t i = 0; i < census->tasks.count; i++) {
		const struct worker_task *task = &census->tasks.items[i];

		if (task->state < 0 || task->state >= (int64_t)N_STATES || task->forNs < 0 ||
		    strlen(task->name) > LIMIT_TASK_NAME || task->frames.count > PAGE_FRAMES ||
		    (task->waitsFor && strlen(task->waitsFor) > LIMIT_NAME) ||
		    (task->progress && (task->progress->done < 0 || task->progress->all < 0)))
			return false;
		for (size_t j = 0; j < task->frames.count; j++)
			if (strlen(task->frames.items[j].text) >= PAGE_SYMBOL)
				return false;
	}
	return true;
}

void tasks_census(struct worker *worker, const struct worker_task_census *census)
{
	struct pending *pending;

	if (!makes_sense(census)) {
		worker_broke_protocol(worker, "a list of tasks that makes no sense");
		return;
	}
	pending = inquiries_find(worker->master, (uint64_t)census->request);
	if (pending && pending->ops->on_tasks)
		pending->ops->on_tasks(pending, worker, census);
}

void control_on_tasks(void *context, struct control_call *call, const void *in)
{
	const struct api_tasks *tasks = in;
	struct master *master = context;
	struct relay_target only = {0};
	struct instance *instance;
	struct unit *unit = NULL;
	struct task_list *list;

	if (address_parse(tasks->name, &only.address) == 0) {
		if (resolve_name(master, call, tasks->name, &only) == RESOLVE_NOWHERE)
			return;
	} else {
		unit = resolve_unit(master, call, tasks->name, &instance);
		if (!unit)
			return;
		if (instance)
			only.address = instance->address;
	}
	list = pending_new(&ops, master, call, &master->inquiries, 0);
	if (!list)
		return;
	arena_init(&list->arena);
	list->actor = only.address;
	if (unit && !instance)
		strcpy(list->unit, unit->name);
	if (list->unit[0] || !ask(list))
		ask_next(list);
}
