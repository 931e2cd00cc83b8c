/* suspects.h - what makes a worker die when no handler is at fault: a plug-in's own thread, a
 * heap that was overwritten.
 *
 * One such death may be chance. A second in a row is blamed on the plug-in of the innermost
 * frame that is one, as the crash record names it, if it is the same both times; in a worker of
 * one unit's own on that unit. Where neither is so, the third death begins a search: the units
 * of the worker are started one after another, each on probation before the next, and the one
 * on trial is blamed when the worker dies again. Only units that have actors on the worker are
 * ever blamed: all that is known is what its process wrote.
 *
 * Part of a worker (init/fini); master process, one thread.
 */
#ifndef UNITS_SUSPECTS_H
#define UNITS_SUSPECTS_H

#include "base/loop.h"
#include "process/number_set.h"
#include <stdbool.h>
#include <stdint.h>

struct worker;
struct instance;

struct suspects {
	struct worker *worker;
	unsigned n_deaths; /* without explanation, in a row; a healthy life ends it */
	uint32_t plugin;   /* number of the deployment that the last one named; 0: none */
	/* The search */
	bool is_searching;
	uint64_t probation_ns;
	uint32_t on_trial;         /* number of the version that was started last; 0: none */
	struct number_set cleared; /* versions that lived through their probation */
	struct loop_timer timer;   /* the end of a probation, or of the search */
	void (*on_cleared)(struct worker *worker);
};

/* on_cleared: the one on trial has lived through its probation, and others may begin. */
void suspects_init(struct worker *worker, void (*on_cleared)(struct worker *worker));
void suspects_fini(struct worker *worker);

/* Whether the instance may begin there now. If not, on_cleared follows when it may. */
bool suspects_admit(struct worker *worker, const struct instance *instance);

/* The process has died after life_ns without explanation. The units to blame get is_pinned;
 * true: there are some, and *ret_why is a constant text with the evidence. */
bool suspects_find(struct worker *worker, uint64_t life_ns, const char **ret_why);

/* The process has died, however. */
void suspects_down(struct worker *worker);

#endif
