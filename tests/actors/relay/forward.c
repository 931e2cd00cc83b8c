/* forward.c - provide io.troupe.test.slow by handing each message on to an actor that does. */
#include "forward.varlink.h"
#include "slow.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <troupe/actor.h>

struct forward {
	char to[TROUPE_NAME_MAX + 1];
};

static int hand_on(struct troupe_self *self, const struct forward *me)
{
	struct troupe_address to;
	int r = troupe_find(self, me->to, &to);

	return r < 0 ? r : troupe_forward(self, to);
}

#define HAND_ON(name)                                                                          \
	static int on_##name(struct troupe_self *self, struct forward *me,                     \
			     struct slow_##name##_call call, const struct slow_##name *in)     \
	{                                                                                      \
		(void)call;                                                                    \
		(void)in;                                                                      \
		return hand_on(self, me);                                                      \
	}

HAND_ON(answer)
HAND_ON(stream)
HAND_ON(never)
HAND_ON(kept)

static int begin(struct troupe_self *self, struct forward *me,
		 const struct forward_config *config)
{
	(void)self;
	if (!config || strlen(config->to) > TROUPE_NAME_MAX)
		return -EINVAL;
	snprintf(me->to, sizeof(me->to), "%s", config->to);
	return 0;
}

SLOW_HANDLERS(forwarding, struct forward, .answer = on_answer, .stream = on_stream,
	      .never = on_never, .kept = on_kept)
TROUPE_LIFE(forward_life, struct forward, struct forward_config, .init = begin)

TROUPE_ACTOR(forward) = {
	TROUPE_ABI(forward),
	.description = "Hands each message on to another actor.",
	.state_size = sizeof(struct forward),
	.config = &forward_config_type,
	.life = &forward_life,
	.interfaces = {&forwarding},
};
