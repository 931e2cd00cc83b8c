/* hoard.c - an actor whose children keep all that they are sent. */
#include "hoard.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

#define CELLS 1000

struct hoard {
	struct troupe_address cells[CELLS];
	int64_t n_cells;
};

TROUPE_ACTOR_DECLARE(cell);

static int on_fill(struct troupe_self *self, struct hoard *me, struct hoard_fill_call call,
		   const struct hoard_fill *in)
{
	struct hoard_fill_out out = {0};
	char *text;
	int r = 0;

	if (in->cells < 1 || in->cells > CELLS || in->bytes < 0 || in->bytes > 1000000)
		return -EINVAL;
	while (me->n_cells < in->cells && r == 0) {
		r = troupe_spawn(self, TROUPE_ACTOR_TABLE(cell), NULL, 0,
				 &me->cells[me->n_cells]);
		me->n_cells += r == 0;
	}
	text = calloc(1, (size_t)in->bytes + 1);
	if (!text)
		return -ENOMEM;
	memset(text, 'x', (size_t)in->bytes);
	for (int64_t i = 0; i < in->texts && r == 0; i++)
		for (int64_t n = 0; n < in->cells && r == 0; n++) {
			r = hoard_put_send(self, me->cells[n], &(struct hoard_put){text});
			out.sent += r == 0;
			out.refused += r == -EAGAIN;
			r = r == -EAGAIN ? 0 : r;
		}
	free(text);
	return r < 0 ? r : hoard_fill_return(self, call, &out);
}

static int on_empty(struct troupe_self *self, struct hoard *me, struct hoard_empty_call call,
		    const struct hoard_empty *in)
{
	(void)in;
	while (me->n_cells > 0)
		if (troupe_stop(self, me->cells[--me->n_cells]) < 0)
			return -ESRCH;
	return hoard_empty_return(self, call, &(struct hoard_empty_out){0});
}

HOARD_HANDLERS(hoarding, struct hoard, .fill = on_fill, .empty = on_empty)

TROUPE_ACTOR(hoard) = {
	TROUPE_ABI(hoard),
	.description = "Takes as much memory as it gets.",
	.state_size = sizeof(struct hoard),
	.interfaces = {&hoarding},
};

struct cell {
	int64_t kept;
};

static int on_put(struct troupe_self *self, struct cell *me, struct hoard_put_call call,
		  const struct hoard_put *in)
{
	struct troupe_kept *kept;

	(void)in;
	/* what is refused is dropped */
	me->kept += troupe_keep(self, &kept) == 0;
	return hoard_put_return(self, call, &(struct hoard_put_out){0});
}

HOARD_HANDLERS(keeping, struct cell, .put = on_put)

TROUPE_ACTOR(cell) = {
	TROUPE_ABI(cell),
	.state_size = sizeof(struct cell),
	.interfaces = {&keeping},
};
