/* memory.h - a transport made of memory, for tests: what it has room for, and what it loses,
 * they decide.
 *
 * Belongs to the test; all processes of it are in one thread. After changing `room` by hand, or
 * the frames, call memory_update().
 */
#ifndef TESTS_UNIT_BRIDGE_MEMORY_H
#define TESTS_UNIT_BRIDGE_MEMORY_H

#include "base/list.h"
#include "base/random.h"
#include "bridge/transport.h"
#include <stdbool.h>

#define MEMORY_INBOXES 64

struct frame {
	struct list link;
	uint64_t sender; /* the number of its outbox; 0: put by hand */
	size_t size;
	_Alignas(16) unsigned char data[];
};

struct inbox {
	struct memory *memory;
	char path[64];
	int fd;
	struct list frames;
	unsigned count, room; /* frames it holds, may hold */
	unsigned swallow;     /* of the next frames: accepted, then lost */
	unsigned refuse;      /* of the next frames: refused for good */
};

struct outbox {
	struct list link;
	struct memory *memory;
	uint64_t number; /* no other one has had it, as its address another one may have */
	char path[64];
	int fd;
};

struct memory {
	struct inbox *inboxes[MEMORY_INBOXES];
	struct list outboxes;
	uint64_t opened; /* outboxes */
	unsigned room;   /* of new inboxes */
	bool is_short;   /* of descriptors: no outbox can be opened */
	/* Frames of different senders arrive as it says; NULL: as they were sent. */
	struct random *random;
};

extern const struct transport_ops memory_ops;

void memory_init(struct memory *memory);
/* NULL: no such inbox is open. */
struct inbox *memory_find_inbox(struct memory *memory, const char *path);
/* Put a frame into an inbox by hand; `data` is copied. */
void memory_put(struct inbox *inbox, const void *data, size_t size);
/* Descriptors tell of what there is now. */
void memory_update(struct memory *memory);

#endif
