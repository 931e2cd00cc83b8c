/* keys.h - what TLS is agreed on with: certificates, and who is trusted.
 *
 * Loaded by threads, since that reads and parses files, then never changed: sessions share
 * them, and each holds a reference. A store of the worker's has what all actors share, the
 * library and the system's authorities, which are loaded once, when a task first needs them;
 * others who need them meanwhile wait for the same. Keys that an actor loads without a file of
 * authorities have the system's for themselves, 4 MiB. The loop's thread, but for what is said.
 */
#ifndef IO_KEYS_H
#define IO_KEYS_H

#include "core/belonging.h"
#include "io/key_store.h"
#include "io/tls_library.h"
#include <troupe/tls.h>

struct keys {
	const struct tls_library *library; /* the store's */
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t alpn[TROUPE_ALPN_MAX];
	unsigned n_alpn;
	unsigned references;
	uint64_t handshake_ns;
	bool has_certificate, asks_clients;
	bool trusts_nobody; /* the system has no authorities */
};

/* Before the crews go. */
void key_store_fini(struct io *io);

static inline struct keys *keys_ref(struct keys *keys)
{
	keys->references++;
	return keys;
}
/* NULL is fine. */
void keys_unref(struct keys *keys);

/* Those of a number, or, when it is 0, the system's: *ret_keys is given. As a task, which waits
 * for the system's where it has to. -ESRCH: no such keys of the actor's; else what loading
 * returns, which is logged. */
int keys_obtain(struct troupe_self *self, struct troupe_tls handle, struct keys **ret_keys);

/* Borrowed. NULL: no such keys of the actor. */
struct keys *keys_find(const struct troupe_self *self, struct troupe_tls handle);

#endif
