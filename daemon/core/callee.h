/* callee.h - what whoever has a call hears of its caller: that nobody waits any more, that replies were read.
 *
 * An actor of this process gets it as a notice when it has kept the call, another process as an
 * envelope. One runtime, one thread.
 */
#ifndef CORE_CALLEE_H
#define CORE_CALLEE_H

#include "core/call.h"

/* Nobody waits for the answer any more. The call is still open. */
void callee_cancel(struct runtime *runtime, struct call *call);

/* A stream's reply has been read: another process hears of it now and then. */
void callee_taken(struct runtime *runtime, struct call *call);

/* Tell another process that has the call so, that often (twice at most, which is all of a window): what was said to one that
 * had forwarded it meanwhile is said again. */
void callee_tell_taken(struct runtime *runtime, struct call *call, uint32_t times);

#endif
