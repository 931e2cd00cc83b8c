/* unit_end.h - how a unit stops: by order, for want of time, because it cannot run. Master
 * process, one thread. */
#ifndef UNITS_UNIT_END_H
#define UNITS_UNIT_END_H

#include <stdint.h>

struct unit;
struct worker;

/* Stop all instances; then it is `stopped`. */
void unit_stop(struct unit *unit);

/* It cannot run: stops what runs. reason is printed. */
void unit_break(struct unit *unit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* It cannot run on that worker, for good: its instances there that were to start are given up,
 * the others go on. */
void unit_fail_on(struct unit *unit, const struct worker *worker, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for all units that are made of the deployment of that number, which it could not
 * load. Other workers still try it, for a worker's page may hold anything. */
void units_fail_on(struct worker *worker, uint32_t deployment, const char *why);

#endif
