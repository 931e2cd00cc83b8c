/* listener.h - where actors wait for connections: see <troupe/stream.h>.
 *
 * While the process has no descriptor left, who accepts rests: the connection stays in the
 * kernel's backlog, and the socket ready. Belongs to an actor. One thread.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "io/stream.h"
#include "io/use.h"
#include <sys/stat.h>

struct listener {
	struct port port;
	struct list *resting; /* struct task */
	uint64_t short_ns;    /* when descriptors were lacking last; 0: never */
	uint32_t tasks;       /* that each connection is to start, beside its own */
	uint32_t descriptors; /* that it is to open */
	uint32_t n_held;      /* of these: what stands for those of the one that is next */
	int held[TROUPE_RESERVE_DESCRIPTORS_MAX];
	struct keys *keys; /* of TLS; NULL: it is plain */
	struct stat file;  /* of `path` */
	char path[];       /* that goes when it is closed; "": none */
};

extern const struct belonging_kind listener_kind;

/* The next connection, in a use of the listener (LOOP_READ) that goes on. As many descriptors
 * as it is to open are held from then on: by listener_let_go() they are free for it. */
int listener_accept(struct use *use, struct stream **ret_stream);
void listener_let_go(struct listener *listener);

/* Rest until it is roused, its close being one way; for a moment only, unless `is_long`. Errors
 * as of use_rest(). */
int listener_rest(struct use *use, bool is_long);
void listener_rouse(struct runtime *runtime, struct listener *listener, int result);

/* A connection could not be had, or not be kept, for want of something: it is logged, and tried
 * again later: rest until then. */
int listener_recover(struct use *use, int error);

/* NULL: no such listener of the actor. */
struct listener *listener_find(const struct troupe_self *self, struct troupe_listener handle);

#endif
