#include "proto/gen.h"

#include "base/cleanup.h"
#include "proto/gen_model.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

/* Bytes of a control character that turns the direction of text (U+202A..E, U+2066..9) at `at`;
 * 0: none. Compilers warn of these, rightly: they can make code read as what it is not. */
static size_t direction_size(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	if (byte[0] != 0xe2)
		return 0;
	if (byte[1] == 0x80 && byte[2] >= 0xaa && byte[2] <= 0xae)
		return 3;
	return byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9 ? 3 : 0;
}

/* A documentation comment as one of C, which it must neither end nor begin. */
void gen_write_comment(FILE *out, const char *indent, const char *doc)
{
	char last = ' ';

	if (!doc)
		return;
	fprintf(out, "%s/* ", indent);
	for (const char *at = doc; *at; at++) {
		if (direction_size(at) > 0) {
			at += direction_size(at) - 1;
			continue;
		}
		if ((*at == '/' && (last == '*' || last == '?')) || (*at == '*' && last == '/'))
			putc(' ', out);
		last = *at;
		if (*at == '\n')
			fprintf(out, "\n%s *%s", indent, at[1] && at[1] != '\n' ? " " : "");
		else if ((unsigned char)*at >= 0x20)
			putc(*at, out);
	}
	fprintf(out, "%s*/\n", last == ' ' ? "" : " ");
}

/* A string literal, a line of the text on each line; all but ASCII as octal, so that the
 * source's encoding does not matter. */
void gen_write_string(FILE *out, const char *text)
{
	putc('"', out);
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c == '\n')
			fputs(at[1] ? "\\n\" \\\n\t\"" : "\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\%03o", c);
		else if (c == '"' || c == '\\' || c == '?') /* ?: trigraphs */
			fprintf(out, "\\%c", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void write_head(const struct gen_model *model, const char *guard, FILE *out)
{
	const struct idl *idl = model->idl;

	fprintf(out, "/* %s in C: made by troupe-gen, do not edit. */\n", idl->name);
	fprintf(out, "#ifndef %s\n#define %s\n\n", guard, guard);
	gen_write_comment(out, "", idl->doc);
	fputs("#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n", out);
	fprintf(out, "#include <troupe/%s.h>\n\n", model->host ? "type" : "items");
	if (!model->host)
		fprintf(out,
			"#if TROUPE_ABI_MAJOR != %d || TROUPE_ABI_MINOR < %d\n"
			"#error \"made by troupe-gen of ABI %d.%d, for another SDK: make it "
			"anew\"\n#endif\n\n",
			TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR, TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	fputs("#ifdef __cplusplus\n", out);
	/* A method's reply, say, is a struct and a function: that is fine, but g++ warns of
	 * it. */
	if (!model->host)
		fputs("#pragma GCC diagnostic push\n#pragma GCC diagnostic ignored "
		      "\"-Wshadow\"\n",
		      out);
	fputs("extern \"C\" {\n#endif\n\n", out);
}

static char *make_guard(const struct idl *idl)
{
	char *guard;

	if (asprintf(&guard, "TROUPE_%s_VARLINK_H", idl->name) < 0)
		return NULL;
	for (char *at = guard; *at; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
		else if (*at == '.' || *at == '-')
			*at = '_';
	return guard;
}

static int write_header(struct gen_model *model, FILE *out)
{
	cleanup_free char *guard = make_guard(model->idl);

	if (!guard)
		return -ENOMEM;
	write_head(model, guard, out);
	gen_write_structs(model, out);
	gen_write_descriptors(model, out);
	if (!model->host) {
		gen_write_calls(model, out);
		gen_write_handlers(model, out);
	}
	fprintf(out, "\n#ifdef __cplusplus\n}\n%s#endif\n\n#endif\n",
		model->host ? "" : "#pragma GCC diagnostic pop\n");
	return 0;
}

int gen_header(const struct idl *idl, const struct gen_options *options, char **ret_text,
	       size_t *ret_size, struct idl_error *ret_error)
{
	cleanup_free char *text = NULL;
	struct gen_model model;
	size_t size;
	FILE *out;
	int r;

	r = gen_model_init(&model, idl, options, ret_error);
	if (r < 0)
		goto done;
	out = open_memstream(&text, &size);
	if (!out) {
		r = -ENOMEM;
		goto done;
	}
	r = write_header(&model, out);
	if ((fclose(out) != 0 || model.no_memory) && r == 0)
		r = -ENOMEM;
	if (r < 0)
		goto done;
	*ret_text = take_pointer(&text);
	*ret_size = size;
done:
	gen_model_fini(&model);
	return r;
}
