/* message.c - what a client's message on a WebSocket says. */
#include "message.h"

#include <string.h>

struct reader {
	const char *at, *end;
};

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4))
		reader->at++;
}

static bool take(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* A string; with an escape only when it is skipped. */
static bool take_string(struct reader *reader, const char **ret_text, size_t *ret_size)
{
	if (!take(reader, '"'))
		return false;
	const char *start = reader->at;
	for (; reader->at < reader->end && *reader->at != '"'; reader->at++)
		if (*reader->at == '\\' && (ret_text || ++reader->at == reader->end))
			return false;
	if (reader->at == reader->end)
		return false;
	if (ret_text) {
		*ret_text = start;
		*ret_size = (size_t)(reader->at - start);
	}
	reader->at++;
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t size = strlen(word);

	skip_blanks(reader);
	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
		return false;
	reader->at += size;
	return true;
}

/* To the brace that closes it; what is in between is the call's to judge. */
static bool take_object(struct reader *reader, const char **ret_text, size_t *ret_size)
{
	size_t depth = 0;

	skip_blanks(reader);
	const char *start = reader->at;
	if (start == reader->end || *start != '{')
		return false;
	do {
		if (reader->at == reader->end)
			return false;
		if (*reader->at == '"') {
			if (!take_string(reader, NULL, NULL))
				return false;
			continue;
		}
		depth += *reader->at == '{';
		depth -= *reader->at == '}';
		reader->at++;
	} while (depth > 0);
	*ret_text = start;
	*ret_size = (size_t)(reader->at - start);
	return true;
}

static bool is(const char *text, size_t size, const char *wanted)
{
	return strlen(wanted) == size && memcmp(text, wanted, size) == 0;
}

static bool take_member(struct reader *reader, struct message *message)
{
	const char *key;
	size_t size;

	if (!take_string(reader, &key, &size) || !take(reader, ':'))
		return false;
	if (is(key, size, "method"))
		return !message->method &&
		       take_string(reader, &message->method, &message->method_size);
	if (is(key, size, "parameters"))
		return !message->parameters &&
		       (take_word(reader, "null") ||
			take_object(reader, &message->parameters, &message->parameters_size));
	if (is(key, size, "more")) {
		message->more = take_word(reader, "true");
		return message->more || take_word(reader, "false");
	}
	return false;
}

bool message_read(const char *text, size_t size, struct message *ret_message)
{
	struct reader reader = {.at = text, .end = text + size};
	struct message message = {0};

	if (!take(&reader, '{'))
		return false;
	do {
		if (!take_member(&reader, &message))
			return false;
	} while (take(&reader, ','));
	if (!take(&reader, '}') || !message.method)
		return false;
	skip_blanks(&reader);
	if (reader.at != reader.end)
		return false;
	*ret_message = message;
	return true;
}
