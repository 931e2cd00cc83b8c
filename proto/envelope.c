#include "proto/envelope.h"

#include "base/check.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC   0x31505254u /* "TRP1" as bytes */
#define VERSION 2

/* Bytes that a batch has room for at first, and next; then for as many as it should have. */
#define ROOM_SMALL  512u
#define ROOM_MIDDLE 8192u

struct batch_head {
	uint32_t magic;
	uint16_t version;
	uint16_t from_worker;
	uint32_t from_incarnation;
	uint32_t count;
	uint64_t sequence;
	uint32_t size;
	uint32_t to_incarnation;
	uint16_t to_worker;
	uint16_t node;
	uint32_t zero[3];
};
_Static_assert(sizeof(struct batch_head) == ENVELOPE_BATCH_HEAD, "as documented");

/* The half of an address that tells the actors of one process apart. */
struct place {
	uint32_t slot;
	uint32_t generation;
};

struct envelope_head {
	uint8_t kind;
	uint8_t flags;
	uint8_t status;
	uint8_t zero;
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
	uint16_t node;
	uint16_t worker;
	uint32_t incarnation;
	uint64_t zero;
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
};

struct kind_rule {
	uint8_t has;
	uint8_t flags; /* that may be set */
	uint32_t size_max;
};

#define LAYOUT_SIZE_MAX (1 + ENVELOPE_NAME_MAX + 1 + LAYOUT_TEXT_MAX + 1)

static const struct kind_rule kind_rules[ENVELOPE_KIND_COUNT] = {
	[ENVELOPE_SEND] = {HAS_HASH | HAS_FROM | HAS_TO, ENVELOPE_FORWARDED | ENVELOPE_LENT,
			   ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_CALL] = {HAS_HASH | HAS_CALL | HAS_DEADLINE | HAS_FROM | HAS_TO,
			   ENVELOPE_MORE | ENVELOPE_FORWARDED | ENVELOPE_LENT,
			   ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_REPLY] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO,
			    ENVELOPE_CONTINUES | ENVELOPE_LENT, ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_ERROR] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO, ENVELOPE_LENT,
			    ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_FAILURE] = {HAS_CALL | HAS_STATUS | HAS_FROM | HAS_TO, 0,
			      ENVELOPE_DETAIL_MAX},
	[ENVELOPE_CANCEL] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
	[ENVELOPE_LAYOUT] = {HAS_HASH, 0, LAYOUT_SIZE_MAX},
	[ENVELOPE_ROOM] = {HAS_CREDIT | HAS_FROM, 0, 0},
	[ENVELOPE_END] = {0, 0, 0},
	[ENVELOPE_ENDED] = {0, 0, 0},
	[ENVELOPE_MOVED] = {HAS_CALL | HAS_FROM | HAS_TO, 0, sizeof(struct troupe_address)},
	[ENVELOPE_TAKEN] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
	[ENVELOPE_OFFER] = {0, 0, 0},
	[ENVELOPE_ACCEPT] = {0, 0, 0},
	[ENVELOPE_RETURN] = {0, 0, ENVELOPE_RETURNS * sizeof(uint32_t)},
};

static size_t padded(size_t size)
{
	return (size + ENVELOPE_ALIGN - 1) & ~(size_t)(ENVELOPE_ALIGN - 1);
}

static inline bool is_zero(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size > 0 && *at == 0) {
		at++;
		size--;
	}
	return size == 0;
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
	return kind > 0 && kind < ENVELOPE_KIND_COUNT ? &kind_rules[kind] : NULL;
}

static inline bool is_nowhere(struct place place)
{
	return (place.slot | place.generation) == 0;
}

static inline bool status_is_valid(unsigned status, const struct kind_rule *rule)
{
	return rule->has & HAS_STATUS
		       ? status >= TROUPE_NO_SUCH_ACTOR && status < TROUPE_STATUS_COUNT
		       : status == 0;
}

/* Whether a head says what its kind may say, its payload's size excepted. Hashes, calls and
 * deadlines are never zero where there is one; places and credit may be anything. */
