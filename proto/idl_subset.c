#include "proto/idl_subset.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A text that has been parsed, so that only the places need a look in which sd-varlink is
 * narrower. */
struct scan {
	const char *at;
	const char *begin;
	unsigned depth;    /* of brackets */
	char last;         /* the last letter that was neither blank nor comment; 0: none */
	bool may_be_empty; /* the brackets just opened: a method's or an error's own */
	bool is_method;    /* of the member under way: */
	unsigned groups;   /* brackets at its top that are to come or open */
};

static int fail(const struct scan *scan, struct idl_error *error, const char *message)
{
	*error = (struct idl_error){.line = 1, .column = 1};
	for (const char *at = scan->begin; at < scan->at; at++) {
		error->column++;
		if (*at == '\n') {
			error->line++;
			error->column = 1;
		}
	}
	(void)snprintf(error->message, sizeof(error->message), "%s", message);
	return -EINVAL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind a field's colon: at most one '?', then at most one of [] and [string], without blanks
 * in between, then the type itself. */
static int check_type(struct scan *scan, struct idl_error *error)
{
	const char *at = scan->at + 1;

	at += strspn(at, " \t\r\n");
	if (*at == '#') {
		scan->at = at;
		return fail(scan, error, "a comment between a field's name and its type");
	}
	at += *at == '?';
	if (strncmp(at, "[]", 2) == 0)
		at += 2;
	else if (strncmp(at, "[string]", 8) == 0)
		at += 8;
	scan->at = at;
	if (*at == '?' || *at == '[')
		return fail(scan, error, "an array, a map or ? inside of an array or a map");
	if (!is_letter(*at) && *at != '(')
		return fail(scan, error, "blanks or a comment inside of a type");
	scan->last = ':';
	return 0;
}

/* Inside of brackets a comment comes before a field; outside between members. */
static int pass_comment(struct scan *scan, struct idl_error *error)
{
	if (scan->depth > 0 ? scan->last != '(' && scan->last != ',' : scan->groups > 0)
		return fail(scan, error, "a comment that is not before a field or member");
	scan->at += strcspn(scan->at, "\r\n");
	if (*scan->at == '\r' && scan->at[1] != '\n')
		return fail(scan, error, "a carriage return inside of a comment");
	return 0;
}

/* A word at the top: a keyword, or a name after it. */
static void pass_word(struct scan *scan)
{
	size_t size = strspn(
		scan->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	if (scan->depth == 0 && scan->groups == 0) {
		scan->is_method = size == 6 && strncmp(scan->at, "method", size) == 0;
		scan->may_be_empty =
			scan->is_method || (size == 5 && strncmp(scan->at, "error", size) == 0);
		if (scan->may_be_empty || (size == 4 && strncmp(scan->at, "type", size) == 0))
			scan->groups = scan->is_method ? 2 : 1;
	}
	scan->at += size;
	scan->last = 'a';
}

static int pass_mark(struct scan *scan, struct idl_error *error)
{
	char mark = *scan->at;

	if (mark == ':')
		return check_type(scan, error);
	if (mark == '(')
		scan->depth++;
	if (mark == ')') {
		if (scan->last == '(' && !(scan->depth == 1 && scan->may_be_empty))
			return fail(scan, error, "() as a type");
		if (--scan->depth == 0)
			scan->groups--;
	}
	scan->last = mark;
	scan->at++;
	return 0;
}

int idl_subset_check(const struct idl *idl, struct idl_error *ret_error)
{
	struct scan scan = {.at = idl->text, .begin = idl->text};
	const char *dashes = strstr(idl->name, "--");
	int r = 0;

	if (dashes) {
		/* The name is there as it is, with nothing but comments before it. */
		while (strncmp(scan.at, "interface", 9) != 0)
			scan.at += *scan.at == '#' ? strcspn(scan.at, "\n") : 1;
		scan.at = strstr(scan.at, idl->name) + (dashes - idl->name);
		return fail(&scan, ret_error, "two dashes in a row in a name");
	}

	while (r == 0 && *scan.at) {
		if (strchr(" \t\r\n", *scan.at))
			scan.at++;
		else if (*scan.at == '#')
			r = pass_comment(&scan, ret_error);
		else if (is_letter(*scan.at))
			pass_word(&scan);
		else
			r = pass_mark(&scan, ret_error);
	}
	return r;
}
