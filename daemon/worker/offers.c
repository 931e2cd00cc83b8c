#include "worker/offers.h"

#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct offered {
	UT_hash_handle by_interface;
	struct list entries[2]; /* struct offer; [1]: of those that are defaults */
	unsigned n[2];
	char interface[];
};

static struct offered *find(const struct offers *offers, const char *interface)
{
	struct offered *offered;

	HASH_FIND(by_interface, offers->by_interface, interface, strlen(interface), offered);
	return offered;
}

/* NULL: no memory. */
static struct offered *find_or_add(struct offers *offers, const char *interface)
{
	struct offered *offered = find(offers, interface);
	size_t size = strlen(interface) + 1;

	if (offered)
		return offered;
	offered = calloc(1, sizeof(*offered) + size);
	if (!offered)
		return NULL;
	list_init(&offered->entries[0]);
	list_init(&offered->entries[1]);
	memcpy(offered->interface, interface, size);
	HASH_ADD_KEYPTR(by_interface, offers->by_interface, offered->interface, size - 1,
			offered);
	if (!offered->by_interface.tbl) {
		free(offered);
		return NULL;
	}
	return offered;
}

int offers_add(struct offers *offers, struct offering *offering, struct registry_entry *entry,
	       bool is_default, const char *const *interfaces, size_t n)
{
	offering->n = 0;
	offering->is_default = is_default;
	if (n > TROUPE_INTERFACES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		struct offered *offered = find_or_add(offers, interfaces[i]);
		struct offer *offer = &offering->items[i];

		if (!offered) {
			offers_remove(offers, offering);
			return -ENOMEM;
		}
		*offer = (struct offer){.interface = offered, .entry = entry};
		list_append(&offered->entries[is_default], &offer->link);
		offered->n[is_default]++;
		offering->n++;
	}
	return 0;
}

void offers_remove(struct offers *offers, struct offering *offering)
{
	for (size_t i = 0; i < offering->n; i++) {
		struct offered *offered = offering->items[i].interface;

		list_remove(&offering->items[i].link);
		offered->n[offering->is_default]--;
		if (offered->n[0] + offered->n[1] > 0)
			continue;
		HASH_DELETE(by_interface, offers->by_interface, offered);
		free(offered);
	}
	offering->n = 0;
}

int offers_find(const struct offers *offers, const char *interface,
		struct registry_entry **ret_entry)
{
	const struct offered *offered = find(offers, interface);
	bool has_default;

	if (!offered)
		return -ENOENT;
	has_default = offered->n[1] > 0;
	if (offered->n[has_default] != 1)
		return -ENOTUNIQ;
	*ret_entry = list_first(&offered->entries[has_default], struct offer, link)->entry;
	return 0;
}
