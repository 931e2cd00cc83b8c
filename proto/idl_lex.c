#include "proto/idl_lex.h"

#include "proto/codec.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int fail(struct idl_error *error, unsigned line, unsigned column, const char *format,
		va_list arguments)
{
	error->line = line;
	error->column = column;
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	return -EINVAL;
}

int idl_lex_fail(struct idl_error *error, unsigned line, unsigned column, const char *format,
		 ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fail(error, line, column, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void idl_lex_stop(struct idl_lex *lex, int r)
{
	if (!lex->r)
		lex->r = r;
	lex->at = lex->size;
	lex->token = IDL_TOKEN_END;
	lex->mark = IDL_MARK_NONE;
}

void idl_lex_refuse(struct idl_lex *lex, unsigned line, unsigned column, const char *format,
		    ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (!lex->r)
		idl_lex_stop(lex, fail(lex->error, line, column, format, arguments));
	va_end(arguments);
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static unsigned column_of(const struct idl_lex *lex, size_t at)
{
	return (unsigned)(at - lex->line_start) + 1;
}

/* What a comment line (after the '#', blanks cut at both ends) marks. A mark of no known kind
 * is refused: it would otherwise change the type without a word. */
static void read_mark(struct idl_lex *lex, size_t start, size_t end, bool trailing)
{
	static const char prefix[] = "troupe:";
	enum idl_mark mark;
	unsigned column;
	size_t length;

	while (start < end && is_blank(lex->text[start]))
		start++;
	while (end > start && is_blank(lex->text[end - 1]))
		end--;
	column = column_of(lex, start);
	if (end - start < sizeof(prefix) - 1 ||
	    memcmp(lex->text + start, prefix, sizeof(prefix) - 1) != 0)
		return;
	start += sizeof(prefix) - 1;
	while (start < end && is_blank(lex->text[start]))
		start++;
	length = end - start;
	if (length == 6 && memcmp(lex->text + start, "binary", 6) == 0) {
		mark = IDL_MARK_BINARY;
	} else if (length == 7 && memcmp(lex->text + start, "address", 7) == 0) {
		mark = IDL_MARK_ADDRESS;
	} else {
		idl_lex_refuse(lex, lex->line, column,
			       "unknown mark; there are \"troupe: binary\" and \"troupe: "
			       "address\"");
		return;
	}
	if (trailing)
		idl_lex_refuse(lex, lex->line, column,
			       "a mark must be on a line of its own before its field");
	if (lex->mark != IDL_MARK_NONE)
		idl_lex_refuse(lex, lex->line, column, "a second mark for one field");
	lex->mark = mark;
	lex->mark_line = lex->line;
	lex->mark_column = column;
}

/* The comment so far turned out not to be right before a token that it could describe. */
static void drop_doc(struct idl_lex *lex)
{
	lex->doc = NULL;
	lex->doc_size = 0;
	if (lex->mark != IDL_MARK_NONE)
		idl_lex_refuse(lex, lex->mark_line, lex->mark_column,
			       "this mark is not right before a field");
}

static void read_comment(struct idl_lex *lex, bool trailing)
{
	size_t start = lex->at;
	size_t end = start;

	while (end < lex->size && lex->text[end] != '\n')
		end++;
	if (!codec_is_utf8(lex->text + start, end - start))
		idl_lex_refuse(lex, lex->line, column_of(lex, start),
			       "this comment is not valid UTF-8 text");
	read_mark(lex, start + 1, end, trailing);
	if (!trailing) {
		if (!lex->doc)
			lex->doc = lex->text + start;
		lex->doc_size = (size_t)(lex->text + end - lex->doc);
	}
	lex->at = end;
}

/* Go to the next token, noting the comment lines right before it. `fresh`: no token stands on
 * this line so far, so that what begins with '#' is a comment on what follows, not on what was.
 */
static void skip_blanks(struct idl_lex *lex, bool fresh)
{
	bool blank_line = fresh;

	while (lex->at < lex->size && !lex->r) {
		char c = lex->text[lex->at];

		if (is_blank(c)) {
			lex->at++;
		} else if (c == '\n') {
			if (blank_line)
				drop_doc(lex);
			lex->at++;
			lex->line++;
			lex->line_start = lex->at;
			blank_line = true;
			fresh = true;
		} else if (c == '#') {
			read_comment(lex, !fresh);
			blank_line = false;
		} else {
			break;
		}
	}
}

static void read_token(struct idl_lex *lex)
{
	char c;

	lex->start = lex->text + lex->at;
	lex->length = 1;
	lex->token_line = lex->line;
	lex->token_column = column_of(lex, lex->at);
	if (lex->at == lex->size || lex->r) {
		lex->token = IDL_TOKEN_END;
		lex->length = 0;
		drop_doc(lex);
		return;
	}
	c = lex->text[lex->at];
	if (c == '-' && lex->at + 1 < lex->size && lex->text[lex->at + 1] == '>') {
		lex->token = IDL_TOKEN_ARROW;
		lex->length = 2;
	} else if (c != '\0' && strchr("()[],:?", c)) {
		lex->token = IDL_TOKEN_PUNCT;
	} else if (is_word_byte(c)) {
		lex->token = IDL_TOKEN_WORD;
		while (lex->at + lex->length < lex->size &&
		       is_word_byte(lex->start[lex->length]))
			lex->length++;
	} else if ((unsigned char)c < 0x20 || (unsigned char)c >= 0x7f) {
		idl_lex_refuse(lex, lex->token_line, lex->token_column,
			       "unexpected byte 0x%02x; names are ASCII",
			       (unsigned)(unsigned char)c);
		return;
	} else {
		idl_lex_refuse(lex, lex->token_line, lex->token_column,
			       "unexpected character '%c'", c);
		return;
	}
	lex->at += lex->length;
}

void idl_lex_init(struct idl_lex *lex, const char *text, size_t size, struct idl_error *error)
{
	*lex = (struct idl_lex){.text = text, .size = size, .line = 1, .error = error};
	skip_blanks(lex, true);
	read_token(lex);
}

void idl_lex_next(struct idl_lex *lex)
{
	drop_doc(lex);
	skip_blanks(lex, false);
	read_token(lex);
}

enum idl_mark idl_lex_take_mark(struct idl_lex *lex)
{
	enum idl_mark mark = lex->mark;

	lex->mark = IDL_MARK_NONE;
	return mark;
}

bool idl_lex_is_word(const struct idl_lex *lex, const char *word)
{
	return lex->token == IDL_TOKEN_WORD && lex->length == strlen(word) &&
	       memcmp(lex->start, word, lex->length) == 0;
}

bool idl_lex_is_punct(const struct idl_lex *lex, char punct)
{
	return lex->token == IDL_TOKEN_PUNCT && *lex->start == punct;
}

void idl_lex_skip(struct idl_lex *lex, char punct, const char *expected)
{
	if (idl_lex_is_punct(lex, punct))
		idl_lex_next(lex);
	else
		idl_lex_expected(lex, expected);
}

void idl_lex_expected(struct idl_lex *lex, const char *expected)
{
	if (lex->token == IDL_TOKEN_END)
		idl_lex_refuse(lex, lex->token_line, lex->token_column,
			       "expected %s, found the end of the text", expected);
	else
		idl_lex_refuse(lex, lex->token_line, lex->token_column,
			       "expected %s, found '%.*s'%s", expected,
			       lex->length > 40 ? 40 : (int)lex->length, lex->start,
			       lex->length > 40 ? "..." : "");
}
