/* relays.h - clients' calls and sends to actors, on their way: forwarded as text, matched with
 * what workers answer.
 *
 * Belongs to the master; one thread. A call ends in exactly one answer to its client, whatever
 * becomes of the worker, or with the client's leaving. Parameters are not looked into: the
 * worker types them.
 */
#ifndef REQUESTS_RELAYS_H
#define REQUESTS_RELAYS_H

#include "base/hash.h"
#include "clients/held.h"
#include "clients/pending.h"
#include "control/server.h"
#include "proto/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>

struct master;
struct worker;
struct instance;
struct worker_reply;

/* How the answer is put. */
enum relay_kind {
	RELAY_DIRECT,  /* the client called the actor's own method: as it is */
	RELAY_WRAPPED, /* Control.Call: inside `parameters` */
	RELAY_SEND,    /* Control.Send: () */
};

struct relay {
	struct pending pending; /* in worker->calls; its timer is the deadline's */
	UT_hash_handle by_id;
	uint64_t id;
	enum relay_kind kind;
	struct worker *worker; /* NULL: it has ended the call, and the client has yet to read */
	size_t bytes;          /* that it counts for in worker->call_bytes */
	uint32_t version, instance; /* whose `outstanding` it counts for; version 0: of none */
	uint64_t deadline_ns;       /* UINT64_MAX: none */
	bool is_until_kept; /* of a stream: the deadline holds until an actor keeps it */
	struct held held;   /* of a stream: its replies */
};

struct relays {
	struct relay *open; /* uthash, by id */
	uint64_t last_id;
	uint64_t gathered; /* a bit for each worker, by number - 1: to be flushed */
	uint64_t strays;   /* replies to no call we know: cancelled, or late */
};

/* Where a call goes: an instance of a unit, or (instance NULL) an actor by its address. */
struct relay_target {
	struct worker *worker;
	struct troupe_address address;
	struct instance *instance;
	struct unit *unit; /* of the instance */
	const char *name;  /* for people; borrowed */
};

/* What is to be forwarded. Borrowed for the call. */
struct relay_wish {
	enum relay_kind kind;
	struct control_name method;
	struct json_span parameters; /* text of an object, scanned; or absent */
	uint64_t deadline_ns;        /* of the loop's clock; UINT64_MAX: none */
	bool is_default;             /* the client did not ask for that deadline */
};

/* Forward a client's call; it is answered in any case, perhaps at once: by the actor, by its
 * end, or at the deadline, whatever the worker does. A default deadline of a stream holds until
 * an actor has kept the call or the first reply has come, one that was asked for until the
 * first reply. */
void relays_begin(struct master *master, struct control_call *client,
		  const struct relay_target *target, const struct relay_wish *wish);

/* Send workers the calls that were begun: owed in the same pass of the loop. */
void relays_flush(struct master *master);

/* A worker answers. Answers to calls that it was not given are counted and ignored. false: it
 * breaks the protocol. */
bool relays_reply(struct worker *worker, const struct worker_reply *reply);

/* A worker's Pong: it has read what was sent before the Ping. */
void relays_on_pong(struct worker *worker);

/* A worker's notice: an actor has kept a call. */
void relays_kept(struct worker *worker, uint64_t id);

/* The process has gone, and its last notices were read: the calls that it has not answered fail
 * with ActorDied. culprit: the call whose handling ended the process, which gets `crashed` in
 * its ActorDied; 0: none. */
void relays_worker_down(struct worker *worker, uint64_t culprit);

/* Whether text is "INTERFACE.MEMBER"; *ret_interface is the size of INTERFACE then. */
bool relays_is_qualified(const char *text, size_t *ret_interface);

#endif
