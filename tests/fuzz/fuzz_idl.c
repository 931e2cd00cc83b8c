/* Any bytes as an interface. What is taken must also become a header, or be refused with a
 * place, and give layouts that layout_parse() takes. */
#include "proto/gen.h"
#include "proto/idl.h"
#include "proto/layout.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct idl_error *error, int r)
{
	if (r != -EINVAL && r != -ENOMEM)
		abort();
	if (r == -EINVAL &&
	    (error->line == 0 || error->column == 0 || error->message[0] == '\0'))
		abort();
}

static void try_layouts(const struct idl *idl)
{
	for (size_t i = 0; i < idl->n_members; i++) {
		struct layout *layout;
		char *text;

		if (idl->members[i].type->kind != TROUPE_STRUCT ||
		    gen_layout(idl->members[i].type, &text) < 0)
			continue;
		if (layout_parse(text, strlen(text), &layout) < 0)
			abort();
		layout_free(layout);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gen_options options = {.host = size % 2};
	struct idl_error error = {0};
	struct idl *idl;
	size_t text_size;
	char *text;
	int r;

	r = idl_parse((const char *)data, size, &idl, &error);
	if (r < 0) {
		check_error(&error, r);
		return 0;
	}
	try_layouts(idl);
	r = gen_header(idl, &options, &text, &text_size, &error);
	if (r == 0)
		free(text);
	else
		check_error(&error, r);
	idl_free(idl);
	return 0;
}
