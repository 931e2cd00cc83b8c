/* plugin.c - a whole plug-in, in the language that C and C++ have in common. */
#include "hello.varlink.h"
#include <stdio.h>
#include <string.h>
#include <troupe/actor.h>

struct greeter {
	int64_t count;
};

static int on_greet(struct troupe_self *self, struct greeter *me, struct hello_greet_call call,
		    const struct hello_greet *in)
{
	struct hello_greet_out out;
	char text[128];

	if (strlen(in->name) > 64) {
		struct hello_name_too_long data = {64};

		return hello_greet_fail_name_too_long(self, call, &data);
	}
	snprintf(text, sizeof(text), "hello, %s", in->name);
	out.text = text;
	out.count = ++me->count;
	return hello_greet_return(self, call, &out);
}
HELLO_HANDLERS(greeter_hello, struct greeter, .greet = on_greet)

static int on_greeted(struct troupe_self *self, struct greeter *me, uint64_t context,
		      const struct hello_greet_reply *reply)
{
	(void)self;
	me->count = (int64_t)context;
	if (reply->out)
		return (int)reply->out->count;
	if (reply->name_too_long)
		return -(int)reply->name_too_long->limit;
	return reply->status_ ? -1 : -2;
}
HELLO_GREET_REPLY(on_greeted, struct greeter)

static int on_tick(struct troupe_self *self, struct greeter *me, uint64_t context)
{
	struct hello_greet in = {"tick"};

	(void)me;
	return hello_greet_send(self, troupe_address(self), &in) +
	       hello_greet_ask(self, troupe_address(self), &in, &on_greeted_entry, context, 0,
			       NULL);
}
TROUPE_TIMER(on_tick, struct greeter)

static int greeter_init(struct troupe_self *self, struct greeter *me,
			const struct hello_config *config)
{
	(void)self;
	me->count = config->greeting ? 1 : 0;
	return 0;
}
TROUPE_LIFE(greeter_life, struct greeter, struct hello_config, .init = greeter_init)

TROUPE_ACTOR(hello) = {
	TROUPE_ABI(hello),
	.state_size = sizeof(struct greeter),
	.config = &hello_config_type,
	.life = &greeter_life,
	.interfaces = {&greeter_hello},
	.entries = {&on_greeted_entry, &on_tick_entry},
};
