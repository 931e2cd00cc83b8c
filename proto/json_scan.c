#include "proto/json_text.h"

#include "proto/codec_error.h"
#include "proto/json_string.h"
#include <errno.h>
#include <string.h>

void json_reader_init(struct json_reader *reader, const char *text, size_t size,
		      unsigned depth_max, struct codec_error *error)
{
	*reader = (struct json_reader){
		.text = text,
		.at = text,
		.end = size ? text + size : text,
		.depth_max = depth_max,
		.error = error,
	};
}

char json_peek(struct json_reader *reader)
{
	const char *at = reader->at;

	while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	reader->at = at;
	return at < reader->end ? *at : '\0';
}

bool json_take(struct json_reader *reader, char byte)
{
	if (json_peek(reader) != byte || reader->at == reader->end)
		return false;
	reader->at++;
	return true;
}

int json_expected(struct json_reader *reader, const char *what)
{
	return codec_error_set(reader->error, -EINVAL, "expected %s at byte %zu%s", what,
			       (size_t)(reader->at - reader->text),
			       reader->at == reader->end ? ", found the end" : "");
}

static const char *skip_digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* Consume one digit or more. */
static int read_digits(struct json_reader *reader)
{
	const char *end = skip_digits(reader->at, reader->end);

	if (end == reader->at)
		return json_expected(reader, "a digit");
	reader->at = end;
	return 0;
}

static bool take_byte(struct json_reader *reader, char byte)
{
	if (reader->at == reader->end || *reader->at != byte)
		return false;
	reader->at++;
	return true;
}

int json_read_number(struct json_reader *reader, struct json_span *ret_span)
{
	const char *start;

	json_peek(reader);
	start = reader->at;
	take_byte(reader, '-');
	if (!take_byte(reader, '0') && read_digits(reader) < 0)
		return -EINVAL;
	if (take_byte(reader, '.') && read_digits(reader) < 0)
		return -EINVAL;
	if (take_byte(reader, 'e') || take_byte(reader, 'E')) {
		if (!take_byte(reader, '+'))
			take_byte(reader, '-');
		if (read_digits(reader) < 0)
			return -EINVAL;
	}
	*ret_span = (struct json_span){start, (size_t)(reader->at - start)};
	return 0;
}

static int read_literal(struct json_reader *reader)
{
	static const char words[][6] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t size = strlen(words[i]);

		if ((size_t)(reader->end - reader->at) >= size &&
		    memcmp(reader->at, words[i], size) == 0) {
			reader->at += size;
			return 0;
		}
	}
	return json_expected(reader, "a value");
}

/* Read a value that does not nest. */
static int read_scalar(struct json_reader *reader, char first)
{
	struct json_span span;

	if (first == '"')
		return json_read_string(reader, &span);
	if (first == '-' || (first >= '0' && first <= '9'))
		return json_read_number(reader, &span);
	return read_literal(reader);
}

int json_read_key(struct json_reader *reader, struct json_span *ret_key)
{
	int r;

	if (json_peek(reader) != '"')
		return json_expected(reader, "a key");
	r = json_read_string(reader, ret_key);
	if (r < 0)
		return r;
	return json_take(reader, ':') ? 0 : json_expected(reader, "':'");
}

static char closing(char open)
{
	return open == '{' ? '}' : ']';
}

int json_read_open(struct json_reader *reader, char open)
{
	if (!json_take(reader, open))
		return json_expected(reader, open == '{' ? "an object" : "an array");
	if (json_take(reader, closing(open)))
		return 0;
	if (reader->depth == reader->depth_max)
		return codec_error_set(reader->error, -E2BIG,
				       "nested deeper than %u at byte %zu", reader->depth_max,
				       (size_t)(reader->at - reader->text));
	reader->depth++;
	return 1;
}

int json_read_next(struct json_reader *reader, char open)
{
	if (json_take(reader, ','))
		return 1;
	if (!json_take(reader, closing(open)))
		return json_expected(reader, open == '{' ? "',' or '}'" : "',' or ']'");
	reader->depth--;
	return 0;
}

static int count_value(struct json_reader *reader)
{
	if (++reader->values <= JSON_VALUES_MAX)
		return 0;
	return codec_error_set(reader->error, -E2BIG, "more than %u values", JSON_VALUES_MAX);
}

/* Without recursion: what is open is kept in a row of bytes, one a level. */
int json_read_value(struct json_reader *reader, struct json_span *ret_span)
{
	char open[JSON_DEPTH_MAX + 1];
	unsigned base = reader->depth;
	struct json_span key;
	const char *start;
	int r;

	json_peek(reader);
	start = reader->at;
	do {
		char first = json_peek(reader);

		/* r: whether a member comes next, of the innermost that is open */
		r = count_value(reader);
		if (r == 0 && (first == '{' || first == '[')) {
			r = json_read_open(reader, first);
			if (r > 0)
				open[reader->depth] = first;
		} else if (r == 0) {
			r = read_scalar(reader, first);
		}
		while (r == 0 && reader->depth > base)
			r = json_read_next(reader, open[reader->depth]);
		if (r > 0 && open[reader->depth] == '{') {
			int e = json_read_key(reader, &key);

			r = e < 0 ? e : r;
		}
	} while (r > 0);
	if (r < 0)
		return r;
	*ret_span = (struct json_span){start, (size_t)(reader->at - start)};
	return 0;
}

int json_read_end(struct json_reader *reader)
{
	json_peek(reader);
	return reader->at == reader->end ? 0 : json_expected(reader, "the end");
}

static int scan(const char *text, size_t size, unsigned depth_max,
		struct codec_error *ret_error)
{
	struct json_reader reader;
	struct json_span span;
	int r;

	json_reader_init(&reader, text, size, depth_max, ret_error);
	r = json_read_value(&reader, &span);
	return r < 0 ? r : json_read_end(&reader);
}

int json_scan(const char *text, size_t size, struct codec_error *ret_error)
{
	return scan(text, size, JSON_DEPTH_MAX, ret_error);
}

int json_scan_object(const char *text, size_t size, struct codec_error *ret_error)
{
	return scan(text, size, JSON_OBJECT_DEPTH_MAX, ret_error);
}

static int keep_wanted(struct json_reader *reader, struct json_span key, struct json_span value,
		       const char *const *keys, size_t n, struct json_span *spans)
{
	for (size_t i = 0; i < n; i++) {
		if (!json_span_equals(key, keys[i]))
			continue;
		if (spans[i].at)
			return codec_error_set(reader->error, -EINVAL, "the key \"%s\" twice",
					       keys[i]);
		spans[i] = value;
		return 0;
	}
	return 0;
}

int json_pick(const char *text, size_t size, const char *const *keys, size_t n,
	      struct json_span *spans, struct codec_error *ret_error)
{
	struct json_span key, value;
	struct json_reader reader;
	int r;

	for (size_t i = 0; i < n; i++)
		spans[i] = (struct json_span){0};
	json_reader_init(&reader, text, size, JSON_DEPTH_MAX, ret_error);
	for (r = json_read_open(&reader, '{'); r > 0; r = json_read_next(&reader, '{')) {
		r = json_read_key(&reader, &key);
		if (r == 0)
			r = json_read_value(&reader, &value);
		if (r == 0)
			r = keep_wanted(&reader, key, value, keys, n, spans);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : json_read_end(&reader);
}

int json_scan_struct(const char *text, size_t size, struct codec_error *ret_error)
{
	return json_pick(text, size, NULL, 0, NULL, ret_error);
}
