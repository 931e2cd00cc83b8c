#include "units/placement.h"

static bool is_better(const struct placement_load *a, const struct placement_load *b)
{
	if (a->is_away != b->is_away)
		return b->is_away;
	if (a->of_unit != b->of_unit)
		return a->of_unit < b->of_unit;
	return a->all < b->all;
}

size_t placement_choose(const struct placement_load *loads, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (is_better(&loads[i], &loads[best]))
			best = i;
	return best;
}
