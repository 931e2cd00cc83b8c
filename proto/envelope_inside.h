/* envelope_inside.h - the form of batches and envelopes, for the two files that write and read
 * them. */
#ifndef PROTO_ENVELOPE_INSIDE_H
#define PROTO_ENVELOPE_INSIDE_H

#include "base/check.h"
#include "proto/envelope.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_MAGIC   0x31505254u /* "TRP1" as bytes */
#define ENVELOPE_VERSION 7

struct batch_head {
	uint32_t magic;
	uint32_t version;
	uint32_t count;
	uint32_t size;
	uint64_t sequence;
	struct process from, to;
	uint64_t zero;
};
_Static_assert(sizeof(struct batch_head) == ENVELOPE_BATCH_HEAD, "as documented");

/* The half of an address that identifies an actor within its process. */
struct place {
	uint32_t slot;
	uint32_t generation;
};

/* Of a CALL's status; the halvings of its window are above them. */
#define WINDOW_BITS 11u
#define WINDOW_MASK ((1u << WINDOW_BITS) - 1)
_Static_assert(ENVELOPE_WINDOW_MAX <= WINDOW_MASK &&
		       ENVELOPE_HALVINGS_MAX << WINDOW_BITS <= UINT16_MAX,
	       "both fit");

struct envelope_head {
	uint8_t kind;
	uint8_t flags;
	uint16_t status; /* CALL: its window, see WINDOW_BITS */
	uint32_t size;
	uint64_t hash;
	struct place from;
	struct place to;
};
_Static_assert(sizeof(struct envelope_head) == ENVELOPE_HEAD, "as documented");

/* Behind the head, where there is a call; ROOM: a credit. */
struct call_part {
	uint64_t call;
	uint64_t deadline_ns;
};

/* Behind that, where FORWARDED is set. */
struct process_part {
	struct process process;
	uint32_t unread;
	uint32_t unread_bytes;
};
_Static_assert(ENVELOPE_HEAD + sizeof(struct call_part) + sizeof(struct process_part) ==
		       ENVELOPE_HEAD_MAX,
	       "as documented");

/* What the envelopes of a kind have: a field that is not listed is zero. */
enum {
	HAS_HASH = 1,
	HAS_CALL = 2,
	HAS_DEADLINE = 4,
	HAS_FROM = 8,
	HAS_TO = 16,
	HAS_STATUS = 32,
	HAS_CREDIT = 64,
	HAS_WINDOW = 128,
};

struct kind_rule {
	uint8_t has;
	uint8_t flags; /* that may be set */
	uint32_t size_max;
};

extern const struct kind_rule envelope_rules[ENVELOPE_KIND_COUNT];

static inline size_t padded(size_t size)
{
	return (size + ENVELOPE_ALIGN - 1) & ~(size_t)(ENVELOPE_ALIGN - 1);
}

static inline bool has_call_part(const struct kind_rule *rule)
{
	return rule->has & (HAS_CALL | HAS_CREDIT);
}

/* Bytes of an envelope before its payload. */
static inline size_t head_size(const struct kind_rule *rule, unsigned flags)
{
	return ENVELOPE_HEAD + (has_call_part(rule) ? sizeof(struct call_part) : 0) +
	       (flags & ENVELOPE_FORWARDED ? sizeof(struct process_part) : 0);
}

/* NULL: there is no such kind. */
static inline const struct kind_rule *find_rule(unsigned kind)
{
	return kind > 0 && kind < ENVELOPE_KIND_COUNT ? &envelope_rules[kind] : NULL;
}

static inline bool is_nowhere(struct place place)
{
	return (place.slot | place.generation) == 0;
}

static inline bool status_is_valid(const struct envelope_head *head,
				   const struct kind_rule *rule)
{
	if (head->status == 0)
		return !(rule->has & HAS_STATUS);
	if (rule->has & HAS_WINDOW)
		return head->flags & ENVELOPE_MORE && (head->status & WINDOW_MASK) != 0 &&
		       (head->status & WINDOW_MASK) <= ENVELOPE_WINDOW_MAX;
	return rule->has & HAS_STATUS && head->status >= TROUPE_NO_SUCH_ACTOR &&
	       head->status < TROUPE_STATUS_COUNT;
}

/* A call by name says by its text what it is, and is not passed on so. */
static inline bool hash_is_valid(const struct envelope_head *head, const struct kind_rule *rule)
{
	if (unlikely(head->flags & ENVELOPE_TEXT))
		return head->hash == 0 && !(head->flags & ENVELOPE_FORWARDED);
	return (head->hash != 0) == !!(rule->has & HAS_HASH);
}

/* Whether a head says what its kind may say, its payload's size excepted. Hashes, calls and
 * deadlines are never zero where there is one; places and credit may be anything. */
static inline bool head_is_valid(const struct envelope_head *head, const struct kind_rule *rule)
{
	return !(head->flags & ~rule->flags) && status_is_valid(head, rule) &&
	       hash_is_valid(head, rule) && (rule->has & HAS_FROM || is_nowhere(head->from)) &&
	       (rule->has & HAS_TO || is_nowhere(head->to));
}

static inline bool call_is_valid(const struct call_part *part, const struct kind_rule *rule)
{
	return (part->call != 0 || rule->has & HAS_CREDIT) &&
	       (part->deadline_ns != 0) == !!(rule->has & HAS_DEADLINE);
}

#endif
