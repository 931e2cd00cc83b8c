#include "units/slow.h"

#include "base/clock.h"
#include "base/text.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/activity_print.h"
#include "units/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_INTERVAL_NS (30 * CLOCK_SECOND_NS)
#define LOG_BURST       10u    /* lines in it, of a worker */
#define AGAIN_MS        60000u /* the same handler is logged again */
#define FRAMES_LOGGED   4u
#define LINE            (ACTIVITY_ACTOR + ACTIVITY_CHILD + ACTIVITY_MESSAGE + 128)

#define load(place) atomic_load_explicit(place, memory_order_relaxed)

/* ---- what is kept */

const struct slow_handler *slow_at(const struct worker *worker, size_t i)
{
	const struct slow *slow = worker->slow;

	if (!slow || i >= slow->n)
		return NULL;
	return &slow->handlers[(slow->next + LIMIT_SLOW_KEPT - 1 - i) % LIMIT_SLOW_KEPT];
}

static struct slow *slow_of(struct worker *worker)
{
	if (!worker->slow)
		worker->slow = calloc(1, sizeof(*worker->slow));
	if (worker->slow && worker->slow->logged.interval_ns == 0)
		rate_limit_init(&worker->slow->logged, LOG_INTERVAL_NS, LOG_BURST);
	return worker->slow;
}

/* ---- the log */

/* Whether the same handler of the same unit was found shortly before: that was logged. */
static bool was_logged(const struct worker *worker, const struct slow_handler *handler)
{
	const struct slow_handler *before;

	for (size_t i = 1; (before = slow_at(worker, i)); i++)
		if (before->activity.version == handler->activity.version &&
		    before->activity.type_hash == handler->activity.type_hash &&
		    handler->time_ms - before->time_ms < AGAIN_MS)
			return true;
	return false;
}

static void print_frames(const struct slow_handler *handler, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < handler->n_frames && i < FRAMES_LOGGED && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : ": ",
					 handler->frames[i].text);
}

static void report(struct worker *worker, const struct slow_handler *handler)
{
	char frames[FRAMES_LOGGED * (PAGE_SYMBOL + 2)], span[64];
	const struct activity_names *names = &handler->names;
	struct slow *slow = worker->slow;
	uint64_t now_ns = loop_clock_ns(worker->master->loop);

	if (was_logged(worker, handler) || !rate_limit_pass(&slow->logged, now_ns))
		return;
	print_frames(handler, frames, sizeof(frames));
	text_print_span_ns(handler->for_ns / CLOCK_MS_NS * CLOCK_MS_NS, span, sizeof(span));
	log_warning(&worker->master->log, "worker %u: slow handler: %s%s%s%s %s in %s for %s%s",
		    worker->number, names->actor[0] ? names->actor : "the host",
		    names->child[0] ? " (its child " : "", names->child,
		    names->child[0] ? ")" : "", handler->is_over ? "was" : "has been",
		    names->message, span, frames);
}

/* ---- reading the page */

static void copy_frames(struct slow_handler *handler, const struct page_slow *from)
{
	unsigned n = from->n_frames;

	handler->n_frames = 0;
	for (unsigned i = 0; i < n && i < PAGE_SLOW_FRAMES; i++)
		handler->n_frames +=
			crash_copy_frame(&handler->frames[handler->n_frames], &from->frames[i]);
}

/* Of a record that may change meanwhile, and hold anything. */
static void note_time(struct slow_handler *handler, const struct page_slow *from)
{
	uint64_t for_ns = load(&from->for_ns);

	handler->for_ns = for_ns > INT64_MAX ? INT64_MAX : for_ns;
	handler->is_over = load(&from->is_over) != 0;
}

static void add(struct worker *worker, const struct page_slow *from, uint64_t number)
{
	struct slow *slow = worker->slow;
	struct slow_handler *handler = &slow->handlers[slow->next];
	struct instance *instance;

	handler->number = number;
	handler->incarnation = worker->incarnation;
	handler->time_ms = (uint64_t)clock_unix_ms();
	note_time(handler, from);
	(void)activity_read(&from->thread, &handler->activity);
	copy_frames(handler, from);
	/* The worker was quicker: it will be found under its own number, or is lost. */
	if (atomic_load_explicit(&from->number, memory_order_acquire) != number)
		return;
	instance = activity_print(worker, &handler->activity, &handler->names);
	if (instance)
		instance->unit->slow_handlers++;
	slow->next = (slow->next + 1) % LIMIT_SLOW_KEPT;
	if (slow->n < LIMIT_SLOW_KEPT)
		slow->n++;
	report(worker, handler);
}

/* The one of the page with the lowest number above that of those that were read. */
static const struct page_slow *find_next(const struct worker *worker, uint64_t *ret_number)
{
	const struct page_slow *next = NULL;

	for (size_t i = 0; i < PAGE_SLOW; i++) {
		const struct page_slow *at = &worker->page->slow[i];
		uint64_t number = atomic_load_explicit(&at->number, memory_order_acquire);

		if (number > worker->slow->seen && (!next || number < *ret_number)) {
			next = at;
			*ret_number = number;
		}
	}
	return next;
}

/* How those that ran last time go on. */
static void follow(struct worker *worker)
{
	struct slow *slow = worker->slow;

	for (size_t i = 0; i < slow->n; i++) {
		struct slow_handler *handler = &slow->handlers[i];
		const struct page_slow *at =
			&worker->page->slow[(handler->number - 1) % PAGE_SLOW];

		if (handler->is_over)
			continue;
		if (handler->incarnation == worker->incarnation &&
		    atomic_load_explicit(&at->number, memory_order_acquire) == handler->number)
			note_time(handler, at);
		else
			handler->is_over = true;
	}
}

static bool has_any(const struct worker *worker)
{
	for (size_t i = 0; i < PAGE_SLOW; i++)
		if (load(&worker->page->slow[i].number) != 0)
			return true;
	return false;
}

static void read_page(struct worker *worker)
{
	const struct page_slow *next;
	uint64_t number = 0;

	if (!worker->page || !has_any(worker) || !slow_of(worker) ||
	    worker->slow->over == worker->incarnation)
		return;
	follow(worker);
	for (size_t n = 0; n < PAGE_SLOW && (next = find_next(worker, &number)); n++) {
		worker->slow->missed += number - worker->slow->seen - 1;
		worker->slow->seen = number;
		add(worker, next, number);
	}
}

void slow_look(struct worker *worker)
{
	if (worker_is_up(worker))
		read_page(worker);
}

void slow_forget(struct worker *worker)
{
	struct slow *slow;

	read_page(worker);
	slow = worker->slow;
	if (!slow)
		return;
	slow->seen = slow->missed = 0;
	slow->over = worker->incarnation;
	for (size_t i = 0; i < slow->n; i++)
		slow->handlers[i].is_over = true;
}

void slow_free(struct worker *worker)
{
	free(worker->slow);
}

void slow_tick(struct master *master)
{
	workers_foreach (worker, master)
		slow_look(worker);
}
