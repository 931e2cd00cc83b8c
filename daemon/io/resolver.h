/* resolver.h - names that are looked up in threads, and what came of it, for a while.
 *
 * A lookup belongs to the worker, not to who asked first: others join it, and its answer stays
 * when nobody waits any more. Only one that no thread has begun goes with the last who waited.
 * The loop's thread; getaddrinfo() runs in the crew's.
 */
#ifndef IO_RESOLVER_H
#define IO_RESOLVER_H

#include <stdbool.h>

struct resolver;

/* *ret_resolver is given. -ENOMEM. */
int resolver_new(struct resolver **ret_resolver);
/* Nothing is under way, see resolver_is_held(). NULL is fine. */
void resolver_free(struct resolver *resolver);

/* A thread is at a name, whoever waits for it. */
bool resolver_is_held(const struct resolver *resolver);

#endif
