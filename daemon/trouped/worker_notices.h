/* worker_notices.h - the notices that a worker may send, each with what is made of it. Master
 * process, one thread. */
#ifndef TROUPED_WORKER_NOTICES_H
#define TROUPED_WORKER_NOTICES_H

#include "proto/channel.h"

#define WORKER_HANDLERS 14
extern const struct channel_handler worker_handlers[WORKER_HANDLERS];

#endif
