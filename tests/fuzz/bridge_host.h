/* bridge_host.h - the process that fuzz_bridge looks at: a bridge, a runtime with an actor
 * behind it, and a wire on which the fuzzer plays all peers.
 */
#ifndef TESTS_FUZZ_BRIDGE_HOST_H
#define TESTS_FUZZ_BRIDGE_HOST_H

#include "bridge/bridge_inside.h"
#include "core/runtime.h"

#define US        1
#define CALLS_MAX 1000
#define SECOND_NS 1000000000ull
#define PEERS     3 /* workers 2..4 */
#define FRAMES    64

static const struct process us = {.worker = US, .incarnation = 1};

struct frame;

struct inbox {
	struct frame *frames[FRAMES];
	unsigned first, n;
};

/* What an actor is told to do: a number says what. */
struct order {
	int64_t number;
	const char *text;
};

struct host {
	struct loop *loop;
	struct bridge *bridge;
	struct runtime *runtime;
	struct page page;
	struct inbox inbox;
	struct troupe_address actor;
	uint64_t sequence[PEERS][4]; /* of peers' frames, by incarnation */
	unsigned room;               /* frames that outboxes take now */
	uint64_t calls[4];           /* the last ones that we made: their names */
	unsigned n_calls;
	unsigned open;  /* calls of the actors that have not ended */
	unsigned begun; /* in all */
	bool is_closed;
	bool is_wanted;        /* our own arena */
	int arena;             /* of all peers */
	unsigned char *memory; /* what they write there */
	struct order large;
	char text[BRIDGE_INLINE + 1];
};

/* The transport of a host: what it sends is checked. */
extern const struct transport_ops wire_ops;
/* A peer has sent a frame; it is lost when too many wait. */
void wire_put(struct host *host, const void *data, size_t size);

/* An actor that answers, keeps, hands on, sends or calls. */
extern const struct troupe_actor puppet_table;
extern const struct troupe_type order_type;
#define IN_HASH    0x100
#define OUT_HASH   0x200
#define ERROR_HASH 0x300

#endif
