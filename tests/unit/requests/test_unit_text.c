/* test_unit_text.c - descriptions of units with many instances, a piece at a time. */
#include "tests/unit/sim/stage.h"

#include "io.troupe.Control.varlink.h"
#include "proto/arena.h"
#include "proto/json.h"
#include "requests/describe.h"
#include "requests/unit_text.h"
#include "units/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 1000u

/* Unit one with many instances, as far as descriptions are concerned. */
struct fixture {
	struct stage *stage;
	struct unit *unit;
	struct instance *own;
	unsigned n_own;
	struct unit_text text;
	struct buffer out;
	struct api_unit *read; /* what has been made */
};

static void begin(struct fixture *f, void **state, const char *description)
{
	struct api_unit value;
	struct arena arena;

	*f = (struct fixture){.stage = *state};
	f->unit = unit_find(f->stage->master, "one");
	f->own = f->unit->instances;
	f->n_own = f->unit->n_instances;
	f->unit->instances = calloc(MANY, sizeof(struct instance));
	f->unit->n_instances = MANY;
	for (unsigned i = 0; i < MANY; i++)
		f->unit->instances[i] =
			(struct instance){.unit = f->unit, .number = i, .outstanding = 2 * i};
	f->text = (struct unit_text){0};
	buffer_init(&f->out, 1u << 20);
	arena_init(&arena);
	assert_true(describe_unit(&arena, f->unit, &value));
	value.description = description;
	assert_int_equal(
		unit_text_begin(&f->text, &api_unit_type, &value, f->unit->name, MANY, &f->out),
		0);
	arena_fini(&arena);
}

/* Make the rest, in the smallest pieces. Returns how many it took. */
static unsigned make(struct fixture *f)
{
	unsigned n = 1;
	size_t size;
	int r;

	while ((r = unit_text_go_on(&f->text, f->stage->master, 0, &f->out)) == 0)
		n++;
	assert_int_equal(r, 1);
	assert_null(f->text.text);
	assert_int_equal(json_decode(&api_unit_type, (const char *)buffer_data(&f->out),
				     buffer_size(&f->out), (void **)&f->read, &size, NULL),
			 0);
	return n;
}

static void finish(struct fixture *f)
{
	free(f->read);
	buffer_fini(&f->out);
	unit_text_fini(&f->text);
	free(f->unit->instances);
	f->unit->instances = f->own;
	f->unit->n_instances = f->n_own;
}

static void assert_instances(const struct fixture *f, size_t n)
{
	assert_int_equal(f->read->instances.count, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(f->read->instances.items[i].instance, i);
		assert_int_equal(f->read->instances.items[i].outstanding, 2 * i);
	}
}

static void unit_of_many_instances_is_described_in_pieces(void **state)
{
	struct fixture f;

	begin(&f, state, NULL);
	assert_true(make(&f) >= MANY / UNIT_TEXT_SLICE);
	assert_instances(&f, MANY);
	assert_string_equal(f.read->name, "one");
	finish(&f);
}

static void unit_is_described_at_once_when_there_is_time(void **state)
{
	struct fixture f;

	begin(&f, state, NULL);
	assert_int_equal(unit_text_go_on(&f.text, f.stage->master, UINT64_MAX, &f.out), 1);
	finish(&f);
}

static void description_is_whole_when_instances_go_meanwhile(void **state)
{
	struct fixture f;

	begin(&f, state, NULL);
	assert_int_equal(unit_text_go_on(&f.text, f.stage->master, 0, &f.out), 0);
	f.unit->n_instances = UNIT_TEXT_SLICE + 3;
	make(&f);
	assert_instances(&f, UNIT_TEXT_SLICE + 3);
	finish(&f);
}

static void description_is_whole_when_its_unit_is_gone(void **state)
{
	struct fixture f;

	begin(&f, state, NULL);
	assert_int_equal(unit_text_go_on(&f.text, f.stage->master, 0, &f.out), 0);
	strcpy(f.text.unit, "gone");
	make(&f);
	assert_instances(&f, UNIT_TEXT_SLICE);
	finish(&f);
}

static void texts_of_people_do_not_look_like_instances(void **state)
{
	const char *description = "\",\"instances\":[],\"x\":\"\\\"instances\":[]";
	struct fixture f;

	begin(&f, state, description);
	make(&f);
	assert_instances(&f, MANY);
	assert_string_equal(f.read->description, description);
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unit_of_many_instances_is_described_in_pieces,
						stage_raise_units, stage_strike),
		cmocka_unit_test_setup_teardown(unit_is_described_at_once_when_there_is_time,
						stage_raise_units, stage_strike),
		cmocka_unit_test_setup_teardown(
			description_is_whole_when_instances_go_meanwhile, stage_raise_units,
			stage_strike),
		cmocka_unit_test_setup_teardown(description_is_whole_when_its_unit_is_gone,
						stage_raise_units, stage_strike),
		cmocka_unit_test_setup_teardown(texts_of_people_do_not_look_like_instances,
						stage_raise_units, stage_strike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
