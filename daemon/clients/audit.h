/* audit.h - the journal of requests that change something: who asked for what, and whether they
 * might.
 *
 * Belongs to the master; one thread. What was allowed is logged always. Of what was refused
 * each user gets a few lines in an interval, and then their number: a user without rights must
 * not fill the disk. Users beyond the table's room share one entry.
 */
#ifndef CLIENTS_AUDIT_H
#define CLIENTS_AUDIT_H

#include "base/limits.h"
#include "base/log.h"
#include "base/rate_limit.h"
#include "control/server.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct audit_user {
	uid_t uid;
	struct rate_limit limit;
};

struct audit {
	struct audit_user users[LIMIT_AUDITED_USERS + 1]; /* the last one: of all others */
	unsigned n;
};

void audit_init(struct audit *audit);

/* target: "" for none, and borrowed as all else. */
void audit_request(struct audit *audit, struct log *log, const struct control_peer *peer,
		   const char *method, const char *target, bool allowed, uint64_t now_ns);

/* Log what was left out, of intervals that are over. Once a second. */
void audit_tick(struct audit *audit, struct log *log, uint64_t now_ns);

#endif
