/* key_store.h - what all actors of a worker share of TLS: the library, and the system's
 * authorities. In struct io, zeroed at first; what it is for is in io/keys.h. The loop's thread
 * but for what a thread is at. */
#ifndef IO_KEY_STORE_H
#define IO_KEY_STORE_H

#include "base/crew.h"
#include "base/list.h"

#define KEYS_REASON 256u /* bytes of the words for what went wrong */

struct keys;
struct runtime;
struct tls_library;

struct key_store {
	struct tls_library *gnutls; /* NULL: not loaded yet */
	struct keys *system;        /* likewise */
	struct list *waiting;       /* struct task */
	int result;                 /* of the last thread that was at it */
	char reason[KEYS_REASON];   /* likewise */
	/* What a thread is at, and what it brings. */
	struct crew_work work;
	struct runtime *runtime;
	bool is_busy, wants_system;
	struct tls_library *new_gnutls;
	struct keys *new_system;
	int new_result;
	char new_reason[KEYS_REASON];
};

#endif