static inline bool head_is_valid(const struct envelope_head *head, const struct kind_rule *rule)
{
	return !(head->flags & ~rule->flags) && !head->zero &&
	       status_is_valid(head->status, rule) &&
	       (head->hash != 0) == !!(rule->has & HAS_HASH) &&
	       (rule->has & HAS_FROM || is_nowhere(head->from)) &&
	       (rule->has & HAS_TO || is_nowhere(head->to));
}

static bool call_is_valid(const struct call_part *part, const struct kind_rule *rule)
{
	return (part->call != 0 || rule->has & HAS_CREDIT) &&
	       (part->deadline_ns != 0) == !!(rule->has & HAS_DEADLINE);
}

static inline uint64_t process_of(const struct troupe_address *address)
{
	return (uint64_t)address->incarnation << 32 | (uint32_t)address->worker << 16 |
	       address->node;
}

static struct troupe_address process_address(uint16_t node, uint16_t worker,
					     uint32_t incarnation)
{
	return (struct troupe_address){
		.node = node, .worker = worker, .incarnation = incarnation};
}

static inline struct place place_of(const struct troupe_address *address)
{
	return (struct place){address->slot, address->generation};
}

/* Copied by halves, for what most envelopes go through. */
static inline void set_address(struct troupe_address *address,
			       const struct troupe_address *process, struct place place)
{
	memcpy(address, process, sizeof(*address) - sizeof(place));
	memcpy((char *)address + sizeof(*address) - sizeof(place), &place, sizeof(place));
}

/* ------------------------------------------------------------------ writing */

static void *resize_memory(void *context, void *memory, size_t size)
{
	(void)context;
	return realloc(memory, size);
}

/* Room for `size` bytes, with few steps from the smallest batch to the longest: growing may copy.
 * What a batch took the next one is likely to take. */
static int grow_batch(struct envelope_batch *batch, size_t size)
{
	size_t wanted = batch->usual > size ? batch->usual : size;
	size_t room = wanted <= ROOM_SMALL         ? ROOM_SMALL
		      : wanted <= ROOM_MIDDLE      ? ROOM_MIDDLE
		      : batch->limit > ROOM_MIDDLE ? batch->limit
						   : ROOM_MIDDLE;
	void *bytes;

	if (room < size)
		room = size;
	bytes = batch->memory.resize(batch->memory.context, batch->bytes, room);
	if (!bytes)
		return -ENOMEM;
	batch->bytes = bytes;
	batch->room = room;
	return 0;
}

void envelope_batch_init(struct envelope_batch *batch, size_t limit, struct troupe_address from,
			 struct troupe_address to, uint64_t sequence)
{
	*batch = (struct envelope_batch){
		.limit = limit,
		.from = process_address(from.node, from.worker, from.incarnation),
		.to = process_address(from.node, to.worker, to.incarnation),
		.sequence = sequence,
	};
	batch->memory = (struct envelope_memory){.resize = resize_memory, .free = free};
}

void envelope_batch_set_memory(struct envelope_batch *batch,
			       const struct envelope_memory *memory)
{
	check(!batch->bytes);
	batch->memory = *memory;
}

void envelope_batch_fini(struct envelope_batch *batch)
{
	batch->memory.free(batch->bytes);
	batch->bytes = NULL;
	batch->size = batch->room = 0;
}

/* Whether the addresses are where a reader will say they are. */
static inline bool addresses_fit(const struct envelope_batch *batch,
				 const struct envelope *envelope, const struct kind_rule *rule)
{
	uint64_t from = rule->has & HAS_FROM ? process_of(&batch->from) : 0;
	uint64_t to = rule->has & HAS_TO ? process_of(&batch->to) : 0;

	return (process_of(&envelope->from) == from || envelope->flags & ENVELOPE_FORWARDED) &&
	       process_of(&envelope->to) == to;
}

/* Write what stands between head and payload. */
static void write_parts(unsigned char *place, const struct kind_rule *rule,
			const struct envelope *envelope)
{
	if (has_call_part(rule)) {
		const struct call_part part = {rule->has & HAS_CREDIT ? envelope->credit
								      : envelope->call,
					       envelope->deadline_ns};

		memcpy(place, &part, sizeof(part));
		place += sizeof(part);
	}
	if (envelope->flags & ENVELOPE_FORWARDED) {
		const struct process_part part = {.node = envelope->from.node,
						  .worker = envelope->from.worker,
						  .incarnation = envelope->from.incarnation};

		memcpy(place, &part, sizeof(part));
	}
}

