/* activity_print.h - names for the numbers of an activity, for the log, for crash records and
 * for the control socket. Master process, one thread. */
#ifndef UNITS_ACTIVITY_PRINT_H
#define UNITS_ACTIVITY_PRINT_H

#include "process/activity.h"

struct worker;
struct instance;

/* Put names to an activity of that worker. Returns the instance whose actor it is; NULL: an
 * actor of no unit, or none: what a worker says is believed for its own actors only. */
struct instance *activity_print(const struct worker *worker, const struct activity *activity,
				struct activity_names *ret_names);

#endif
