/* watch.c - in the simulated world nobody watches how long handlers take: they take no time,
 * and a thread of its own would look at another clock. Agents without a recorder ask for none.
 */
#include "worker/slow_watch.h"

#include <errno.h>

int slow_watch_new(struct recorder *recorder, struct page *page, struct slow_watch **ret_watch)
{
	(void)recorder;
	(void)page;
	(void)ret_watch;
	return -ENOSYS;
}

void slow_watch_free(struct slow_watch *watch)
{
	(void)watch;
}

void slow_watch_set_limit(struct slow_watch *watch, uint64_t limit_ns)
{
	(void)watch;
	(void)limit_ns;
}

const atomic_bool *slow_watch_sleeps(const struct slow_watch *watch)
{
	(void)watch;
	return NULL;
}

void slow_watch_wake(struct slow_watch *watch)
{
	(void)watch;
}
