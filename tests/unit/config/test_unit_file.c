/* test_unit_file.c - NAME.actor: defaults, each key, each mistake with its message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/unit_file.h"
#include "tests/unit/config/conf_tree.h"

struct fixture {
	struct conf_tree tree;
	struct settings settings;
	struct unit_file *units;
	size_t n;
};

static int setup(void **state)
{
	static struct fixture fixture;
	char plugins[256];

	*state = &fixture;
	fixture.units = NULL;
	fixture.n = 0;
	if (conf_tree_init(&fixture.tree) < 0 ||
	    conf_path_init(&fixture.tree.path,
			   &(struct conf_scope){.config = fixture.tree.root}) < 0)
		return -1;
	snprintf(plugins, sizeof(plugins),
		 "[Daemon]\nWorkers=2\nStateDirectory=/s\nPluginPath=%s/p1 %s/p2\n",
		 fixture.tree.root, fixture.tree.root);
	conf_tree_file("trouped.conf", plugins);
	conf_tree_file("p2/hello.so", "");
	conf_tree_file("p1/both.so", "");
	conf_tree_file("p2/both.so", "");
	return settings_load(&fixture.settings, &fixture.tree.path, NULL,
			     &fixture.tree.problems);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unit_files_free(f->units, f->n);
	settings_fini(&f->settings);
	return conf_tree_fini(&f->tree);
}

static void load(struct fixture *f)
{
	unit_files_free(f->units, f->n);
	assert_int_equal(unit_files_load(&f->tree.path, &f->settings, &f->units, &f->n,
					 &f->tree.problems),
			 0);
}

/* The path in the tree. */
static const char *below(const struct fixture *f, const char *path)
{
	assert_memory_equal(path, f->tree.root, strlen(f->tree.root));
	return path + strlen(f->tree.root) + 1;
}

static void unit_has_defaults(void **state)
{
	struct fixture *f = *state;
	const struct unit_file *unit;

	conf_tree_file("hello.actor", "[Actor]\nPlugin=hello\n");
	load(f);
	assert_string_equal(conf_tree_problems(&f->tree), "");
	assert_int_equal(f->n, 1);
	unit = &f->units[0];
	assert_string_equal(unit->name, "hello");
	assert_string_equal(below(f, unit->file), "hello.actor");
	assert_string_equal(below(f, unit->plugin), "p2/hello.so");
	assert_string_equal(below(f, unit->plugin_file), "hello.actor");
	assert_int_equal(unit->plugin_line, 2);
	assert_null(unit->description);
	assert_null(unit->type);
	assert_int_equal(unit->instances, 1);
	assert_int_equal(unit->placement.worker, UNIT_WORKER_ANY);
	assert_int_equal(unit->mailbox, 1024);
	assert_int_equal(unit->mailbox_bytes, 32 << 20);
	assert_int_equal(unit->batch, 1024);
	assert_int_equal(unit->tasks, 1000);
	assert_int_equal(unit->task_stack, 64 << 10);
	assert_int_equal(unit->blocking, 4);
	assert_true(unit->task_grace_ns == 5 * CLOCK_SECOND_NS);
	assert_int_equal(unit->on_error, UNIT_CONTINUE);
	assert_int_equal(unit->balance, UNIT_ROUND_ROBIN);
	assert_int_equal(unit->restart, RESTART_ON_FAILURE);
	assert_false(unit->is_default || unit->allow_globals || unit->has_state);
	assert_true(unit->life.start_timeout_ns == 30 * CLOCK_SECOND_NS);
	assert_true(unit->life.stop_timeout_ns == 10 * CLOCK_SECOND_NS);
	assert_true(unit->life.delay_ns == 100 * CLOCK_MS_NS);
	assert_int_equal(unit->config.n, 0);
}

