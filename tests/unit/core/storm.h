/* storm.h - what a storm of core knows of its actors, calls, streams and refusals.
 *
 * Its actors do anything they may, at random (storm_deeds.c); what they got is noted here, and
 * checked at once where it can be (storm.c). The test lets it rage from outside.
 */
#ifndef TESTS_UNIT_CORE_STORM_H
#define TESTS_UNIT_CORE_STORM_H

#include "base/random.h"
#include "world.h"

#define STORM_IDS       512
#define STORM_CALLS     8192
#define STORM_ADDRESSES 512
#define STORM_WORKERS   3
#define STORM_ROOMS     1024 /* refusals that are under way */
#define STORM_CLIENTS   4    /* of each worker, at a time */
#define STORM_WIDEST    8    /* mailbox of unit 2 */
#define STORM_PASSING   3    /* the first unit of those that are forgotten */
#define STORM_STREAMS   32768

struct storm;

/* A call of a client. */
struct asker {
	struct runtime_client_call client_call;
	struct storm *storm;
	bool is_open, has_deadline;
	unsigned number; /* of the call */
};

/* The replies of one actor to one call that asked for a stream. */
struct stream {
	uint32_t key; /* 0: free */
	uint32_t sent, seen;
};

/* An on_room that an actor is to get. */
struct refusal {
	int64_t id;
	struct troupe_address where;
	uint64_t handle;
};

struct storm {
	struct random random;
	struct net net;
	struct world worlds[STORM_WORKERS + 1];
	struct troupe_address
		addresses[STORM_ADDRESSES]; /* of all who ever lived, as it were */
	unsigned n_addresses, next_id, next_unit;
	int budget; /* deeds left */
	uint32_t sent[STORM_IDS][STORM_IDS],
		seen[STORM_IDS][STORM_IDS]; /* sequence numbers, by sender and receiver */
	uint64_t sends, handled;
	uint8_t calls[STORM_CALLS];    /* how often it has ended */
	uint16_t callers[STORM_CALLS]; /* ids */
	uint64_t requests[STORM_CALLS];
	/* of streams: the window asked for (0: none), replies that are sent, and taken */
	uint32_t windows[STORM_CALLS], replied[STORM_CALLS], taken[STORM_CALLS];
	uint16_t workers[STORM_CALLS];
	unsigned n_calls;
	unsigned n_client_calls;
	struct stream streams[STORM_STREAMS];
	unsigned n_streams;
	unsigned kept_numbers[STORM_IDS]; /* of the call that it has kept */
	bool alive[STORM_IDS];
	uint16_t parents[STORM_IDS];                /* id plus 1; 0: nobody's child */
	bool refuses[STORM_IDS];                    /* its init does */
	struct troupe_address kept_from[STORM_IDS]; /* the caller of its kept call */
	struct refusal refusals[STORM_ROOMS];
	unsigned n_refusals;
	uint64_t clients[STORM_WORKERS + 1][STORM_CLIENTS], next_client; /* numbers */
	struct asker askers[STORM_WORKERS + 1][STORM_CLIENTS];
	uint64_t n_tasks, n_tasks_ended; /* those that never began have not */
	bool kills;
};

static inline struct storm *storm_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

/* What each of its actors does. */
extern const struct hooks storm_hooks;

/* A number below bound. */
uint64_t storm_below(struct storm *storm, uint64_t bound);
/* The address of one who lived, or nearly one. */
struct troupe_address storm_anybody(struct storm *storm);
/* Whose address that is, -1: of none that is known. */
int storm_id_of(struct storm *storm, struct troupe_address address);

/* What any of its functions may do. */
void storm_act(struct troupe_self *self, struct puppet *me);
/* A task of that actor, unless there are too many. */
void storm_start_task(struct troupe_self *self);

/* How many waits for room there are. */
uint32_t storm_count_waits(const struct troupe_self *self);
/* What an actor got, when there were `before` waits. */
void storm_note_result(struct troupe_self *self, struct puppet *me, struct troupe_address where,
		       uint64_t handle, int rc, uint32_t before);
/* There is room, as was promised to that actor. */
void storm_take_room(struct storm *storm, int64_t id, struct troupe_address where,
		     uint64_t handle);
/* It has ended. */
void storm_forget_refusals(struct storm *storm, int64_t id);

/* The next reply of a stream; its last one, returned. */
int storm_reply_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     unsigned number);
int storm_return_last(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      unsigned number);
/* A reply has arrived at whoever made that call. */
void storm_see_reply(struct storm *storm, unsigned number, const struct troupe_reply *reply);

#endif
