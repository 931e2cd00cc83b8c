#include "io/tls_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Forward secrecy, keys and signatures of 112 bits and more; as the system's policy, if it has
 * one, and no less. */
#define PRIORITIES                                                                             \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%PROFILE_MEDIUM"                      \
	":%SERVER_PRECEDENCE"

static int find_all(void *handle, struct tls_library *library)
{
	void *at;

	/* a function is copied as what it is: POSIX has dlsym() return it as an object */
#define GNUTLS_FIND(name)                                                                      \
	at = dlsym(handle, "gnutls_" #name);                                                   \
	if (!at)                                                                               \
		return -ELIBACC;                                                               \
	memcpy(&library->name, &at, sizeof(at));
	GNUTLS_NAMES(GNUTLS_FIND)
#undef GNUTLS_FIND
	library->free = dlsym(handle, "gnutls_free"); /* it is a variable */
	return library->free ? 0 : -ELIBACC;
}

int tls_library_load(struct tls_library **ret_library)
{
	struct tls_library *library = calloc(1, sizeof(*library));
	void *handle;
	int rc;

	if (!library)
		return -ENOMEM;
	handle = dlopen("libgnutls.so.30", RTLD_NOW | RTLD_LOCAL);
	rc = handle ? find_all(handle, library) : -ELIBACC;
	if (rc == 0 && library->priority_init(&library->priority, PRIORITIES, NULL) < 0)
		rc = -ELIBACC;
	if (rc < 0) {
		free(library);
		return rc;
	}
	*ret_library = library;
	return 0;
}

void tls_library_free(struct tls_library *library)
{
	if (!library)
		return;
	library->priority_deinit(library->priority);
	free(library);
}
