/* share.h - what one unit may hold of what its worker has little left of.
 *
 * The actors of all units take their records from the same tables. While a table is less than
 * half used nothing is counted. A record in its upper half counts for the unit that the actor
 * who has it comes from, and a unit may hold as many of those as the table has free: alone it
 * gets three quarters of a table, and however many units take all that they can get, each other
 * one finds as much left as these have in that half. Cheap: a record below half of a table
 * costs one comparison. Belongs to the units of one origin; one thread.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include "core/definition.h"
#include "core/slots.h"

/* Never NULL. */
static inline bool share_is_scarce(const struct slots *slots, const void *record)
{
	return (const unsigned char *)record >= slots->scarce;
}

/* What a taken record that is scarce is left to: it is counted for the unit, or given back. */
void *share_claim(struct slots *slots, void *record, const struct definition *unit,
		  enum share_kind kind);

/* slots_take() for a unit. NULL: the limit is reached, or the unit's share. */
static inline void *share_take(struct slots *slots, const struct definition *unit,
			       enum share_kind kind)
{
	void *record = slots_take(slots);

	return likely(!share_is_scarce(slots, record)) ? record
						       : share_claim(slots, record, unit, kind);
}

/* The same with slots_take_raw(). */
static inline void *share_take_raw(struct slots *slots, const struct definition *unit,
				   enum share_kind kind)
{
	void *record = slots_take_raw(slots);

	return likely(!share_is_scarce(slots, record)) ? record
						       : share_claim(slots, record, unit, kind);
}

/* The unit has it no more. */
static inline void share_give(const struct slots *slots, const void *record,
			      const struct definition *unit, enum share_kind kind)
{
	if (unlikely(share_is_scarce(slots, record)))
		unit->share->held[kind]--;
}

/* The record goes from one unit to another, which cannot be refused. */
static inline void share_move(const struct slots *slots, const void *record,
			      const struct definition *from, const struct definition *to,
			      enum share_kind kind)
{
	if (unlikely(share_is_scarce(slots, record))) {
		from->share->held[kind]--;
		to->share->held[kind]++;
	}
}

#endif
