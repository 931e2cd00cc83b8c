/* watch.h - descriptors that actors watch: with the kernel until ready, then a notice in the
 * mailbox.
 *
 * Since the notice is part of the watch there is never more than one event of a watch in a
 * mailbox, and no event needs memory. Owned by the actor, one thread. The bodies of
 * <troupe/io.h>'s functions are here, too.
 */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include "core/activation.h"

struct watch {
	struct slot slot;
	struct mail mail; /* MAIL_READY; mail.entry: the place in the table of entries */
	struct index_link by_fd;
	struct list of_actor;
	uint64_t context;
	uint32_t actor; /* slot */
	int fd;
	uint8_t events; /* TROUPE_*: waited for */
	uint8_t added;  /* what the kernel looks for; 0: for nothing */
	uint8_t ready;  /* found, while the notice is under way */
	bool is_bad;    /* its descriptor was closed */
};

/* What the kernel found, for the runtime's poller. */
void watch_on_ready(struct poller *poller, uint64_t id, unsigned events);

/* Its notice has left the mailbox: run the handler, then look at the descriptor again. */
void watch_handle(struct troupe_self *self, struct watch *watch);

/* Its notice has left the mailbox of an actor that is gone. */
void watch_drop(struct runtime *runtime, struct watch *watch);

/* No event any more; each is freed when the mailbox lets go of it. */
void watch_stop_all(struct runtime *runtime, struct actor *actor);

#endif