static bool numbers_fit(const struct envelope *envelope, const struct kind_rule *rule)
{
	const struct call_part part = {envelope->call, envelope->deadline_ns};

	if (!(rule->has & HAS_CREDIT) && envelope->credit != 0)
		return false;
	if (!(rule->has & HAS_CALL))
		return (part.call | part.deadline_ns) == 0;
	return call_is_valid(&part, rule);
}

int envelope_batch_add(struct envelope_batch *batch, const struct envelope *envelope,
		       void **ret_payload)
{
	const struct kind_rule *rule = find_rule(envelope->kind);
	const struct envelope_head head = {
		.kind = (uint8_t)envelope->kind,
		.flags = envelope->flags,
		.status = (uint8_t)envelope->status,
		.size = (uint32_t)envelope->size,
		.hash = envelope->hash,
		.from = place_of(&envelope->from),
		.to = place_of(&envelope->to),
	};
	size_t before, size, start;
	unsigned char *place;
	int r;

	if (!rule || !head_is_valid(&head, rule) || !addresses_fit(batch, envelope, rule) ||
	    !numbers_fit(envelope, rule))
		return -EINVAL;
	if ((head.flags & ENVELOPE_LENT) && head.size != sizeof(struct envelope_reference))
		return -EINVAL;
	if (envelope->size > rule->size_max)
		return -EMSGSIZE;
	before = head_size(rule, head.flags);
	size = before + padded(envelope->size);
	if (batch->count > 0 && size + batch->size > batch->limit)
		return -ENOBUFS;
	start = batch->count > 0 ? batch->size : ENVELOPE_BATCH_HEAD;
	if (start + size > batch->room) {
		r = grow_batch(batch, start + size);
		if (r < 0)
			return r;
	}
	place = batch->bytes + start;
	batch->size = start + size;
	batch->count++;
	memcpy(place, &head, sizeof(head));
	if (before > sizeof(head))
		write_parts(place + sizeof(head), rule, envelope);
	/* What pads the payload lies within the last 16 bytes. */
	if (envelope->size % ENVELOPE_ALIGN != 0)
		memset(place + size - ENVELOPE_ALIGN, 0, ENVELOPE_ALIGN);
	*ret_payload = place + before;
	return 0;
}

void *envelope_batch_add_send(struct envelope_batch *batch, const struct envelope *envelope,
			      size_t size)
{
	size_t total = ENVELOPE_HEAD + padded(size);
	const struct envelope_head head = {
		.kind = ENVELOPE_SEND,
		.size = (uint32_t)size,
		.hash = envelope->hash,
		.from = place_of(&envelope->from),
		.to = place_of(&envelope->to),
	};
	unsigned char *place = batch->bytes + batch->size;

	if (envelope->kind != ENVELOPE_SEND || envelope->flags != 0 || envelope->status != 0 ||
	    (envelope->call | envelope->credit | envelope->deadline_ns) != 0 ||
	    envelope->hash == 0 || size > ENVELOPE_PAYLOAD_MAX ||
	    process_of(&envelope->from) != process_of(&batch->from) ||
	    process_of(&envelope->to) != process_of(&batch->to))
		return NULL;
	if (batch->count == 0 || total > batch->room - batch->size ||
	    total + batch->size > batch->limit)
		return NULL;
	batch->size += total;
	batch->count++;
	memcpy(place, &head, sizeof(head));
	if (size % ENVELOPE_ALIGN != 0)
		memset(place + total - ENVELOPE_ALIGN, 0, ENVELOPE_ALIGN);
	return place + sizeof(head);
}

int envelope_batch_add_layout(struct envelope_batch *batch, uint64_t hash,
			      const struct envelope_layout *layout)
{
	struct envelope envelope = {.kind = ENVELOPE_LAYOUT, .hash = hash};
	size_t name_size = strlen(layout->name), text_size = strlen(layout->text);
	void *payload;
	char *at;
	int r;

	if (name_size > ENVELOPE_NAME_MAX || text_size > LAYOUT_TEXT_MAX)
		return -EMSGSIZE;
	envelope.size = 1 + name_size + 1 + text_size + 1;
	r = envelope_batch_add(batch, &envelope, &payload);
	if (r < 0)
		return r;
	at = payload;
	*at = layout->mark;
	memcpy(at + 1, layout->name, name_size + 1);
	memcpy(at + 1 + name_size + 1, layout->text, text_size + 1);
	return 0;
}

