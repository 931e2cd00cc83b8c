/* nanomsg.h - frames over nanomsg's ipc: a PULL socket is the inbox, PUSH sockets are the
 * outboxes.
 *
 * Only for processes that no stranger can connect to, since nanomsg aborts on some malformed
 * input: the paths lie in a private directory. A process must not fork once it has opened one.
 * nanomsg has one thread of its own per process. While the process has no descriptor left for a
 * peer that connects, that thread keeps trying, with all of a processor.
 */
#ifndef BRIDGE_NANOMSG_H
#define BRIDGE_NANOMSG_H

#include "bridge/transport.h"

/* frame_max: bytes of the largest frame taken in; a peer that sends a larger one is cut off. */
struct nanomsg {
	size_t frame_max;
};

/* The transport over `nanomsg`, which is borrowed for as long as it is used. */
struct transport nanomsg_transport(struct nanomsg *nanomsg);

#endif
