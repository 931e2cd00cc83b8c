/* poster.c - threads of a plug-in's own that hand numbers to its actor. */
#include "poster.varlink.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/inlet.h>

#define THREADS_MAX 16

struct item {
	int64_t thread, number;
};

struct thread {
	pthread_t id;
	struct troupe_inlet *inlet;
	int64_t number; /* its own */
	int64_t count;  /* -1: without end */
};

struct poster {
	struct troupe_inlet *inlet;
	struct thread threads[THREADS_MAX];
	int64_t n_threads, next[THREADS_MAX];
	int64_t arrived, expected, misplaced;
	struct poster_post_call call;
};

static void *run(void *context)
{
	struct thread *thread = context;
	struct item item = {thread->number, 0};

	while (item.number != thread->count &&
	       troupe_post_wait(thread->inlet, &item, sizeof(item), 0) == 0)
		item.number++;
	return NULL;
}

static void join_all(struct poster *me)
{
	while (me->n_threads > 0)
		(void)pthread_join(me->threads[--me->n_threads].id, NULL);
}

static int begin_thread(struct poster *me, int64_t count)
{
	struct thread *thread = &me->threads[me->n_threads];
	int r;

	*thread = (struct thread){.inlet = me->inlet, .number = me->n_threads, .count = count};
	me->next[me->n_threads] = 0;
	r = pthread_create(&thread->id, NULL, run, thread);
	if (r == 0)
		me->n_threads++;
	return -r;
}

static int on_item(struct troupe_self *self, struct poster *me, uint64_t context,
		   const struct troupe_post_event *event)
{
	struct item item;

	(void)context;
	memcpy(&item, event->data, sizeof(item));
	me->misplaced += item.number != me->next[item.thread]++;
	if (++me->arrived != me->expected)
		return 0;
	join_all(me);
	return poster_post_return(
		self, me->call,
		&(struct poster_post_out){.arrived = me->arrived, .misplaced = me->misplaced});
}
TROUPE_POST(on_item, struct poster)

static int begin(struct troupe_self *self, struct poster *me, const void *config)
{
	(void)config;
	return troupe_inlet_open(self, &on_item_entry, 0, 0, &me->inlet);
}

static void end(struct troupe_self *self, struct poster *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	join_all(me);
	troupe_inlet_release(me->inlet);
}

static int on_post(struct troupe_self *self, struct poster *me, struct poster_post_call call,
		   const struct poster_post *in)
{
	int r;

	if (in->threads < 1 || in->threads > THREADS_MAX)
		return poster_post_fail_parameter(self, call, "threads", "must be 1 to 16");
	if (in->count < 1)
		return poster_post_fail_parameter(self, call, "count", "must be at least 1");
	if (me->n_threads > 0)
		return -EBUSY;
	r = poster_post_keep(self, &call);
	if (r < 0)
		return r;
	me->call = call;
	me->arrived = me->misplaced = 0;
	me->expected = in->threads * in->count;
	for (int64_t i = 0; i < in->threads && r == 0; i++)
		r = begin_thread(me, in->count);
	return r;
}

static int on_post_for_ever(struct troupe_self *self, struct poster *me,
			    struct poster_post_for_ever_call call,
			    const struct poster_post_for_ever *in)
{
	int r;

	(void)in;
	if (me->n_threads > 0)
		return -EBUSY;
	r = begin_thread(me, -1);
	return r < 0 ? r
		     : poster_post_for_ever_return(self, call,
						   &(struct poster_post_for_ever_out){0});
}

static int on_count(struct troupe_self *self, struct poster *me, struct poster_count_call call,
		    const struct poster_count *in)
{
	(void)in;
	return poster_count_return(self, call,
				   &(struct poster_count_out){.arrived = me->arrived});
}

POSTER_HANDLERS(posted, struct poster, .post = on_post, .post_for_ever = on_post_for_ever,
		.count = on_count)
TROUPE_LIFE(life, struct poster, void, .init = begin, .fini = end)

TROUPE_ACTOR(poster) = {
	TROUPE_ABI(poster),      .state_size = sizeof(struct poster), .life = &life,
	.interfaces = {&posted}, .entries = {&on_item_entry},
};
