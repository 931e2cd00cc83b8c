/* master_state.h - the state of the daemon as a whole, which follows from that of its units.
 *
 * Belongs to the master; one thread.
 */
#ifndef UNITS_MASTER_STATE_H
#define UNITS_MASTER_STATE_H

#include "io.troupe.Control.varlink.h"

struct master;

/* The state of the daemon as a whole. */
enum api_status_out_state master_state(const struct master *master);

/* Send the service manager READY=1, once, when everything that was to start runs or has failed;
 * later its STATUS=, when that has changed. */
void master_notify_manager(struct master *master);

#endif
