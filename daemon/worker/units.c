/* units.c - two arrays in the order of their numbers; what is new comes last, mostly. */
#include "worker/units.h"

#include "base/array.h"
#include "base/cleanup.h"
#include <string.h>

void units_init(struct units *units)
{
	*units = (struct units){0};
}

void units_fini(struct units *units)
{
	for (size_t i = 0; i < units->n_plugins; i++)
		free(units->plugins[i].types);
	for (size_t i = 0; i < units->n_units; i++)
		free(units->units[i].config);
	free(units->plugins);
	free(units->units);
	units_init(units);
}

/* Both kinds of element begin with their number. */
static int64_t number_at(const void *elements, size_t size, size_t at)
{
	int64_t number;

	memcpy(&number, (const char *)elements + at * size, sizeof(number));
	return number;
}

_Static_assert(offsetof(struct units_plugin, number) == 0, "see number_at()");
_Static_assert(offsetof(struct units_unit, number) == 0, "see number_at()");

/* The place of the first element whose number is not below. */
static size_t find_place(const void *elements, size_t n, size_t size, int64_t number)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (number_at(elements, size, middle) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert_element(void **elements, size_t *n, size_t size, const void *element)
{
	int64_t number = number_at(element, size, 0);
	size_t at = find_place(*elements, *n, size, number);

	if (at < *n && number_at(*elements, size, at) == number)
		return -EEXIST;
	if (!array_add(elements, n, size))
		return -ENOMEM;
	memmove((char *)*elements + (at + 1) * size, (char *)*elements + at * size,
		(*n - 1 - at) * size);
	memcpy((char *)*elements + at * size, element, size);
	return 0;
}

int units_add_plugin(struct units *units, int64_t number, const struct plugin *plugin,
		     const struct runtime_type **types)
{
	void *plugins = units->plugins;
	int r = insert_element(&plugins, &units->n_plugins, sizeof(*units->plugins),
			       &(struct units_plugin){number, plugin, types});

	units->plugins = plugins;
	if (r < 0)
		free(types);
	return r;
}

const struct units_plugin *units_find_plugin(const struct units *units, int64_t number)
{
	size_t at =
		find_place(units->plugins, units->n_plugins, sizeof(*units->plugins), number);

	return at < units->n_plugins && units->plugins[at].number == number
		       ? &units->plugins[at]
		       : NULL;
}

int units_add_unit(struct units *units, int64_t number, const char *name, void *config)
{
	struct units_unit unit = {.number = number, .config = config};
	void *array = units->units;
	int r;

	rate_limit_init(&unit.shortages, UNITS_SHORTAGES_NS, 1);
	memcpy(unit.name, name, strnlen(name, sizeof(unit.name) - 1));
	r = insert_element(&array, &units->n_units, sizeof(*units->units), &unit);

	units->units = array;
	if (r < 0)
		free(config);
	return r;
}

struct units_unit *units_get_unit(struct units *units, int64_t number)
{
	size_t at = find_place(units->units, units->n_units, sizeof(*units->units), number);

	return at < units->n_units && units->units[at].number == number ? &units->units[at]
									: NULL;
}

const struct units_unit *units_find_unit(const struct units *units, int64_t number)
{
	return units_get_unit((struct units *)(uintptr_t)units, number);
}

void units_limit_lines(struct units *units, int64_t number, uint64_t interval_ns,
		       uint64_t burst)
{
	struct units_unit *unit = units_get_unit(units, number);

	if (!unit)
		return;
	unit->lines.interval_ns = interval_ns;
	unit->lines.burst = burst;
}

void units_remove_unit(struct units *units, int64_t number)
{
	size_t at = find_place(units->units, units->n_units, sizeof(*units->units), number);

	if (at == units->n_units || units->units[at].number != number)
		return;
	free(units->units[at].config);
	units->n_units--;
	memmove(&units->units[at], &units->units[at + 1],
		(units->n_units - at) * sizeof(*units->units));
}
