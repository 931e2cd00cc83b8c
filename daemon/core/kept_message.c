#include "core/kept_message.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/share.h"
#include "proto/codec.h"
#include <errno.h>
#include <string.h>

struct message *kept_message_copy(struct runtime *runtime, const struct troupe_type *type,
				  const struct message *message)
{
	struct message *copy =
		message_new(&runtime->messages, message->mail.kind, message->mail.size);

	if (!copy)
		return NULL;
	memcpy(copy, message, message_head(message->mail.kind));
	codec_copy(type, message_block(message), message_block(copy), message->mail.size);
	return copy;
}

/* The message at hand is the kept one's. A task reads its own until it returns, whoever
 * releases that one meanwhile: it gets a copy. */
static bool give_message(struct troupe_self *self, struct troupe_kept *kept, uint32_t charge)
{
	struct message *message = self->activation.message;

	if (unlikely(self->task != NULL)) {
		kept->message = kept_message_copy(
			self->runtime, self->activation.handler->method->in, message);
		return kept->message != NULL;
	}
	kept->message = message;
	load_subtract(&self->actor->load, (struct load){0, charge});
	self->activation.outcome.kept = true;
	return true;
}

int troupe_keep(struct troupe_self *self, struct troupe_kept **ret_kept)
{
	struct runtime *runtime = self->runtime;
	struct troupe_kept *kept;
	struct actor_cold *cold;
	uint32_t charge;

	if (self->activation.outcome.call == SELF_NO_MESSAGE || self_is_away(self))
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
	if (!give_message(self, kept, charge)) {
		share_give(&runtime->kept, kept, self->actor->unit, SHARE_KEPT_MESSAGES);
		slots_give(&runtime->kept, kept);
		return -ENOMEM;
	}
	kept->owner = actor_slot(runtime, self->actor);
	chain_append(&cold->messages, &kept->of_owner);
	load_add(&cold->keeping, (struct load){1, charge});
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
	return slots_has(&self->runtime->kept, kept) && !slots_is_closed(&kept->slot) &&
	       kept->owner == actor_slot(self->runtime, self->actor);
}

/* Its actor or task keeps it no more; the message is given. */
static struct message *take_message(struct runtime *runtime, struct troupe_kept *kept)
{
	struct actor *owner = actor_at(runtime, kept->owner);
	struct message *message = kept->message;

	if (kept->chain) {
		chain_remove(kept->chain, &kept->of_owner);
		if (message)
			load_subtract(&owner->load, (struct load){0, message_charge(message)});
	} else {
		struct actor_cold *cold = cold_find(runtime, owner);

		chain_remove(&cold->messages, &kept->of_owner);
		load_subtract(&cold->keeping, (struct load){1, message_charge(message)});
	}
	share_give(&runtime->kept, kept, owner->unit, SHARE_KEPT_MESSAGES);
	slots_give(&runtime->kept, kept);
	return message;
}

struct troupe_kept *kept_message_reserve(struct runtime *runtime, struct actor *owner,
					 struct list **chain)
{
	struct troupe_kept *kept =
		share_take_raw(&runtime->kept, owner->unit, SHARE_KEPT_MESSAGES);

	if (!kept)
		return NULL;
	kept->message = NULL;
	kept->owner = actor_slot(runtime, owner);
	kept->chain = chain;
	chain_append(chain, &kept->of_owner);
	return kept;
}

bool kept_message_is_in(const struct troupe_self *self, const struct troupe_kept *kept,
			struct list *const *chain)
{
	return is_kept(self, kept) && kept->chain == chain;
}

struct troupe_kept *kept_message_renew(struct troupe_self *self, struct troupe_kept *kept,
				       struct list **chain)
{
	struct runtime *runtime = self->runtime;
	struct message *message;

	if (!kept || !kept_message_is_in(self, kept, chain))
		return kept_message_reserve(runtime, self->actor, chain);
	message = kept->message;
	kept->message = NULL;
	if (message) {
		load_subtract(&self->actor->load, (struct load){0, message_charge(message)});
		message_free(&runtime->messages, message);
	}
	return kept;
}

void kept_message_drop(struct runtime *runtime, struct troupe_kept *kept)
{
	struct message *message = take_message(runtime, kept);

	if (message)
		message_free(&runtime->messages, message);
}

void kept_message_drop_chain(struct runtime *runtime, struct list **chain)
{
	while (*chain)
		kept_message_drop(runtime, container_of(*chain, struct troupe_kept, of_owner));
}

void troupe_release(struct troupe_self *self, struct troupe_kept *kept)
{
	struct message *message;

	if (!kept || !is_kept(self, kept) || kept->chain)
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

	if (cold)
		kept_message_drop_chain(runtime, &cold->messages);
}
