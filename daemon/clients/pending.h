/* pending.h - a client's call that waits for its answer: embedded, as the first member, in what
 * each part of the master remembers of it.
 *
 * Belongs to the master; one thread. A pending lives from pending_new() until its part has
 * answered the client for the last time, or has given the call to another part, and frees it;
 * or until the client leaves. While it lives the call's `user` and callbacks are its own.
 *
 * Answering a client ends no other pending: the server reports clients that left from the loop
 * only, never from inside an answer (control/server.h). So a list of pendings may be walked
 * with list_each(), each answered and freed on the way, in either order: pending_free()
 * does not touch the call.
 */
#ifndef CLIENTS_PENDING_H
#define CLIENTS_PENDING_H

#include "base/list.h"
#include "base/loop.h"
#include "clients/shares.h"
#include "control/server.h"
#include <stddef.h>

struct buffer;
struct master;
struct pending;
struct worker;
struct worker_census;
struct worker_task_census;

/* What a part does with its pendings. But for size and share all are optional. */
struct pending_ops {
	size_t size;           /* of the part's struct, whose first member is the pending */
	enum call_share share; /* what its call takes up; SHARE_CLAIMED: what it did before */
	/* The client has left, and no answer is needed: it is freed on return. */
	void (*on_gone)(struct pending *pending);
	/* The timer, which the part starts and stops as it likes, has run out. If it is for a
	 * worker's answer, that may be there already when the master has slept: it is given
	 * that time, too. */
	void (*on_late)(struct pending *pending);
	bool is_for_worker;
	/* A reply that got -EAGAIN would be taken now; once for each time. */
	void (*on_room)(struct pending *pending);
	/* Those in master->inquiries: the process of a worker is gone. */
	void (*on_worker_down)(struct pending *pending, const struct worker *worker);
	/* A worker has answered to its request. */
	void (*on_census)(struct pending *pending, struct worker *worker,
			  const struct worker_census *census);
	void (*on_tasks)(struct pending *pending, struct worker *worker,
			 const struct worker_task_census *census);
	/* Release what the part's struct holds, before its memory is freed. */
	void (*fini)(struct pending *pending);
};

struct pending {
	const struct pending_ops *ops;
	struct master *master;
	struct control_call *client;
	struct list link; /* in the part's list of them */
	uint64_t request; /* the number in what workers were asked for it; 0: nothing */
	struct loop_timer timer;
};

static inline struct pending *pending_at(struct list *link)
{
	return container_of(link, struct pending, link);
}

/* Let `client` wait, as the last of `list`: `ops->size` zeroed bytes that begin with its
 * pending, which the caller frees; the call takes up one of its share, and `bytes` of it. NULL:
 * its user or all together have too much of that, or there is no memory, and the client was
 * answered with Overloaded. */
void *pending_new(const struct pending_ops *ops, struct master *master,
		  struct control_call *client, struct list *list, size_t bytes);

/* Take it out of its list, stop its timer and free it with what it holds. The call, which may
 * have been answered already, is left alone. */
void pending_free(struct pending *pending);

/* Answer the client, with Overloaded or with Timeout, and free it. */
void pending_overload(struct pending *pending);
void pending_time_out(struct pending *pending);

/* The first of a list that is not empty, of another user than `last` if there is one. */
struct pending *pending_next(struct list *list, uid_t last);

/* Answer the client with the text of an object, and free it. */
void pending_reply(struct pending *pending, const struct buffer *text);

/* The daemon is stopping: answer all of `list` with that, and free them. */
void pending_refuse_all(struct list *list);

#endif
