/* records.h - failpoints where core/ takes a record or a piece from the memory that it keeps.
 *
 * It asks the system for much at once, and so rarely; whatever it takes may be what it has to
 * ask for. So core/ is compiled once more with this in front of each of its files, but for
 * those that keep the memory.
 */
#ifndef TEST_FAILPOINT_RECORDS_H
#define TEST_FAILPOINT_RECORDS_H

#include "core/slab.h"
#include "core/slots.h"

bool failpoint_record(const char *call);

#define slab_take(slab, size) (failpoint_record("slab_take") ? NULL : slab_take(slab, size))
#define slab_take_warm(slab, size)                                                             \
	(failpoint_record("slab_take_warm") ? NULL : slab_take_warm(slab, size))
#define slots_take(slots)     (failpoint_record("slots_take") ? NULL : slots_take(slots))
#define slots_take_raw(slots) (failpoint_record("slots_take") ? NULL : slots_take_raw(slots))

#endif