static void each_key_is_taken_in(void **state)
{
	struct fixture *f = *state;
	const struct unit_file *unit;

	conf_tree_file(
		"pool@eu.actor",
		"[Actor]\nDescription=Unit %N on "
		"100%%\nPlugin=both.so:greeter\nInstances=100000\n"
		"Worker=2\nMailbox=1\nMailboxBytes=1G\nBatch=7\nTasks=100000\nTaskStack="
		"1M\nTaskGrace=2s\nBlocking=64\nOnError=stop\nDefault=yes\n"
		"StopTimeout=2s\nBalance=least-outstanding\nStartTimeout=infinity\nRestart="
		"always\nRestartDelay=0\n"
		"RestartDelayMax=1s\nGiveUpAfter=3\nHealthyAfter=20s\nAllowGlobals="
		"on\nStateDirectory=yes\nSockets=gone\nSockets=\nSockets=web log\n"
		"Sockets=web a.b-c_1\nListen=gone=tcp:[::]:1\nListen=\n"
		"Listen=http=tcp:0.0.0.0:80 http=tcp:[::]:80\nListenMode=0640\n"
		"Listen=app=unix:/run/%i.sock http=tcp:0.0.0.0:80\n"
		"[Config]\nGreeting=hello %i of %S\nWords=\n[X-Site]\nOwner=me\n");
	load(f);
	assert_string_equal(conf_tree_problems(&f->tree), "");
	assert_int_equal(f->n, 1);
	unit = &f->units[0];
	assert_string_equal(unit->description, "Unit pool@eu on 100%");
	assert_string_equal(below(f, unit->plugin), "p1/both.so");
	assert_string_equal(unit->type, "greeter");
	assert_int_equal(unit->instances, 100000);
	assert_int_equal(unit->placement.worker, UNIT_WORKER_NUMBER);
	assert_int_equal(unit->placement.number, 2);
	assert_int_equal(unit->mailbox, 1);
	assert_int_equal(unit->mailbox_bytes, 1 << 30);
	assert_int_equal(unit->batch, 7);
	assert_int_equal(unit->tasks, 100000);
	assert_int_equal(unit->task_stack, 1 << 20);
	assert_int_equal(unit->blocking, 64);
	assert_true(unit->task_grace_ns == 2 * CLOCK_SECOND_NS);
	assert_int_equal(unit->on_error, UNIT_STOP);
	assert_true(unit->is_default && unit->allow_globals && unit->has_state);
	assert_int_equal(unit->sockets.n, 3);
	assert_string_equal(unit->sockets.words[0], "web");
	assert_string_equal(unit->sockets.words[1], "log");
	assert_string_equal(unit->sockets.words[2], "a.b-c_1");
	assert_int_equal(unit->listens.n, 3);
	assert_string_equal(unit->listens.words[0], "http=tcp:0.0.0.0:80");
	assert_string_equal(unit->listens.words[1], "http=tcp:[::]:80");
	assert_string_equal(unit->listens.words[2], "app=unix:/run/eu.sock");
	assert_int_equal(unit->listen_files.n, 3);
	assert_int_equal(unit->listen_lines[1] + 2, unit->listen_lines[2]);
	assert_int_equal(unit->listen_mode, 0640);
	assert_int_equal(unit->balance, UNIT_LEAST_OUTSTANDING);
	assert_true(unit->life.start_timeout_ns == TEXT_INFINITY);
	assert_true(unit->life.stop_timeout_ns == 2 * CLOCK_SECOND_NS);
	assert_int_equal(unit->restart, RESTART_ALWAYS);
	assert_true(unit->life.delay_ns == 0);
	assert_int_equal(unit->life.limit.after, 3);
	assert_true(unit->life.healthy_ns == 20 * CLOCK_SECOND_NS);
	assert_int_equal(unit->config.n, 2);
	assert_string_equal(unit->config.entries[0].key, "Greeting");
	assert_string_equal(unit->config.entries[0].value, "hello eu of /s");
	assert_int_equal(unit->config.entries[0].line, 35);
	assert_string_equal(unit->config.entries[1].value, "");
}

static void instance_takes_its_template_with_dropins(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("pool@.actor",
		       "[Actor]\nPlugin=hello\nInstances=4\nDescription=%p of %i\n");
	conf_tree_link("pool@eu.actor", "pool@.actor");
	conf_tree_file("pool@eu.actor.d/more.conf", "[Actor]\nInstances=\nMailbox=5\n");
	load(f);
	assert_string_equal(conf_tree_problems(&f->tree), "");
	assert_int_equal(f->n, 1);
	assert_string_equal(f->units[0].name, "pool@eu");
	assert_string_equal(f->units[0].description, "pool of eu");
	assert_int_equal(f->units[0].instances, 1);
	assert_int_equal(f->units[0].mailbox, 5);
}

