/* agent_tasks.c - Tasks: what each task of an actor waits for, and where. */
#include "worker/agent_tasks.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/inspect.h"
#include "proto/arena.h"
#include "worker/code_names.h"
#include "worker/recorder.h"
#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <string.h>

#define AT_ONCE    64u         /* tasks in one TaskCensus */
#define STEPS      4096u       /* records looked at for it */
#define STRETCH_NS CLOCK_MS_NS /* then those that are there make it up */

#define INNER 8u /* frames of our own within what a task waits in */

/* A page that is being made. */
struct listing {
	struct arena arena;
	const struct code_names *names;
	struct worker_task tasks[AT_ONCE];
	size_t n;
};

struct trace {
	void *frames[PAGE_FRAMES + INNER];
	int n;
};

/* On the stack of the task. */
static void take_trace(void *arg)
{
	struct trace *trace = arg;

	trace->n = backtrace(trace->frames, PAGE_FRAMES + INNER);
}

/* The outermost whose text has that; 0: there is none. */
static int find_function(const struct code_names *names, const struct trace *trace,
			 const char *part)
{
	int i = trace->n;

	while (--i > 0) {
		struct page_frame frame;

		code_names_fill(names, (uintptr_t)trace->frames[i], 1, &frame);
		if (strstr(frame.text, part))
			break;
	}
	return i > 0 ? i : 0;
}

/* Of the host's frames, the one that the plug-in has called is of use: troupe_sleep(). */
static void cut_own(const struct code_names *names, const struct trace *trace, int *ret_first,
		    int *ret_end)
{
	int first = 0, end = trace->n;

	/* A sanitizer's backtrace() is inside of take_trace(), which is ours. */
	while (first < end && !code_names_is_own(names, (uintptr_t)trace->frames[first] - 1))
		first++;
	while (first < end && code_names_is_own(names, (uintptr_t)trace->frames[first] - 1))
		first++;
	if (first == end) {
		/* The plug-in's function has ended in a jump to ours. */
		first = find_function(names, trace, "(troupe_");
		*ret_first = first;
		*ret_end = first > 0 ? first + 1 : end;
		return;
	}
	while (code_names_is_own(names, (uintptr_t)trace->frames[end - 1] - 1) ||
	       !trace->frames[end - 1])
		end--;
	*ret_first = first > 0 ? first - 1 : 0;
	*ret_end = end;
}

static char *copy(struct listing *listing, const char *text, size_t most)
{
	char *copy = arena_copy(&listing->arena, text, strnlen(text, most));

	if (copy)
		text_make_utf8(copy);
	return copy;
}

/* False: no memory. */
static bool add_frames(struct listing *listing, const struct trace *trace,
		       struct worker_frame_array *ret_frames)
{
	struct worker_frame *frames;
	int first, end;

	cut_own(listing->names, trace, &first, &end);
	if (end - first > (int)PAGE_FRAMES)
		end = first + (int)PAGE_FRAMES;
	frames = arena_alloc(&listing->arena, (size_t)(end - first + 1) * sizeof(*frames));
	if (!frames)
		return false;
	for (int i = first; i < end; i++) {
		struct page_frame frame;
		const char *text;

		code_names_fill(listing->names, (uintptr_t)trace->frames[i], 1, &frame);
		text = copy(listing, frame.text, sizeof(frame.text));
		if (!text)
			return false;
		frames[i - first] = (struct worker_frame){
			.text = text,
			.plugin = frame.plugin,
			.address = (int64_t)frame.address,
		};
	}
	*ret_frames = (struct worker_frame_array){frames, (size_t)(end - first)};
	return true;
}

/* A plug-in's number. */
static int64_t at_most(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool add_task(struct listing *listing, struct runtime *runtime,
		     const struct inspect_task *task)
{
	struct worker_task *place = &listing->tasks[listing->n];
	struct trace trace = {.n = 0};
	struct worker_progress *progress;

	*place = (struct worker_task){
		.id = (int64_t)task->id,
		.name = copy(listing, task->name, LIMIT_TASK_NAME),
		.state = task->state,
		.waitsFor = task->waits_for,
		.forNs = (int64_t)task->for_ns,
		.isCut = task->is_cut,
	};
	if (!place->name)
		return false;
	if (task->done > 0 || task->all > 0) {
		progress = arena_alloc(&listing->arena, sizeof(*progress));
		if (!progress)
			return false;
		*progress = (struct worker_progress){at_most(task->done), at_most(task->all)};
		place->progress = progress;
	}
	if (inspect_visit(runtime, task->id, take_trace, &trace) &&
	    !add_frames(listing, &trace, &place->frames))
		return false;
	listing->n++;
	return true;
}

/* What is left, from record *at on, as far as a page goes. 0: that was all; -ESRCH: there is no
 * such actor. */
static int make_page(struct listing *listing, struct agent *agent,
		     const struct worker_tasks *in, uint32_t *at)
{
	const size_t limit = in->limit < 1         ? 1
			     : in->limit > AT_ONCE ? AT_ONCE
						   : (size_t)in->limit;
	const uint64_t until_ns = loop_clock_ns(agent->config.loop) + STRETCH_NS;
	uint32_t steps = STEPS;
	int r = 1;

	while (r > 0 && listing->n < limit &&
	       (listing->n == 0 || loop_clock_ns(agent->config.loop) < until_ns)) {
		struct inspect_task task;

		r = inspect_next_task(agent->runtime, in->actor, at, &steps, &task);
		if (r > 0 && !add_task(listing, agent->runtime, &task))
			return 0;
	}
	return r;
}

/* `room` is used when the agent has none. */
static const struct code_names *names_of(const struct agent *agent, struct code_names *room)
{
	*room = (struct code_names){.loader = agent->loader};
	return agent->config.crash ? recorder_names(agent->config.crash) : room;
}

void agent_print_place(void *context, uint64_t task, char *text, size_t size)
{
	struct agent *agent = agent_of(context);
	struct code_names room;
	const struct code_names *names = names_of(agent, &room);
	struct trace trace = {.n = 0};
	size_t used = 0;
	int first, end;

	text[0] = '\0';
	if (!inspect_visit(agent->runtime, task, take_trace, &trace))
		return;
	cut_own(names, &trace, &first, &end);
	for (int i = first; i < end && used < size; i++) {
		struct page_frame frame;

		code_names_fill(names, (uintptr_t)trace.frames[i], 1, &frame);
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", in " : "",
					 frame.text);
	}
}

void agent_on_tasks(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_tasks *in = data;
	struct code_names room;
	uint32_t at = in->from < 0 || in->from > UINT32_MAX ? UINT32_MAX : (uint32_t)in->from;
	struct listing listing = {.names = names_of(agent, &room)};
	struct worker_task_census out = {.request = in->request};
	int r;

	arena_init(&listing.arena);
	r = make_page(&listing, agent, in, &at);
	out.found = r != -ESRCH;
	if (r > 0 || r == -EAGAIN)
		out.next = at;
	out.tasks = (struct worker_task_array){listing.tasks, listing.n};
	agent_send(agent, &worker_task_census_method, &out);
	arena_fini(&listing.arena);
}
