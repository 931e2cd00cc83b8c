/* names.h - which actors run where: names of units, as the workers know them, and which workers
 * there are.
 *
 * Belongs to the master; one thread. Workers are sent the whole list of a name's running actors
 * each time it changes, once a pass of the loop at most.
 */
#ifndef UNITS_NAMES_H
#define UNITS_NAMES_H

#include <stdbool.h>

struct master;
struct worker;
struct unit;
struct instance;
struct loop_timer;

/* The unit's running instances have changed: send all workers the list of those that run under
 * its name now; when it is long and was sent just before, a little later. Workers that it
 * cannot be sent to for lack of memory or descriptors get it at the next tick. */
void names_send(struct master *master, struct unit *unit);
/* Whether it is sure to run, unless it is given up: being started, or between two lives. */
bool names_is_coming(const struct instance *instance);
/* Whether one of its instances is, or is about to be started. */
bool names_is_unit_coming(const struct unit *unit);
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

/* The next running instance of a pool; NULL: none runs. */
struct instance *names_pick(struct unit *unit);

/* The instance that "pool/2" or "hello/0" names; NULL: there is none. */
struct instance *names_instance(struct master *master, const char *name);

#endif
