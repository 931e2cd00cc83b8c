/* access.h - what a peer at the control socket may do. Pure; master process, one thread. */
#ifndef CLIENTS_ACCESS_H
#define CLIENTS_ACCESS_H

#include "config/settings.h"
#include "control/server.h"
#include <sys/types.h>

/* The level of a peer: root and `own`, the daemon's user, may do everything, others what the
 * most powerful of their groups may, everyone observe unless ObserveGroup= is set. */
enum control_level access_level(const struct settings *settings, uid_t own,
				const struct control_peer *peer);

#endif
