/* flock.c - a parent with children, attached and detached ones. */
#include "bird.varlink.h"
#include "flock.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <troupe/actor.h>

struct flock {
	int64_t ended;
};

/* A child; it does nothing but live, and report its end to whoever spawned it. */
struct bird {
	struct troupe_address parent;
	int64_t end_ms;
};

TROUPE_ACTOR_DECLARE(bird);

static int hatch(struct troupe_self *self, uint32_t flags, int64_t end_ms,
		 struct troupe_address *ret_bird)
{
	return troupe_spawn(self, TROUPE_ACTOR_TABLE(bird), &(struct bird_config){end_ms},
			    flags, ret_bird);
}

static int flock_start(struct troupe_self *self, struct flock *me,
		       const struct flock_config *config)
{
	(void)me;
	for (int64_t i = 0; config->children && i < *config->children; i++) {
		struct troupe_address bird;
		int r = hatch(self, 0, 0, &bird);

		if (r < 0)
			return r;
	}
	return 0;
}

static int on_hatch(struct troupe_self *self, struct flock *me, struct flock_hatch_call call,
		    const struct flock_hatch *in)
{
	struct troupe_address *birds;
	int r = 0;

	(void)me;
	if (in->count < 0 || in->count > 100000)
		return flock_hatch_fail_parameter(self, call, "count", "must be 0 to 100000");
	birds = calloc((size_t)in->count + 1, sizeof(*birds));
	if (!birds)
		return -ENOMEM;
	for (int64_t i = 0; i < in->count && r == 0; i++)
		r = hatch(self, in->detached ? TROUPE_DETACHED : 0, in->endMs ? *in->endMs : 0,
			  &birds[i]);
	if (r == 0)
		r = flock_hatch_return(
			self, call,
			&(struct flock_hatch_out){.birds = {birds, (size_t)in->count}});
	free(birds);
	return r;
}

static int on_part(struct troupe_self *self, struct flock *me, struct flock_part_call call,
		   const struct flock_part *in)
{
	(void)me;
	return flock_part_return(self, call,
				 &(struct flock_part_out){troupe_stop(self, in->bird)});
}

static int on_ended(struct troupe_self *self, struct flock *me, struct flock_ended_call call,
		    const struct flock_ended *in)
{
	(void)in;
	return flock_ended_return(self, call, &(struct flock_ended_out){me->ended});
}

static int on_fail(struct troupe_self *self, struct flock *me, struct flock_fail_call call,
		   const struct flock_fail *in)
{
	(void)me;
	(void)in;
	troupe_exit(self, -EIO);
	return flock_fail_return(self, call, &(struct flock_fail_out){0});
}

static int on_gone(struct troupe_self *self, struct flock *me, struct flock_gone_call call,
		   const struct flock_gone *in)
{
	(void)in;
	me->ended++;
	return flock_gone_return(self, call, &(struct flock_gone_out){0});
}

FLOCK_HANDLERS(flocking, struct flock, .hatch = on_hatch, .part = on_part, .ended = on_ended,
	       .fail = on_fail, .gone = on_gone)
TROUPE_LIFE(flock_life, struct flock, struct flock_config, .init = flock_start)

TROUPE_ACTOR(flock) = {
	TROUPE_ABI(flock),
	.description = "A parent with children.",
	.state_size = sizeof(struct flock),
	.config = &flock_config_type,
	.life = &flock_life,
	.interfaces = {&flocking},
};

static int bird_start(struct troupe_self *self, struct bird *me,
		      const struct bird_config *config)
{
	me->end_ms = config->endMs;
	me->parent = troupe_sender(self);
	return 0;
}

static void bird_end(struct troupe_self *self, struct bird *me, enum troupe_cause cause)
{
	struct timespec pause = {.tv_sec = me->end_ms / 1000,
				 .tv_nsec = me->end_ms % 1000 * 1000000};
	/* A detached one has nobody to tell. */
	int r = flock_gone_send(self, me->parent, &(struct flock_gone){(int64_t)cause});

	(void)r;
	/* It holds up its worker, that is the point; also when it is reported as slow. */
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) == EINTR)
		;
}

static int on_sing(struct troupe_self *self, struct bird *me, struct bird_sing_call call,
		   const struct bird_sing *in)
{
	(void)me;
	(void)in;
	return bird_sing_return(self, call, &(struct bird_sing_out){.song = "tweet"});
}

static int on_crash(struct troupe_self *self, struct bird *me, struct bird_crash_call call,
		    const struct bird_crash *in)
{
	(void)self;
	(void)me;
	(void)call;
	(void)in;
	abort();
}

static int on_loop(struct troupe_self *self, struct bird *me, struct bird_loop_call call,
		   const struct bird_loop *in)
{
	(void)self;
	(void)me;
	(void)call;
	(void)in;
	for (volatile bool forever = true; forever;)
		;
	return 0;
}

BIRD_HANDLERS(singing, struct bird, .sing = on_sing, .crash = on_crash, .loop = on_loop)
TROUPE_LIFE(bird_life, struct bird, struct bird_config, .init = bird_start, .fini = bird_end)

TROUPE_ACTOR(bird) = {
	TROUPE_ABI(bird),   .state_size = sizeof(struct bird), .config = &bird_config_type,
	.life = &bird_life, .interfaces = {&singing},
};