static void mistake_is_named_with_its_key(void **state)
{
	static const char *const cases[][2] = {
		{"Plugn=x",
		 "bad.actor:3: unknown key Plugn= in [Actor]; did you mean Plugin=?"},
		{"Colour=x", "bad.actor:3: unknown key Colour= in [Actor]"},
		{"Plugin=none", "bad.actor:3: Plugin=none: there is no such plug-in in p1, p2, "
				"PLUGINDIR"},
		{"Plugin=/none.so", "bad.actor:3: Plugin=/none.so: No such file or directory"},
		{"Plugin=x/y.so",
		 "bad.actor:3: Plugin=x/y.so: must be an absolute path, or a plug-in's name "
		 "without slashes"},
		{"Plugin=:t", "bad.actor:3: Plugin=:t: must be an absolute path, or a "
			      "plug-in's name without "
			      "slashes"},
		{"Plugin=hello:a-b",
		 "bad.actor:3: Plugin=hello:a-b: \"a-b\" is not an actor type's name; see "
		 "troupectl inspect"},
		{"Plugin=hello:a\nType=b",
		 "bad.actor:3: Plugin=hello:a: Type=b says otherwise; keep one of them"},
		{"Type=1st",
		 "bad.actor:3: Type=1st: is not an actor type's name; see troupectl inspect"},
		{"Plugin=", "bad.actor: Plugin= is missing in [Actor]; it names the .so that "
			    "holds the actor"},
		{"Instances=0", "bad.actor:3: Instances=0: must be a number from 1 to 100000"},
		{"Instances=100001",
		 "bad.actor:3: Instances=100001: must be a number from 1 to 100000"},
		{"Worker=some", "bad.actor:3: Worker=some: must be any, own, or a worker's "
				"number from 1 to 64"},
		{"Worker=3",
		 "bad.actor:3: Worker=3: there are 2 workers; see Workers= in trouped.conf"},
		{"Mailbox=0", "bad.actor:3: Mailbox=0: must be a number from 1 to 1048576"},
		{"MailboxBytes=1",
		 "bad.actor:3: MailboxBytes=1: must be a size from 1K to 1G, like 64K"},
		{"Batch=1.5", "bad.actor:3: Batch=1.5: must be a number from 1 to 1048576"},
		{"Tasks=0", "bad.actor:3: Tasks=0: must be a number from 1 to 100000"},
		{"TaskStack=32K",
		 "bad.actor:3: TaskStack=32K: must be a size from 64K to 1M, like 64K"},
		{"TaskGrace=11s", "bad.actor:3: TaskGrace= is longer than StopTimeout=, after "
				  "which the worker is killed"},
		{"OnError=explode", "bad.actor:3: OnError=explode: must be continue or stop"},
		{"Default=maybe", "bad.actor:3: Default=maybe: must be yes or no"},
		{"Balance=random",
		 "bad.actor:3: Balance=random: must be round-robin or least-outstanding"},
		{"Restart=never",
		 "bad.actor:3: Restart=never: must be no, on-failure or always"},
		{"StartTimeout=1 fortnight",
		 "bad.actor:3: StartTimeout=1 fortnight: must be a time from 1ms to "
		 "infinity, like 500ms or 1min 30s"},
		{"AllowGlobals=2", "bad.actor:3: AllowGlobals=2: must be yes or no"},
		{"Sockets=web a:b",
		 "bad.actor:3: Sockets=web a:b: \"a:b\" is no name of a socket: it is what "
		 "FileDescriptorName= says in its .socket unit"},
		{"Sockets=web.socket",
		 "bad.actor:3: Sockets=web.socket: \"web.socket\" is no name of a socket: it "
		 "is what FileDescriptorName= says in its .socket unit"},
		{"Sockets=control",
		 "bad.actor:3: Sockets=control: \"control\" is no name of a socket: it is what "
		 "FileDescriptorName= says in its .socket unit"},
		{"Sockets=unknown",
		 "bad.actor:3: Sockets=unknown: \"unknown\" is no name of a socket: it is what "
		 "FileDescriptorName= says in its .socket unit"},
		{"Sockets=a b c d e f g h i j k l m n o p q",
		 "bad.actor:3: Sockets=a b c d e f g h i j k l m n o p q: has more than 16 "
		 "names"},
		{"Listen=web", "bad.actor:3: Listen=web: \"web\" is not NAME=PLACE, as in "
			       "web=tcp:0.0.0.0:80"},
		{"Listen=a=unix:/a\nListen=b=unix:/b w.socket=tcp:1.2.3.4:5",
		 "bad.actor:4: Listen=b=unix:/b w.socket=tcp:1.2.3.4:5: "
		 "\"w.socket=tcp:1.2.3.4:5\" has no name for socket:NAME: letters, digits, "
		 "'_', '-' and '.', not \"control\" nor \"unknown\", nor with \".socket\" at "
		 "its end"},
		{"Listen=web=example.org:80",
		 "bad.actor:3: Listen=web=example.org:80: \"web=example.org:80\" has a place "
		 "that is none of tcp:, udp:, unix: and unix-datagram:"},
		{"Listen=web=tls:0.0.0.0:443",
		 "bad.actor:3: Listen=web=tls:0.0.0.0:443: \"web=tls:0.0.0.0:443\" says tls:, "
		 "which is the actor's part, by tls:socket:NAME in [Config]; here it is tcp:"},
		{"Listen=web=tcp:localhost:80",
		 "bad.actor:3: Listen=web=tcp:localhost:80: \"web=tcp:localhost:80\" names a "
		 "host; an address is wanted: 0.0.0.0 for all of IPv4, [::] for all"},
		{"Listen=web=tcp:::1:80",
		 "bad.actor:3: Listen=web=tcp:::1:80: \"web=tcp:::1:80\" is not ADDRESS:PORT "
		 "behind tcp: or udp:, nor [ADDRESS]:PORT"},
		{"Listen=web=tcp:0.0.0.0:65536",
		 "bad.actor:3: Listen=web=tcp:0.0.0.0:65536: \"web=tcp:0.0.0.0:65536\" is not "
		 "ADDRESS:PORT behind tcp: or udp:, nor [ADDRESS]:PORT"},
		{"Listen=log=udp:[::]:0",
		 "bad.actor:3: Listen=log=udp:[::]:0: \"log=udp:[::]:0\" has no port from 1 to "
		 "65535, which clients could know"},
		{"Listen=web=tcp:[fe80::1]:80",
		 "bad.actor:3: Listen=web=tcp:[fe80::1]:80: \"web=tcp:[fe80::1]:80\" has a "
		 "link-local address, which would need an interface, which cannot be said; "
		 "[::] is all"},
		{"Listen=app=unix:run/app", "bad.actor:3: Listen=app=unix:run/app: "
					    "\"app=unix:run/app\" has no path from / "
					    "on, nor @NAME, of at most 107 bytes"},
		{"Sockets=web\nListen=app=unix:/a web=unix:/b",
		 "bad.actor:4: Listen=web=unix:/b: Sockets= has that name, too, for a socket "
		 "that "
		 "is handed in; keep one of them"},
		{"Listen=a=unix:@1 a=unix:@2 a=unix:@3 a=unix:@4 a=unix:@5 a=unix:@6 a=unix:@7 "
		 "a=unix:@8\nListen=b=unix:@1 b=unix:@2 b=unix:@3 b=unix:@4 b=unix:@5 "
		 "b=unix:@6 "
		 "b=unix:@7 b=unix:@8\nListen=c=unix:@1",
		 "bad.actor:5: Listen=c=unix:@1: is one more than 16 sockets"},
		{"ListenMode=0888",
		 "bad.actor:3: ListenMode=0888: must be octal, from 0000 to 0777"},
		{"ListenMode=1777",
		 "bad.actor:3: ListenMode=1777: must be octal, from 0000 to 0777"},
		{"ListenMode=00666",
		 "bad.actor:3: ListenMode=00666: must be octal, from 0000 to 0777"},
		{"Description=%x",
		 "bad.actor:3: Description=%x: \"%x\" is not a specifier; write %% for a "
		 "percent sign"},
		{"Description=50%",
		 "bad.actor:3: Description=50%: \"%\" is not a specifier; write %% for a "
		 "percent sign"},
		{"[Config]\nRate=5%",
		 "bad.actor:4: Rate=5%: \"%\" is not a specifier; write %% for a percent "
		 "sign"},
		{"[Confg]\nA=1\nB=1",
		 "bad.actor:3: unknown section [Confg]; did you mean [Config]?"},
		{"[Unit]\nA=1", "bad.actor:3: unknown section [Unit]"},
	};
	struct fixture *f = *state;
	char text[256], *place;

	conf_tree_file("good.actor", "[Actor]\nPlugin=hello\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "[Actor]\nPlugin=hello\n%s\n", cases[i][0]);
		conf_tree_file("bad.actor", text);
		load(f);
		/* One bad file does not stop the others. */
		assert_int_equal(f->n, 1);
		assert_string_equal(f->units[0].name, "good");
		conf_tree_problems(&f->tree);
		place = strstr(f->tree.text, f->tree.path.plugins[0]);
		if (place)
			strcpy(place, "PLUGINDIR");
		assert_string_equal(f->tree.text, cases[i][1]);
	}
}

