/* unit_text.h - the JSON text of a reply that describes a unit, its instances put in some at a
 * time.
 *
 * To describe 20,000 instances takes several milliseconds, in which no other client would be
 * served: whoever makes such a text goes on with it from the loop. Instances are described as
 * they are when their turn comes; of a unit that is gone meanwhile, or has fewer, there are no
 * more. Memory of the caller, zeroed at first. Master process, one thread.
 */
#ifndef REQUESTS_UNIT_TEXT_H
#define REQUESTS_UNIT_TEXT_H

#include "base/buffer.h"
#include "base/limits.h"
#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define UNIT_TEXT_SLICE 64 /* instances that are described at a time */

struct master;

struct unit_text {
	char unit[LIMIT_NAME + 1];
	unsigned next, end; /* of its instances */
	char *text;         /* of the whole, without instances; NULL: none is being made */
	size_t size, rest;  /* where what comes behind the instances begins */
};

void unit_text_fini(struct unit_text *text);

/* Append to `out` what comes before the instances of `unit`, of which there shall be `n` at
 * most. `value`, of `type`, is a unit's description without instances, or the first in it is
 * one. -ENOMEM, -EMSGSIZE, -EINVAL: it breaks its type. */
int unit_text_begin(struct unit_text *text, const struct troupe_type *type, const void *value,
		    const char *unit, unsigned n, struct buffer *out);

/* Go on until loop_clock_ns() is until_ns; some are put in in any case. 1: all is in `out`, and
 * `text` is zeroed; 0: not yet. -ENOMEM, -ENOBUFS: `out` is full. */
int unit_text_go_on(struct unit_text *text, struct master *master, uint64_t until_ns,
		    struct buffer *out);

#endif
