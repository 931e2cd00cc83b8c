/* json.c - the few JSON texts that a server makes itself. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text between its quotes; `to` holds six bytes for each of it. */
static char *escape(char *to, const char *text, size_t size)
{
	for (const char *end = text + size; text < end; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f) {
			to += sprintf(to, "\\u%04x", c);
		} else {
			if (c == '"' || c == '\\')
				*to++ = '\\';
			*to++ = (char)c;
		}
	}
	return to;
}

char *json_error(const char *name, const char *parameters)
{
	char *text;

	return asprintf(&text, "{\"error\":\"%s\",\"parameters\":%s}", name,
			parameters ? parameters : "{}") < 0
		       ? NULL
		       : text;
}

char *json_member(const char *name, const char *value)
{
	char *text = malloc(strlen(name) + 6 * strlen(value) + 8);

	if (text) {
		char *end =
			escape(text + sprintf(text, "{\"%s\":\"", name), value, strlen(value));
		strcpy(end, "\"}");
	}
	return text;
}

char *json_invalid_parameter(const char *detail)
{
	const char *field = detail ? detail : "", *colon = strstr(field, ": ");
	size_t size = colon ? (size_t)(colon - field) : strlen(field);
	char *text = malloc(6 * strlen(field) + 64), *end;

	if (!text)
		return NULL;
	end = escape(text + sprintf(text, "{\"parameter\":\""), field, size);
	if (colon)
		end = escape(end + sprintf(end, "\",\"reason\":\""), colon + 2,
			     strlen(colon + 2));
	strcpy(end, "\"}");
	return text;
}
