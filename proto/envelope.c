/* envelope.c - envelopes out of batches. */
#include "proto/envelope_inside.h"

#include "base/check.h"
#include <errno.h>
#include <string.h>

#define LAYOUT_SIZE_MAX (1 + ENVELOPE_NAME_MAX + 1 + LAYOUT_TEXT_MAX + 1)

const struct kind_rule envelope_rules[ENVELOPE_KIND_COUNT] = {
	[ENVELOPE_SEND] = {HAS_HASH | HAS_FROM | HAS_TO, ENVELOPE_FORWARDED | ENVELOPE_LENT,
			   ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_CALL] = {HAS_HASH | HAS_CALL | HAS_DEADLINE | HAS_FROM | HAS_TO | HAS_WINDOW,
			   ENVELOPE_MORE | ENVELOPE_FORWARDED | ENVELOPE_LENT | ENVELOPE_TEXT,
			   ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_REPLY] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO,
			    ENVELOPE_CONTINUES | ENVELOPE_LENT, ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_ERROR] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO, ENVELOPE_LENT,
			    ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_FAILURE] = {HAS_CALL | HAS_STATUS | HAS_FROM | HAS_TO, 0,
			      ENVELOPE_FAILURE_MIN + ENVELOPE_DETAIL_MAX},
	[ENVELOPE_CANCEL] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
	[ENVELOPE_LAYOUT] = {HAS_HASH, 0, LAYOUT_SIZE_MAX},
	[ENVELOPE_ROOM] = {HAS_CREDIT | HAS_FROM, 0, 0},
	[ENVELOPE_END] = {0, 0, 0},
	[ENVELOPE_ENDED] = {0, 0, 0},
	[ENVELOPE_MOVED] = {HAS_CALL | HAS_FROM | HAS_TO, 0, sizeof(struct envelope_move)},
	[ENVELOPE_TAKEN] = {HAS_CALL | HAS_FROM | HAS_TO, 0, sizeof(struct envelope_taken)},
	[ENVELOPE_OFFER] = {0, 0, 0},
	[ENVELOPE_ACCEPT] = {0, 0, 0},
	[ENVELOPE_RETURN] = {0, 0, ENVELOPE_RETURNS * sizeof(uint32_t)},
	[ENVELOPE_KEPT] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
};

static inline bool is_zero(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size > 0 && *at == 0) {
		at++;
		size--;
	}
	return size == 0;
}

/* Copied by halves, for what most envelopes go through. */
static inline void set_address(struct troupe_address *address, const struct process *process,
			       struct place place)
{
	memcpy(address, process, sizeof(*process));
	memcpy((char *)address + sizeof(*process), &place, sizeof(place));
}

int envelope_reader_init(struct envelope_reader *reader, const void *data, size_t size)
{
	struct batch_head head;

	if (size < sizeof(head) || size > UINT32_MAX)
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head.magic != ENVELOPE_MAGIC || head.version != ENVELOPE_VERSION || head.zero != 0)
		return -EBADMSG;
	/* An envelope is never shorter than its head, so the count is bounded before it is
	 * used. */
	if (head.size != size || head.count == 0 || head.count > size / ENVELOPE_HEAD)
		return -EBADMSG;
	*reader = (struct envelope_reader){
		.data = data,
		.size = size,
		.cursor = sizeof(head),
		.left = head.count,
		.from = head.from,
		.to = head.to,
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
		return head->size == 0 ||
		       (head->size >= ENVELOPE_FAILURE_MIN &&
			codec_is_utf8((const char *)payload + ENVELOPE_FAILURE_MIN,
				      head->size - ENVELOPE_FAILURE_MIN));
	if (head->kind == ENVELOPE_MOVED)
		return head->size == sizeof(struct envelope_move);
	if (head->kind == ENVELOPE_TAKEN)
		return head->size == sizeof(struct envelope_taken);
	if (head->kind == ENVELOPE_RETURN)
		return head->size > 0 && head->size % sizeof(uint32_t) == 0;
	if (head->flags & ENVELOPE_LENT)
		return head->size == sizeof(struct envelope_reference);
	return true;
}

/* What is between head and payload; that there is room for it has been seen. */
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
		memcpy(&envelope->from, &part.process, sizeof(part.process));
		envelope->unread = part.unread;
		envelope->unread_bytes = part.unread_bytes;
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
		.window = head->status & WINDOW_MASK,
		.halvings = (uint8_t)(head->status >> WINDOW_BITS),
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
	ret_envelope->halvings = 0;
	set_address(&ret_envelope->from, &reader->from, head->from);
	set_address(&ret_envelope->to, &reader->to, head->to);
	ret_envelope->hash = head->hash;
	ret_envelope->call = ret_envelope->credit = ret_envelope->deadline_ns = 0;
	ret_envelope->unread = ret_envelope->unread_bytes = 0;
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
	if (likely(head.kind == ENVELOPE_SEND && (head.flags | head.status) == 0))
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
