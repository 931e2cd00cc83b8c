/* unit_reply.h - replies that describe one unit: sent when they are made, which is a piece at a
 * time.
 *
 * One after the other, users in turn. Belongs to the master; one thread.
 */
#ifndef REQUESTS_UNIT_REPLY_H
#define REQUESTS_UNIT_REPLY_H

#include "base/list.h"
#include "base/loop.h"
#include "control/server.h"
#include <troupe/type.h>

#define UNIT_REPLY_NS 2000000u /* that a reply is worked on at a stretch */

struct master;
struct unit;

struct unit_replies {
	struct master *master;
	struct list queue;       /* the first is under way */
	struct loop_timer timer; /* while there is one */
};

void unit_replies_init(struct unit_replies *replies, struct master *master);
/* No call may be left: the server is gone. */
void unit_replies_fini(struct unit_replies *replies);

/* Answer Spawn, Start or Restart. */
void unit_reply(const struct unit *unit, struct control_call *call,
		const struct troupe_method *method);

/* Answer with `out`, of `type`: the description of a unit is the first value in it, without
 * instances. Those of `unit` are put in. */
void unit_reply_with(const struct unit *unit, struct control_call *call,
		     const struct troupe_type *type, const void *out);

#endif
