/* names.h - which actors run where: names of units for workers and for clients, and which
 * workers there are.
 *
 * Belongs to the master; one thread. Workers are sent the whole list of a name's running actors
 * each time it changes, once a pass of the loop at most.
 */
#ifndef MASTER_NAMES_H
#define MASTER_NAMES_H

#include "master/calls.h"
#include <stdbool.h>

struct unit;

/* The unit's running instances have changed: send all workers the list of those that run under
 * its name now; when it is long and was sent just before, a little later. Workers that it
 * cannot be sent to for lack of memory or descriptors get it at the next tick. */
void names_send(struct master *master, struct unit *unit);
/* Whether no actor runs under its name, but one will again, unless it is given up. */
bool names_is_between_lives(const struct unit *unit);
/* Withdraw the name from all workers: the unit is going. */
void names_forget(struct master *master, const struct unit *unit);

/* A worker is up: send it all peers and names, and send all others a notice of it. */
void names_worker_up(struct worker *worker);
/* has_crashed: else it ended in order. */
void names_worker_down(struct worker *worker, bool has_crashed);

/* Send all names again to workers that a list could not be sent to. Once a second. */
void names_tick(struct master *master);
/* For master->names_timer: the time has come for what names_send() put off. */
void names_on_timer(struct loop_timer *timer);

enum names_place {
	NAMES_NOWHERE, /* the client has been answered */
	NAMES_COMING,  /* it is to run soon; only ret_target->unit is set */
	NAMES_THERE,
};

/* Where a name or address leads: "hello", "pool/2", "0.1.1.17.3". */
enum names_place names_resolve(struct master *master, struct control_call *client,
			       const char *name, struct call_target *ret_target);

/* The one unit that clients of a method's interface mean. */
enum names_place names_provider(struct master *master, struct control_call *client,
				struct control_name method, struct call_target *ret_target);

/* The next running instance of a pool; NULL: none runs. */
struct instance *names_pick(struct unit *unit);

/* The instance that "pool/2" or "hello/0" names; NULL: there is none. */
struct instance *names_instance(struct master *master, const char *name);

#endif