const void *envelope_batch_data(struct envelope_batch *batch, size_t *ret_size)
{
	struct batch_head head = {
		.magic = MAGIC,
		.version = VERSION,
		.from_worker = batch->from.worker,
		.from_incarnation = batch->from.incarnation,
		.count = batch->count,
		.sequence = batch->sequence,
		.size = (uint32_t)batch->size,
		.to_incarnation = batch->to.incarnation,
		.to_worker = batch->to.worker,
		.node = batch->from.node,
	};

	check(batch->count > 0);
	memcpy(batch->bytes, &head, sizeof(head));
	*ret_size = batch->size;
	return batch->bytes;
}

void envelope_batch_sent(struct envelope_batch *batch)
{
	batch->sequence += batch->count;
	batch->count = 0;
	batch->usual = batch->size;
	batch->size = 0;
	/* One that was longer than any should be stays alone. */
	if (batch->usual > batch->limit) {
		batch->usual = 0;
		envelope_batch_fini(batch);
	}
}

void *envelope_batch_take(struct envelope_batch *batch, size_t *ret_size)
{
	void *bytes = batch->bytes;

	(void)envelope_batch_data(batch, ret_size);
	batch->bytes = NULL;
	batch->room = 0;
	envelope_batch_sent(batch);
	return bytes;
}

/* ------------------------------------------------------------------ reading */

int envelope_reader_init(struct envelope_reader *reader, const void *data, size_t size)
{
	struct batch_head head;

	if (size < sizeof(head) || size > UINT32_MAX)
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head.magic != MAGIC || head.version != VERSION ||
	    (head.zero[0] | head.zero[1] | head.zero[2]) != 0)
		return -EBADMSG;
	/* An envelope is never shorter than its head, so the count is bounded before it is believed. */
	if (head.size != size || head.count == 0 || head.count > size / ENVELOPE_HEAD)
		return -EBADMSG;
	*reader = (struct envelope_reader){
		.data = data,
		.size = size,
		.cursor = sizeof(head),
		.left = head.count,
		.from = process_address(head.node, head.from_worker, head.from_incarnation),
		.to = process_address(head.node, head.to_worker, head.to_incarnation),
		.sequence = head.sequence,
	};
	return 0;
}

/* A piece of ASCII text without blanks or controls, NUL-terminated. Its size, or 0. */
static size_t read_word(const char *at, size_t room, size_t max)
{
	size_t size = strnlen(at, room);

	if (size == room || size > max)
		return 0;
	for (size_t i = 0; i < size; i++)
		if (at[i] <= ' ' || at[i] > '~')
			return 0;
	return size;
}

static bool layout_is_valid(const char *payload, size_t size)
{
	size_t name_size, text_size;

	if (size < 1 || (payload[0] != '(' && payload[0] != '>' && payload[0] != '!'))
		return false;
	name_size = read_word(payload + 1, size - 1, ENVELOPE_NAME_MAX);
	if (name_size == 0)
		return false;
	payload += 1 + name_size + 1;
	size -= 1 + name_size + 1;
	text_size = read_word(payload, size, LAYOUT_TEXT_MAX);
	return text_size > 0 && text_size + 1 == size;
}

static bool payload_is_valid(const struct envelope_head *head, const void *payload)
{
	if (head->kind == ENVELOPE_LAYOUT)
		return layout_is_valid(payload, head->size);
	if (head->kind == ENVELOPE_FAILURE)
		return codec_is_utf8(payload, head->size);
	if (head->kind == ENVELOPE_MOVED)
		return head->size == sizeof(struct troupe_address);
	if (head->kind == ENVELOPE_RETURN)
		return head->size > 0 && head->size % sizeof(uint32_t) == 0;
	if (head->flags & ENVELOPE_LENT)
		return head->size == sizeof(struct envelope_reference);
	return true;
}

