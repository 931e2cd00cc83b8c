/* schedule.h - times of day, as in a crontab: which they are, and the next one in a zone.
 *
 * Memory of the caller. Pure.
 */
#ifndef CRON_SCHEDULE_H
#define CRON_SCHEDULE_H

#include "zone.h"
#include <stdbool.h>

/* A bit for each value that is meant. */
struct schedule {
	uint64_t seconds, minutes;
	uint32_t hours, days, months, weekdays; /* days from bit 1 on, Sunday is bit 0 */
	bool any_day, any_weekday; /* when neither: a day needs to be one of either */
};

#define SCHEDULE_NEVER INT64_MAX

/* Five fields, six with seconds, or "@daily" and the like. False: *ret_why says in English what
 * is wrong, a constant. */
bool schedule_read(struct schedule *schedule, const char *text, const char **ret_why);

/* The first moment after `after`; SCHEDULE_NEVER: there is none in ten years.
 *
 * With all hours of the day a schedule goes by time that passes. Otherwise it goes by what the
 * clocks show: what they show twice counts once, the first time; what they leave out counts at
 * the moment at which they do. */
int64_t schedule_next(const struct schedule *schedule, const struct zone *zone, int64_t after);

#endif
