/* What many threads hand to one. */
#include "base/handoff.h"
#include "base/list.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 4
#define ITEMS   50000

struct item {
	struct handoff_link link;
	int thread, number;
};

struct pusher {
	struct handoff *handoff;
	struct item *items;
	int thread, firsts, closed_at;
};

static struct item *item_of(struct handoff_link *link)
{
	return container_of(link, struct item, link);
}

static void takes_in_the_order_of_pushes(void **state)
{
	struct handoff handoff = {NULL};
	struct item items[3] = {0};
	struct handoff_link *link;

	(void)state;
	assert_null(handoff_take(&handoff));
	assert_int_equal(handoff_push(&handoff, &items[0].link), 1);
	assert_int_equal(handoff_push(&handoff, &items[1].link), 0);
	link = handoff_take(&handoff);
	assert_ptr_equal(link, &items[0].link);
	assert_ptr_equal(link->next, &items[1].link);
	assert_null(link->next->next);
	assert_null(handoff_take(&handoff));
	assert_int_equal(handoff_push(&handoff, &items[2].link), 1);
	assert_false(handoff_is_closed(&handoff));
	assert_ptr_equal(handoff_close(&handoff), &items[2].link);
	assert_true(handoff_is_closed(&handoff));
	assert_int_equal(handoff_push(&handoff, &items[0].link), -EPIPE);
	assert_null(handoff_take(&handoff));
	assert_null(handoff_close(&handoff));
}

static void *push_all(void *context)
{
	struct pusher *pusher = context;

	for (int i = 0; i < ITEMS; i++) {
		struct item *item = &pusher->items[i];
		int r;

		item->thread = pusher->thread;
		item->number = i;
		r = handoff_push(pusher->handoff, &item->link);
		if (r < 0) {
			pusher->closed_at = i;
			break;
		}
		pusher->firsts += r;
	}
	return NULL;
}

static void begin_pushers(struct pusher *pushers, pthread_t *threads, struct handoff *handoff)
{
	for (int i = 0; i < THREADS; i++) {
		pushers[i] = (struct pusher){.handoff = handoff,
					     .items = calloc(ITEMS, sizeof(struct item)),
					     .thread = i,
					     .closed_at = ITEMS};
		assert_non_null(pushers[i].items);
		assert_int_equal(pthread_create(&threads[i], NULL, push_all, &pushers[i]), 0);
	}
}

/* Returns how many there were: all that a thread has pushed, in its order. */
static int look_at(struct handoff_link *link, int *next)
{
	int n = 0;

	for (; link; link = link->next, n++) {
		struct item *item = item_of(link);

		assert_int_equal(item->number, next[item->thread]++);
	}
	return n;
}

static void nothing_is_lost_and_each_thread_keeps_its_order(void **state)
{
	struct handoff handoff = {NULL};
	struct pusher pushers[THREADS];
	pthread_t threads[THREADS];
	int next[THREADS] = {0}, takes = 0, firsts = 0;

	(void)state;
	begin_pushers(pushers, threads, &handoff);
	for (int n = 0, more; n < THREADS * ITEMS; n += more) {
		more = look_at(handoff_take(&handoff), next);
		takes += more > 0;
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		firsts += pushers[i].firsts;
		free(pushers[i].items);
	}
	/* for each that found something exactly one push has said so */
	assert_int_equal(firsts, takes);
}

static void what_was_pushed_before_the_end_is_taken_by_it(void **state)
{
	struct handoff handoff = {NULL};
	struct pusher pushers[THREADS];
	pthread_t threads[THREADS];
	int next[THREADS] = {0}, n = 0;

	(void)state;
	begin_pushers(pushers, threads, &handoff);
	while (n < ITEMS / 2)
		n += look_at(handoff_take(&handoff), next);
	(void)look_at(handoff_close(&handoff), next);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(next[i], pushers[i].closed_at);
		free(pushers[i].items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_in_the_order_of_pushes),
		cmocka_unit_test(nothing_is_lost_and_each_thread_keeps_its_order),
		cmocka_unit_test(what_was_pushed_before_the_end_is_taken_by_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
