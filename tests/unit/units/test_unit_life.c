/* test_unit_life.c - how many units there may be, and how many changes of them under way. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define RELOAD "{\"method\":\"io.troupe.Control.Reload\"}"

static void say_spawn(struct stage *stage, const char *name)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Spawn\",\"parameters\":{"
		       "\"name\":\"%s\",\"plugin\":\"%s\"}}",
		       name, unit_find(stage->master, "one")->file.plugin);
	stage_say(stage, text);
}

static void write_third(struct stage *stage)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/three.actor", stage->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	(void)fprintf(file, "[Actor]\nPlugin=%s/plugins/hello.so\n", stage->build);
	assert_int_equal(fclose(file), 0);
}

static int strike(void **state)
{
	struct stage *stage = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/three.actor", stage->directory);
	(void)unlink(path);
	return stage_strike(state);
}

static void unit_beyond_the_limit_is_refused_and_no_other(void **state)
{
	struct stage *stage = *state;
	struct unit *last = NULL;
	char name[32], text[64];

	for (unsigned i = HASH_CNT(by_name, stage->master->units_by_name); i < LIMIT_UNITS;
	     i++) {
		(void)snprintf(name, sizeof(name), "unit-%u", i);
		assert_int_equal(unit_new_broken(stage->master, name, "file", "no", &last), 0);
		/* Or a reload would remove them. */
		last->is_configured = false;
	}
	assert_int_equal(unit_new_broken(stage->master, "more", "file", "no", &last), -ENOSPC);
	say_spawn(stage, "more");
	stage_expect(stage, "there are too many units");
	write_third(stage);
	stage_say(stage, RELOAD);
	(void)snprintf(text, sizeof(text), "there are %u units already", LIMIT_UNITS);
	stage_expect(stage, text);
	assert_null(unit_find(stage->master, "more"));
	assert_null(unit_find(stage->master, "three"));
	stage_expect_unharmed(stage);
	/* There is room again. */
	unit_remove(last);
	stage_idle(stage);
	stage_say(stage, RELOAD);
	stage_expect(stage, "\"started\":[\"three\"]");
	assert_int_equal(unit_state(unit_find(stage->master, "three")), API_STATE_RUNNING);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stage_raise_units, strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_beyond_the_limit_is_refused_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
