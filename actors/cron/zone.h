/* zone.h - a time zone: how far its clocks are ahead of UTC at a moment, from the system's
 * files (TZif, RFC 8536).
 *
 * Not by the variable TZ, which would change the zone of the whole worker. Made by zone_new(),
 * freed by zone_free(); pure else.
 */
#ifndef CRON_ZONE_H
#define CRON_ZONE_H

#include <stdint.h>

struct zone;

/* "UTC", "local" (/etc/localtime), or a name as below /usr/share/zoneinfo. *ret_zone is given.
 * -ENOENT: there is none of that name; -EBADMSG: its file makes no sense; -ENOMEM, -EMFILE and
 * other errors of reading. */
int zone_new(const char *name, struct zone **ret_zone);
void zone_free(struct zone *zone);

/* Seconds that its clocks are ahead of UTC. */
int32_t zone_offset(const struct zone *zone, int64_t at);

/* The moment at which its clocks show `local`, written as if it were UTC: the first of two; of
 * a time that is left out, the moment at which it is. */
int64_t zone_moment(const struct zone *zone, int64_t local);

#endif
