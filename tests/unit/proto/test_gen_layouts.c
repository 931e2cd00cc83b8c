/* test_gen_layouts.c - descriptors as a compiler makes them of generated headers: their
 * layouts are those that were hashed, and what layout_parse() makes of each has the very sizes
 * and offsets that the compiler chose. */
#include "base/cleanup.h"
#include "proto/layout.h"
#include "troupe/type.h"
#include "workshop.h"
#include <dlfcn.h>
#include <inttypes.h>

static void differ(const char *what)
{
	fail_msg("the compiler and layout_parse() differ in %s", what);
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

static void print(FILE *out, uint64_t hash, const char *interface, const char *name, char mark,
		  const struct troupe_type *type)
{
	struct layout *layout;
	char *text;

	assert_int_equal(layout_print(type, &text), 0);
	assert_int_equal(layout_parse(text, strlen(text), &layout), 0);
	fprintf(out, "%016" PRIx64 " %s%s%s %c %s\n", hash, interface, *interface ? "." : "",
		name, mark, text);
	compare(type, layout_type(layout), 6);
	layout_free(layout);
	free(text);
}

static void check_layouts(const struct troupe_interface *interface, const char *name)
{
	struct idl *idl = workshop_parse(name);
	struct idl_error error;
	char *expected, *printed;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	assert_non_null(out);
	for (uint32_t i = 0; i < interface->n_methods; i++) {
		const struct troupe_method *method = interface->methods[i];

		print(out, method->in_hash, method->interface, method->name, '(', method->in);
		print(out, method->out_hash, method->interface, method->name, '>', method->out);
	}
	for (uint32_t i = 0; i < interface->n_errors; i++)
		print(out, interface->errors[i]->hash, "", interface->errors[i]->name, '!',
		      interface->errors[i]->type);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(gen_layouts(idl, &expected, &error), 0);
	assert_string_equal(printed, expected);
	free(printed);
	free(expected);
	idl_free(idl);
}

static void descriptors_have_the_layouts_that_were_hashed(void **state)
{
	static const char *const names[] = {"hello", "tricky"};
	const struct workshop *workshop = (const struct workshop *)*state;
	const struct troupe_interface *const *interfaces;
	char path[64];
	void *handle;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		workshop_generate(workshop, names[i], true);
	assert_int_equal(
		workshop_run(
			workshop,
			"gcc -std=gnu11 -Iinclude -I. -Idaemon -I\"$DIR\" -w -fPIC -shared "
			"-x c -o \"$DIR\"/both.so - <<'END'\n"
			"#include \"hello.varlink.h\"\n"
			"#include \"tricky.varlink.h\"\n"
			"const struct troupe_interface *const both[] = {\n"
			"\t&hello_interface, &my_tricky_thing2_interface};\n"
			"END"),
		0);
	snprintf(path, sizeof(path), "%s/both.so", workshop->directory);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fail_msg("%s", dlerror());
	interfaces = (const struct troupe_interface *const *)dlsym(handle, "both");
	assert_non_null(interfaces);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check_layouts(interfaces[i], names[i]);
	dlclose(handle);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(descriptors_have_the_layouts_that_were_hashed,
						workshop_setup, workshop_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
