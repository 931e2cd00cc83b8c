/* defaults.h - units with Default=yes: of those that provide one interface, only one may have
 * it.
 *
 * Values of the caller in the master, for --check, start and reload; one thread.
 */
#ifndef CONFIG_DEFAULTS_H
#define CONFIG_DEFAULTS_H

#include "config/problems.h"

/* That a unit is the default for an interface. Its texts are borrowed, and outlive the
 * claim. */
struct default_claim {
	const char *interface, *unit, *file;
};

struct default_claims {
	struct default_claim *items;
	size_t n;
};

/* A unit with Default=yes: claims each of the n interfaces of its actor type. -ENOMEM: not all
 * were added. */
int defaults_add(struct default_claims *claims, const char *const *interfaces, size_t n,
		 const char *unit, const char *file);

/* Note each unit but the first, in order of name, of those that claim the same. */
void defaults_check(struct default_claims *claims, struct problems *problems);

void defaults_fini(struct default_claims *claims);

#endif
