/* control.h - the control server of the daemon: who may do what, and who answers. Master
 * process, one thread. */
#ifndef REQUESTS_CONTROL_H
#define REQUESTS_CONTROL_H

#include "control/server.h"

struct master;

/* The server, with nothing to listen at yet. *ret_server is given. */
int control_new(struct master *master, struct control_server **ret_server);

#endif
