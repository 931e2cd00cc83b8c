#include "io/keys.h"

#include "base/io.h"
#include "io/errand.h"
#include "io/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_ERR_LEVEL 3
#define FILE_BYTES    (4u << 20)

/* The handle of an actor. */
struct keyring {
	struct belonging belonging;
	struct keys *keys;
};

/* ------------------------------------------------------------------ made, in a thread */

void keys_unref(struct keys *keys)
{
	if (!keys || --keys->references > 0)
		return;
	if (keys->credentials)
		keys->library->certificate_free_credentials(keys->credentials);
	for (unsigned i = 0; i < keys->n_alpn; i++)
		free(keys->alpn[i].data);
	free(keys);
}

static int read_pem(const char *path, gnutls_datum_t *ret_pem, char *reason)
{
	char *data;
	size_t size;
	int rc = io_file_read(AT_FDCWD, path, FILE_BYTES, &data, &size);

	if (rc < 0) {
		snprintf(reason, KEYS_REASON, "%.160s: %s", path, strerrordesc_np(-rc));
		return rc;
	}
	*ret_pem = (gnutls_datum_t){.data = (unsigned char *)data, .size = (unsigned)size};
	return 0;
}

/* What was read may be secret. */
static void forget(gnutls_datum_t *pem)
{
	if (pem->data)
		explicit_bzero(pem->data, pem->size);
	free(pem->data);
}

