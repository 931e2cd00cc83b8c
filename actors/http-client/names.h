/* names.h - the addresses of names: remembered for a while, looked up once for all who ask.
 *
 * One actor's; by its thread only.
 */
#ifndef HTTP_CLIENT_NAMES_H
#define HTTP_CLIENT_NAMES_H

#include "lookup.h"
#include <stddef.h>

#define NAMES_MAX 10000 /* remembered; the one that was looked up first goes */

struct name;

/* Who waits for a name; embedded in what waits. */
struct waiter {
	struct waiter *next, *prev;
	struct name *name; /* NULL: does not wait */
};

struct names {
	struct name *by_host; /* uthash */
	struct name *asked;   /* in the order of their ids */
	struct name *known;   /* in the order in which they became known */
	unsigned n_asked;
	unsigned n_known;
	uint64_t last_id;
	uint64_t n_lookups;
	uint64_t good_ns, bad_ns; /* how long to remember */
	struct lookup *lookup;
};

/* Results of names->lookup are for names_take(). Errors as for lookup_new(). */
int names_init(struct names *names, uint64_t good_ns, uint64_t bad_ns);
void names_fini(struct names *names);

/* Find a name. 1: it is known, see below; *ret_name is good until the next names_ask(). 0: it
 * is being looked up, and the waiter is in its list. -EAGAIN: LOOKUP_WAITING names are in the
 * queue; -ENAMETOOLONG; -ENOMEM. */
int names_ask(struct names *names, const char *host, uint64_t now_ns, struct waiter *waiter,
	      const struct name **ret_name);

/* It waits no longer. One that does not wait is fine. */
void names_forget(struct names *names, struct waiter *waiter);

/* A result has come: the waiters of its name are taken off it and handed over, a list;
 * *ret_name is good until the next names_ask(). NULL: nobody waits. */
struct waiter *names_take(struct names *names, const struct lookup_result *result,
			  uint64_t now_ns, const struct name **ret_name);

/* Of a name that is known: its addresses with commas between, as CURLOPT_RESOLVE has them;
 * NULL: it has none, and why. */
const char *name_addresses(const struct name *name);
const char *name_reason(const struct name *name);

#endif
