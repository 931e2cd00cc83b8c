/* desk.h - an actor that does what the word says that it is told, and logs what it sees: the
 * SDK as the writer of a plug-in uses it. */
#ifndef TESTS_UNIT_PLUGIN_DESK_H
#define TESTS_UNIT_PLUGIN_DESK_H

#include "tests/unit/plugin/data/desk.varlink.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

#include <cmocka.h>

#define DESK_TOO_LONG (17u << 20) /* for a message */

struct desk {
	char name[16];
	struct desk_ask_call call; /* kept */
	struct troupe_kept *kept;
	struct troupe_request request;
	struct troupe_timer timer;
};

TROUPE_ACTOR_DECLARE(desk);
TROUPE_ACTOR_DECLARE(stranger);

#define desk_say(self, ...) troupe_log(self, 6, __VA_ARGS__)

static inline struct troupe_address desk_find(struct troupe_self *self, const char *name)
{
	struct troupe_address address;

	assert_int_equal(troupe_find(self, name, &address), 0);
	return address;
}

/* Its handler of Ask: answers in the way that `how` names (desk_answers.c). */
int desk_on_ask(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
		const struct desk_ask *in);

#endif
