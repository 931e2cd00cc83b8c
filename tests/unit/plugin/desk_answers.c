/* desk_answers.c - each way to answer, and each mistake in it. */
#include "desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int answer_twice(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	struct desk_ask_call again = call;

	(void)me;
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"one", in->n}), 0);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"two", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"two", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){"two"}),
			 -EALREADY);
	assert_int_equal(desk_ask_fail_parameter(self, call, "two", NULL), -EALREADY);
	assert_int_equal(desk_ask_keep(self, &again), -EALREADY);
	assert_int_equal(again.call.id, call.call.id);
	assert_int_equal(desk_ask_drop(self, call), -ESRCH);
	return troupe_forward(self, troupe_address(self)) == -EALREADY ? 0 : -EBADE;
}

/* Each of these leaves the call open. */
static int answer_badly(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	char *long_text = malloc(DESK_TOO_LONG + 1);

	(void)me;
	(void)in;
	assert_non_null(long_text);
	memset(long_text, 'x', DESK_TOO_LONG);
	long_text[DESK_TOO_LONG] = '\0';
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){NULL, 0}), -EINVAL);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"\xc3", 0}),
			 -EINVAL);
	assert_int_equal(desk_ask_return(self, call, NULL), -EINVAL);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){long_text, 0}),
			 -EMSGSIZE);
	assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"x", 0}),
			 -EPROTOTYPE);
	assert_false(desk_ask_wants_more(self, call));
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){NULL}),
			 -EINVAL);
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){long_text}),
			 -EMSGSIZE);
	assert_int_equal(desk_ask_fail_parameter(self, call, NULL, NULL), -EINVAL);
	assert_int_equal(desk_ask_fail_parameter(self, call, "\xff", NULL), -EINVAL);
	assert_int_equal(desk_ask_fail_parameter(self, call, long_text, NULL), -EMSGSIZE);
	free(long_text);
	assert_int_equal(desk_tell_return(self, (struct desk_tell_call){call.call},
					  &(struct desk_tell_out){0}),
			 -EINVAL);
	return desk_ask_return(self, call, &(struct desk_ask_out){"at last", 1});
}

static int answer_with_refused(struct troupe_self *self, struct desk *me,
			       struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	return desk_ask_fail_refused(self, call, &(struct desk_refused){in->how});
}

static int answer_with_closed(struct troupe_self *self, struct desk *me,
			      struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_fail_closed(self, call, &(struct desk_closed){0});
}

static int answer_with_field(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_fail_parameter(self, call, "n", NULL);
}

static int answer_with_more(struct troupe_self *self, struct desk *me,
			    struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_expect_more(self, call);
}

static int answer_with_denied(struct troupe_self *self, struct desk *me,
			      struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	assert_int_equal(desk_ask_deny(self, call), 0);
	return desk_ask_expect_more(self, call) == -EALREADY ? 0 : -EBADE;
}

static int answer_with_errno(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	(void)self;
	(void)me;
	(void)call;
	return (int)in->n;
}

static int answer_later(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	struct desk_ask_call kept = call;
	int rc = desk_ask_keep(self, &kept);

	(void)in;
	if (rc < 0) {
		assert_int_equal(kept.call.id, call.call.id);
		return rc;
	}
	/* the handle of the activation is used up, the kept one may be kept again */
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_keep(self, &kept), 0);
	me->call = kept;
	return 0;
}

static int answer_in_parts(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			   const struct desk_ask *in)
{
	(void)me;
	if (!desk_ask_wants_more(self, call))
		return desk_ask_return(self, call, &(struct desk_ask_out){"all", 0});
	for (int64_t i = 0; i < in->n; i++)
		assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"part", i}),
				 0);
	return desk_ask_return(self, call, &(struct desk_ask_out){"end", 0});
}

static int answer_by_another(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	struct troupe_address gone = desk_find(self, "two"), three = desk_find(self, "three");

	(void)in;
	if (strcmp(me->name, "three") == 0) {
		assert_true(troupe_address_equal(troupe_sender(self), desk_find(self, "one")));
		return desk_ask_return(self, call, &(struct desk_ask_out){"three", 0});
	}
	gone.generation += 7;
	assert_int_equal(troupe_forward(self, gone), -ESRCH);
	assert_int_equal(troupe_forward(self, (struct troupe_address){0}), -ESRCH);
	assert_int_equal(troupe_forward(self, three), 0);
	assert_int_equal(troupe_forward(self, three), -EALREADY);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	return 0;
}

static int answer_and_count_keeps(struct troupe_self *self, struct desk *me,
				  struct desk_ask_call call, const struct desk_ask *in)
{
	struct troupe_kept *kept;

	assert_int_equal(troupe_keep(self, &me->kept), 0);
	assert_int_equal(troupe_keep(self, &kept), -EALREADY);
	assert_ptr_equal(troupe_kept_in(me->kept), in);
	return desk_ask_return(self, call, &(struct desk_ask_out){"kept", 0});
}

typedef int answer_fn(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
		      const struct desk_ask *in);

int desk_on_ask(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
		const struct desk_ask *in)
{
	static const struct {
		const char *how;
		answer_fn *answer;
	} ways[] = {
		{"twice", answer_twice},          {"badly", answer_badly},
		{"refused", answer_with_refused}, {"closed", answer_with_closed},
		{"field", answer_with_field},     {"errno", answer_with_errno},
		{"later", answer_later},          {"parts", answer_in_parts},
		{"another", answer_by_another},   {"keep", answer_and_count_keeps},
		{"more", answer_with_more},       {"denied", answer_with_denied},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(in->how, ways[i].how) == 0)
			return ways[i].answer(self, me, call, in);
	return desk_ask_fail_parameter(self, call, "how", NULL);
}
