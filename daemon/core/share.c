#include "core/share.h"

COLD void *share_claim(struct slots *slots, void *record, const struct definition *unit,
		       enum share_kind kind)
{
	uint32_t *held = &unit->share->held[kind];

	if (*held > slots->limit - slots->count) {
		slots_give(slots, record);
		return NULL;
	}
	++*held;
	return record;
}
