#include "proto/codec.h"

#include "proto/codec_error.h"
#include "proto/codec_walk.h"
#include "proto/json_text.h"
#include <errno.h>
#include <math.h>

struct decoder {
	char *block;
	size_t size;
	size_t cursor; /* all before it has been checked and turned into memory form */
	struct codec_judge judge;
};

static int decode_struct(struct decoder *decoder, const struct troupe_type *type, char *cell);
static int decode_items(struct decoder *decoder, const struct troupe_type *type, char *cell);
static int decode_optional(struct decoder *decoder, const struct troupe_type *type, char *cell);

static int check_gap(struct decoder *decoder, const char *base, size_t from, size_t to)
{
	for (; from < to; from++)
		if (base[from] != 0)
			return judge_fail(&decoder->judge, "padding that is not zero");
	return 0;
}

/* Take the pointee of `bytes` bytes that the offset in `cell` claims, which must be the next in
 * the block, and make the cell a pointer to it. NULL: error. */
static char *take_bytes(struct decoder *decoder, char *cell, size_t align, size_t bytes)
{
	size_t at = align_up(decoder->cursor, align);
	char *pointee = decoder->block + at;

	if (load_offset(cell) != at) {
		judge_fail(&decoder->judge, "an offset that is not the next");
		return NULL;
	}
	if (at > decoder->size || bytes > decoder->size - at) {
		judge_fail(&decoder->judge, "cut short");
		return NULL;
	}
	if (check_gap(decoder, decoder->block, decoder->cursor, at) < 0)
		return NULL;
	store_pointer(cell, pointee);
	decoder->cursor = at + bytes;
	return pointee;
}

/* The same for `count` items; *ret_items is NULL when there are none. */
static int take_items(struct decoder *decoder, const struct troupe_type *type, char *cell,
		      size_t count, char **ret_items)
{
	if (count == 0) {
		if (load_offset(cell) != 0)
			return judge_fail(&decoder->judge, "an offset to nothing");
		store_pointer(cell, NULL);
		*ret_items = NULL;
		return 0;
	}
	if (type->stride == 0)
		return judge_fail(&decoder->judge, "the type's items have no size");
	if (count > decoder->size / type->stride)
		return judge_fail(&decoder->judge, "cut short");
	*ret_items = take_bytes(decoder, cell, type->entry_align, count * type->stride);
	return *ret_items ? 0 : -EBADMSG;
}

static int decode_text(struct decoder *decoder, const struct troupe_type *type, char *cell)
{
	size_t size =
		strnlen(decoder->block + decoder->cursor, decoder->size - decoder->cursor);
	const char *text = take_bytes(decoder, cell, 1, size + 1);

	if (!text)
		return -EBADMSG;
	if (type->kind == TROUPE_OBJECT)
		return json_scan_object(text, size, decoder->judge.error) < 0 ? -EBADMSG : 0;
	return codec_is_utf8(text, size) ? 0 : judge_fail(&decoder->judge, "not valid UTF-8");
}

static int decode_binary(struct decoder *decoder, char *cell)
{
	size_t size = load_span(cell).count;

	if (size > 0)
		return take_bytes(decoder, cell, 1, size) ? 0 : -EBADMSG;
	if (load_offset(cell) != 0)
		return judge_fail(&decoder->judge, "an offset to nothing");
	store_pointer(cell, NULL);
	return 0;
}

static inline __attribute__((always_inline)) int
decode_value(struct decoder *decoder, const struct troupe_type *type, char *cell)
{
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_INT:
	case TROUPE_ADDRESS:
		return 0;
	case TROUPE_BOOL:
	case TROUPE_FLOAT:
	case TROUPE_ENUM:
		return judge_scalar(&decoder->judge, type, cell);
	case TROUPE_STRING:
	case TROUPE_OBJECT:
		return decode_text(decoder, type, cell);
	case TROUPE_BINARY:
		return decode_binary(decoder, cell);
	case TROUPE_STRUCT:
		return is_plain(type) ? 0 : decode_struct(decoder, type, cell);
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		return decode_items(decoder, type, cell);
	case TROUPE_OPTIONAL:
		return decode_optional(decoder, type, cell);
	}
	return judge_fail(&decoder->judge, "a type of unknown kind");
}

static int decode_struct(struct decoder *decoder, const struct troupe_type *type, char *cell)
{
	size_t end = 0;
	int r = judge_enter(&decoder->judge);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < type->count; i++) {
		const struct troupe_field *field = &type->fields[i];

		r = check_gap(decoder, cell, end, field->offset);
		if (r == 0)
			r = decode_value(decoder, field->type, cell + field->offset);
		if (r < 0) {
			codec_error_field(decoder->judge.error, field->name);
			return r;
		}
		end = field->offset + field->type->size;
	}
	decoder->judge.depth--;
	return check_gap(decoder, cell, end, type->size);
}

static int decode_key(struct decoder *decoder, char *entry, const char *last_key)
{
	static const struct troupe_type key_type = {.kind = TROUPE_STRING};
	int r = decode_text(decoder, &key_type, entry);

	if (r == 0 && last_key && strcmp(last_key, load_pointer(entry)) >= 0)
		return judge_fail(&decoder->judge, "a key twice or out of order");
	return r;
}

static int decode_items(struct decoder *decoder, const struct troupe_type *type, char *cell)
{
	size_t count = load_span(cell).count;
	bool is_map = type->kind == TROUPE_MAP;
	const char *key = NULL;
	char *item = NULL;
	int r = judge_enter(&decoder->judge);

	if (r == 0)
		r = take_items(decoder, type, cell, count, &item);
	if (r < 0)
		return r;
	if (is_plain(type->item) && !is_map)
		count = 0;
	for (size_t i = 0; i < count; i++, item += type->stride) {
		r = is_map ? decode_key(decoder, item, key) : 0;
		key = is_map && r == 0 ? load_pointer(item) : NULL;
		if (key)
			r = check_gap(decoder, item, sizeof(char *), type->value_offset);
		if (r == 0)
			r = decode_value(decoder, type->item, item + type->value_offset);
		if (r == 0)
			r = check_gap(decoder, item, type->value_offset + type->item->size,
				      type->stride);
		if (r == 0)
			continue;
		if (key)
			codec_error_key(decoder->judge.error, key, strlen(key));
		else
			codec_error_index(decoder->judge.error, i);
		return r;
	}
	decoder->judge.depth--;
	return 0;
}

static int decode_optional(struct decoder *decoder, const struct troupe_type *type, char *cell)
{
	const struct troupe_type *item = type->item;
	char *pointee;
	int r;

	if (load_offset(cell) == 0) {
		store_pointer(cell, NULL);
		return 0;
	}
	if (is_text(item))
		return decode_text(decoder, item, cell);
	pointee = take_bytes(decoder, cell, item->align, placed_size(item));
	if (!pointee)
		return -EBADMSG;
	r = decode_value(decoder, item, pointee);
	return r < 0 ? r : check_gap(decoder, pointee, item->size, placed_size(item));
}

int codec_decode(const struct troupe_type *type, void *block, size_t size,
		 struct codec_error *ret_error)
{
	struct decoder decoder = {
		block, size, type->size, {.wrong = -EBADMSG, .error = ret_error}};
	int r;

	if (size < type->size)
		return judge_fail(&decoder.judge, "cut short");
	if (size > CODEC_BLOCK_MAX)
		return judge_fail(&decoder.judge, "too long");
	r = decode_value(&decoder, type, block);
	if (r < 0)
		return r;
	return decoder.cursor == size
		       ? 0
		       : judge_fail(&decoder.judge, "more bytes than the type has");
}
