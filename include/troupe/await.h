/* await.h - calls, sends and replies that a task waits with.
 *
 * Generated wrappers: X_METHOD_await(), X_METHOD_put(). In tasks only (<troupe/task.h>, whose
 * words on TROUPE_AWAIT functions hold here). Since 2.1.
 */
#ifndef TROUPE_AWAIT_H
#define TROUPE_AWAIT_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How an awaited call ended, as a struct troupe_reply says it, which may grow; this never does.
 * All zero before its first use. What it points to is good until the same struct is used again,
 * troupe_answer_free(), or the end of the task: a loop that uses one struct for all its calls
 * holds one answer. Used by the task that awaited only. */
struct troupe_answer {
	enum troupe_status status;
	int32_t code;
	const void *data;
	const struct troupe_error *error;
	const char *error_name;
	const char *detail;
	struct troupe_kept *kept; /* the host's */
};

/* Call `method` of the actor at `to` and wait for the answer. `in` is read before the first
 * wait is over, at the latest when the message is sent; it may lie on the stack.
 *
 * A full mailbox, or link, is waited for. When a callee in another worker has no room although
 * the link had, the call never ran: it is made again, after 1 ms and each time later, up to
 * 50 ms, until its time is up.
 *
 * Its time: what is left of the scopes it is made in, up to the innermost shield, and of the
 * call whose handler the task is; 45 s where none of them has an end. The callee knows it, and
 * so do the calls that it awaits for it.
 *
 * 0: its status is OK. Else nothing but the answer says more:
 *
 *   -EREMOTEIO   the callee answered with an error of its interface (ERROR)
 *   -ETIMEDOUT   its time is up (TIMEOUT), or its scope's
 *   -ECONNRESET  the callee, or its process, ended before it answered (ACTOR_DIED, PEER_DOWN)
 *   -ESRCH       no such actor (NO_SUCH_ACTOR)
 *   -EIO         its handler failed (FAILED; code says how)
 *   -ENODATA     it gave no answer (NO_REPLY)
 *   -EBADMSG     the callee's version of the type does not fit (INVALID_PARAMETER)
 *   -EOPNOTSUPP  it has no such method (METHOD_NOT_FOUND, METHOD_NOT_IMPLEMENTED)
 *   -EPROTOTYPE  the method answers streams only (EXPECTED_MORE)
 *   -EACCES      it does not do that for this caller (PERMISSION_DENIED)
 *   -EBUSY       the host had no room for the answer (OVERLOADED)
 *   -ECANCELED   the scope was cancelled: the callee gets a cancel, and may have done its work
 *
 * and without a call -ESRCH; -EINVAL, as troupe_call(); -EMSGSIZE; -ENOMEM: a limit of the
 * worker, or this unit's share of it; -EDEADLK: not in a task; or the handler is alone
 * (METHOD_alone), and so are those that the callee waits for, one after the other, in this
 * process and 16 at most, back to this one: none of them would go on. The log says by what way.
 *
 * Where there is no answer the status is NO_SUCH_ACTOR, TIMEOUT or CANCELLED, as the value
 * says, and OVERLOADED with any other. */
TROUPE_AWAIT int troupe_await(struct troupe_self *self, struct troupe_address to,
			      const struct troupe_method *method,
			      const struct troupe_interface *interface, const void *in,
			      struct troupe_answer *answer) TROUPE_WARN_UNUSED;

/* Let go of what it points to; it is all zero then. Also of one that was never used. */
void troupe_answer_free(struct troupe_self *self, struct troupe_answer *answer);

/* troupe_send() that waits for room instead of -EAGAIN; as long as its scopes let it. Errors as
 * of troupe_send(); -ECANCELED, -ETIMEDOUT: nothing was sent; -EDEADLK: not in a task. */
TROUPE_AWAIT int troupe_send_wait(struct troupe_self *self, struct troupe_address to,
				  const struct troupe_method *method,
				  const void *in) TROUPE_WARN_UNUSED;

/* troupe_reply() that waits until the caller has read enough of the stream; likewise. -EPIPE:
 * nobody reads it, or not any more. */
TROUPE_AWAIT int troupe_reply_wait(struct troupe_self *self, struct troupe_call call,
				   const struct troupe_method *method,
				   const void *out) TROUPE_WARN_UNUSED;

#ifdef __cplusplus
}
#endif

#endif
