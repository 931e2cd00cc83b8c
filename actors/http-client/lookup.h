/* lookup.h - names become addresses, in threads of their own: getaddrinfo() blocks, for many
 * seconds when no server answers.
 *
 * What is asked waits in a queue with a bound, and results in another, of which an eventfd
 * tells. The threads start when they are needed and end when they have been idle. Closing does
 * not wait for them: the last of the actor and its threads to let go frees what they share.
 *
 * lookup_new() and what takes a `struct lookup *`: by the actor's thread only.
 */
#ifndef HTTP_CLIENT_LOOKUP_H
#define HTTP_CLIENT_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOKUP_THREADS   4
#define LOOKUP_WAITING   1000 /* names in the queue */
#define LOOKUP_ADDRESSES 16   /* of one name; further ones are left out */
#define LOOKUP_HOST_MAX  255  /* bytes of a name */

struct lookup_result {
	struct lookup_result *next;
	uint64_t id;   /* of the question */
	int32_t error; /* 0, or an EAI_ value */
	int32_t code;  /* errno where that is EAI_SYSTEM */
	uint32_t count;
	struct lookup_address {
		uint16_t family; /* AF_INET, AF_INET6 */
		uint8_t bytes[16];
	} addresses[LOOKUP_ADDRESSES];
};

struct lookup;

/* -ENOMEM, -EMFILE, -ENFILE. */
int lookup_new(struct lookup **ret_lookup);

/* Readable when there are results; the lookup's until it is closed. */
int lookup_fd(const struct lookup *lookup);

/* The results that have come, a list, each to be freed; NULL: none. */
struct lookup_result *lookup_take(struct lookup *lookup);

/* Ask for a name; the result has its id. -EAGAIN: the queue is full, or there can be no thread;
 * -ENOMEM. */
int lookup_ask(struct lookup *lookup, uint64_t id, const char *host);

/* Nobody waits for the result any more. Whether it will not come: it had not begun. */
bool lookup_forget(struct lookup *lookup, uint64_t id);

/* NULL is fine. */
void lookup_close(struct lookup *lookup);

#endif
