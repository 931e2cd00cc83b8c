/* What the verbs that look show: status, workers, list, show, tree, actors, watch, inspect. */
#include "fixture.h"

#include "ctl/verbs.h"
#include "proto/sdk_symbols.h"
#include "tests/unit/proto/elf_maker.h"
#include <jansson.h>
#include <troupe/actor.h>

static void as_json(struct fixture *fixture)
{
	fixture->ctl.options.given |= OPTION(JSON);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void status_reports_state_and_problems_when_degraded(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_status, NULL), STATUS_OK);
	expect_in(fixture->text, "degraded: trouped 9.9, pid 77, up 1min 1s\n");
	expect_in(fixture->text, "1 of 2 running");
	expect_in(fixture->text, fixture->path);
	expect_in(fixture->text,
		  "\nProblems in the configuration:\nbad.actor:3: no such key\n");
	assert_null(strchr(fixture->text, '\033'));
}

static void status_is_coloured_when_colours_are_wanted(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.colours = true;
	assert_int_equal(run_verb(fixture, verb_status, NULL), STATUS_OK);
	expect_in(fixture->text, "\033[31mdegraded\033[0m");
}

static void status_is_the_reply_when_json_is_asked_for(void **state)
{
	struct fixture *fixture = *state;

	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_status, NULL), STATUS_OK);
	assert_int_equal(strncmp(fixture->text, "{\"version\":\"9.9\",\"pid\":77,", 26), 0);
	assert_int_equal(count_lines(fixture->text), 1);
}

static void workers_report_last_crash_when_there_was_one(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_workers, NULL), STATUS_OK);
	expect_in(fixture->text,
		  "SIGSEGV in unit/1, handling com.example.test.Echo\n    on_greet\n");
	/* What a plug-in calls its functions moves no cursor. */
	expect_in(fixture->text, "dispatch?[31m\n");
}

static void list_defuses_text_when_it_would_move_the_cursor(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_list, NULL), STATUS_OK);
	expect_in(fixture->text, "other failed: why?[31m\n");
	expect_in(fixture->text, "UNIT   STATE ");
	assert_null(strchr(fixture->text, '\033'));
	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_list, NULL), STATUS_OK);
	assert_int_equal(strncmp(fixture->text, "{\"units\":[{\"name\":\"unit\"", 24), 0);
}

static void show_lists_actors_in_order_when_daemon_does_not(void **state)
{
	struct fixture *fixture = *state;
	const char *first, *second;

	assert_int_equal(run_verb(fixture, verb_show, "unit", NULL), STATUS_OK);
	first = strstr(fixture->text, "unit/0");
	second = strstr(fixture->text, "unit/1");
	assert_non_null(first);
	assert_true(second > first);
}

static void show_goes_on_when_one_name_is_wrong(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_show, "uint", "unit", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "no actor is called uint (did you mean unit?)");
	expect_in(fixture->text, "unit/1");
}

static void actors_are_one_table_when_they_come_in_several_replies(void **state)
{
	struct fixture *fixture = *state;
	ptrdiff_t column;

	assert_int_equal(run_verb(fixture, verb_actors, NULL), STATUS_OK);
	assert_int_equal(count_lines(fixture->text), 5);
	assert_int_equal(strncmp(fixture->text, "ADDRESS ", 8), 0);
	assert_null(strstr(fixture->text + 1, "ADDRESS"));
	column = strstr(fixture->text, "ACTOR TYPE") - fixture->text;
	for (const char *line = fixture->text; *line; line = strchr(line, '\n') + 1)
		assert_true(line[column - 1] == ' ' && line[column] != ' ');
	/* As JSON: the replies, but for the last, which holds nothing. */
	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_actors, NULL), STATUS_OK);
	assert_int_equal(count_lines(fixture->text), 2);
	assert_null(strstr(fixture->text, "\"actors\":[]"));
}

static void actors_name_the_workers_when_theirs_is_unknown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_actors, "7", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "there is no worker 7; there are: 1, 2\n");
	assert_int_equal(run_verb(fixture, verb_actors, "65", NULL), STATUS_USAGE);
	assert_int_equal(run_verb(fixture, verb_actors, "x", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "x is no number of a worker");
	assert_int_equal(run_verb(fixture, verb_actors, "2", NULL), STATUS_OK);
}

static void tree_shows_what_lives_where(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_tree, NULL), STATUS_OK);
	expect_in(fixture->text, "trouped 9.9, pid 77, degraded\n├─ worker 1 backoff");
	expect_in(fixture->text, "└─ worker 2 running, pid 3, 4 actors\n"
				 "   ├─ unit: 2 actors\n"
				 "   └─ unit (child, spawned): 2 actors\n");
	expect_in(fixture->text, "not running: unit (running), 1/2 of its actors run\n"
				 "not running: other (failed: why?[31m)\n");
}

