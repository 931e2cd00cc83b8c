#include "base/handoff.h"
#include <errno.h>
#include <stddef.h>

/* What a closed one holds, as handoff_is_closed() has it. */
static struct handoff_link *closed(struct handoff *handoff)
{
	return (struct handoff_link *)(void *)handoff;
}

int handoff_push(struct handoff *handoff, struct handoff_link *link)
{
	struct handoff_link *newest =
		atomic_load_explicit(&handoff->newest, memory_order_relaxed);

	do {
		if (newest == closed(handoff))
			return -EPIPE;
		link->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
		&handoff->newest, &newest, link, memory_order_acq_rel, memory_order_relaxed));
	return newest == NULL;
}

static struct handoff_link *reverse(struct handoff_link *newest)
{
	struct handoff_link *oldest = NULL;

	while (newest) {
		struct handoff_link *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

/* Leave `instead` there, unless it is closed. */
static struct handoff_link *take(struct handoff *handoff, struct handoff_link *instead)
{
	/* who takes also closes, so that this stays true */
	if (handoff_is_closed(handoff))
		return NULL;
	return reverse(
		atomic_exchange_explicit(&handoff->newest, instead, memory_order_seq_cst));
}

struct handoff_link *handoff_take(struct handoff *handoff)
{
	return take(handoff, NULL);
}

struct handoff_link *handoff_close(struct handoff *handoff)
{
	return take(handoff, closed(handoff));
}
