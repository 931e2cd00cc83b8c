/* idl_lex.h - the text of an interface as tokens, one looked at at a time, and the comments
 * before each.
 *
 * The lexer borrows the text and allocates nothing. Used by idl.c only.
 */
#ifndef PROTO_IDL_LEX_H
#define PROTO_IDL_LEX_H

#include "proto/idl.h"
#include <stdbool.h>
#include <stddef.h>

enum idl_token {
	IDL_TOKEN_END,
	IDL_TOKEN_WORD,  /* letters, digits, '_', '.', '-': keywords and names of all sorts */
	IDL_TOKEN_PUNCT, /* one of ()[],:? */
	IDL_TOKEN_ARROW, /* -> */
};

enum idl_mark { IDL_MARK_NONE, IDL_MARK_BINARY, IDL_MARK_ADDRESS };

struct idl_lex {
	const char *text;
	size_t size;
	size_t at;
	unsigned line;
	size_t line_start;

	/* The token looked at. */
	enum idl_token token;
	const char *start;
	size_t length;
	unsigned token_line;
	unsigned token_column;

	/* The comment lines right before it, '#'s and all; empty: none. A blank line ends a
	 * comment. */
	const char *doc;
	size_t doc_size;
	enum idl_mark mark; /* what a line of that comment says */
	unsigned mark_line;
	unsigned mark_column;

	struct idl_error *error;
	int r; /* 0, or the first failure: from then on all that follows is the text's end */
};

/* Begin with the first token. Failures (of all functions) are in lex->r, and *error says where
 * and what. */
void idl_lex_init(struct idl_lex *lex, const char *text, size_t size, struct idl_error *error);

/* Look at the next token. A mark of the comment that was not taken is an error. */
void idl_lex_next(struct idl_lex *lex);

/* The mark before this token belongs where the parser is. */
enum idl_mark idl_lex_take_mark(struct idl_lex *lex);

bool idl_lex_is_word(const struct idl_lex *lex, const char *word);
bool idl_lex_is_punct(const struct idl_lex *lex, char punct);

/* Go past a punctuation mark, or fail with what was expected. */
void idl_lex_skip(struct idl_lex *lex, char punct, const char *expected);

/* Fail: "expected X, found Y" at the token; a message at a place (-EINVAL); for another
 * reason. */
void idl_lex_expected(struct idl_lex *lex, const char *expected);
void idl_lex_refuse(struct idl_lex *lex, unsigned line, unsigned column, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));
void idl_lex_stop(struct idl_lex *lex, int r);

/* Report a message at a place, without a lexer. Returns -EINVAL. */
int idl_lex_fail(struct idl_error *error, unsigned line, unsigned column, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

#endif
