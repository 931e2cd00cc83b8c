/* hello.c - greet whoever asks, and remember how often. */
#include "hello.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <troupe/actor.h>

#define NAME_LIMIT     64
#define GREETING_LIMIT 64

struct greeter {
	int64_t count;
	char greeting[GREETING_LIMIT + 1];
};

static int greeter_init(struct troupe_self *self, struct greeter *me,
			const struct hello_config *config)
{
	const char *greeting = config && config->greeting ? config->greeting : "hello";

	if (strlen(greeting) > GREETING_LIMIT) {
		troupe_log(self, 3, "greeting is longer than %d bytes", GREETING_LIMIT);
		return -EINVAL;
	}
	strcpy(me->greeting, greeting);
	return 0;
}

static int on_greet(struct troupe_self *self, struct greeter *me, struct hello_greet_call call,
		    const struct hello_greet *in)
{
	char text[GREETING_LIMIT + NAME_LIMIT + sizeof(", ")];

	if (strlen(in->name) > NAME_LIMIT)
		return hello_greet_fail_name_too_long(
			self, call, &(struct hello_name_too_long){.limit = NAME_LIMIT});
	snprintf(text, sizeof(text), "%s, %s", me->greeting, in->name);
	return hello_greet_return(
		self, call, &(struct hello_greet_out){.text = text, .count = ++me->count});
}

HELLO_HANDLERS(greeter_hello, struct greeter, .greet = on_greet)
TROUPE_LIFE(greeter_life, struct greeter, struct hello_config, .init = greeter_init)

TROUPE_ACTOR(hello) = {
	TROUPE_ABI(hello),
	.description = "Greets whoever asks, and remembers how often.",
	.state_size = sizeof(struct greeter),
	.config = &hello_config_type,
	.life = &greeter_life,
	.interfaces = {&greeter_hello},
};
