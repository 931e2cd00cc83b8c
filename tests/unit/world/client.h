/* client.h - a client of the simulated world: a connection to the master's control socket.
 *
 * Belongs to the test. Its end of the connection is read and written by the test's hand,
 * between two steps of the world.
 */
#ifndef TESTS_UNIT_WORLD_CLIENT_H
#define TESTS_UNIT_WORLD_CLIENT_H

#include "world.h"

struct client {
	struct world *world;
	int fd; /* -1: closed */
	char *input;
	size_t size, room, taken; /* of input; the message that was returned last */
};

/* Connect. */
void client_init(struct client *client, struct world *world);
/* Hang up. */
void client_fini(struct client *client);

/* Send a message, JSON without its NUL. False: the connection takes no more now, and it was not
 * sent. */
bool client_send(struct client *client, const char *message);

/* Send one of any size, while the world runs. */
void client_send_all(struct client *client, const char *message);

/* Read what is there, at most `bytes`. False: the master has closed the connection. */
bool client_read(struct client *client, size_t bytes);

/* The next whole message of what was read, until the next call; NULL: there is none. */
const char *client_next(struct client *client);

/* Send, and run the world until there is an answer. NULL: none came, or the connection is
 * closed. */
const char *client_ask(struct client *client, const char *message);
/* The same without sending. */
const char *client_wait(struct client *client);
/* Ask for a method of io.troupe.Control, with the parameters as text, "" for none; the answer
 * must hold `piece`. Returns how long it took, in virtual nanoseconds. */
uint64_t client_expect(struct client *client, const char *method, const char *parameters,
		       const char *piece);
/* Ask the actor that runs under a name; the answer must hold `piece`. */
uint64_t client_call(struct client *client, const char *name, const char *method,
		     const char *parameters, const char *piece);

#endif
