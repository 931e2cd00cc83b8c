#include "core/wheel.h"

/* A node lies in the level of the highest digit (of WHEEL_SLOT_BITS bits) in which its step
 * differs from the wheel's, in the slot of that digit. So when the wheel's step reaches the
 * start of a slot of a higher level, the nodes in it fall to lower levels, and each node
 * falls at most once per level. What has the same step always lies in the same list, so that
 * it stays in order.
 *
 * Falling costs a cache miss for each node that was put in long ago. Wide levels make that
 * rare: below 67 ms nothing falls, below 17 s once. */

#define DUE (1 + WHEEL_LEVELS * WHEEL_SLOTS) /* a head */

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
	*wheel = (struct wheel){
		.step = now_ns >> WHEEL_STEP_BITS, .next = UINT64_MAX, .last_here = UINT64_MAX};
	for (uint32_t head = 0; head <= DUE; head++)
		wheel->heads[head] = (struct wheel_node){.next = head, .previous = head};
	wheel_set_kind(wheel, 0, wheel->heads, sizeof(wheel->heads[0]));
}

void wheel_set_kind(struct wheel *wheel, uint32_t kind, struct wheel_node *first, uint32_t size)
{
	wheel->kinds[kind] = (struct wheel_kind){.base = (unsigned char *)first, .size = size};
}

/* The first step at which the node's time has passed. */
static uint64_t step_of(uint64_t at_ns)
{
	return (at_ns >> WHEEL_STEP_BITS) + ((at_ns & (WHEEL_STEP_NS - 1)) != 0);
}

static void append_node(struct wheel *wheel, uint32_t head, uint32_t name,
			struct wheel_node *node)
{
	uint32_t last = wheel->heads[head].previous;

	node->next = head;
	node->previous = last;
	wheel_node_at(wheel, last)->next = name;
	wheel->heads[head].previous = name;
}

static void link_node(struct wheel *wheel, uint32_t name, struct wheel_node *node)
{
	uint64_t step = step_of(node->at_ns), begin;
	unsigned level, slot, shift;

	if (step == wheel->last_step && wheel->step == wheel->last_here) {
		append_node(wheel, wheel->last_head, name, node);
		return;
	}
	if (step <= wheel->step) {
		append_node(wheel, DUE, name, node);
		return;
	}
	level = (63 - (unsigned)__builtin_clzll(step ^ wheel->step)) / WHEEL_SLOT_BITS;
	shift = level * WHEEL_SLOT_BITS;
	slot = (step >> shift) & (WHEEL_SLOTS - 1);
	wheel->last_step = step;
	wheel->last_here = wheel->step;
	wheel->last_head = 1 + level * WHEEL_SLOTS + slot;
	append_node(wheel, wheel->last_head, name, node);
	wheel->occupied[level][slot / 64] |= 1ull << slot % 64;
	begin = step >> shift << shift;
	if (begin < wheel->next)
		wheel->next = begin;
}

void wheel_add(struct wheel *wheel, uint32_t name, uint64_t at_ns)
{
	struct wheel_node *node = wheel_node_at(wheel, name);

	node->at_ns = at_ns;
	wheel->count++;
	link_node(wheel, name, node);
}

void wheel_remove(struct wheel *wheel, struct wheel_node *node)
{
	if (!wheel_has(node))
		return;
	wheel_node_at(wheel, node->previous)->next = node->next;
	wheel_node_at(wheel, node->next)->previous = node->previous;
	node->next = 0;
	wheel->count--;
}

/* The first marked slot of a level behind `here`; WHEEL_SLOTS: none. */
static unsigned next_marked(const uint64_t *marks, unsigned here)
{
	unsigned word = (here + 1) / 64;
	uint64_t bits;

	if (word == WHEEL_SLOTS / 64)
		return WHEEL_SLOTS;
	bits = marks[word] & ~0ull << (here + 1) % 64;
	while (!bits) {
		if (++word == WHEEL_SLOTS / 64)
			return WHEEL_SLOTS;
		bits = marks[word];
	}
	return word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* The first step after the wheel's own at which a slot begins that is marked occupied. */
static bool next_slot(const struct wheel *wheel, unsigned *ret_level, unsigned *ret_slot,
		      uint64_t *ret_step)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned shift = level * WHEEL_SLOT_BITS;
		/* only later slots can be occupied: earlier ones would differ in a higher
		 * digit */
		unsigned slot = next_marked(wheel->occupied[level],
					    (wheel->step >> shift) & (WHEEL_SLOTS - 1));

		if (slot < WHEEL_SLOTS) {
			uint64_t above = wheel->step >> shift >> WHEEL_SLOT_BITS;

			*ret_level = level;
			*ret_slot = slot;
			*ret_step = (above << WHEEL_SLOT_BITS | slot) << shift;
			return true;
		}
	}
	return false;
}

/* Take a list's nodes all at once: the first; 0: none. They still lead to each other, and the
 * last one to the head. */
static uint32_t detach_list(struct wheel *wheel, uint32_t head)
{
	struct wheel_node *list = &wheel->heads[head];
	uint32_t first = list->next;

	if (first == head)
		return 0;
	list->next = list->previous = head;
	return first;
}

/* All nodes of a slot of the lowest level have the same step. */
static void make_due(struct wheel *wheel, uint32_t head)
{
	uint32_t last = wheel->heads[head].previous, first = detach_list(wheel, head);
	uint32_t before = wheel->heads[DUE].previous;

	if (!first)
		return;
	wheel_node_at(wheel, before)->next = first;
	wheel_node_at(wheel, first)->previous = before;
	wheel_node_at(wheel, last)->next = DUE;
	wheel->heads[DUE].previous = last;
}

static void fall_from(struct wheel *wheel, uint32_t head)
{
	uint32_t name = detach_list(wheel, head);

	while (name && name != head) {
		struct wheel_node *node = wheel_node_at(wheel, name);
		uint32_t next = node->next;

		__builtin_prefetch(wheel_node_at(wheel, next), 1);
		link_node(wheel, name, node);
		name = next;
	}
}

void wheel_advance(struct wheel *wheel, uint64_t now_ns)
{
	uint64_t now = now_ns >> WHEEL_STEP_BITS, step = UINT64_MAX;
	unsigned level, slot;

	if (now >= wheel->next) {
		while (next_slot(wheel, &level, &slot, &step) && step <= now) {
			uint32_t head = 1 + level * WHEEL_SLOTS + slot;

			wheel->step = step;
			wheel->occupied[level][slot / 64] &= ~(1ull << slot % 64);
			if (level == 0)
				make_due(wheel, head);
			else
				fall_from(wheel, head);
			step = UINT64_MAX;
		}
		wheel->next = step;
	}
	/* No occupied slot lies between, so no node has to fall. */
	if (now > wheel->step)
		wheel->step = now;
}

uint32_t wheel_take(struct wheel *wheel)
{
	uint32_t name = wheel->heads[DUE].next;

	if (name == DUE)
		return 0;
	wheel_remove(wheel, wheel_node_at(wheel, name));
	return name;
}

uint64_t wheel_next_ns(const struct wheel *wheel)
{
	if (wheel->heads[DUE].next != DUE)
		return wheel->step << WHEEL_STEP_BITS;
	/* slots stay marked when their nodes are removed; what is due in the last step of all,
	 * rounded up, would be due at 0 */
	if (!wheel->count || wheel->next > UINT64_MAX >> WHEEL_STEP_BITS)
		return UINT64_MAX;
	return wheel->next << WHEEL_STEP_BITS;
}
