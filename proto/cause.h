/* cause.h - what the causes of ends are called: in logs, in reasons, by the control interface.
 *
 * Pure, const data; any process and thread.
 */
#ifndef PROTO_CAUSE_H
#define PROTO_CAUSE_H

#include <troupe/actor.h>

/* "crashed", "no-such-actor"; "unknown" for what is no cause. */
const char *cause_name(enum troupe_cause cause);

#endif
