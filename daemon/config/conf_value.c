/* conf_value.c - what a value may hold: words in quotes, escapes, specifiers. */
#include "config/conf.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The value of n digits of base 8 or 16 at `text`, or -1. */
static int64_t read_digits(const char *text, unsigned n, unsigned base)
{
	const char *digits = base == 8 ? "01234567" : "0123456789abcdefABCDEF";
	char copy[9] = "";

	if (strspn(text, digits) < n)
		return -1;
	memcpy(copy, text, n);
	return (int64_t)strtoull(copy, NULL, (int)base);
}

/* Undo the escape behind a backslash at *at, which moves past it. NULL, or what is wrong. */
static const char *read_escape(const char **at, char out[4], size_t *ret_size)
{
	static const char letters[] = "abfnrtvs\\\"'", meanings[] = "\a\b\f\n\r\t\v \\\"'";
	const char *letter = **at ? strchr(letters, **at) : NULL;
	unsigned digits = 0, base = 16;
	int64_t code;

	if (letter) {
		out[0] = meanings[letter - letters];
		*ret_size = 1;
		(*at)++;
		return NULL;
	}
	if (**at == 'x' || **at == 'u' || **at == 'U') {
		digits = **at == 'x' ? 2 : **at == 'u' ? 4 : 8;
		(*at)++;
	} else if (**at >= '0' && **at <= '7') {
		digits = 3;
		base = 8;
	} else {
		return "an unknown escape; write \\\\ for a backslash";
	}
	code = read_digits(*at, digits, base);
	if (code < 0)
		return "an escape lacks digits";
	if (code == 0)
		return "an escape means the NUL character";
	*at += digits;
	if (digits >= 4) {
		if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return "an escape means no character of Unicode";
		*ret_size = text_put_utf8((uint32_t)code, out);
	} else if (code > 0xff) {
		return "an octal escape is over \\377";
	} else {
		out[0] = (char)code;
		*ret_size = 1;
	}
	return NULL;
}

/* Read one word at *at (not a blank) into `word`, which has room for it. */
static const char *read_word(const char **at, char *word)
{
	char quote = '\0', *out = word;

	for (; **at && (quote || !strchr(" \t", **at)); (*at)++) {
		if (quote ? **at == quote : (**at == '"' || **at == '\'')) {
			quote = quote ? '\0' : **at;
		} else if (**at == '\\' && quote != '\'') {
			const char *error;
			size_t size;

			(*at)++;
			error = read_escape(at, out, &size);
			if (error)
				return error;
			out += size;
			(*at)--;
		} else {
			*out++ = **at;
		}
	}
	*out = '\0';
	if (quote)
		return quote == '"' ? "a \" is not closed"
				    : "a ' is not closed; write \\' for an apostrophe";
	if (!text_is_utf8(word, (size_t)(out - word)))
		return "escapes make up what is not UTF-8";
	return NULL;
}

int conf_split(const char *value, char ***ret_words, size_t *ret_n, const char **ret_error)
{
	/* No escape is shorter than what it means, so no word is longer than the value. */
	cleanup_free char *word = malloc(strlen(value) + 1);
	char **words = NULL;
	size_t n = 0;
	int r = -ENOMEM;

	if (!word)
		return r;
	for (value += strspn(value, " \t"); *value; value += strspn(value, " \t")) {
		const char *error = read_word(&value, word);

		if (error) {
			*ret_error = error;
			r = -EINVAL;
			goto fail;
		}
		if (texts_add(&words, &n, word) < 0)
			goto fail;
	}
	*ret_words = words;
	*ret_n = n;
	return 0;
fail:
	texts_free(words, n);
	return r;
}

/* The text of one specifier, of %p up to its "@"; NULL: there is no such. */
static const char *find_specifier(char letter, const struct conf_names *names)
{
	const char *at = strchrnul(names->unit, '@');

	switch (letter) {
	case 'n':
	case 'N':
	case 'p':
		return names->unit;
	case 'i':
	case 'I':
		return *at ? at + 1 : at;
	case 'H':
		return names->host;
	case 'S':
		return names->state;
	case '%':
		return "%";
	default:
		return NULL;
	}
}

int conf_expand(const char *value, const struct conf_names *names, char **ret_value,
		const char **ret_at)
{
	struct buffer out;
	int r = 0;

	buffer_init(&out, LIMIT_CONFIG_LINE + 1);
	while (*value && r == 0) {
		size_t plain = strcspn(value, "%");
		const char *text;

		r = buffer_append(&out, value, plain);
		value += plain;
		if (r < 0 || !*value)
			break;
		text = value[1] ? find_specifier(value[1], names) : NULL;
		if (!text) {
			*ret_at = value;
			r = -EINVAL;
			break;
		}
		r = buffer_append(&out, text,
				  value[1] == 'p' ? strcspn(text, "@") : strlen(text));
		if (r == 0 && value[1] == 'n')
			r = buffer_append(&out, ".actor", strlen(".actor"));
		value += 2;
	}
	if (r == 0)
		r = buffer_append(&out, "", 1);
	if (r < 0) {
		buffer_fini(&out);
		return r == -ENOBUFS ? -E2BIG : r;
	}
	*ret_value = (char *)out.memory; /* nothing was eaten: the data is the block */
	return 0;
}
