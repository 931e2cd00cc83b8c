#include "proto/envelope.h"

#include "base/check.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define MAGIC   0x31505254u /* "TRP1" as bytes */
#define VERSION 1

struct batch_head {
	uint32_t magic;
	uint16_t version;
	uint16_t worker;
	uint32_t incarnation;
	uint32_t count;
	uint64_t sequence;
	uint32_t size;
	uint32_t zero;
};
_Static_assert(sizeof(struct batch_head) == ENVELOPE_BATCH_HEAD, "as documented");

struct envelope_head {
	uint8_t kind;
	uint8_t flags;
	uint8_t status;
	uint8_t zero;
	uint32_t size;
	uint64_t hash;
	uint64_t call; /* ROOM: credit */
	uint64_t deadline_ns;
	struct troupe_address from;
	struct troupe_address to;
};
_Static_assert(sizeof(struct envelope_head) == ENVELOPE_HEAD, "as documented");

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
	[ENVELOPE_SEND] = {HAS_HASH | HAS_FROM | HAS_TO, ENVELOPE_FORWARDED,
			   ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_CALL] = {HAS_HASH | HAS_CALL | HAS_DEADLINE | HAS_FROM | HAS_TO,
			   ENVELOPE_MORE | ENVELOPE_FORWARDED, ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_REPLY] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO, ENVELOPE_CONTINUES,
			    ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_ERROR] = {HAS_HASH | HAS_CALL | HAS_FROM | HAS_TO, 0, ENVELOPE_PAYLOAD_MAX},
	[ENVELOPE_FAILURE] = {HAS_CALL | HAS_STATUS | HAS_FROM | HAS_TO, 0,
			      ENVELOPE_DETAIL_MAX},
	[ENVELOPE_CANCEL] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
	[ENVELOPE_LAYOUT] = {HAS_HASH, 0, LAYOUT_SIZE_MAX},
	[ENVELOPE_ROOM] = {HAS_CREDIT | HAS_FROM, 0, 0},
	[ENVELOPE_END] = {0, 0, 0},
	[ENVELOPE_ENDED] = {0, 0, 0},
	[ENVELOPE_MOVED] = {HAS_CALL | HAS_FROM | HAS_TO, 0, sizeof(struct troupe_address)},
	[ENVELOPE_TAKEN] = {HAS_CALL | HAS_FROM | HAS_TO, 0, 0},
};

static size_t padded(size_t size)
{
	return (size + ENVELOPE_ALIGN - 1) & ~(size_t)(ENVELOPE_ALIGN - 1);
}

static bool is_zero(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size > 0 && *at == 0) {
		at++;
		size--;
	}
	return size == 0;
}

/* Whether a head says what its kind may say, its payload's size excepted. Hashes, calls and deadlines are
 * never zero where there is one; addresses and credit may be anything. */
static bool head_is_valid(const struct envelope_head *head)
{
	const struct kind_rule *rule;
	bool is_failure =
		head->status >= TROUPE_NO_SUCH_ACTOR && head->status < TROUPE_STATUS_COUNT;

	if (head->kind == 0 || head->kind >= ENVELOPE_KIND_COUNT)
		return false;
	rule = &kind_rules[head->kind];
	if ((head->flags & ~rule->flags) || head->zero)
		return false;
	if ((head->hash != 0) != !!(rule->has & HAS_HASH))
		return false;
	if (!(rule->has & HAS_CREDIT) && (head->call != 0) != !!(rule->has & HAS_CALL))
		return false;
	if ((head->deadline_ns != 0) != !!(rule->has & HAS_DEADLINE))
		return false;
	if (rule->has & HAS_STATUS ? !is_failure : head->status != 0)
		return false;
	return (rule->has & HAS_FROM || is_zero(&head->from, sizeof(head->from))) &&
	       (rule->has & HAS_TO || is_zero(&head->to, sizeof(head->to)));
}

/* ------------------------------------------------------------------ writing */

static int begin_batch(struct envelope_batch *batch)
{
	void *head = buffer_reserve(&batch->bytes, ENVELOPE_BATCH_HEAD);

	if (!head)
		return -errno;
	memset(head, 0, ENVELOPE_BATCH_HEAD);
	buffer_added(&batch->bytes, ENVELOPE_BATCH_HEAD);
	return 0;
}

void envelope_batch_init(struct envelope_batch *batch, size_t limit, uint16_t worker,
			 uint32_t incarnation, uint64_t sequence)
{
	*batch = (struct envelope_batch){
		.limit = limit,
		.worker = worker,
		.incarnation = incarnation,
		.sequence = sequence,
	};
	buffer_init(&batch->bytes, ENVELOPE_BATCH_MAX > limit ? ENVELOPE_BATCH_MAX : limit);
}

