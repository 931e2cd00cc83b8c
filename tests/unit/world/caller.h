/* caller.h - a client of the storm: it calls by lot and keeps account of what it is owed.
 *
 * Each of its calls must end exactly once, in the order of the calls; what an answer says must
 * be the answer to that call; replies of a stream are numbered without a gap. It may read late,
 * and may hang up, and then is owed nothing. Belongs to the test.
 */
#ifndef TESTS_UNIT_WORLD_CALLER_H
#define TESTS_UNIT_WORLD_CALLER_H

#include "client.h"

#define CALLER_AWAITED 48

enum caller_kind {
	CALLER_ANSWER,   /* echoes a text, at once or later */
	CALLER_RELAYED,  /* the same, by way of another worker */
	CALLER_STREAM,   /* numbers 1 .. count, one after another */
	CALLER_BURST,    /* the same, as fast as they are read */
	CALLER_ASSORTED, /* one reply, of whatever kind */
	CALLER_KINDS
};

/* A call that has not ended. */
struct caller_call {
	enum caller_kind kind;
	uint64_t id, sent_ns;
	int64_t got, count; /* replies of a stream */
	char method[48];    /* for people */
};

/* How often things came to be, over all callers. */
struct caller_sums {
	uint64_t calls, oneways, answers, replies, errors, hangups, abandoned;
};

struct caller {
	struct client client;
	struct caller_sums *sums;
	unsigned number;
	bool is_open;
	struct caller_call awaited[CALLER_AWAITED]; /* oldest first */
	unsigned n_awaited;
	uint64_t last_id;
	uint64_t act_ns;  /* when it does something next */
	bool is_strict;   /* no call may fail */
	bool expects_end; /* the daemon is told to stop: it hangs up when all is answered */
};

void caller_init(struct caller *caller, struct world *world, unsigned number,
		 struct caller_sums *sums);
/* Hang up. */
void caller_fini(struct caller *caller);

/* Read, call, hang up or connect, by lot. calls: new ones are made. */
void caller_act(struct caller *caller, bool calls);

/* Send a call of its own choice, awaited like the others. method: for people. */
void caller_send(struct caller *caller, enum caller_kind kind, const char *method,
		 const char *message);

/* Print what it is owed. */
void caller_print(const struct caller *caller);

#endif
