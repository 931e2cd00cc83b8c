/* echo.c - give back what came, of every type there is. */
#include "echo.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

static int on_all(struct troupe_self *self, void *state, struct echo_echo_all_call call,
		  const struct echo_echo_all *in)
{
	(void)state;
	return echo_echo_all_return(self, call, &(struct echo_echo_all_out){.all = in->all});
}

static int on_tree(struct troupe_self *self, void *state, struct echo_echo_tree_call call,
		   const struct echo_echo_tree *in)
{
	(void)state;
	return echo_echo_tree_return(self, call,
				     &(struct echo_echo_tree_out){.tree = in->tree});
}

static int on_text(struct troupe_self *self, void *state, struct echo_text_call call,
		   const struct echo_text *in)
{
	(void)state;
	return echo_text_return(self, call, &(struct echo_text_out){.text = in->text});
}

static int on_big(struct troupe_self *self, void *state, struct echo_big_call call,
		  const struct echo_big *in)
{
	(void)state;
	if (in->bytes < 0 || in->bytes > 2 * (int64_t)TROUPE_MESSAGE_MAX)
		return echo_big_fail_parameter(self, call, "bytes",
					       "must be 0 to twice the most of a message");
	char *text = malloc((size_t)in->bytes + 1);
	if (!text)
		return -ENOMEM;
	memset(text, 'x', (size_t)in->bytes);
	text[in->bytes] = '\0';
	int r = echo_big_return(self, call, &(struct echo_big_out){.text = text});
	free(text);
	return r;
}

static int on_fail(struct troupe_self *self, void *state, struct echo_fail_call call,
		   const struct echo_fail *in)
{
	(void)state;
	return echo_fail_fail_failed(
		self, call, &(struct echo_failed){.number = in->number, .text = in->text});
}

static int on_deny(struct troupe_self *self, void *state, struct echo_deny_call call,
		   const struct echo_deny *in)
{
	(void)state;
	(void)in;
	return echo_deny_deny(self, call);
}

ECHO_HANDLERS(echoer, void, .echo_all = on_all, .echo_tree = on_tree, .text = on_text,
	      .big = on_big, .fail = on_fail, .deny = on_deny)

TROUPE_ACTOR(echo) = {
	TROUPE_ABI(echo),
	.description = "Gives back what it got, of every type there is.",
	.interfaces = {&echoer},
};
