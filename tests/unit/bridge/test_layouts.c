/* test_layouts.c - what hashes stand for, told by peers that may lie or never stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/layouts.h"
#include "proto/layout.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int learn(struct layouts *layouts, const char *name, const char *text)
{
	return layouts_learn(layouts, layout_hash(name, '(', text), name, text);
}

static void layouts_gives_types_of_what_it_learned(void **state)
{
	const struct troupe_type *type;
	struct layouts layouts;
	const char *name;
	char text[64];

	(void)state;
	layouts = (struct layouts){0};
	assert_false(layouts_has(&layouts, 1));
	assert_false(layouts_find(&layouts, 1, &type, &name));
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "(field%d:int)", i);
		assert_int_equal(learn(&layouts, "a.b.Method", text), 0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "(field%d:int)", i);
		assert_true(layouts_find(&layouts, layout_hash("a.b.Method", '(', text), &type,
					 &name));
		assert_string_equal(name, "a.b.Method");
		assert_string_equal(type->fields[0].name, strtok(text, "(:"));
	}
	layouts_fini(&layouts);
}

static void layouts_refuses_a_hash_of_something_else(void **state)
{
	const char *text = "(a:int)";
	struct layouts layouts;

	(void)state;
	layouts = (struct layouts){0};
	assert_int_equal(layouts_learn(&layouts, 0, "a.B", text), -EINVAL);
	assert_int_equal(layouts_learn(&layouts, 12345, "a.B", text), -EINVAL);
	assert_int_equal(layouts_learn(&layouts, layout_hash("a.C", '(', text), "a.B", text),
			 -EINVAL);
	assert_int_equal(layouts_learn(&layouts, layout_hash("a.B", '>', text), "a.B", text),
			 0);
	assert_int_equal(layouts_learn(&layouts, layout_hash("a.B", '!', text), "a.B", text),
			 0);
	layouts_fini(&layouts);
}

static void layouts_finds_nothing_behind_a_text_that_is_no_layout(void **state)
{
	const struct troupe_type *type;
	struct layouts layouts;
	const char *name;

	(void)state;
	layouts = (struct layouts){0};
	assert_int_equal(learn(&layouts, "a.B", "(a:nonsense)"), 0);
	for (int i = 0; i < 2; i++)
		assert_false(layouts_find(&layouts, layout_hash("a.B", '(', "(a:nonsense)"),
					  &type, &name));
	/* Nor behind a hash that was only noted. */
	assert_int_equal(layouts_add(&layouts, 99), 0);
	assert_true(layouts_has(&layouts, 99));
	assert_false(layouts_find(&layouts, 99, &type, &name));
	layouts_fini(&layouts);
}

static void layouts_are_limited_in_number(void **state)
{
	struct layouts layouts;

	(void)state;
	layouts = (struct layouts){0};
	for (uint64_t hash = 1; hash <= LAYOUTS_MAX; hash++)
		assert_int_equal(layouts_add(&layouts, hash), 0);
	assert_int_equal(layouts_add(&layouts, LAYOUTS_MAX + 1), -ENOSPC);
	assert_int_equal(layouts_add(&layouts, 7), 0);
	layouts_fini(&layouts);
}

static void layouts_are_limited_in_bytes(void **state)
{
	size_t size = LAYOUT_TEXT_MAX;
	char *text = malloc(size + 1);
	struct layouts layouts;
	unsigned n = 0;
	int r = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	layouts = (struct layouts){0};
	while (r == 0 && n < 1000) {
		char name[32];

		snprintf(name, sizeof(name), "a.B%u", n++);
		r = learn(&layouts, name, text);
	}
	assert_int_equal(r, -ENOSPC);
	assert_in_range(n, LAYOUTS_BYTES / LAYOUT_TEXT_MAX - 5,
			LAYOUTS_BYTES / LAYOUT_TEXT_MAX + 1);
	layouts_fini(&layouts);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_gives_types_of_what_it_learned),
		cmocka_unit_test(layouts_refuses_a_hash_of_something_else),
		cmocka_unit_test(layouts_finds_nothing_behind_a_text_that_is_no_layout),
		cmocka_unit_test(layouts_are_limited_in_number),
		cmocka_unit_test(layouts_are_limited_in_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
