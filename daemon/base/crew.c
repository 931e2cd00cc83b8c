#include "base/crew.h"

#include "base/check.h"
#include "base/list.h"
#include "base/thread.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum place_state {
	PLACE_FREE,
	PLACE_TAKEN, /* by a thread of the crew */
	PLACE_LOST,  /* by one that is none any more */
	PLACE_LEFT,  /* the thread has ended, and is to be joined */
};

struct place {
	struct crew *crew;
	pthread_t thread;
	enum place_state state;
	const struct crew_work *work; /* that it is at; NULL: none */
};

struct queue {
	struct crew_work *first, *last;
};

struct crew {
	struct crew_config config;
	pthread_mutex_t mutex; /* for all but the handoff and the wake */
	pthread_cond_t given, left;
	struct queue next;
	uint32_t n_next, n_in_line, n_running, n_lost;
	uint32_t n_threads; /* places taken */
	uint32_t n_idle;
	bool is_ending;
	struct place places[CREW_THREADS_MAX];
	struct handoff done;
	struct loop_wake wake;
};

static void append(struct crew_work **first, struct crew_work **last, struct crew_work *work)
{
	work->next = NULL;
	if (*first)
		(*last)->next = work;
	else
		*first = work;
	*last = work;
}

static struct crew_work *pop(struct crew_work **first)
{
	struct crew_work *work = *first;

	*first = work->next;
	return work;
}

static void remove_from(struct crew_work **first, struct crew_work **last,
			struct crew_work *work)
{
	struct crew_work **place = first, *before = NULL;

	while (*place != work) {
		before = *place;
		place = &(*place)->next;
	}
	*place = work->next;
	if (*last == work)
		*last = before;
}

/* ---- with the mutex held */

static void make_next(struct crew *crew, struct crew_work *work)
{
	work->state = CREW_NEXT;
	append(&crew->next.first, &crew->next.last, work);
	crew->n_next++;
	/* one that was woken before, and has not come, has its work already */
	if (crew->n_next <= crew->n_idle)
		pthread_cond_signal(&crew->given);
}

static void admit(struct crew *crew, struct crew_line *line)
{
	while (line->first && line->admitted < line->most) {
		line->admitted++;
		crew->n_in_line--;
		make_next(crew, pop(&line->first));
	}
}

/* One of its works is over. */
static void leave_line(struct crew *crew, struct crew_line *line)
{
	if (!line)
		return;
	line->admitted--;
	admit(crew, line);
}

static bool should_stay(const struct crew *crew)
{
	return !crew->is_ending && crew->n_threads <= crew->config.most;
}

/* Until there is work. False: there is no use in waiting any longer. */
static bool wait_for_work(struct crew *crew)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(crew->config.rest_ns % 1000000000u);
	until.tv_sec +=
		(time_t)(crew->config.rest_ns / 1000000000u) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	crew->n_idle++;
	while (!crew->next.first && error == 0 && should_stay(crew))
		error = pthread_cond_timedwait(&crew->given, &crew->mutex, &until);
	crew->n_idle--;
	return crew->next.first && should_stay(crew);
}

/* ---- a thread */

static void hand_back(struct crew *crew, struct crew_work *work)
{
	crew->n_running--;
	work->state = CREW_DONE;
	leave_line(crew, work->line);
	pthread_mutex_unlock(&crew->mutex);
	if (handoff_push(&crew->done, &work->done) == 1)
		loop_wake_send(&crew->wake);
	pthread_mutex_lock(&crew->mutex);
}

static void undo(struct crew_work *work)
{
	if (work->on_lost)
		work->on_lost(work);
}

/* It was lost, but here it is. */
static void come_back(struct crew *crew, struct place *place, struct crew_work *work)
{
	pthread_mutex_unlock(&crew->mutex);
	undo(work);
	pthread_mutex_lock(&crew->mutex);
	crew->n_lost--;
	crew->n_threads++;
	place->state = PLACE_TAKEN;
}

static void run_one(struct crew *crew, struct place *place)
{
	struct crew_work *work = pop(&crew->next.first);

	crew->n_next--;
	crew->n_running++;
	work->state = CREW_RUNNING;
	place->work = work;
	pthread_mutex_unlock(&crew->mutex);
	work->run(work, (unsigned)(place - crew->places));
	pthread_mutex_lock(&crew->mutex);
	place->work = NULL;
	if (place->state == PLACE_LOST)
		come_back(crew, place, work);
	else
		hand_back(crew, work);
}

