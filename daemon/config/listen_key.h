/* listen_key.h - what Listen= says of a socket that the daemon is to open,
 * "web=tcp:0.0.0.0:80".
 *
 * Pure; master process (and --check). A value of the caller that nothing changes.
 */
#ifndef CONFIG_LISTEN_KEY_H
#define CONFIG_LISTEN_KEY_H

#include "base/limits.h"
#include <stdint.h>
#include <sys/socket.h>

struct listen_key {
	char name[LIMIT_NAME + 1];       /* of "socket:NAME" */
	const char *place;               /* borrowed of the text: "tcp:0.0.0.0:80" */
	int type;                        /* SOCK_STREAM or SOCK_DGRAM */
	uint32_t size;                   /* of the address */
	struct sockaddr_storage address; /* zeroed behind it */
};

/* NULL; else, in a constant text that goes behind the word, what is wrong with it. */
const char *listen_key_parse(const char *text, struct listen_key *ret_key);

/* The path of its file; "": it makes none. */
const char *listen_key_path(const struct listen_key *key);

#endif
