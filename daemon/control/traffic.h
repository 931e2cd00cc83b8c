/* traffic.h - the bytes of one client's stream: read, cut into frames, taken on; replies
 * written.
 *
 * Stateless: the state is the connection's. For the server, on its thread.
 */
#ifndef CONTROL_TRAFFIC_H
#define CONTROL_TRAFFIC_H

#include "control/connection.h"

/* Read, take on the calls that are there, and write: once each, up to the bytes and the frames
 * of one turn, and taking on nothing new after `until_ns`. */
void traffic_turn(struct connection *connection, uint64_t until_ns);

/* Close it if it has lingered for its time. True: it still lingers, and is to be swept again.
 */
bool traffic_sweep(struct connection *connection);

/* Close and free it; open calls are cancelled. */
void traffic_end(struct connection *connection);

#endif
