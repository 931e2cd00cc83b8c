#include "proto/gen_model.h"

#include <string.h>

/* A letter in capitals is about the error. */
static const char *find_word(const struct gen_fill *fill, char letter)
{
	const struct gen_member *member = letter < 'a' ? fill->error : fill->method;

	switch (letter < 'a' ? letter - 'A' + 'a' : letter) {
	case 's':
		return member->stem;
	case 'n':
		return member->c_name;
	case 'c':
		return member->constant;
	case 'm':
		return member->idl->name;
	case 't':
		return member->type->stem;
	case 'd':
		return member->type->descriptor;
	case 'o':
		return member->out->descriptor;
	case 'h':
		return member->hash;
	default:
		return member->out_hash;
	}
}

static void write_until(const struct gen_fill *fill, const char *text, const char *end,
			FILE *out);

/* What is behind "$[" or "$(", for each member; the place behind its end. */
static const char *repeat(const struct gen_fill *fill, char open, const char *text, FILE *out)
{
	const struct gen_model *model = fill->model;
	const char *end = strstr(text, open == '[' ? "$]" : "$)");
	struct gen_fill each = *fill;

	for (size_t i = 0; open == '[' && i < model->n_methods; i++) {
		each.method = &model->methods[i];
		write_until(&each, text, end, out);
	}
	for (size_t i = 0; open == '(' && i < model->n_errors; i++) {
		each.error = &model->errors[i];
		write_until(&each, text, end, out);
	}
	return end + 2;
}

static void write_until(const struct gen_fill *fill, const char *text, const char *end,
			FILE *out)
{
	const struct gen_model *model = fill->model;

	while (text < end) {
		const char *dollar = memchr(text, '$', (size_t)(end - text));
		char letter = dollar ? dollar[1] : '\0';

		fwrite(text, 1, (size_t)((dollar ? dollar : end) - text), out);
		text = dollar ? dollar + 2 : end;
		if (letter == '[' || letter == '(')
			text = repeat(fill, letter, text, out);
		else if (letter == '1' || letter == '2')
			fprintf(out, "%zu", letter == '1' ? model->n_methods : model->n_errors);
		else if (letter == 'p' || letter == 'P')
			fputs(letter == 'p' ? model->prefix : model->upper, out);
		else if (letter)
			fputs(letter == 'I' ? model->idl->name : find_word(fill, letter), out);
	}
}

void gen_fill(const struct gen_fill *fill, const char *text, FILE *out)
{
	write_until(fill, text, text + strlen(text), out);
}
