/* units.c - two tables by number. */
#include "worker/units.h"

#include "base/cleanup.h"
#include <string.h>

void units_fini(struct units *units)
{
	while (units->plugins) {
		struct units_plugin *first = units->plugins;

		HASH_DELETE(by_number, units->plugins, first);
		free(first->types);
		free(first);
	}
	while (units->units)
		units_remove_unit(units, units->units->number);
}

int units_add_plugin(struct units *units, int64_t number, const struct plugin *plugin,
		     const struct runtime_type **types)
{
	bool is_known = units_find_plugin(units, number) != NULL;
	struct units_plugin *added = is_known ? NULL : calloc(1, sizeof(*added));

	if (added) {
		*added = (struct units_plugin){
			.number = number, .plugin = plugin, .types = types};
		HASH_ADD(by_number, units->plugins, number, sizeof(number), added);
		if (added->by_number.tbl)
			return 0;
	}
	free(added);
	free(types);
	return is_known ? -EEXIST : -ENOMEM;
}

const struct units_plugin *units_find_plugin(const struct units *units, int64_t number)
{
	const struct units_plugin *plugin;

	HASH_FIND(by_number, units->plugins, &number, sizeof(number), plugin);
	return plugin;
}

int units_add_unit(struct units *units, int64_t number, const char *name, void *config)
{
	bool is_known = units_find_unit(units, number) != NULL;
	struct units_unit *added = is_known ? NULL : calloc(1, sizeof(*added));

	if (added) {
		added->number = number;
		added->config = config;
		rate_limit_init(&added->shortages, UNITS_SHORTAGES_NS, 1);
		memcpy(added->name, name, strnlen(name, sizeof(added->name) - 1));
		HASH_ADD(by_number, units->units, number, sizeof(number), added);
		if (added->by_number.tbl)
			return 0;
	}
	free(added);
	free(config);
	return is_known ? -EEXIST : -ENOMEM;
}

struct units_unit *units_find_unit(const struct units *units, int64_t number)
{
	struct units_unit *unit;

	HASH_FIND(by_number, units->units, &number, sizeof(number), unit);
	return unit;
}

void units_remove_unit(struct units *units, int64_t number)
{
	struct units_unit *unit = units_find_unit(units, number);

	if (!unit)
		return;
	HASH_DELETE(by_number, units->units, unit);
	free(unit->config);
	free(unit);
}
