/* handmade.c - writes the notes of its table by hand, as another language or build system
 * would. Tests change them. */
#include "handmade.varlink.h"
#include "other.varlink.h"
#include <troupe/actor.h>

struct handmade {
	int64_t n;
};

static int on_ping(struct troupe_self *self, struct handmade *me,
		   struct handmade_a_ping_call call, const struct handmade_a_ping *in)
{
	(void)in;
	return handmade_a_ping_return(self, call, &(struct handmade_a_ping_out){me->n});
}

static int begin(struct troupe_self *self, struct handmade *me,
		 const struct handmade_a_config *config)
{
	(void)self;
	me->n = config->n;
	return 0;
}

HANDMADE_A_HANDLERS(pinged, struct handmade, .ping = on_ping)
TROUPE_LIFE(life, struct handmade, struct handmade_a_config, .init = begin)

TROUPE_ACTOR(handmade) = {
	TROUPE_ABI(handmade),
	.description = "right",
	.state_size = sizeof(struct handmade),
	.config = &handmade_a_config_type,
	.life = &life,
	.interfaces = {&pinged},
};

TROUPE_NOTE_TABLE(handmade, "handmade\0right\0(n:int)\0\0\0io.troupe.test.handmade-a")
/* Nothing is counted: enough for what sanitizers have, too. */
TROUPE_NOTE_SEAL(65536, 0)
