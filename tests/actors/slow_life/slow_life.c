/* slow_life.c - take as long as the configuration says in init and fini. */
#include "slow_life.varlink.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <troupe/actor.h>
#include <unistd.h>

struct slow_life {
	int64_t fini_ms;
	bool exits;
};

/* It holds up its worker, that is the point; also when it is reported as slow. */
static void hold_up(int64_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (ms < 0)
		(void)pause();
	while (ms > 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR)
		;
}

static int on_ping(struct troupe_self *self, struct slow_life *me,
		   struct slow_life_ping_call call, const struct slow_life_ping *in)
{
	(void)me;
	(void)in;
	return slow_life_ping_return(self, call, &(struct slow_life_ping_out){0});
}

static int begin(struct troupe_self *self, struct slow_life *me,
		 const struct slow_life_config *config)
{
	(void)self;
	me->fini_ms = config && config->finiMs ? *config->finiMs : 0;
	me->exits = config && config->exitInFini && *config->exitInFini;
	hold_up(config && config->initMs ? *config->initMs : 0);
	return 0;
}

static void end(struct troupe_self *self, struct slow_life *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	hold_up(me->fini_ms);
	if (me->exits)
		exit(0);
}

SLOW_LIFE_HANDLERS(pinged, struct slow_life, .ping = on_ping)
TROUPE_LIFE(life, struct slow_life, struct slow_life_config, .init = begin, .fini = end)

TROUPE_ACTOR(slow_life) = {
	TROUPE_ABI(slow_life),   .state_size = sizeof(struct slow_life), .life = &life,
	.interfaces = {&pinged}, .config = &slow_life_config_type,
};