void envelope_batch_fini(struct envelope_batch *batch)
{
	buffer_fini(&batch->bytes);
}

int envelope_batch_add(struct envelope_batch *batch, const struct envelope *envelope,
		       void **ret_payload)
{
	bool is_room = envelope->kind == ENVELOPE_ROOM;
	struct envelope_head head = {
		.kind = (uint8_t)envelope->kind,
		.flags = envelope->flags,
		.status = (uint8_t)envelope->status,
		.size = (uint32_t)envelope->size,
		.hash = envelope->hash,
		.call = is_room ? envelope->credit : envelope->call,
		.deadline_ns = envelope->deadline_ns,
		.from = envelope->from,
		.to = envelope->to,
	};
	size_t size = ENVELOPE_HEAD + padded(envelope->size);
	unsigned char *place;
	int r;

	if (!head_is_valid(&head) || (is_room ? envelope->call : envelope->credit) != 0)
		return -EINVAL;
	if (envelope->size > kind_rules[head.kind].size_max)
		return -EMSGSIZE;
	if (batch->count > 0 && size + buffer_size(&batch->bytes) > batch->limit)
		return -ENOBUFS;
	if (buffer_size(&batch->bytes) == 0) {
		r = begin_batch(batch);
		if (r < 0)
			return r;
	}
	place = buffer_reserve(&batch->bytes, size);
	if (!place)
		return -errno;
	memcpy(place, &head, sizeof(head));
	memset(place + ENVELOPE_HEAD, 0, size - ENVELOPE_HEAD);
	buffer_added(&batch->bytes, size);
	batch->count++;
	*ret_payload = place + ENVELOPE_HEAD;
	return 0;
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
	memcpy(at + 1, layout->name, name_size);
	memcpy(at + 1 + name_size + 1, layout->text, text_size);
	return 0;
}

const void *envelope_batch_data(struct envelope_batch *batch, size_t *ret_size)
{
	struct batch_head head = {
		.magic = MAGIC,
		.version = VERSION,
		.worker = batch->worker,
		.incarnation = batch->incarnation,
		.count = batch->count,
		.sequence = batch->sequence,
		.size = (uint32_t)buffer_size(&batch->bytes),
	};

	check(batch->count > 0);
	memcpy(buffer_data(&batch->bytes), &head, sizeof(head));
	*ret_size = buffer_size(&batch->bytes);
	return buffer_data(&batch->bytes);
}

void envelope_batch_sent(struct envelope_batch *batch)
{
	batch->sequence += batch->count;
	batch->count = 0;
	buffer_eat(&batch->bytes, buffer_size(&batch->bytes));
}

/* ------------------------------------------------------------------ reading */

int envelope_reader_init(struct envelope_reader *reader, const void *data, size_t size)
{
	struct batch_head head;

	if (size < sizeof(head) || size > UINT32_MAX)
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (head.magic != MAGIC || head.version != VERSION || head.zero != 0)
		return -EBADMSG;
	/* An envelope is never shorter than its head, so the count is bounded before it is believed. */
	if (head.size != size || head.count == 0 || head.count > size / ENVELOPE_HEAD)
		return -EBADMSG;
	*reader = (struct envelope_reader){
		.data = data,
		.size = size,
		.cursor = sizeof(head),
		.left = head.count,
		.worker = head.worker,
		.incarnation = head.incarnation,
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
	return true;
}

int envelope_reader_next(struct envelope_reader *reader, struct envelope *ret_envelope)
{
	size_t room = reader->size - reader->cursor;
	struct envelope_head head;
	const unsigned char *payload;
	size_t size;

	if (reader->left == 0)
		return room == 0 ? 0 : -EBADMSG;
	if (room < sizeof(head))
		return -EBADMSG;
	memcpy(&head, reader->data + reader->cursor, sizeof(head));
	payload = reader->data + reader->cursor + sizeof(head);
	room -= sizeof(head);
	if (!head_is_valid(&head) || head.size > kind_rules[head.kind].size_max)
		return -EBADMSG;
	size = padded(head.size);
	if (size > room || !is_zero(payload + head.size, size - head.size))
		return -EBADMSG;
	if (!payload_is_valid(&head, payload))
		return -EBADMSG;
	*ret_envelope = (struct envelope){
		.kind = (enum envelope_kind)head.kind,
		.flags = head.flags,
		.status = (enum troupe_status)head.status,
		.from = head.from,
		.to = head.to,
		.hash = head.hash,
		.call = head.kind == ENVELOPE_ROOM ? 0 : head.call,
		.credit = head.kind == ENVELOPE_ROOM ? head.call : 0,
		.deadline_ns = head.deadline_ns,
		.payload = payload,
		.size = head.size,
	};
	reader->cursor += sizeof(head) + size;
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
