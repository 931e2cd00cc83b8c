/* explain.h - what went wrong, and what to do next.
 *
 * Each function prints to standard error and returns the exit status.
 */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include "ctl/ctl.h"
#include "proto/json.h"

/* An error reply to a call of `method` (NULL: not known). May ask the daemon for what helps:
 * names near to the wrong one, the type of a wrong parameter. */
int explain_error(struct ctl *ctl, const char *method, const struct answer *answer);

#endif