static void tree_is_one_object_when_json_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	json_t *root, *worker, *unit, *missing;
	const char *name, *type, *whose;
	json_int_t number, count, instance;

	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_tree, NULL), STATUS_OK);
	root = json_loads(fixture->text, 0, NULL);
	assert_non_null(root);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(root, "status"), "pid")),
		77);
	assert_int_equal(json_array_size(json_object_get(root, "workers")), 2);
	worker = json_array_get(json_object_get(root, "workers"), 1);
	assert_int_equal(json_unpack(worker, "{s:I,s:[{s:s,s:[{s:I}!]}!],s:[{s:s,s:s,s:I}!]}",
				     "worker", &number, "units", "name", &name, "instances",
				     "instance", &instance, "others", "unit", &whose,
				     "actorType", &type, "actors", &count),
			 0);
	assert_int_equal(number, 2);
	assert_string_equal(name, "unit");
	assert_int_equal(instance, 0);
	assert_string_equal(type, "child");
	assert_string_equal(whose, "unit");
	assert_int_equal(count, 2);
	missing = json_object_get(root, "missing");
	assert_int_equal(json_array_size(missing), 2);
	unit = json_array_get(missing, 0);
	assert_int_equal(json_unpack(unit, "{s:s,s:[{s:I}!]}", "name", &name, "instances",
				     "instance", &instance),
			 0);
	assert_string_equal(name, "unit");
	assert_int_equal(instance, 1);
	json_decref(root);
}

static void watch_prints_each_event_when_it_comes(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_watch, NULL), STATUS_OK);
	assert_int_equal(count_lines(fixture->text), 3);
	expect_in(fixture->text, "  watching\n");
	expect_in(fixture->text, "  workerStarted worker 2 (incarnation 3)\n");
	expect_in(fixture->text, "  workerDied worker 2 unit/1: SIGSEGV?[2J\n");
	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_watch, NULL), STATUS_OK);
	expect_in(fixture->text, "\"event\":\"workerDied\",\"worker\":2,");
}

static void introspect_prints_description_when_interface_is_known(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run_verb(fixture, verb_introspect, "com.example.test", NULL),
			 STATUS_OK);
	assert_string_equal(fixture->text, fake_idl);
	assert_int_equal(run_verb(fixture, verb_introspect, NULL), STATUS_OK);
	expect_in(fixture->text, "com.example.test\n");
}

/* A plug-in for an ABI that no host has. */
static void write_plugin(const char *path)
{
	static const unsigned char note[] = {0xff, 0x7f, 0, 0, 't', 0};
	struct elf_maker maker;
	FILE *file = fopen(path, "we");
	unsigned char *image;
	size_t size;

	maker_init(&maker);
	maker_note(&maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, note, sizeof(note));
	image = maker_make(&maker, &size);
	assert_int_equal(fwrite(image, 1, size, file), size);
	fclose(file);
	free(image);
	maker_fini(&maker);
}

static void inspect_says_why_when_plugin_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/p.so", fixture->directory);
	assert_int_equal(run_verb(fixture, verb_inspect, path, NULL), STATUS_FAILED);
	expect_in(fixture->errors, "p.so: No such file or directory");
	assert_int_equal(run_verb(fixture, verb_inspect, "/etc/passwd", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "/etc/passwd: ");
	expect_in(fixture->errors, "not an ELF file");
	assert_int_equal(run_verb(fixture, verb_inspect, "/", "/dev/null", NULL),
			 STATUS_FAILED);
	expect_in(fixture->errors, "troupectl: /: ");
	expect_in(fixture->errors, "troupectl: /dev/null: ");
	write_plugin(path);
	assert_int_equal(run_verb(fixture, verb_inspect, path, NULL), STATUS_FAILED);
	unlink(path);
	expect_in(fixture->errors, "ABI");
	assert_string_equal(fixture->text, "");
}

/* BUILD/tests/unit/ctl/test_x */
static char *path_of_plugin(const char *name, char path[600])
{
	ssize_t n = readlink("/proc/self/exe", path, 500);

	assert_in_range(n, 1, 499);
	path[n] = '\0';
	sprintf(strstr(path, "/tests/unit/"), "/test-plugins/%s.so", name);
	return path;
}

