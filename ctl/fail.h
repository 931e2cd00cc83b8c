/* fail.h - why a command cannot go on: nobody listens, the connection was lost, a reply is of
 * no known type.
 *
 * Each function prints to standard error and returns the exit status; none of them asks the
 * daemon.
 */
#ifndef CTL_FAIL_H
#define CTL_FAIL_H

#include "ctl/ctl.h"

/* varlink_connect() failed with `error`. */
int fail_no_connection(struct ctl *ctl, int error);

/* The connection was lost in the middle of a call. */
int fail_lost(struct ctl *ctl, int error);

/* A reply to `method` is not of the type that the interface gives it. */
int fail_foreign(struct ctl *ctl, const char *method, const struct codec_error *error);

#endif
