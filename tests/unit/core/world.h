/* world.h - a runtime on the simulated loop, and actors that write down what happens to them.
 *
 * A puppet does what the hooks of its world say and logs every handler that runs, one word
 * group per event: "1:num 5; 1:reply ok 6; ". Worlds that are linked exchange envelopes that
 * are really encoded and decoded, when the net carries them.
 */
#ifndef TEST_CORE_WORLD_H
#define TEST_CORE_WORLD_H

#include "base/list.h"
#include "base/loop.h"
#include "core/answer.h"
#include "core/kept_message.h"
#include "core/runtime.h"
#include "proto/codec.h"
#include "proto/envelope.h"
#include "tests/unit/sim/sim.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/inlet.h>
#include <troupe/io.h>
#include <troupe/text.h>

#include <cmocka.h>

#define WORLDS 4

/* ---- the interface of puppets, as troupe-gen would write it */

struct num {
	int64_t n;
};
struct text {
	const char *text;
};
struct wide { /* a later version of num */
	int64_t n;
	const int64_t *more;
};

extern const struct troupe_type num_type, text_type, wide_type, empty_type;
extern const struct troupe_method num_method, text_method, none_method;
/* other versions of Num: one that fits by name, one that does not */
extern const struct troupe_method wide_method, odd_method, lost_method;
extern const struct troupe_error bad_error;
extern const struct troupe_entry num_entry, wide_entry, text_entry, tick_entry, foreign_entry,
	watch_entry, post_entry, say_entry; /* of calls by name */
extern const struct troupe_actor puppet_table;
/* a puppet whose Num is wide_method */
extern const struct troupe_actor wide_table;
/* a puppet whose Num is handled by tasks, and Text by tasks that are alone; None is plain */
extern const struct troupe_actor tasker_table;

/* ---- worlds */

struct puppet {
	int64_t id;
	struct troupe_call kept_call;
	struct troupe_kept *kept;
	struct troupe_timer timer;
	struct troupe_inlet *inlet;
	int64_t count;
};

/* What a puppet does when told Num(n). */
typedef int behaviour(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n);

struct world;

struct hooks {
	int (*num)(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n);
	int (*text)(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    const char *text);
	int (*reply)(struct troupe_self *self, struct puppet *me, uint64_t context,
		     const struct troupe_reply *reply);
	int (*said)(struct troupe_self *self, struct puppet *me, uint64_t context,
		    const struct troupe_text_reply *reply);
	int (*tick)(struct troupe_self *self, struct puppet *me, uint64_t context);
	int (*watch)(struct troupe_self *self, struct puppet *me, uint64_t context,
		     const struct troupe_watch_event *event);
	int (*post)(struct troupe_self *self, struct puppet *me, uint64_t context,
		    const struct troupe_post_event *event);
	int (*init)(struct troupe_self *self, struct puppet *me);
	void (*fini)(struct troupe_self *self, struct puppet *me, enum troupe_cause cause);
	int (*room)(struct troupe_self *self, struct puppet *me, struct troupe_address where);
	int (*cancel)(struct troupe_self *self, struct puppet *me, struct troupe_call call);
};

struct parcel {
	struct parcel *next;
	struct process from;
	size_t size;
	_Alignas(16) unsigned char bytes[];
};

struct net {
	struct world *worlds[WORLDS + 1];                    /* by worker number */
	struct parcel *first[WORLDS + 1], *last[WORLDS + 1]; /* on the way to a worker */
	bool full;                                           /* links have no credit */
};

struct world {
	struct loop *loop;
	struct page *page;
	struct runtime *runtime;
	const struct runtime_type *type, *wide, *tasker;
	struct hooks hooks;
	struct net *net;
	struct process process;
	char log[8192];
	size_t log_size;
	struct troupe_address actors[8]; /* by puppet id */
	uint64_t dead_letters, dead_sends, ends, rooms, replies;
	char last_dead_letter[64];
	uint64_t failures;
	uint64_t wakes; /* of whoever watches: runtime_config.watch_sleeps */
	char last_failure[512];
	struct troupe_call room_of; /* what the last on_room got */
	void *test;                 /* of the test */
	/* Optional: the runtime has gone, its loop has not: what was made for it goes, too. */
	void (*on_gone)(struct world *world);
};

/* That life of a worker. */
static inline struct process life_of(uint16_t worker, uint32_t incarnation)
{
	return (struct process){.worker = worker, .incarnation = incarnation};
}

/* A world of worker `worker`; config: limits, and node and incarnation, or NULL. */
void world_init(struct world *world, uint16_t worker, const struct runtime_config *limits);
void world_fini(struct world *world);
/* Stop its actors, see that nothing is left, and world_fini(). */
void world_finish(struct world *world);
/* The world dies: parcels to it are lost, those on the way from it still arrive. */
void world_link(struct world *world, struct net *net);

/* A unit of puppets with these limits (0: defaults). */
void world_unit(struct world *world, uint32_t number, const struct runtime_type *type,
		uint32_t mailbox, uint32_t mailbox_bytes, uint32_t batch);
/* A puppet of the default unit 1, or another. */
struct troupe_address world_spawn(struct world *world, int64_t id);
struct troupe_address world_spawn_in(struct world *world, uint32_t unit, int64_t id);

/* A new incarnation of a world that was finished. */
void world_restart(struct world *world, struct net *net);

/* Run until nothing is left to do, without time passing. */
void world_run(struct world *world);
/* Let time pass. */
void world_sleep(struct world *world, uint64_t ns);
/* As a client: Num(n) to an actor, as a send. */
int world_send(struct world *world, struct troupe_address to, int64_t n);

/* Deliver all that is on the way, and run all worlds, until all is quiet. */
void net_run(struct net *net);
/* Deliver one parcel to that worker, without running. False: there is none. */
bool net_carry_one(struct net *net, uint16_t worker);
void net_fini(struct net *net);
/* That worker dies without a word; the others hear of it. */
void net_kill(struct net *net, uint16_t worker);
/* world_finish() for all worlds that live, with what is on the way between them, and
 * net_fini(). */
void net_finish(struct net *net);

struct world *world_of(const struct troupe_self *self);
void world_note(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same by a handler or a task. */
#define note(self, ...) world_note(world_of(self), __VA_ARGS__)
/* The log as it is; it is empty then. */
const char *world_log(struct world *world);
#define assert_log(world, expected) assert_string_equal(world_log(world), expected)

/* From now on each record counts for its unit, as if all were scarce. */
void world_count_shares(struct world *world);

/* Nothing is open any more: no actor, call, kept call, timer, message. */
void world_assert_empty(struct world *world);

#endif