static void nothing_is_missing_in_a_file_that_is_unreadable(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("bad.actor", "[Actor]\nPlugin=hello\nDescription=\xff\n");
	load(f);
	assert_int_equal(f->n, 0);
	assert_string_equal(
		conf_tree_problems(&f->tree),
		"bad.actor:3: a byte here is not UTF-8 (0xff); save the file as UTF-8");
}

static void description_has_a_limit(void **state)
{
	struct fixture *f = *state;
	char text[LIMIT_DESCRIPTION + 2], *unit = NULL;

	for (size_t size = LIMIT_DESCRIPTION; size <= LIMIT_DESCRIPTION + 1; size++) {
		memset(text, 'x', size);
		text[size] = '\0';
		assert_true(asprintf(&unit, "[Actor]\nPlugin=hello\nDescription=%s\n", text) >
			    0);
		conf_tree_file("wordy.actor", unit);
		free(unit);
		load(f);
		assert_int_equal(f->n, size <= LIMIT_DESCRIPTION);
	}
	assert_non_null(strstr(conf_tree_problems(&f->tree),
			       "x: has 1025 bytes, at most 1024 are possible"));
}

static void dropin_is_named_when_the_mistake_is_there(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("hello.actor", "[Actor]\nPlugin=hello\n");
	conf_tree_file("hello.actor.d/x.conf", "[Actor]\nInstances=x\n");
	load(f);
	assert_int_equal(f->n, 0);
	assert_string_equal(
		conf_tree_problems(&f->tree),
		"hello.actor.d/x.conf:2: Instances=x: must be a number from 1 to 100000");
}

