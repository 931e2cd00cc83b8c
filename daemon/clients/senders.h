/* senders.h - which connections have sent something without an answer to which workers, so that
 * those are sent a notice when one closes.
 *
 * Belongs to the master; one thread. A connection has an entry from its first such message
 * until it closes: there are never more of them than connections.
 */
#ifndef CLIENTS_SENDERS_H
#define CLIENTS_SENDERS_H

#include <stdint.h>

struct master;
struct worker;
struct sender;

struct senders {
	struct sender *by_client; /* uthash */
};

/* The connection `client` sends something to that worker. Returns what names it there: its
 * number, or 0, no connection, when it is closed already (client 0) or there is no memory. */
uint64_t senders_note(struct master *master, uint64_t client, const struct worker *worker);

/* It is closed: the workers are notified. */
void senders_left(struct master *master, uint64_t client);

void senders_fini(struct senders *senders);

#endif
