#include "naming.h"

#include "core/inside.h"
#include <errno.h>

struct troupe_address naming_puppet(const struct naming *naming, int id)
{
	return naming->worlds[naming->is_far ? id : 1].actors[id];
}

struct world *naming_theirs(struct naming *naming)
{
	return &naming->worlds[naming->is_far ? 2 : 1];
}

int naming_on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct naming *naming = naming_of(self);

	if (me->id != 1)
		return naming->callee
			       ? naming->callee(self, me, call, n)
			       : troupe_return(self, call, &num_method, &(struct num){n + 1});
	naming->rc = troupe_call_text(
		self,
		troupe_address_is_null(naming->to) ? naming_puppet(naming, 2) : naming->to,
		naming->method, naming->json, naming->size, &say_entry, (uint64_t)n,
		naming->timeout_ns, naming->flags, &naming->request);
	return 0;
}

void naming_begin(struct naming *naming, bool is_far, behaviour *callee)
{
	*naming = (struct naming){.is_far = is_far, .callee = callee};
	for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++) {
		struct world *world = &naming->worlds[i];

		world_init(world, i, NULL);
		world_link(world, &naming->net);
		world->hooks.num = naming_on_num;
		world->test = naming;
	}
	for (int i = 1; i <= 3; i++)
		world_spawn(&naming->worlds[is_far ? i : 1], i);
}

int naming_say(struct naming *naming, const char *method, const char *json, int64_t context)
{
	naming->method = method;
	naming->json = json;
	naming->size = json ? strlen(json) : 0;
	naming->rc = 1;
	assert_int_equal(world_send(&naming->worlds[1], naming->worlds[1].actors[1], context),
			 0);
	net_run(&naming->net);
	assert_int_not_equal(naming->rc, 1);
	return naming->rc;
}

const char *naming_answer(struct naming *naming, const char *method, const char *json)
{
	static char log[1024];
	const char *said;

	assert_int_equal(naming_say(naming, method, json, 5), 0);
	snprintf(log, sizeof(log), "%s", world_log(&naming->worlds[1]));
	if (naming->is_far)
		world_log(&naming->worlds[2]);
	said = strstr(log, "1:said5 ");
	return said ? said + strlen("1:said5 ") : "";
}

int naming_answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	struct naming *naming = naming_of(self);

	(void)me;
	/* It sees who has called, and nothing else. */
	assert_true(troupe_address_equal(troupe_sender(self), naming_puppet(naming, 1)));
	assert_true(troupe_call_wants_reply(self, call));
	assert_int_equal(troupe_call_wants_more(self, call), naming->flags == TROUPE_MORE);
	switch (n) {
	case 7:
		return troupe_fail(self, call, &bad_error, &(struct text){"se\"ven"});
	case 8:
		return troupe_fail_parameter(self, call, "n", "not eight");
	case 9:
		return -EIO;
	case 10:
		return 0;
	case 11:
		return troupe_fail_expected_more(self, call);
	case 12:
		return troupe_fail_permission_denied(self, call);
	case 13:
		return troupe_return(self, call, &num_method, NULL);
	case 14: /* the callee's fault, which says so */
		return troupe_fail(self, call, &bad_error, &(struct text){NULL});
	case 15:
		assert_int_equal(troupe_call_drop(self, call), 0);
		return 0;
	}
	return troupe_return(self, call, &num_method, &(struct num){n + 1});
}

int naming_keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	if (n == 99) {
		troupe_exit(self, 0);
		return 0;
	}
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}
