#include "core/share.h"

bool share_take_scarce(const struct slots *slots, const struct unit *unit, enum share_kind kind)
{
	uint32_t *held = &unit->share->held[kind];

	if (*held > slots->limit - slots->count)
		return false;
	++*held;
	return true;
}