static void inspect_prints_what_the_notes_say(void **state)
{
	struct fixture *fixture = *state;
	char handmade[600], relay[600], thread[600];

	path_of_plugin("handmade", handmade);
	path_of_plugin("relay", relay);
	path_of_plugin("thread_crash", thread);
	assert_int_equal(run_verb(fixture, verb_inspect, handmade, relay, thread, NULL),
			 STATUS_OK);
	expect_in(fixture->text, "handmade.so: ABI 2.");
	expect_in(fixture->text, "    Libraries: lib");
	expect_in(fixture->text, "\n  Actor type handmade: right\n"
				 "    Provides: io.troupe.test.handmade-a\n");
	expect_in(fixture->text, "      n: int\n");
	expect_in(fixture->text, "    [Config]: io.troupe.test.forward.Config\n"
				 "      to: string\n");
	expect_in(fixture->text, "    Provides: io.troupe.test.relay\n"
				 "    [Config]: takes none\n");
	expect_in(fixture->text,
		  "      # By a fault, by exit(), by _exit(), or by the kernel's "
		  "call, which leaves no trace.\n"
		  "      how: (fault, exit, leave, vanish)\n");
	expect_in(fixture->text, "\n# What it does not provide, with a name as long.\n"
				 "interface io.troupe.test.handmade-b\n");
	assert_string_equal(fixture->errors, "");
}

static void inspect_prints_the_same_for_programs(void **state)
{
	struct fixture *fixture = *state;
	char relay[600], thread[600];
	const char *thread_text;
	json_t *root, *actors, *field;

	path_of_plugin("relay", relay);
	path_of_plugin("thread_crash", thread);
	as_json(fixture);
	/* A line for each, and the status of those that there are not. */
	assert_int_equal(run_verb(fixture, verb_inspect, relay, "/none.so", thread, NULL),
			 STATUS_FAILED);
	assert_int_equal(count_lines(fixture->text), 2);
	root = json_loads(fixture->text, JSON_DISABLE_EOF_CHECK, NULL);
	actors = json_object_get(root, "actors");
	assert_int_equal(json_array_size(actors), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(actors, 0), "name")),
		"forward");
	assert_true(json_is_null(json_object_get(json_array_get(actors, 1), "config")));
	assert_int_equal(json_array_size(json_object_get(root, "interfaces")), 3);
	json_decref(root);
	thread_text = strchr(fixture->text, '\n') + 1;
	root = json_loads(thread_text, JSON_DISABLE_EOF_CHECK, NULL);
	actors = json_object_get(json_array_get(json_object_get(root, "actors"), 0), "config");
	assert_string_equal(json_string_value(json_object_get(actors, "interface")),
			    "io.troupe.test.thread-crash");
	field = json_array_get(json_object_get(actors, "fields"), 1);
	assert_string_equal(json_string_value(json_object_get(field, "type")),
			    "(fault, exit, leave, vanish)");
	assert_non_null(
		strstr(json_string_value(json_object_get(field, "description")), "By a fault"));
	json_decref(root);
}

static void looking_says_unreachable_when_there_is_no_daemon(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop_daemon(fixture);
	assert_int_equal(run_verb(fixture, verb_status, NULL), STATUS_UNREACHABLE);
	expect_in(fixture->errors, "no daemon listens at");
	expect_in(fixture->errors, "systemctl start trouped");
	assert_int_equal(run_verb(fixture, verb_tree, NULL), STATUS_UNREACHABLE);
	assert_int_equal(run_verb(fixture, verb_watch, NULL), STATUS_UNREACHABLE);
	assert_string_equal(fixture->text, "");
}

/* A daemon that does not know a member yet is the fixture's: it leaves that out. */
static void answers_of_an_older_daemon_are_read(void **state)
{
	struct fixture *fixture = *state;

	as_json(fixture);
	assert_int_equal(run_verb(fixture, verb_workers, NULL), STATUS_OK);
	assert_null(strstr(fixture->text, "lostMemory"));
	fixture->ctl.options.given = 0;
	assert_int_equal(run_verb(fixture, verb_status, NULL), STATUS_OK);
	assert_null(strstr(fixture->text, "Lost:"));
	assert_int_equal(run_verb(fixture, verb_workers, NULL), STATUS_OK);
	assert_null(strstr(fixture->text, "lost:"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(status_reports_state_and_problems_when_degraded),
		CASE(status_is_coloured_when_colours_are_wanted),
		CASE(status_is_the_reply_when_json_is_asked_for),
		CASE(workers_report_last_crash_when_there_was_one),
		CASE(answers_of_an_older_daemon_are_read),
		CASE(list_defuses_text_when_it_would_move_the_cursor),
		CASE(show_lists_actors_in_order_when_daemon_does_not),
		CASE(show_goes_on_when_one_name_is_wrong),
		CASE(actors_are_one_table_when_they_come_in_several_replies),
		CASE(actors_name_the_workers_when_theirs_is_unknown),
		CASE(tree_shows_what_lives_where),
		CASE(tree_is_one_object_when_json_is_asked_for),
		CASE(watch_prints_each_event_when_it_comes),
		CASE(introspect_prints_description_when_interface_is_known),
		CASE(inspect_says_why_when_plugin_is_refused),
		CASE(inspect_prints_what_the_notes_say),
		CASE(inspect_prints_the_same_for_programs),
		CASE(looking_says_unreachable_when_there_is_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
