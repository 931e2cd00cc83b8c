/* callee.h - notices to the callee of a call: it was cancelled, replies were read.
 *
 * An actor of this process gets it as a notice when it has kept the call, another process as an
 * envelope. One runtime, one thread.
 */
#ifndef CORE_CALLEE_H
#define CORE_CALLEE_H

#include "core/call.h"

/* Nobody waits for the answer any more. The call is still open. */
void callee_cancel(struct runtime *runtime, struct call *call);

/* `count` replies of a stream have been read, and `left` others have not: reported to another
 * process once half a window is read. */
void callee_taken(struct runtime *runtime, struct call *call, uint32_t count, uint32_t left);

/* Report it to another process that has the call, of that many (of a whole window at most):
 * what was sent to one that had forwarded it meanwhile is sent again. */
void callee_report_taken(struct runtime *runtime, struct call *call, uint32_t replies,
			 uint32_t bytes);

#endif
