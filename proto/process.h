/* process.h - the name of one process, for all time: 64 bits, passed by value.
 *
 * A worker that is started again keeps its number and has the next incarnation. The address of
 * an actor (<troupe/address.h>) is the name of its process and that of a slot in it; the
 * address of generation 0 means the process itself. Plain data, any thread.
 */
#ifndef PROTO_PROCESS_H
#define PROTO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <troupe/address.h>

struct process {
	uint16_t node;        /* 0: this node */
	uint16_t worker;      /* 1..; 0: the master */
	uint32_t incarnation; /* of that worker: 1.. */
};

_Static_assert(sizeof(struct process) == sizeof(uint64_t) &&
		       offsetof(struct troupe_address, slot) == sizeof(struct process) &&
		       sizeof(struct troupe_address) == 2 * sizeof(struct process),
	       "an address is a process and a slot");

/* The process that an address lies in. */
static inline struct process process_of(struct troupe_address address)
{
	struct process process;

	memcpy(&process, &address, sizeof(process));
	return process;
}

/* The address that means the process itself. */
static inline struct troupe_address process_address(struct process process)
{
	return (struct troupe_address){.node = process.node,
				       .worker = process.worker,
				       .incarnation = process.incarnation};
}

/* All of it in one word: a key of tables. */
static inline uint64_t process_word(struct process process)
{
	uint64_t word;

	memcpy(&word, &process, sizeof(word));
	return word;
}

static inline bool process_equal(struct process a, struct process b)
{
	return process_word(a) == process_word(b);
}

/* Whether both are lives of the same worker: the one of the greater incarnation is later. */
static inline bool process_is_same_worker(struct process a, struct process b)
{
	return a.worker == b.worker && a.node == b.node;
}

#endif