/* What stands between head and payload; that there is room for it has been seen. */
static bool read_parts(const unsigned char *at, const struct kind_rule *rule,
		       struct envelope *envelope)
{
	if (has_call_part(rule)) {
		struct call_part part;

		memcpy(&part, at, sizeof(part));
		at += sizeof(part);
		if (!call_is_valid(&part, rule))
			return false;
		*(rule->has & HAS_CREDIT ? &envelope->credit : &envelope->call) = part.call;
		envelope->deadline_ns = part.deadline_ns;
	}
	if (envelope->flags & ENVELOPE_FORWARDED) {
		struct process_part part;

		memcpy(&part, at, sizeof(part));
		if (part.zero != 0)
			return false;
		envelope->from.node = part.node;
		envelope->from.worker = part.worker;
		envelope->from.incarnation = part.incarnation;
	}
	return true;
}

/* Read any envelope; returns its size, or 0. */
static size_t read_any(const struct envelope_reader *reader, const struct envelope_head *head,
		       const unsigned char *at, size_t room, struct envelope *ret_envelope)
{
	const struct kind_rule *rule = find_rule(head->kind);
	size_t before, size;

	if (!rule || !head_is_valid(head, rule) || head->size > rule->size_max)
		return 0;
	before = head_size(rule, head->flags);
	size = before + padded(head->size);
	if (size > room || !is_zero(at + before + head->size, size - before - head->size))
		return 0;
	*ret_envelope = (struct envelope){
		.kind = (enum envelope_kind)head->kind,
		.flags = head->flags,
		.status = (enum troupe_status)head->status,
		.hash = head->hash,
		.payload = at + before,
		.size = head->size,
	};
	if (rule->has & HAS_FROM)
		set_address(&ret_envelope->from, &reader->from, head->from);
	if (rule->has & HAS_TO)
		set_address(&ret_envelope->to, &reader->to, head->to);
	if (before > sizeof(*head) && !read_parts(at + sizeof(*head), rule, ret_envelope))
		return 0;
	return payload_is_valid(head, at + before) ? size : 0;
}

/* The same for what most are: a send without flags. */
static inline size_t read_send(const struct envelope_reader *reader,
			       const struct envelope_head *head, const unsigned char *at,
			       size_t room, struct envelope *ret_envelope)
{
	size_t size = sizeof(*head) + padded(head->size);

	if (head->hash == 0 || head->size > ENVELOPE_PAYLOAD_MAX || size > room ||
	    !is_zero(at + sizeof(*head) + head->size, size - sizeof(*head) - head->size))
		return 0;
	ret_envelope->kind = ENVELOPE_SEND;
	ret_envelope->flags = 0;
	ret_envelope->status = TROUPE_OK;
	set_address(&ret_envelope->from, &reader->from, head->from);
	set_address(&ret_envelope->to, &reader->to, head->to);
	ret_envelope->hash = head->hash;
	ret_envelope->call = ret_envelope->credit = ret_envelope->deadline_ns = 0;
	ret_envelope->payload = at + sizeof(*head);
	ret_envelope->size = head->size;
	return size;
}

int envelope_reader_next(struct envelope_reader *reader, struct envelope *ret_envelope)
{
	const unsigned char *at = reader->data + reader->cursor;
	size_t room = reader->size - reader->cursor, size;
	struct envelope_head head;

	if (reader->left == 0)
		return room == 0 ? 0 : -EBADMSG;
	if (room < sizeof(head))
		return -EBADMSG;
	memcpy(&head, at, sizeof(head));
	if (likely(head.kind == ENVELOPE_SEND && (head.flags | head.status | head.zero) == 0))
		size = read_send(reader, &head, at, room, ret_envelope);
	else
		size = read_any(reader, &head, at, room, ret_envelope);
	if (unlikely(size == 0))
		return -EBADMSG;
	reader->cursor += size;
	reader->left--;
	reader->sequence++;
	return 1;
}

void envelope_get_layout(const struct envelope *envelope, struct envelope_layout *ret_layout)
{
	const char *payload = envelope->payload;
	const char *name = payload + 1;

	*ret_layout = (struct envelope_layout){payload[0], name, name + strlen(name) + 1};
}