static void syntax_mistake_keeps_the_unit_out(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("hello.actor", "[Actor]\nPlugin=hello\nnonsense\n");
	load(f);
	assert_int_equal(f->n, 0);
	assert_string_equal(conf_tree_problems(&f->tree),
			    "hello.actor:3: \"nonsense\" is neither Key=value nor "
			    "a [Section]; comments begin with \"#\"");
}

/* Its sockets are opened, and so have their mode, when a version is made. */
static void mode_of_sockets_takes_a_new_version(void **state)
{
	static const struct {
		const char *mode;
		enum conf_change change;
	} others[] = {{"0666", CONF_SAME}, {"0600", CONF_RESTART}};
	struct fixture *f = *state;
	char text[128];
	struct unit_file *first;
	size_t n;

	conf_tree_file("a.actor", "[Actor]\nPlugin=hello\nListen=web=unix:/a\n");
	load(f);
	first = f->units;
	n = f->n;
	f->units = NULL;
	f->n = 0;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(text, sizeof(text),
			 "[Actor]\nPlugin=hello\nListen=web=unix:/a\nListenMode=%s\n",
			 others[i].mode);
		conf_tree_file("a.actor", text);
		load(f);
		assert_int_equal(f->n, 1);
		assert_int_equal(unit_file_compare(&first[0], &f->units[0]), others[i].change);
	}
	unit_files_free(first, n);
}

