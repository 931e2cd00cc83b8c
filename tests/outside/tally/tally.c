/* tally.c - count things by their names: a plug-in of two files, with a map in its answer. */
#include "names.h"
#include "tally.varlink.h"
#include <troupe/actor.h>

static int on_add(struct troupe_self *self, struct names *me, struct tally_add_call call,
		  const struct tally_add *in)
{
	int64_t count = names_add(me, in->name);

	if (count < 0)
		return tally_add_fail_full(self, call,
					   &(struct tally_full){.limit = NAMES_MAX});
	return tally_add_return(self, call, &(struct tally_add_out){.count = count});
}

static int on_list(struct troupe_self *self, struct names *me, struct tally_list_call call,
		   const struct tally_list *in)
{
	struct tally_int_map_entry entries[NAMES_MAX];

	(void)in;
	for (size_t i = 0; i < me->n; i++)
		entries[i] = (struct tally_int_map_entry){me->names[i], me->counts[i]};
	return tally_list_return(self, call,
				 &(struct tally_list_out){.counts = {entries, me->n}});
}

static void end(struct troupe_self *self, struct names *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	names_fini(me);
}

TALLY_HANDLERS(counting, struct names, .add = on_add, .list = on_list)
TROUPE_LIFE(life, struct names, void, .fini = end)

TROUPE_ACTOR(tally) = {
	TROUPE_ABI(tally),
	.state_size = sizeof(struct names),
	.life = &life,
	.interfaces = {&counting},
};
