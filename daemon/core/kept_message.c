#include "core/kept_message.h"
#include "core/chain.h"
#include "core/more.h"
#include "core/share.h"
#include <errno.h>

int self_keep(struct troupe_self *self, struct troupe_kept **ret_kept)
{
	struct runtime *runtime = self->runtime;
	struct troupe_kept *kept;
	struct more *more;
	uint32_t charge;

	if (self->fate.call == SELF_NO_MESSAGE)
		return -EINVAL;
	if (self->fate.kept || self->fate.moved)
		return -EALREADY;
	/* Bounds of their own: what is kept for long would otherwise lock the mailbox, also for
	 * the message that would release it. */
	more = more_get(runtime, self->actor);
	charge = message_charge(self->message);
	if (more->keeping.queued >= self->actor->unit->mailbox ||
	    more->keeping.charged + charge > self->actor->unit->mailbox_units)
		return -ENOBUFS;
	kept = share_take(&runtime->kept, self->actor->unit, SHARE_KEPT_MESSAGES);
	if (!kept)
		return -ENOMEM;
	kept->message = self->message;
	kept->owner = actor_slot(runtime, self->actor);
	chain_append(&more->messages, &kept->of_owner);
	load_add(&more->keeping, (struct load){1, charge});
	load_subtract(&self->actor->load, (struct load){0, charge});
	self->fate.kept = true;
	*ret_kept = kept;
	return 0;
}

const void *self_kept_in(const struct troupe_kept *kept)
{
	return kept ? message_block(kept->message) : NULL;
}

/* Whether a pointer that a plug-in hands back is one that it was given, and still its own. */
static bool is_kept(const struct troupe_self *self, const struct troupe_kept *kept)
{
	const struct slots *slots = &self->runtime->kept;
	uint64_t offset = (uint64_t)((uintptr_t)kept - (uintptr_t)slots->base);

	return offset < (uint64_t)slots->used * slots->size && offset % slots->size == 0 &&
	       !slots_is_closed(&kept->slot) &&
	       kept->owner == actor_slot(self->runtime, self->actor);
}

/* Its actor keeps it no more; the message is given. */
static struct message *take_message(struct runtime *runtime, struct troupe_kept *kept)
{
	struct more *more = more_find(runtime, actor_at(runtime, kept->owner));
	struct message *message = kept->message;

	chain_remove(&more->messages, &kept->of_owner);
	load_subtract(&more->keeping, (struct load){1, message_charge(message)});
	share_give(&runtime->kept, kept, actor_at(runtime, kept->owner)->unit,
		   SHARE_KEPT_MESSAGES);
	slots_give(&runtime->kept, kept);
	return message;
}

void self_release(struct troupe_self *self, struct troupe_kept *kept)
{
	struct message *message;

	if (!kept || !is_kept(self, kept))
		return;
	message = take_message(self->runtime, kept);
	if (message == self->message && self->fate.kept) {
		/* the handler still reads it: it goes when the handler returns, as if never
		 * kept */
		load_add(&self->actor->load, (struct load){0, message_charge(message)});
		self->fate.kept = false;
		return;
	}
	message_free(&self->runtime->messages, message);
}

void kept_message_drop_all(struct runtime *runtime, struct actor *owner)
{
	struct more *more = more_find(runtime, owner);

	while (more && more->messages)
		message_free(&runtime->messages,
			     take_message(runtime, container_of(more->messages,
								struct troupe_kept, of_owner)));
}
