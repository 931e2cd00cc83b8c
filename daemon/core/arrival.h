/* arrival.h - one envelope on its way in, and its payload, which becomes the block of a
 * message.
 *
 * Nothing in it is believed: any slot, generation, call or hash may be made up, and the payload
 * be no value of its type. One runtime, one thread.
 */
#ifndef CORE_ARRIVAL_H
#define CORE_ARRIVAL_H

#include "core/inside.h"

struct arrival {
	struct runtime *runtime;
	const struct envelope *envelope;
	struct process peer;
	struct codec_error problem;
};

/* A message whose block is the payload, checked. NULL with *ret_status. */
struct message *arrival_decode(struct arrival *arrival, const struct troupe_type *type,
			       enum troupe_status *ret_status);
/* The same for a type of theirs that is to become one of ours. */
struct message *arrival_convert(struct arrival *arrival, const struct troupe_type *theirs,
				const struct troupe_type *ours, unsigned flags,
				enum troupe_status *ret_status);

/* A copy of a message whose block, of type `theirs`, has become one of ours: its head but for
 * the block's size. flags: of codec_convert(). NULL with *ret_status, and *problem when that is
 * INVALID_PARAMETER. */
struct message *arrival_adapt(struct slab *slab, const struct message *message,
			      const struct troupe_type *theirs, const struct troupe_type *ours,
			      unsigned flags, struct codec_error *problem,
			      enum troupe_status *ret_status);

/* The layout of that hash in the process that it comes from. False: that process sent none. */
bool arrival_find_layout(struct arrival *arrival, const struct troupe_type **ret_type,
			 const char **ret_name);

#endif
