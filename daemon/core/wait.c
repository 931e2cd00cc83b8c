#include "core/wait.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/mailbox.h"
#include "core/share.h"
#include <errno.h>

/* The chain is a part of it, for the streams of one caller have windows of their own. */
static uint64_t hash_key(const struct runtime *runtime, const struct wait *wait)
{
	const struct troupe_address where = wait->where;
	uint64_t place = ((uint64_t)where.slot << 32 | where.generation) ^
			 (uintptr_t)wait->chain ^ wait->stream << 1;
	uint64_t who = (uintptr_t)wait->seat + wait->sender;

	return index_hash(runtime->secret, process_word(process_of(where)) * 31 + who, place);
}

/* That is in a chain, and of the same sender, task, address, chain and stream. */
static struct wait *find_wait(const struct runtime *runtime, const struct wait *wanted)
{
	struct wait *wait;

	index_foreach (wait, &runtime->waits_by_key, hash_key(runtime, wanted), link)
		if (wait->sender == wanted->sender && wait->seat == wanted->seat &&
		    wait->chain == wanted->chain && wait->stream == wanted->stream &&
		    troupe_address_equal(wait->where, wanted->where))
			return wait;
	return NULL;
}

int wait_add(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	     struct list **chain, uint64_t stream, uint64_t handle)
{
	struct actor *receiver = actor_find(runtime, where); /* NULL: a link, a far stream */
	struct actor_cold *cold = receiver ? cold_find(runtime, receiver) : NULL;
	const struct wait wanted = {
		.where = where,
		.chain = chain,
		.stream = stream,
		.sender = actor_slot(runtime, sender),
		.seat = runtime->seat,
	};
	struct wait *wait = find_wait(runtime, &wanted);

	if (wait)
		return 0;
	wait = share_take(&runtime->waits, sender->unit, SHARE_WAITS);
	if (!wait)
		return -ENOMEM;
	wait->sender = wanted.sender;
	wait->seat = wanted.seat;
	wait->where = where;
	wait->chain = chain;
	wait->stream = stream;
	wait->handle = handle;
	if (wait->seat)
		wait->seat->wait = wait;
	chain_append(chain, &wait->of_receiver);
	if (cold && chain == &cold->window.waiters)
		receiver->marks |= ACTOR_AWAITED;
	chain_append(&cold_get(runtime, sender)->waits, &wait->of_sender);
	index_put(&runtime->waits_by_key, &wait->link, hash_key(runtime, wait));
	return 0;
}

void wait_keep(struct runtime *runtime, struct actor *sender, struct troupe_address where,
	       struct list **chain, uint64_t stream, uint64_t handle)
{
	struct wait *wait = find_wait(runtime, &(struct wait){
						       .where = where,
						       .chain = chain,
						       .stream = stream,
						       .sender = actor_slot(runtime, sender),
					       });

	if (wait)
		wait->handle = handle;
}

static void give_wait(struct runtime *runtime, struct wait *wait)
{
	share_give(&runtime->waits, wait, actor_at(runtime, wait->sender)->unit, SHARE_WAITS);
	slots_give(&runtime->waits, wait);
}

/* Its record is free. */
static void leave_sender(struct runtime *runtime, struct wait *wait)
{
	if (wait->seat)
		wait->seat->wait = NULL;
	chain_remove(&cold_find(runtime, actor_at(runtime, wait->sender))->waits,
		     &wait->of_sender);
	give_wait(runtime, wait);
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

/* For room that no other is woken for, until it has had its chance. */
static void wake_promised(struct runtime *runtime, struct actor_cold *receiver,
			  struct wait *wait)
{
	receiver->promised++;
	wait->is_promised = true;
	wake(runtime, wait);
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
		wake_promised(runtime, receiver, wait);
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
	while (cold->window.waiters && cold->promised < room)
		wake_promised(runtime, cold,
			      container_of(cold->window.waiters, struct wait, of_receiver));
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
	const struct wait_past past = {.where = wait->where,
				       .stream = wait->stream,
				       .handle = wait->handle,
				       .seat = wait->seat,
				       .is_of_task = wait->seat || wait->is_left,
				       .is_promised = wait->is_promised};
	struct actor *receiver = actor_find(runtime, past.where);
	struct actor_cold *cold = receiver ? cold_find(runtime, receiver) : NULL;

	if (cold && past.is_promised) {
		cold->promised--;
		cold->before = receiver->load.queued;
	}
	leave_sender(runtime, wait);
	return past;
}

void wait_pass_on(struct runtime *runtime, uint32_t sender, const struct wait_past *past)
{
	struct actor *receiver = past->is_promised ? actor_find(runtime, past->where) : NULL;
	struct actor_cold *cold = receiver ? cold_find(runtime, receiver) : NULL;

	if (cold && receiver->load.queued > cold->before) {
		cold->users++;
		cold->used += receiver->load.queued - cold->before;
	}
	/* Refused again: there is no room after all, and asking the next would only go round
	 * in circles. */
	if (cold && cold->window.waiters &&
	    !find_wait(runtime, &(struct wait){
					.where = past->where,
					.chain = &cold->window.waiters,
					.stream = past->stream,
					.sender = sender,
					.seat = past->seat,
				}))
		wait_wake_slow(runtime, receiver);
}

void wait_leave(struct runtime *runtime, struct wait_seat *seat)
{
	struct wait *wait = seat->wait;

	if (!wait)
		return;
	if (wait->chain) {
		leave_chain(runtime, wait);
		leave_sender(runtime, wait);
		return;
	}
	/* What was promised goes to the next one, when the notice is taken. */
	seat->wait = NULL;
	wait->seat = NULL;
	wait->is_left = true;
}

void wait_forget_all(struct runtime *runtime, struct actor *sender, bool of_tasks)
{
	struct actor_cold *cold = cold_find(runtime, sender);

	if (!cold)
		return;
	chain_foreach (at, cold->waits) {
		struct wait *wait = container_of(at, struct wait, of_sender);

		/* One whose notice lies in the mailbox goes with that. */
		if (!wait->chain || (wait->seat && !of_tasks))
			continue;
		leave_chain(runtime, wait);
		leave_sender(runtime, wait);
	}
}
