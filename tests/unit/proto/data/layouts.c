/* layouts.c - print the layouts of the descriptors of one header, and see that what
 * layout_parse() makes of each has the very sizes and offsets that the compiler chose. Compiled
 * with HEADER and INTERFACE defined. */
#include HEADER

#include "proto/layout.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void differ(const char *what)
{
	fprintf(stderr, "the compiler and layout_parse() differ in %s\n", what);
	exit(1);
}

static void compare_steps(const struct troupe_type *a, const struct troupe_type *b)
{
	if (a->n_steps != b->n_steps || a->n_words != b->n_words ||
	    a->n_floats != b->n_floats || a->levels != b->levels)
		differ("the number of steps");
	for (int i = 0; i < a->n_words; i++) {
		const struct troupe_word *one = &a->words[i], *other = &b->words[i];

		if (one->offset != other->offset || one->keep != other->keep ||
		    one->add != other->add || one->bad != other->bad)
			differ("words");
	}
	for (int i = 0; i < a->n_floats; i++)
		if (a->floats[i] != b->floats[i])
			differ("floats");
	for (int i = 0; i < a->n_steps; i++) {
		const struct troupe_step *one = &a->steps[i], *other = &b->steps[i];

		if (one->kind != other->kind || one->count != other->count ||
		    one->offset != other->offset || !one->type != !other->type)
			differ("steps");
		if (one->type && (one->type->kind != other->type->kind ||
				  one->type->count != other->type->count ||
				  one->type->stride != other->type->stride))
			differ("the types of steps");
	}
}

static void compare(const struct troupe_type *a, const struct troupe_type *b, int depth)
{
	if (a->kind != b->kind || a->size != b->size || a->count != b->count)
		differ("size");
	if (a->flags != b->flags || a->align != b->align)
		differ("flags or alignment");
	if (a->stride != b->stride || a->value_offset != b->value_offset ||
	    a->entry_align != b->entry_align)
		differ("stride");
	if (a->flags & TROUPE_TYPE_STEPS)
		compare_steps(a, b);
	if (depth == 0)
		return;
	if (a->item)
		compare(a->item, b->item, depth - 1);
	for (uint32_t i = 0; a->kind == TROUPE_STRUCT && i < a->count; i++) {
		if (a->fields[i].offset != b->fields[i].offset ||
		    strcmp(a->fields[i].name, b->fields[i].name) != 0)
			differ("fields");
		compare(a->fields[i].type, b->fields[i].type, depth - 1);
	}
	for (uint32_t i = 0; a->kind == TROUPE_ENUM && i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			differ("names");
}

static void print(uint64_t hash, const char *interface, const char *name, char mark,
		  const struct troupe_type *type)
{
	struct layout *layout;
	char *text;

	if (layout_print(type, &text) < 0 || layout_parse(text, strlen(text), &layout) < 0)
		differ("what is too large");
	printf("%016" PRIx64 " %s%s%s %c %s\n", hash, interface, *interface ? "." : "", name,
	       mark, text);
	compare(type, layout_type(layout), 6);
	layout_free(layout);
	free(text);
}

int main(void)
{
	for (uint32_t i = 0; i < INTERFACE.n_methods; i++) {
		const struct troupe_method *method = INTERFACE.methods[i];

		print(method->in_hash, method->interface, method->name, '(', method->in);
		print(method->out_hash, method->interface, method->name, '>', method->out);
	}
	for (uint32_t i = 0; i < INTERFACE.n_errors; i++)
		print(INTERFACE.errors[i]->hash, "", INTERFACE.errors[i]->name, '!',
		      INTERFACE.errors[i]->type);
	return 0;
}
