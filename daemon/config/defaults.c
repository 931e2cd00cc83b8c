/* defaults.c - claims, sorted, so that those for one interface lie together. */
#include "config/defaults.h"

#include "base/array.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int defaults_add(struct default_claims *claims, const char *const *interfaces, size_t n,
		 const char *unit, const char *file)
{
	for (size_t i = 0; i < n; i++) {
		struct default_claim *claim =
			array_add(&claims->items, &claims->n, sizeof(*claim));

		if (!claim)
			return -ENOMEM;
		*claim = (struct default_claim){interfaces[i], unit, file};
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct default_claim *left = a, *right = b;
	int order = strcmp(left->interface, right->interface);

	return order != 0 ? order : strcmp(left->unit, right->unit);
}

void defaults_check(struct default_claims *claims, struct problems *problems)
{
	const struct default_claim *first = NULL;

	if (claims->n > 0)
		qsort(claims->items, claims->n, sizeof(*claims->items), compare);
	for (size_t i = 0; i < claims->n; i++) {
		const struct default_claim *claim = &claims->items[i];

		if (first && strcmp(first->interface, claim->interface) == 0)
			(void)problems_add(problems, claim->file, 0,
					   "Default=yes: unit %s is the default for %s "
					   "already; of two, none is",
					   first->unit, claim->interface);
		else
			first = claim;
	}
}

void defaults_fini(struct default_claims *claims)
{
	free(claims->items);
	*claims = (struct default_claims){0};
}
