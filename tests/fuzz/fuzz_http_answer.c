/* Any bytes as what a server says: lines of headers, up to the first empty one, then a body.
 * What is made of them is text, within the limits, and all memory of it is given back. */
#include "actors/http-client/answer.c"
#include "actors/http-client/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_headers(const struct answer *answer)
{
	const char *name, *value;
	unsigned n = 0;

	for (size_t cursor = 0; answer_next_header(answer, &cursor, &name, &value); n++)
		if (!text_is_utf8(name, strlen(name)) || !text_is_utf8(value, strlen(value)))
			abort();
	if (n != answer->n_headers || answer->headers.size > ANSWER_HEADERS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct budget budget = {.limit = 1 << 20};
	const char *text = (const char *)data, *end = text + size;
	struct answer answer;
	int r = 0;

	answer_init(&answer, &budget);
	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = newline ? (size_t)(newline + 1 - text) : (size_t)(end - text);

		r = answer_add_line(&answer, text, length);
		text += length;
	}
	if (r >= 0) {
		check_headers(&answer);
		r = answer_add_body(&answer, text, (size_t)(end - text));
		if (r == 0 && answer_make_text(&answer) &&
		    (!text_is_utf8(answer.body.data, answer.body.size) ||
		     strlen(answer.body.data) != answer.body.size))
			abort();
	}
	answer_fini(&answer);
	if (budget.used)
		abort();
	return 0;
}
