/* answer.c - see answer.h. */
#include "answer.h"
#include "text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUFFER_LEAST 1024

void answer_init(struct answer *answer, struct budget *budget)
{
	*answer = (struct answer){.budget = budget};
}

static void buffer_fini(struct budget *budget, struct buffer *buffer)
{
	budget->used -= buffer->allocated;
	free(buffer->data);
	*buffer = (struct buffer){0};
}

/* Room for `more` bytes, and a NUL behind them. `expected`: how many there will be in the end,
 * as far as is known. */
static int reserve(struct budget *budget, struct buffer *buffer, size_t more, size_t expected)
{
	size_t needed = buffer->size + more + 1, size = buffer->allocated * 2;

	if (needed <= buffer->allocated)
		return 0;
	if (size < BUFFER_LEAST)
		size = BUFFER_LEAST;
	if (expected >= buffer->size + more)
		size = expected + 1;
	if (size < needed)
		size = needed;
	if (budget->used + (size - buffer->allocated) > budget->limit)
		return -ENOBUFS;
	char *data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	budget->used += size - buffer->allocated;
	buffer->data = data;
	buffer->allocated = size;
	return 0;
}

void answer_reset(struct answer *answer)
{
	buffer_fini(answer->budget, &answer->headers);
	buffer_fini(answer->budget, &answer->body);
	answer_init(answer, answer->budget);
}

void answer_fini(struct answer *answer)
{
	if (answer->budget)
		answer_reset(answer);
}

static int add_text(struct answer *answer, const char *text, size_t size)
{
	struct buffer *buffer = &answer->headers;
	bool is_utf8 = text_is_utf8(text, size);
	size_t length = is_utf8 ? size : text_from_latin(text, size, NULL);

	if (buffer->size + length + 1 > ANSWER_HEADERS_MAX)
		return -E2BIG;
	int r = reserve(answer->budget, buffer, length + 1, 0);
	if (r < 0)
		return r;
	if (is_utf8)
		memcpy(buffer->data + buffer->size, text, size);
	else
		text_from_latin(text, size, buffer->data + buffer->size);
	buffer->data[buffer->size + length] = '\0';
	buffer->size += length + 1;
	return 0;
}

static int begin(struct answer *answer, const char *line, size_t size)
{
	const char *blank = memchr(line, ' ', size);
	int status = 0;

	answer_reset(answer);
	for (size_t i = 0; blank && i < 3 && blank + 1 + i < line + size; i++)
		if (blank[1 + i] >= '0' && blank[1 + i] <= '9')
			status = status * 10 + (blank[1 + i] - '0');
	answer->status = status;
	answer->is_begun = true;
	return 0;
}

int answer_add_line(struct answer *answer, const char *line, size_t size)
{
	while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
		size--;
	if (answer->has_headers)
		return 0;
	if (!answer->is_begun && size >= 5 && memcmp(line, "HTTP/", 5) == 0)
		return begin(answer, line, size);
	if (size == 0) {
		/* What is provisional (100, 103) is followed by the answer. */
		answer->is_begun = false;
		answer->has_headers = answer->status >= 200;
		return answer->has_headers;
	}
	const char *colon = memchr(line, ':', size);
	if (!colon)
		return 0;
	if (++answer->n_headers > ANSWER_HEADERS)
		return -E2BIG;
	const char *value = colon + 1, *end = line + size;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	size_t start = answer->headers.size;
	int r = add_text(answer, line, (size_t)(colon - line));
	size_t middle = answer->headers.size;
	if (r == 0)
		r = add_text(answer, value, (size_t)(end - value));
	if (r < 0)
		return r;
	char *name = answer->headers.data + start;
	for (char *c = name; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	if (strcmp(name, "content-length") == 0) {
		uint64_t length = strtoull(answer->headers.data + middle, NULL, 10);

		/* Where the body ends is then a matter of opinion (RFC 9112, 6.3). */
		if (answer->has_length && answer->length != length)
			return -EBADMSG;
		answer->has_length = true;
		answer->length = length;
	}
	return 0;
}

int answer_add_body(struct answer *answer, const void *data, size_t size)
{
	int r = reserve(answer->budget, &answer->body, size, answer->expected);
	if (r < 0)
		return r;
	memcpy(answer->body.data + answer->body.size, data, size);
	answer->body.size += size;
	return 0;
}

bool answer_next_header(const struct answer *answer, size_t *cursor, const char **ret_name,
			const char **ret_value)
{
	if (*cursor >= answer->headers.size)
		return false;
	const char *name = answer->headers.data + *cursor;
	const char *value = name + strlen(name) + 1;
	*cursor += (size_t)(value - name) + strlen(value) + 1;
	*ret_name = name;
	*ret_value = value;
	return true;
}

const char *answer_header(const struct answer *answer, const char *wanted)
{
	const char *name, *value;

	for (size_t cursor = 0; answer_next_header(answer, &cursor, &name, &value);)
		if (strcmp(name, wanted) == 0)
			return value;
	return NULL;
}

bool answer_make_text(struct answer *answer)
{
	struct buffer *body = &answer->body, text = {0};

	if (body->size == 0 && reserve(answer->budget, body, 0, 0) < 0)
		return false;
	if (text_is_utf8(body->data, body->size)) {
		body->data[body->size] = '\0';
		return true;
	}
	if (!text_is_latin(answer_header(answer, "content-type")))
		return false;
	size_t size = text_from_latin(body->data, body->size, NULL);
	if (reserve(answer->budget, &text, size, size) < 0)
		return false;
	text_from_latin(body->data, body->size, text.data);
	text.size = size;
	text.data[size] = '\0';
	buffer_fini(answer->budget, body);
	*body = text;
	return true;
}

void answer_drop_body(struct answer *answer)
{
	answer->body.size = 0;
}
