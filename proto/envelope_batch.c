/* envelope_batch.c - envelopes into batches. */
#include "proto/envelope_inside.h"

#include "base/check.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that a batch has room for at first, and next; then for as many as it should have. */
#define ROOM_SMALL  512u
#define ROOM_MIDDLE 8192u

static inline struct place place_of(const struct troupe_address *address)
{
	return (struct place){address->slot, address->generation};
}

static void *resize_memory(void *context, void *memory, size_t size)
{
	(void)context;
	return realloc(memory, size);
}

/* Room for `size` bytes, with few steps from the smallest batch to the longest: growing may
 * copy. What a batch took the next one is likely to take. */
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

void envelope_batch_init(struct envelope_batch *batch, size_t limit, struct process from,
			 struct process to, uint64_t sequence)
{
	*batch = (struct envelope_batch){
		.limit = limit, .from = from, .to = to, .sequence = sequence};
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
	const struct process none = {0};
	struct process from = rule->has & HAS_FROM ? batch->from : none;
	struct process to = rule->has & HAS_TO ? batch->to : none;

	return (process_equal(process_of(envelope->from), from) ||
		envelope->flags & ENVELOPE_FORWARDED) &&
	       process_equal(process_of(envelope->to), to);
}

/* Write what is between head and payload. */
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
		const struct process_part part = {process_of(envelope->from), envelope->unread,
						  envelope->unread_bytes};

		memcpy(place, &part, sizeof(part));
	}
}

static bool numbers_fit(const struct envelope *envelope, const struct kind_rule *rule)
{
	const struct call_part part = {envelope->call, envelope->deadline_ns};

	if ((!(rule->has & HAS_CREDIT) && envelope->credit != 0) ||
	    envelope->window > WINDOW_MASK || envelope->halvings > ENVELOPE_HALVINGS_MAX ||
	    (envelope->halvings && !envelope->window))
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
		.status = (uint16_t)(envelope->window | envelope->halvings << WINDOW_BITS),
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
	    !process_equal(process_of(envelope->from), batch->from) ||
	    !process_equal(process_of(envelope->to), batch->to))
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
		.magic = ENVELOPE_MAGIC,
		.version = ENVELOPE_VERSION,
		.count = batch->count,
		.size = (uint32_t)batch->size,
		.sequence = batch->sequence,
		.from = batch->from,
		.to = batch->to,
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
	void *bytes;

	(void)envelope_batch_data(batch, ret_size);
	bytes = batch->memory.resize(batch->memory.context, batch->bytes, *ret_size);
	if (!bytes)
		return NULL;
	batch->bytes = NULL;
	batch->room = 0;
	envelope_batch_sent(batch);
	return bytes;
}