static void change_takes_what_its_keys_say(void **state)
{
	static const struct {
		const char *text;
		enum conf_change change;
	} others[] = {
		{"X-Note=1", CONF_SAME},
		{"Instances=1", CONF_SAME},
		{"Description=x", CONF_IN_PLACE},
		{"Default=1", CONF_IN_PLACE},
		{"Balance=least-outstanding", CONF_IN_PLACE},
		{"Restart=always", CONF_IN_PLACE},
		{"RestartDelay=9s", CONF_IN_PLACE},
		{"GiveUpAfter=3", CONF_IN_PLACE},
		{"GiveUp=never", CONF_IN_PLACE},
		{"Isolate=no", CONF_IN_PLACE},
		{"HealthyAfter=1s", CONF_IN_PLACE},
		{"StartTimeout=9s", CONF_IN_PLACE},
		{"StopTimeout=9s", CONF_IN_PLACE},
		{"Mailbox=9", CONF_WORKERS},
		{"MailboxBytes=2M", CONF_WORKERS},
		{"Batch=9\nDescription=x", CONF_WORKERS},
		{"OnError=stop", CONF_WORKERS},
		{"Tasks=9", CONF_WORKERS},
		{"TaskStack=128K", CONF_WORKERS},
		{"TaskGrace=9s", CONF_WORKERS},
		{"Blocking=9", CONF_WORKERS},
		{"Plugin=both", CONF_RESTART},
		{"Type=t", CONF_RESTART},
		{"Instances=2\nMailbox=9", CONF_RESTART},
		{"Worker=own", CONF_RESTART},
		{"AllowGlobals=yes", CONF_RESTART},
		{"StateDirectory=yes", CONF_RESTART},
		{"Sockets=web", CONF_RESTART},
		{"Listen=web=unix:/a", CONF_RESTART},
		{"Listen=web=unix:/a\nListenMode=0600", CONF_RESTART},
		{"[Config]\nA=1", CONF_RESTART},
	};
	struct fixture *f = *state;
	char text[128];
	struct unit_file *first;
	size_t n;

	conf_tree_file("a.actor", "[Actor]\nPlugin=hello\n");
	load(f);
	first = f->units;
	n = f->n;
	f->units = NULL;
	f->n = 0;
	conf_tree_file("a.actor", "# moved\n\n[Actor]\nPlugin=none\nPlugin=hello.so\n");
	load(f);
	assert_int_equal(unit_file_compare(&first[0], &f->units[0]), CONF_SAME);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(text, sizeof(text), "[Actor]\nPlugin=hello\n%s\n", others[i].text);
		conf_tree_file("a.actor", text);
		load(f);
		assert_int_equal(f->n, 1);
		if (unit_file_compare(&first[0], &f->units[0]) != others[i].change)
			fail_msg("%s", others[i].text);
	}
	unit_files_free(first, n);
}

/* Type= has a setter of its own, whose text was lost when it was set back. */
static void empty_value_frees_any_text(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("a.actor", "[Actor]\nPlugin=hello\nType=x\nType=\n");
	load(f);
	assert_int_equal(f->n, 1);
	assert_null(f->units[0].type);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unit_has_defaults),
		TEST(each_key_is_taken_in),
		TEST(instance_takes_its_template_with_dropins),
		TEST(mistake_is_named_with_its_key),
		TEST(nothing_is_missing_in_a_file_that_is_unreadable),
		TEST(description_has_a_limit),
		TEST(dropin_is_named_when_the_mistake_is_there),
		TEST(syntax_mistake_keeps_the_unit_out),
		TEST(change_takes_what_its_keys_say),
		TEST(mode_of_sockets_takes_a_new_version),
		TEST(empty_value_frees_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
