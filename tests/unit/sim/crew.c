/* crew.c - the simulated body of base/crew.h: no thread, but works that begin and end by the
 * seed, in passes of their own; what was begun does not end while the loop's crews are held. */
#include "base/crew.h"

#include "base/check.h"
#include "base/list.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <stdlib.h>

struct crew {
	struct crew_config config;
	struct loop_io turn;
	struct crew_work *first, *last; /* those that wait for a thread */
	struct crew_work *running[CREW_THREADS_MAX];
	struct crew_count count;
	struct list of_loop;
};

static void append(struct crew_work **first, struct crew_work **last, struct crew_work *work)
{
	work->next = NULL;
	*(*first ? &(*last)->next : first) = work;
	*last = work;
}

static void remove_from(struct crew_work **first, struct crew_work **last,
			struct crew_work *work)
{
	struct crew_work *before = NULL, *at = *first;

	for (; at != work; at = at->next)
		before = at;
	*(before ? &before->next : first) = work->next;
	if (*last == work)
		*last = before;
}

static void admit(struct crew *crew, struct crew_line *line)
{
	while (line && line->first && line->admitted < line->most) {
		struct crew_work *work = line->first;

		remove_from(&line->first, &line->last, work);
		line->admitted++;
		work->state = CREW_NEXT;
		append(&crew->first, &crew->last, work);
	}
}

static void leave_line(struct crew *crew, struct crew_line *line)
{
	if (line)
		line->admitted--;
	admit(crew, line);
}

static void take_turn(struct crew *crew)
{
	sim_io_ready(&crew->turn, LOOP_READ);
}

static void begin_one(struct crew *crew)
{
	struct crew_work *work = crew->first;

	remove_from(&crew->first, &crew->last, work);
	work->state = CREW_RUNNING;
	crew->running[crew->count.running++] = work;
	crew->count.waiting--;
}

static void take_running(struct crew *crew, unsigned at)
{
	crew->running[at] = crew->running[--crew->count.running];
}

static void end_one(struct crew *crew, unsigned at)
{
	struct crew_work *work = crew->running[at];

	work->run(work, at);
	take_running(crew, at);
	work->state = CREW_DONE;
	leave_line(crew, work->line);
	work->on_done(work);
}

static bool can_begin(const struct crew *crew)
{
	return crew->first && crew->count.running < crew->config.most;
}

static bool can_end(const struct crew *crew)
{
	return crew->count.running > 0 && !sim_crews_are_held(crew->config.loop);
}

static void on_turn(struct loop_io *io, unsigned events)
{
	struct crew *crew = container_of(io, struct crew, turn);
	struct loop *loop = crew->config.loop;

	(void)events;
	if (can_begin(crew) && (!can_end(crew) || sim_pick(loop, 2) == 0))
		begin_one(crew);
	else if (can_end(crew))
		end_one(crew, (unsigned)sim_pick(loop, crew->count.running));
	if (can_begin(crew) || can_end(crew))
		take_turn(crew);
}

int crew_new(const struct crew_config *config, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return -ENOMEM;
	crew->config = *config;
	loop_io_init(&crew->turn, config->loop, -1, on_turn);
	(void)loop_io_set(&crew->turn, LOOP_READ);
	sim_crew_enter(config->loop, &crew->of_loop);
	*ret_crew = crew;
	return 0;
}

void sim_crew_turn(struct list *of_loop)
{
	take_turn(container_of(of_loop, struct crew, of_loop));
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	check(crew->count.running == 0);
	list_remove(&crew->of_loop);
	loop_io_stop(&crew->turn);
	free(crew);
}

void crew_set_most(struct crew *crew, uint32_t most)
{
	crew->config.most = most;
	take_turn(crew);
}

int crew_give(struct crew *crew, struct crew_line *line, uint32_t most, struct crew_work *work)
{
	work->line = line;
	work->is_lost = false;
	work->state = line ? CREW_IN_LINE : CREW_NEXT;
	if (line) {
		line->most = most;
		append(&line->first, &line->last, work);
		admit(crew, line);
	} else {
		append(&crew->first, &crew->last, work);
	}
	crew->count.waiting++;
	take_turn(crew);
	return 0;
}

bool crew_take_back(struct crew *crew, struct crew_work *work)
{
	if (work->state == CREW_IN_LINE) {
		remove_from(&work->line->first, &work->line->last, work);
	} else if (work->state == CREW_NEXT) {
		remove_from(&crew->first, &crew->last, work);
		leave_line(crew, work->line);
	} else {
		return false;
	}
	work->state = CREW_NOT_GIVEN;
	crew->count.waiting--;
	take_turn(crew);
	return true;
}

/* It never comes back. */
bool crew_lose(struct crew *crew, struct crew_work *work)
{
	unsigned at = 0;

	work->is_lost = !crew_take_back(crew, work);
	if (work->state == CREW_DONE && work->on_lost)
		work->on_lost(work);
	if (work->state != CREW_RUNNING)
		return false;
	while (crew->running[at] != work)
		at++;
	take_running(crew, at);
	leave_line(crew, work->line);
	crew->count.lost++;
	take_turn(crew);
	return true;
}

struct crew_count crew_count(struct crew *crew)
{
	return crew->count;
}
