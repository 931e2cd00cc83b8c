#include "units/providers.h"

#include "base/hash.h"
#include "master/master.h"
#include "units/unit.h"
#include <stdlib.h>
#include <string.h>

/* Results that are cached; interfaces that no unit provides are not. */
#define PROVIDERS_MAX 4096

struct provider {
	UT_hash_handle by_interface;
	uint64_t n_changes; /* of the master, when it was looked for */
	struct provision provision;
	char interface[]; /* not terminated */
};

static struct provision look(const struct master *master, const char *interface, size_t size)
{
	struct provision found = {0};
	struct unit *only = NULL, *chosen = NULL;
	unsigned n_default = 0;

	units_foreach (unit, master) {
		if (!unit_provides(unit, interface, size))
			continue;
		if (!unit_has_future(unit)) {
			found.down = unit;
			continue;
		}
		found.n++;
		only = unit;
		if (unit->file.is_default) {
			n_default++;
			chosen = unit;
		}
	}
	if (n_default == 1)
		found.unit = chosen;
	else if (found.n == 1)
		found.unit = only;
	return found;
}

void providers_fini(struct providers *providers)
{
	struct provider *provider, *next;

	HASH_ITER (by_interface, providers->by_interface, provider, next) {
		HASH_DELETE(by_interface, providers->by_interface, provider);
		free(provider);
	}
}

static void remember(struct master *master, const char *interface, size_t size,
		     const struct provision *provision)
{
	struct providers *providers = master->providers;
	struct provider *provider;

	if (HASH_CNT(by_interface, providers->by_interface) >= PROVIDERS_MAX)
		providers_fini(providers);
	provider = calloc(1, sizeof(*provider) + size);
	if (!provider)
		return;
	memcpy(provider->interface, interface, size);
	provider->n_changes = master->n_changes;
	provider->provision = *provision;
	HASH_ADD_KEYPTR(by_interface, providers->by_interface, provider->interface, size,
			provider);
	if (!provider->by_interface.tbl)
		free(provider);
}

struct provision providers_find(struct master *master, const char *interface, size_t size)
{
	struct providers *providers = master->providers;
	struct provider *provider;
	struct provision found;

	HASH_FIND(by_interface, providers->by_interface, interface, size, provider);
	if (provider && provider->n_changes == master->n_changes)
		return provider->provision;
	found = look(master, interface, size);
	if (provider) {
		provider->n_changes = master->n_changes;
		provider->provision = found;
	} else if (found.n > 0 || found.down) {
		remember(master, interface, size, &found);
	}
	return found;
}
