#include "core/wait.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/mailbox.h"
#include "core/share.h"
#include <errno.h>

/* The chain is a part of it, for the streams of one caller have windows of their own. */
static uint64_t hash_key(const struct runtime *runtime, uint32_t sender,
			 struct troupe_address where, struct list *const *chain,
			 uint64_t stream)
{
	uint64_t place = ((uint64_t)where.slot << 32 | where.generation) ^ (uintptr_t)chain ^
			 stream << 1;

	return index_hash(runtime->secret, process_word(process_of(where)) * 31 + sender,
			  place);
}

static struct wait *find_wait(const struct runtime *runtime, uint32_t sender,
			      struct troupe_address where, struct list *const *chain,
			      uint64_t stream)
{
	struct wait *wait;

	index_foreach (wait, &runtime->waits_by_key,
		       hash_key(runtime, sender, where, chain, stream), link)
		if (wait->sender == sender && wait->chain == chain && wait->stream == stream &&
		    troupe_address_equal(wait->where, where))
			return wait;
	return NULL;
}

int wait_add(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	     struct list **chain, uint64_t stream, uint64_t handle)
{
	struct actor *receiver = actor_find(runtime, where); /* NULL: a link, a far stream */
	uint32_t slot = actor_slot(runtime, sender);
	struct wait *wait = find_wait(runtime, slot, where, chain, stream);

	if (wait)
		return 0;
	wait = share_take(&runtime->waits, sender->unit, SHARE_WAITS);
	if (!wait)
		return -ENOMEM;
	wait->sender = slot;
	wait->where = where;
	wait->chain = chain;
	wait->stream = stream;
	wait->handle = handle;
	chain_append(chain, &wait->of_receiver);
	if (receiver)
		receiver->marks |= ACTOR_AWAITED;
	chain_append(&cold_get(runtime, sender)->waits, &wait->of_sender);
	index_put(&runtime->waits_by_key, &wait->link,
		  hash_key(runtime, slot, where, chain, stream));
	return 0;
}

void wait_keep(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	       struct list **chain, uint64_t stream, uint64_t handle)
{
	struct wait *wait =
		find_wait(runtime, actor_slot(runtime, sender), where, chain, stream);

	if (wait)
		wait->handle = handle;
}

static void give_wait(struct runtime *runtime, struct wait *wait)
{
	share_give(&runtime->waits, wait, actor_at(runtime, wait->sender)->unit, SHARE_WAITS);
	slots_give(&runtime->waits, wait);
}

static void leave_chain(struct runtime *runtime, struct wait *wait)
{
	chain_remove(wait->chain, &wait->of_receiver);
	wait->chain = NULL;
	index_remove(&runtime->waits_by_key, &wait->link);
}

static void wake(struct runtime *runtime, struct wait *wait)
{
	leave_chain(runtime, wait);
	mailbox_notify(runtime, actor_at(runtime, wait->sender), &wait->mail, MAIL_ROOM);
}

static void wake_first(struct runtime *runtime, struct list **chain)
{
	wake(runtime, container_of(*chain, struct wait, of_receiver));
}

/* The replies of a stream need no room in the mailbox, only in the stream's window. */
static void wake_repliers(struct runtime *runtime, struct actor_cold *receiver)
{
	chain_foreach (at, receiver->window.waiters) {
		struct wait *wait = container_of(at, struct wait, of_receiver);

		if (!wait->stream || receiver->promised >= LIMIT_STREAM_UNREAD / 2)
			continue;
		receiver->promised++;
		wake(runtime, wait);
	}
}

/* How many waiters there is room for. Some send one message, some all that fits; one woken for
 * nothing costs about a dozen messages. So the room is divided by what those before have
 * sent. */
static uint32_t count_room(struct actor *receiver, struct actor_cold *cold)
{
	const struct definition *unit = receiver->unit;
	uint32_t room = unit->mailbox - receiver->load.queued;

	if (room > LIMIT_STREAM_UNREAD - cold->window.used)
		room = LIMIT_STREAM_UNREAD - cold->window.used;
	if (cold->users) {
		cold->share = cold->used / cold->users;
		cold->users = cold->used = 0;
	}
	if (cold->share > 1)
		room /= cold->share;
	if (room > UINT16_MAX)
		room = UINT16_MAX;
	return room ? room : 1;
}

void wait_wake_slow(struct runtime *runtime, struct actor *receiver)
{
	const struct definition *unit = receiver->unit;
	struct actor_cold *cold = cold_get(runtime, receiver);
	uint32_t room;

	if (receiver->load.queued > unit->mailbox / 2 || !window_is_half_open(&cold->window))
		return;
	/* Replies, which meet no bound, may hold half of the memory; then an empty queue has to
	 * do. */
	if (receiver->load.charged >= unit->mailbox_units ||
	    (receiver->load.charged > unit->mailbox_units / 2 && receiver->load.queued)) {
		wake_repliers(runtime, cold);
		return;
	}
	room = count_room(receiver, cold);
	while (cold->window.waiters && cold->promised < room) {
		cold->promised++;
		wake_first(runtime, &cold->window.waiters);
	}
	if (!cold->window.waiters)
		receiver->marks &= ~ACTOR_AWAITED;
}

void wait_wake_all(struct runtime *runtime, struct list **chain)
{
	while (*chain)
		wake_first(runtime, chain);
}

void wait_give(struct runtime *runtime, struct window *window, uint32_t count, uint64_t bytes)
{
	window_give(window, count, bytes);
	if (window_is_half_open(window))
		wait_wake_all(runtime, &window->waiters);
}

struct wait_past wait_finish(struct runtime *runtime, struct wait *wait)
{
	const struct wait_past past = {wait->where, wait->stream, wait->handle};
	struct actor *receiver = actor_find(runtime, past.where);
	struct actor_cold *cold = receiver ? cold_find(runtime, receiver) : NULL;

	/* A receiver's death wakes its waiters without a promise, but then it is not found
	 * here. */
	if (cold) {
		cold->promised -= cold->promised > 0;
		cold->before = receiver->load.queued;
	}
	chain_remove(&cold_find(runtime, actor_at(runtime, wait->sender))->waits,
		     &wait->of_sender);
	give_wait(runtime, wait);
	return past;
}

void wait_pass_on(struct runtime *runtime, uint32_t sender, const struct wait_past *past)
{
	struct actor *receiver = actor_find(runtime, past->where);
	struct actor_cold *cold = receiver ? cold_find(runtime, receiver) : NULL;

	if (cold && receiver->load.queued > cold->before) {
		cold->users++;
		cold->used += receiver->load.queued - cold->before;
	}
	/* Refused again: there is no room after all, and asking the next would only go round
	 * in circles. */
	if (cold && cold->window.waiters &&
	    !find_wait(runtime, sender, past->where, &cold->window.waiters, past->stream))
		wait_wake_slow(runtime, receiver);
}

void wait_forget_all(struct runtime *runtime, struct actor *sender)
{
	struct actor_cold *cold = cold_find(runtime, sender);

	while (cold && cold->waits) {
		struct wait *wait = container_of(cold->waits, struct wait, of_sender);

		leave_chain(runtime, wait);
		chain_remove(&cold->waits, &wait->of_sender);
		give_wait(runtime, wait);
	}
}