/* GnuTLS's word on what a file holds. */
static int complain(const struct tls_library *library, const char *path, int code, char *reason)
{
	snprintf(reason, KEYS_REASON, "%.120s: %.120s", path, library->strerror(code));
	return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static int trust_file(struct keys *keys, const char *path, char *reason)
{
	const struct tls_library *library = keys->library;
	gnutls_datum_t pem;
	int rc = read_pem(path, &pem, reason), n;

	if (rc < 0)
		return rc;
	n = library->certificate_set_x509_trust_mem(keys->credentials, &pem,
						    GNUTLS_X509_FMT_PEM);
	forget(&pem);
	if (n > 0)
		return 0;
	return complain(library, path, n < 0 ? n : GNUTLS_E_NO_CERTIFICATE_FOUND, reason);
}

static int take_certificate(struct keys *keys, const struct troupe_tls_options *options,
			    char *reason)
{
	const struct tls_library *library = keys->library;
	gnutls_datum_t certificate = {0}, key = {0};
	int rc = read_pem(options->certificate, &certificate, reason), code;

	if (rc == 0)
		rc = read_pem(options->key, &key, reason);
	if (rc == 0) {
		code = library->certificate_set_x509_key_mem2(
			keys->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (code < 0)
			rc = complain(library, options->certificate, code, reason);
	}
	forget(&certificate);
	forget(&key);
	keys->has_certificate = true;
	return rc;
}

static int take_protocols(struct keys *keys, const char *const *alpn)
{
	for (; alpn && *alpn; alpn++) {
		gnutls_datum_t *datum = &keys->alpn[keys->n_alpn];

		datum->data = (unsigned char *)strdup(*alpn);
		if (!datum->data)
			return -ENOMEM;
		datum->size = (unsigned)strlen(*alpn);
		keys->n_alpn++;
	}
	return 0;
}

/* Of whoever asks nobody for a certificate, a server perhaps, that is no fault. */
static void trust_system(struct keys *keys, bool is_for_clients, char *reason)
{
	if (keys->library->certificate_set_x509_system_trust(keys->credentials) > 0)
		return;
	keys->trusts_nobody = true;
	if (is_for_clients)
		snprintf(reason, KEYS_REASON, "TLS: the system trusts no authorities %s",
			 "(is ca-certificates installed?)");
}

static int fill_in(struct keys *keys, const struct troupe_tls_options *options, char *reason)
{
	const struct tls_library *library = keys->library;
	int rc = take_protocols(keys, options->alpn);

	if (rc < 0 || library->certificate_allocate_credentials(&keys->credentials) < 0)
		return -ENOMEM;
	keys->handshake_ns =
		options->handshake_ns ? options->handshake_ns : LIMIT_HANDSHAKE_DEFAULT_NS;
	keys->asks_clients = options->ca_file != NULL;
	if (options->ca_file)
		rc = trust_file(keys, options->ca_file, reason);
	else
		trust_system(keys, !options->certificate, reason);
	if (rc == 0 && options->certificate)
		rc = take_certificate(keys, options, reason);
	return rc;
}

/* *ret_keys is given. */
static int make_keys(const struct tls_library *library,
		     const struct troupe_tls_options *options, struct keys **ret_keys,
		     char *reason)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	int rc;

	if (!keys)
		return -ENOMEM;
	keys->library = library;
	keys->references = 1;
	rc = fill_in(keys, options, reason);
	if (rc < 0)
		keys_unref(keys);
	else
		*ret_keys = keys;
	return rc;
}

/* ------------------------------------------------------------------ what all share */

/* Some may be installed before the next one asks: none are not kept. */
static int stock_system(struct key_store *store)
{
	const struct troupe_tls_options none = {.table_size = sizeof(none)};
	int rc = make_keys(store->gnutls ? store->gnutls : store->new_gnutls, &none,
			   &store->new_system, store->new_reason);

	if (rc < 0 || !store->new_system->trusts_nobody)
		return rc;
	keys_unref(store->new_system);
	store->new_system = NULL;
	return -EKEYREJECTED;
}

static void stock(struct crew_work *work, unsigned thread)
{
	struct key_store *store = container_of(work, struct key_store, work);
	int rc = 0;

	(void)thread;
	if (!store->gnutls) {
		rc = tls_library_load(&store->new_gnutls);
		if (rc == -ELIBACC)
			snprintf(store->new_reason, KEYS_REASON,
				 "TLS: libgnutls.so.30 (3.7) is not on this machine");
	}
	if (rc == 0 && store->wants_system)
		rc = stock_system(store);
	store->new_result = rc;
}

/* What it has brought is had, whatever else went wrong. */
static void on_stocked(struct crew_work *work)
{
	struct key_store *store = container_of(work, struct key_store, work);

	if (store->new_gnutls)
		store->gnutls = store->new_gnutls;
	if (store->new_system)
		store->system = store->new_system;
	store->new_gnutls = NULL;
	store->new_system = NULL;
	/* whoever is told may look when another thread is at it already */
	store->result = store->new_result;
	memcpy(store->reason, store->new_reason, sizeof(store->reason));
	store->is_busy = false;
	runtime_touch(store->runtime);
	task_wake_all(store->runtime, &store->waiting, store->result);
}

static int files_crew(struct runtime *runtime)
{
	return errand_crew(runtime, &runtime->io->files, "files", LIMIT_FILE_THREADS,
			   LIMIT_FILE_STACK);
}

static int begin_stocking(struct runtime *runtime, bool with_system)
{
	struct key_store *store = &runtime->io->key_store;
	int rc = files_crew(runtime);

	if (rc < 0)
		return rc;
	store->work = (struct crew_work){.run = stock, .on_done = on_stocked};
	store->runtime = runtime;
	store->wants_system = with_system;
	store->new_reason[0] = '\0';
	rc = crew_give(runtime->io->files, NULL, 0, &store->work);
	store->is_busy = rc == 0;
	return rc;
}

static void log_reason(struct troupe_self *self, const char *reason)
{
	if (reason[0])
		unit_log(self->runtime, self->actor->unit, LOG_ERR_LEVEL, reason);
}

static bool has_all(const struct key_store *store, bool with_system)
{
	return store->gnutls && (!with_system || store->system);
}

/* Wait until the store has the library; and the system's authorities. */
static int wait_for_store(struct troupe_self *self, bool with_system)
{
	struct key_store *store = &self->runtime->io->key_store;
	struct task *task = self->task;

	while (!has_all(store, with_system)) {
		int rc = 0;

		if (pause_is_cut(task))
			return pause_refuse(task);
		if (!store->is_busy)
			rc = begin_stocking(self->runtime, with_system);
		if (rc < 0)
			return rc;
		task->waits_for = "tls";
		rc = pause_wait_in(task, &store->waiting);
		if (rc == store->result && has_all(store, with_system))
			break; /* what went wrong is a matter of who wanted more */
		if (rc < 0) {
			if (rc == store->result)
				log_reason(self, store->reason);
			return rc;
		}
	}
	return 0;
}

void key_store_fini(struct io *io)
{
	struct key_store *store = &io->key_store;

	/* whoever waited is gone; no thread is at it: see io_is_held() */
	if (store->is_busy && !crew_take_back(io->files, &store->work))
		(void)crew_lose(io->files, &store->work);
	keys_unref(store->new_system);
	keys_unref(store->system);
	tls_library_free(store->new_gnutls);
	tls_library_free(store->gnutls);
}

/* ------------------------------------------------------------------ an actor's */

static void free_keyring(struct keyring *keyring)
{
	keys_unref(keyring->keys);
	free(keyring);
}

static void on_ring_gone(struct runtime *runtime, struct belonging *belonging)
{
	(void)runtime;
	free_keyring(container_of(belonging, struct keyring, belonging));
}

static const struct belonging_kind keyring_kind = {.name = "tls", .on_gone = on_ring_gone};

static struct keyring *find_ring(const struct troupe_self *self, struct troupe_tls handle)
{
	struct belonging *belonging = belonging_find(self, handle.id, &keyring_kind);

	return belonging ? container_of(belonging, struct keyring, belonging) : NULL;
}

struct keys *keys_find(const struct troupe_self *self, struct troupe_tls handle)
{
	const struct keyring *keyring = find_ring(self, handle);

	return keyring ? keyring->keys : NULL;
}

int keys_obtain(struct troupe_self *self, struct troupe_tls handle, struct keys **ret_keys)
{
	struct keys *keys;
	int rc;

	if (!self->runtime->io)
		return -EOPNOTSUPP;
	if (handle.id == 0) {
		rc = wait_for_store(self, true);
		if (rc < 0)
			return rc;
		keys = self->runtime->io->key_store.system;
	} else {
		keys = keys_find(self, handle);
		if (!keys)
			return -ESRCH;
	}
	*ret_keys = keys_ref(keys);
	return 0;
}

/* ------------------------------------------------------------------ loading them */

/* On the stack of the task that waits. */
struct order {
	struct errand errand;
	const struct tls_library *gnutls;
	const struct troupe_tls_options *options;
	struct keys *keys;
	int result;
	char reason[KEYS_REASON];
};

static void run_order(struct crew_work *work, unsigned thread)
{
	struct order *order = container_of(work, struct order, errand.work);

	(void)thread;
	order->result = make_keys(order->gnutls, order->options, &order->keys, order->reason);
}

/* Nobody is there any more who would have them. */
static void on_order_lost(struct crew_work *work)
{
	keys_unref(container_of(work, struct order, errand.work)->keys);
}

static void on_order_gone(struct runtime *runtime, struct belonging *belonging)
{
	(void)runtime;
	(void)errand_lose(errand_of(belonging));
}

static const struct belonging_kind order_kind = {.name = "tls files", .on_gone = on_order_gone};

static bool is_sound(const struct troupe_tls_options *options)
{
	const char *const *alpn;

	if (!options || options->table_size != sizeof(*options) || options->reserved != 0 ||
	    !options->certificate != !options->key)
		return false;
	for (alpn = options->alpn; alpn && *alpn; alpn++)
		if (alpn - options->alpn >= (ptrdiff_t)TROUPE_ALPN_MAX || !**alpn ||
		    strlen(*alpn) >= sizeof(((struct troupe_tls_info *)NULL)->alpn))
			return false;
	return true;
}

/* Theirs from now on. */
static int keep_keys(struct troupe_self *self, struct keys *keys, struct troupe_tls *ret_tls)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring));
	int rc = keyring ? belonging_join(self, &keyring->belonging, &keyring_kind) : -ENOMEM;

	if (rc < 0) {
		free(keyring);
		keys_unref(keys);
		return rc;
	}
	keyring->keys = keys;
	ret_tls->id = keyring->belonging.id;
	return 0;
}

int troupe_tls_load(struct troupe_self *self, const struct troupe_tls_options *options,
		    struct troupe_tls *ret_tls)
{
	struct runtime *runtime = self->runtime;
	struct order order;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	if (!is_sound(options))
		return -EINVAL;
	rc = runtime->io ? wait_for_store(self, false) : -EOPNOTSUPP;
	if (rc == 0)
		rc = files_crew(runtime);
	if (rc < 0)
		return rc;
	order = (struct order){.errand.work = {.run = run_order, .on_lost = on_order_lost},
			       .gnutls = runtime->io->key_store.gnutls,
			       .options = options};
	rc = errand_wait(self, &order.errand, runtime->io->files,
			 &self->actor->unit->share->files, LIMIT_UNIT_FILES, &order_kind,
			 false);
	if (rc < 0)
		return rc;
	log_reason(self, order.reason);
	return order.result < 0 ? order.result : keep_keys(self, order.keys, ret_tls);
}

void troupe_tls_drop(struct troupe_self *self, struct troupe_tls handle)
{
	struct keyring *keyring = find_ring(self, handle);

	if (!keyring)
		return;
	belonging_leave(self->runtime, &keyring->belonging);
	free_keyring(keyring);
}