static void *run_thread(void *context)
{
	struct place *place = context;
	struct crew *crew = place->crew;

	pthread_mutex_lock(&crew->mutex);
	while (should_stay(crew) && (crew->next.first || wait_for_work(crew)))
		run_one(crew, place);
	crew->n_threads--;
	place->state = PLACE_LEFT;
	pthread_cond_signal(&crew->left);
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

/* ---- the loop's thread */

/* A thread that has left does nothing more. The mutex is held. */
static void join_left(struct crew *crew)
{
	for (unsigned i = 0; i < CREW_THREADS_MAX; i++)
		if (crew->places[i].state == PLACE_LEFT) {
			pthread_join(crew->places[i].thread, NULL);
			crew->places[i].state = PLACE_FREE;
		}
}

static struct place *find_place(struct crew *crew)
{
	join_left(crew);
	for (unsigned i = 0; i < CREW_THREADS_MAX; i++)
		if (crew->places[i].state == PLACE_FREE)
			return &crew->places[i];
	return NULL;
}

/* The mutex is held. */
static int add_thread(struct crew *crew)
{
	struct place *place = find_place(crew);
	int rc;

	if (!place)
		return -EAGAIN;
	place->crew = crew;
	place->state = PLACE_TAKEN;
	crew->n_threads++;
	rc = thread_start(&place->thread, crew->config.name, crew->config.stack, run_thread,
			  place);
	if (rc < 0) {
		place->state = PLACE_FREE;
		crew->n_threads--;
	}
	return rc;
}

/* As many threads as there is work for, and may be. The mutex is held. */
static int add_threads(struct crew *crew)
{
	uint32_t wanted = crew->n_next > crew->n_idle ? crew->n_next - crew->n_idle : 0;
	int rc = 0;

	for (; rc == 0 && wanted > 0 && crew->n_threads < crew->config.most; wanted--)
		rc = add_thread(crew);
	return rc;
}

static bool take_back(struct crew *crew, struct crew_work *work)
{
	struct crew_line *line = work->line;

	if (work->state == CREW_IN_LINE) {
		remove_from(&line->first, &line->last, work);
		crew->n_in_line--;
	} else if (work->state == CREW_NEXT) {
		remove_from(&crew->next.first, &crew->next.last, work);
		crew->n_next--;
		leave_line(crew, line);
	} else {
		return false;
	}
	work->state = CREW_NOT_GIVEN;
	return true;
}

int crew_give(struct crew *crew, struct crew_line *line, uint32_t most, struct crew_work *work)
{
	int rc;

	work->line = line;
	work->is_lost = false;
	pthread_mutex_lock(&crew->mutex);
	if (line) {
		line->most = most;
		work->state = CREW_IN_LINE;
		append(&line->first, &line->last, work);
		crew->n_in_line++;
		admit(crew, line);
	} else {
		make_next(crew, work);
	}
	rc = add_threads(crew);
	/* with fewer threads it takes longer; with none for ever */
	if (rc < 0 && crew->n_threads == 0)
		(void)take_back(crew, work);
	else
		rc = 0;
	pthread_mutex_unlock(&crew->mutex);
	return rc;
}

bool crew_take_back(struct crew *crew, struct crew_work *work)
{
	bool taken;

	pthread_mutex_lock(&crew->mutex);
	taken = take_back(crew, work);
	pthread_mutex_unlock(&crew->mutex);
	return taken;
}

static struct place *place_of(struct crew *crew, const struct crew_work *work)
{
	struct place *place = crew->places;

	while (place->work != work)
		place++;
	return place;
}

bool crew_lose(struct crew *crew, struct crew_work *work)
{
	bool is_running, is_done;

	pthread_mutex_lock(&crew->mutex);
	if (!take_back(crew, work))
		work->is_lost = true;
	is_running = work->state == CREW_RUNNING;
	is_done = work->state == CREW_DONE;
	if (is_running) {
		place_of(crew, work)->state = PLACE_LOST;
		crew->n_threads--;
		crew->n_running--;
		crew->n_lost++;
		leave_line(crew, work->line);
		(void)add_threads(crew); /* or it comes back, or the next work brings one */
	}
	pthread_mutex_unlock(&crew->mutex);
	if (is_done)
		undo(work);
	return is_running;
}

struct crew_count crew_count(struct crew *crew)
{
	struct crew_count count;

	pthread_mutex_lock(&crew->mutex);
	count = (struct crew_count){
		.threads = crew->n_threads,
		.running = crew->n_running,
		.waiting = crew->n_next + crew->n_in_line,
		.lost = crew->n_lost,
	};
	pthread_mutex_unlock(&crew->mutex);
	return count;
}

/* ---- life */

static void on_wake(struct loop_wake *wake)
{
	struct crew *crew = container_of(wake, struct crew, wake);
	struct handoff_link *link = handoff_take(&crew->done);

	while (link) {
		struct crew_work *work = container_of(link, struct crew_work, done);

		link = link->next; /* its owner may free it */
		if (!work->is_lost)
			work->on_done(work);
	}
}

int crew_new(const struct crew_config *config, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	pthread_condattr_t attributes;
	int rc;

	if (!crew)
		return -ENOMEM;
	rc = loop_wake_init(&crew->wake, config->loop, on_wake);
	if (rc < 0) {
		free(crew);
		return rc;
	}
	crew->config = *config;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->given, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_cond_init(&crew->left, NULL);
	pthread_mutex_init(&crew->mutex, NULL);
	*ret_crew = crew;
	return 0;
}

void crew_set_most(struct crew *crew, uint32_t most)
{
	pthread_mutex_lock(&crew->mutex);
	crew->config.most = most;
	pthread_cond_broadcast(&crew->given); /* those that are too many end */
	(void)add_threads(crew);
	pthread_mutex_unlock(&crew->mutex);
}

/* True: some are lost, and may still come back. */
static bool end_threads(struct crew *crew)
{
	bool is_held;

	pthread_mutex_lock(&crew->mutex);
	crew->is_ending = true;
	pthread_cond_broadcast(&crew->given);
	while (crew->n_threads > 0)
		pthread_cond_wait(&crew->left, &crew->mutex);
	join_left(crew);
	is_held = crew->n_lost > 0;
	pthread_mutex_unlock(&crew->mutex);
	return is_held;
}

void crew_free(struct crew *crew)
{
	bool is_held;

	if (!crew)
		return;
	is_held = end_threads(crew);
	loop_wake_stop(&crew->wake);
	if (is_held)
		return;
	for (unsigned i = 0; i < CREW_THREADS_MAX; i++)
		check(crew->places[i].state == PLACE_FREE);
	loop_wake_fini(&crew->wake);
	pthread_cond_destroy(&crew->given);
	pthread_cond_destroy(&crew->left);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
}
