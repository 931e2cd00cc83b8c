/* items.h - streams of replies, item by item: how a task reads one, and how a task makes one.
 *
 * Generated wrappers: X_METHOD_open(), X_METHOD_next(), X_METHOD_close(), and for who replies
 * X_METHOD_yield():
 *
 *   struct hello_greet_items items = {};
 *   int rc = hello_greet_open(self, to, &in, 16, &items);
 *
 *   while (rc >= 0 && (rc = hello_greet_next(self, &items)) > 0)
 *           sum += items.out->count;
 *   hello_greet_close(self, &items);
 *
 * The two sides wait for one another: who makes the items is as far ahead as the window lets
 * him. In tasks only (<troupe/task.h>, whose words on TROUPE_AWAIT functions hold here). Since
 * 2.1.
 */
#ifndef TROUPE_ITEMS_H
#define TROUPE_ITEMS_H

#include <troupe/await.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A stream that is read. All zero before its first use. `now` is the item at hand: what it
 * points to is good until the next one, troupe_items_close(), or the end of the task. Used by
 * the task that opened it only. */
struct troupe_items {
	uint64_t id; /* 0: it is not open */
	struct troupe_answer now;
};

/* Call `method` of the actor at `to` for a stream, of which at most `window` replies (1 to
 * TROUPE_WINDOW_MAX), and 1 MiB and the one that passes it, are on their way or not taken; of
 * fewer bytes, when the actor's tasks read many streams, which hold half of its MailboxBytes=
 * and one reply of each. One that is open is closed first. `in` is read before this returns. A
 * full mailbox, or link, is waited for.
 *
 * The first item is there by the time that the scopes have now, else the call ends with
 * -ETIMEDOUT. Without such a time it is 45 s, which end when the callee has kept the call; from
 * then on, and after the first item, a stream may be quiet for any time.
 *
 * 0; errors as of troupe_call(), and -EINVAL: the window; -ECANCELED, -ETIMEDOUT: the scope's;
 * -EDEADLK: not in a task. */
TROUPE_AWAIT int troupe_items_open(struct troupe_self *self, struct troupe_address to,
				   const struct troupe_method *method,
				   const struct troupe_interface *interface, const void *in,
				   uint32_t window,
				   struct troupe_items *items) TROUPE_WARN_UNUSED;

/* Wait for the next item. 1: it is there, and taken: one more may follow behind the others.
 * 0: the end; items->now is empty. The reply with which the callee ends the stream is the last
 * item; one that ends it without a reply (NoReply) has none.
 *
 * Negative: the stream has ended otherwise, with the values that troupe_await() returns, and
 * items->now says more; the next one is 0. But -ECANCELED and -ETIMEDOUT of the scope end
 * only the wait: the stream goes on. So it does after -EBADMSG of an item that others follow.
 * -EBUSY (Overloaded) of the first one: the callee, or its process, was too busy to look at the
 * call; unlike troupe_await() this does not ask again, since `in` may be gone: open it anew.
 * -EINVAL: not open, or opened by another task; -ENOMEM. */
TROUPE_AWAIT int troupe_items_next(struct troupe_self *self,
				   struct troupe_items *items) TROUPE_WARN_UNUSED;

/* Read no more of it; of one that is not open nothing happens. Who replies gets -EPIPE from
 * troupe_reply_wait(), or his handler on_cancel. A task that ends closes what it has open,
 * before anybody learns of its end. */
void troupe_items_close(struct troupe_self *self, struct troupe_items *items);

#ifdef __cplusplus
}
#endif

#endif
