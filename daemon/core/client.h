/* client.h - clients of the control socket whose messages without an answer are being kept.
 *
 * A client is a number that the master gives to each connection. What it only sent needs no
 * record until an actor keeps the handle; then there is a struct call for it without a caller,
 * so that a deadline ends it, and the client's leaving. Belongs to the runtime, one thread.
 */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "core/inside.h"

struct client {
	struct index_link link;
	uint64_t number;
	uint32_t n_kept;
	struct list *kept; /* struct call, CALL_ONEWAY */
};

/* The sender's address in a message of a client, made from its number; 0: nobody. */
static inline struct troupe_address client_address(uint64_t number)
{
	return (struct troupe_address){.slot = (uint32_t)number,
				       .generation = (uint32_t)(number >> 32)};
}

/* 0: it is of an actor, or of nobody. */
static inline uint64_t client_number(struct troupe_address from)
{
	return from.worker ? 0 : (uint64_t)from.generation << 32 | from.slot;
}

/* NULL: it has sent nothing, or has left. */
struct client *client_find(const struct runtime *runtime, uint64_t number);
/* The same, made when it has sent nothing so far. NULL: no memory. */
struct client *client_get(struct runtime *runtime, uint64_t number);

/* It has left, and nothing that it sent is kept. */
void client_free(struct runtime *runtime, struct client *client);

void clients_free(struct runtime *runtime);

#endif
