#include "units/unit_run.h"

#include "base/limits.h"
#include "units/instance.h"
#include "units/unit.h"
#include "units/unit_define.h"
#include "units/unit_end.h"
#include "units/unit_place.h"
#include "units/version.h"
#include <errno.h>
#include <string.h>

bool unit_place_or_break(struct unit *unit)
{
	char why[VERSION_WHY_MAX];
	int r = version_make_state(unit->version, why);

	if (r < 0) {
		unit_break(unit, "%s", why);
		return false;
	}
	r = unit_place(unit);
	if (r == -ENOSPC)
		unit_break(unit, "Worker=own: there are %u worker processes already",
			   LIMIT_WORKERS);
	else if (r < 0)
		unit_break(unit, "Worker=own: %s", strerror(-r));
	return r == 0;
}

void unit_start(struct unit *unit)
{
	if (unit->is_removed || unit->has_bad_file)
		return;
	if (unit->next_version) {
		unit->is_resumed = true;
		unit_mark_changed(unit);
		return;
	}
	if (unit->is_broken) {
		/* What was in its way may have been mended. */
		unit_redefine(unit);
		if (unit->is_broken)
			return;
	}
	if (!unit_place_or_break(unit))
		return;
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_start(&unit->instances[i]);
	unit_mark_changed(unit);
}

void unit_remove(struct unit *unit)
{
	unit->is_removed = true;
	unit_stop(unit);
}
