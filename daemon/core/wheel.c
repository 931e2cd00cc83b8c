#include "core/wheel.h"

/* A node lies in the level of the highest digit (of WHEEL_SLOT_BITS bits) in which its step
 * differs from the wheel's, in the slot of that digit. So when the wheel's step reaches the
 * start of a slot of a higher level, the nodes in it fall to lower levels, and each node
 * falls at most once per level. */

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
	*wheel = (struct wheel){.step = now_ns >> WHEEL_STEP_BITS};
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&wheel->slots[level][slot]);
	list_init(&wheel->due);
}

/* The first step at which the node's time has passed. */
static uint64_t step_of(uint64_t at_ns)
{
	return (at_ns >> WHEEL_STEP_BITS) + ((at_ns & (WHEEL_STEP_NS - 1)) != 0);
}

static void place_node(struct wheel *wheel, struct wheel_node *node)
{
	uint64_t step = step_of(node->at_ns);
	unsigned level, slot;

	if (step <= wheel->step) {
		list_append(&wheel->due, &node->link);
		return;
	}
	level = (63 - (unsigned)__builtin_clzll(step ^ wheel->step)) / WHEEL_SLOT_BITS;
	slot = (step >> (level * WHEEL_SLOT_BITS)) & (WHEEL_SLOTS - 1);
	list_append(&wheel->slots[level][slot], &node->link);
	wheel->occupied[level] |= 1ull << slot;
}

void wheel_add(struct wheel *wheel, struct wheel_node *node, uint64_t at_ns)
{
	node->at_ns = at_ns;
	wheel->count++;
	place_node(wheel, node);
}

void wheel_remove(struct wheel *wheel, struct wheel_node *node)
{
	if (!wheel_has(node))
		return;
	list_remove(&node->link);
	node->link = (struct list){0};
	wheel->count--;
}

/* The first step after the wheel's own at which a slot begins that is marked occupied. */
static bool next_slot(const struct wheel *wheel, unsigned *ret_level, unsigned *ret_slot,
		      uint64_t *ret_step)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned shift = level * WHEEL_SLOT_BITS;
		unsigned here = (wheel->step >> shift) & (WHEEL_SLOTS - 1);
		/* only later slots can be occupied: earlier ones would differ in a higher
		 * digit */
		uint64_t later =
			here == WHEEL_SLOTS - 1 ? 0 : wheel->occupied[level] >> (here + 1);

		if (later) {
			unsigned slot = here + 1 + (unsigned)__builtin_ctzll(later);
			uint64_t above = wheel->step >> shift >> WHEEL_SLOT_BITS;

			*ret_level = level;
			*ret_slot = slot;
			*ret_step = (above << WHEEL_SLOT_BITS | slot) << shift;
			return true;
		}
	}
	return false;
}

void wheel_advance(struct wheel *wheel, uint64_t now_ns)
{
	uint64_t now = now_ns >> WHEEL_STEP_BITS, step;
	unsigned level, slot;

	while (next_slot(wheel, &level, &slot, &step) && step <= now) {
		struct list *head = &wheel->slots[level][slot], nodes;

		wheel->step = step;
		wheel->occupied[level] &= ~(1ull << slot);
		if (list_is_empty(head))
			continue;
		/* placed again one by one, some perhaps into this very slot: from a list
		 * apart */
		nodes = *head;
		nodes.next->previous = nodes.previous->next = &nodes;
		list_init(head);
		while (!list_is_empty(&nodes)) {
			struct list *link = nodes.next;

			list_remove(link);
			place_node(wheel, container_of(link, struct wheel_node, link));
		}
	}
	/* No occupied slot lies between, so no node has to fall. */
	if (now > wheel->step)
		wheel->step = now;
}

struct wheel_node *wheel_take(struct wheel *wheel)
{
	struct wheel_node *node;

	if (list_is_empty(&wheel->due))
		return NULL;
	node = list_first(&wheel->due, struct wheel_node, link);
	list_remove(&node->link);
	node->link = (struct list){0};
	wheel->count--;
	return node;
}

uint64_t wheel_next_ns(const struct wheel *wheel)
{
	unsigned level, slot;
	uint64_t step;

	if (!list_is_empty(&wheel->due))
		return wheel->step << WHEEL_STEP_BITS;
	/* slots stay marked when their nodes are removed */
	if (!wheel->count || !next_slot(wheel, &level, &slot, &step))
		return UINT64_MAX;
	/* what is due in the last step of all, rounded up, would be due at 0 */
	return step > UINT64_MAX >> WHEEL_STEP_BITS ? UINT64_MAX : step << WHEEL_STEP_BITS;
}
