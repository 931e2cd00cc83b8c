/* defaults.h - units with Default=yes: of those that provide one interface, only one may have it.
 *
 * Values of the caller in the master, for --check, start and reload; one thread.
 */
#ifndef MASTER_DEFAULTS_H
#define MASTER_DEFAULTS_H

#include "master/deploy.h"
#include "master/problems.h"

/* That a unit is the default for an interface. Its texts are borrowed, and outlive the claim. */
struct default_claim {
	const char *interface, *unit, *file;
};

struct default_claims {
	struct default_claim *items;
	size_t n;
};

/* A unit with Default=yes: claims one after the other, for each interface of its actor type.
 * type: NULL: it has none that is known, and claims nothing. -ENOMEM: fewer were added. */
int defaults_add(struct default_claims *claims, const struct deployment_type *type,
		 const char *unit, const char *file);

/* Note each unit but the first, in order of name, of those that claim the same. */
void defaults_check(struct default_claims *claims, struct problems *problems);

void defaults_fini(struct default_claims *claims);

#endif
