#include "core/kept_message.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/share.h"
#include <errno.h>

int troupe_keep(struct troupe_self *self, struct troupe_kept **ret_kept)
{
	struct runtime *runtime = self->runtime;
	struct troupe_kept *kept;
	struct actor_cold *cold;
	uint32_t charge;

	if (self->activation.outcome.call == SELF_NO_MESSAGE)
		return -EINVAL;
	if (self->activation.outcome.kept || self->activation.outcome.moved)
		return -EALREADY;
	/* Bounds of their own: what is kept for long would otherwise lock the mailbox, also for
	 * the message that would release it. */
	cold = cold_get(runtime, self->actor);
	charge = message_charge(self->activation.message);
	if (cold->keeping.queued >= self->actor->unit->mailbox ||
	    cold->keeping.charged + charge > self->actor->unit->mailbox_units)
		return -ENOBUFS;
	kept = share_take(&runtime->kept, self->actor->unit, SHARE_KEPT_MESSAGES);
	if (!kept)
		return -ENOMEM;
	kept->message = self->activation.message;
	kept->owner = actor_slot(runtime, self->actor);
	chain_append(&cold->messages, &kept->of_owner);
	load_add(&cold->keeping, (struct load){1, charge});
	load_subtract(&self->actor->load, (struct load){0, charge});
	self->activation.outcome.kept = true;
	*ret_kept = kept;
	return 0;
}

const void *troupe_kept_in(const struct troupe_kept *kept)
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
	struct actor_cold *cold = cold_find(runtime, actor_at(runtime, kept->owner));
	struct message *message = kept->message;

	chain_remove(&cold->messages, &kept->of_owner);
	load_subtract(&cold->keeping, (struct load){1, message_charge(message)});
	share_give(&runtime->kept, kept, actor_at(runtime, kept->owner)->unit,
		   SHARE_KEPT_MESSAGES);
	slots_give(&runtime->kept, kept);
	return message;
}

void troupe_release(struct troupe_self *self, struct troupe_kept *kept)
{
	struct message *message;

	if (!kept || !is_kept(self, kept))
		return;
	message = take_message(self->runtime, kept);
	if (message == self->activation.message && self->activation.outcome.kept) {
		/* the handler still reads it: it goes when the handler returns, as if never
		 * kept */
		load_add(&self->actor->load, (struct load){0, message_charge(message)});
		self->activation.outcome.kept = false;
		return;
	}
	message_free(&self->runtime->messages, message);
}

void kept_message_drop_all(struct runtime *runtime, struct actor *owner)
{
	struct actor_cold *cold = cold_find(runtime, owner);

	while (cold && cold->messages)
		message_free(&runtime->messages,
			     take_message(runtime, container_of(cold->messages,
								struct troupe_kept, of_owner)));
}
