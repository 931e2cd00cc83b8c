/* test_settings.c - trouped.conf: defaults, each key, each mistake with its message. */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/memory.h"
#include "config/settings.h"
#include "tests/unit/config/conf_tree.h"

struct fixture {
	struct conf_tree tree;
	struct settings settings;
};

static int setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	fixture.settings = (struct settings){0};
	if (conf_tree_init(&fixture.tree) < 0)
		return -1;
	return conf_path_init(&fixture.tree.path,
			      &(struct conf_scope){.config = fixture.tree.root});
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	settings_fini(&f->settings);
	return conf_tree_fini(&f->tree);
}

static int load(struct fixture *f)
{
	settings_fini(&f->settings);
	return settings_load(&f->settings, &f->tree.path, NULL, &f->tree.problems);
}

/* What the system's name service is asked, in place of libc's: it knows one group that is not
 * in /etc/group. */
static unsigned n_asked;

int getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
	       struct group **ret_group)
{
	(void)buffer;
	(void)size;
	n_asked++;
	*group = (struct group){.gr_gid = 4242};
	*ret_group = strcmp(name, "far-away") == 0 ? group : NULL;
	return 0;
}

static void groups_are_asked_for_only_when_there_are_no_settings_yet(void **state)
{
	struct fixture *f = *state;
	struct settings next;

	conf_tree_file("trouped.conf", "[Daemon]\nManageGroup=far-away\nDeployGroup=root\n");
	assert_int_equal(load(f), 0);
	assert_true(n_asked > 0);
	assert_true(f->settings.manage.is_set && f->settings.manage.gid == 4242);
	n_asked = 0;
	/* What is known, or is in the file, is found; that the name service may stand still
	 * does not matter. */
	conf_tree_file("trouped.conf", "[Daemon]\nCallGroup=far-away\nObserveGroup=bin\n");
	assert_int_equal(settings_load(&next, &f->tree.path, &f->settings, &f->tree.problems),
			 0);
	assert_true(next.call.is_set && next.call.gid == 4242);
	assert_true(next.observe.is_set && next.observe.gid == getgrnam("bin")->gr_gid);
	assert_false(next.manage.is_set || next.deploy.is_set);
	settings_fini(&next);
	conf_tree_file("trouped.conf", "[Daemon]\nManageGroup=further-away\n");
	assert_int_equal(settings_load(&next, &f->tree.path, &f->settings, &f->tree.problems),
			 -EINVAL);
	assert_int_equal(f->tree.problems.n, 1);
	assert_non_null(strstr(f->tree.problems.items[0].message, "restart the daemon"));
	assert_int_equal(n_asked, 0);
}

static void settings_have_defaults_without_a_file(void **state)
{
	struct fixture *f = *state;
	const struct settings *s = &f->settings;
	cpu_set_t one, all;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(load(f), 0);
	assert_int_equal(s->workers, CPU_COUNT(&all));
	assert_string_equal(s->socket, "/run/troupe/control.sock");
	assert_string_equal(s->runtime_directory, "/run/troupe");
	assert_string_equal(s->state_directory, "/var/lib/troupe");
	assert_int_equal(s->plugin_path.n, 0);
	assert_int_equal(s->log_level, LOG_P_INFO);
	assert_int_equal(s->frame_max, 1 << 20);
	assert_int_equal(s->connections, 4096);
	assert_int_equal(s->connections_uid, 1024);
	assert_true(s->life.start_timeout_ns == 30 * CLOCK_SECOND_NS);
	assert_true(s->worker_watchdog_ns == 30 * CLOCK_SECOND_NS);
	assert_int_equal(s->worker_memory, 0);
	assert_int_equal(s->blocking_threads, 4);
	assert_true(s->life.stop_timeout_ns == 10 * CLOCK_SECOND_NS);
	assert_true(s->life.delay_ns == 100 * CLOCK_MS_NS);
	assert_true(s->life.delay_max_ns == 30 * CLOCK_SECOND_NS);
	assert_int_equal(s->life.limit.after, 10);
	assert_true(s->life.healthy_ns == 10 * CLOCK_SECOND_NS);
	assert_false(s->observe.is_set || s->manage.is_set || s->deploy.is_set);
	assert_int_equal(s->call.is_set, getgrnam("troupe-call") != NULL);
	/* As many workers as processors that this process may use. */
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(load(f), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(s->workers, 1);
}

static void each_key_is_taken_in(void **state)
{
	struct fixture *f = *state;
	const struct settings *s = &f->settings;

	conf_tree_file("trouped.conf",
		       "[Daemon]\n"
		       "Workers=3\nSocket=/tmp/x/\nRuntimeDirectory=/tmp/r\n"
		       "StateDirectory=/tmp/s\nPluginPath=/a /b\nPluginPath=\"/c d\"\n"
		       "WorkerMemory=1G\nBlockingThreads=64\nWorkerWatchdog=0\nLogLevel="
		       "debug\nFrameMax=4K\nConnections="
		       "7\nConnectionsPerUser=6\n"
		       "StartTimeout=1min 30s\nStopTimeout=infinity\nRestartDelay=1s\n"
		       "RestartDelayMax=2min\nHealthyAfter=5min\nGiveUpAfter=7\nGiveUp=never\n"
		       "ObserveGroup=root\nCallGroup=0\nManageGroup=17\nDeployGroup=root\n"
		       "X-Other=ignored\n[X-Site]\nAnything=goes\n");
	assert_int_equal(load(f), 0);
	assert_string_equal(conf_tree_problems(&f->tree), "");
	assert_int_equal(s->workers, 3);
	assert_string_equal(s->socket, "/tmp/x");
	assert_string_equal(s->runtime_directory, "/tmp/r");
	assert_string_equal(s->state_directory, "/tmp/s");
	assert_int_equal(s->plugin_path.n, 3);
	assert_string_equal(s->plugin_path.words[2], "/c d");
	assert_int_equal(s->log_level, LOG_P_DEBUG);
	assert_int_equal(s->frame_max, 4096);
	assert_int_equal(s->connections, 7);
	assert_int_equal(s->connections_uid, 6);
	assert_true(s->worker_watchdog_ns == 0);
	assert_int_equal(s->worker_memory, 1 << 30);
	assert_int_equal(s->blocking_threads, 64);
	assert_true(s->life.start_timeout_ns == 90 * CLOCK_SECOND_NS);
	assert_true(s->life.stop_timeout_ns == TEXT_INFINITY);
	assert_true(s->life.delay_ns == CLOCK_SECOND_NS);
	assert_true(s->life.delay_max_ns == 120 * CLOCK_SECOND_NS);
	assert_true(s->life.healthy_ns == 300 * CLOCK_SECOND_NS);
	assert_int_equal(s->life.limit.after, 7);
	assert_int_equal(s->life.limit.give_up, RESTART_GIVE_UP_NEVER);
	assert_true(s->observe.is_set && s->call.is_set && s->manage.is_set &&
		    s->deploy.is_set);
	assert_int_equal(s->manage.gid, 17);
}

static void dropin_overrides_and_empty_value_resets(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("trouped.conf",
		       "[Daemon]\nWorkers=3\nSocket=/tmp/x\nPluginPath=/a\nLogLevel=3\n"
		       "RestartDelay=9s\nManageGroup=1\n");
	conf_tree_file("trouped.conf.d/a.conf",
		       "[Daemon]\nWorkers=5\nSocket=\nPluginPath=\nPluginPath=/z\n"
		       "LogLevel=\nRestartDelay=\nManageGroup=\n");
	assert_int_equal(load(f), 0);
	assert_int_equal(f->settings.workers, 5);
	assert_string_equal(f->settings.socket, "/run/troupe/control.sock");
	assert_int_equal(f->settings.plugin_path.n, 1);
	assert_string_equal(f->settings.plugin_path.words[0], "/z");
	assert_int_equal(f->settings.log_level, LOG_P_INFO);
	assert_true(f->settings.life.delay_ns == 100 * CLOCK_MS_NS);
	assert_false(f->settings.manage.is_set);
}

static void mistake_is_named_with_its_key(void **state)
{
	static const char *const cases[][2] = {
		{"Workers=0", "trouped.conf:2: Workers=0: must be a number from 1 to 64"},
		{"Workers=65", "trouped.conf:2: Workers=65: must be a number from 1 to 64"},
		{"Workers=many", "trouped.conf:2: Workers=many: must be a number from 1 to 64"},
		{"Wrokers=2",
		 "trouped.conf:2: unknown key Wrokers= in [Daemon]; did you mean Workers=?"},
		{"RestartDelya=2",
		 "trouped.conf:2: unknown key RestartDelya= in [Daemon]; did you mean "
		 "RestartDelay=?"},
		{"Colour=red", "trouped.conf:2: unknown key Colour= in [Daemon]"},
		{"Socket=run/x",
		 "trouped.conf:2: Socket=run/x: must be an absolute path, one that begins with "
		 "\"/\""},
		{"PluginPath=/a b",
		 "trouped.conf:2: PluginPath=/a b: must be an absolute path, one that begins "
		 "with \"/\""},
		{"PluginPath='/a",
		 "trouped.conf:2: PluginPath='/a: a ' is not closed; write \\' for an "
		 "apostrophe"},
		{"LogLevel=loud", "trouped.conf:2: LogLevel=loud: must be error, warning, "
				  "notice, info or debug"},
		{"FrameMax=1K",
		 "trouped.conf:2: FrameMax=1K: must be a size from 4K to 16M, like 64K"},
		{"FrameMax=17M",
		 "trouped.conf:2: FrameMax=17M: must be a size from 4K to 16M, like 64K"},
		{"Connections=5000",
		 "trouped.conf:2: Connections=5000: must be a number from 1 to 4096"},
		{"ConnectionsPerUser=0",
		 "trouped.conf:2: ConnectionsPerUser=0: must be a number from 1 to 1024"},
		{"WorkerMemory=1M",
		 "trouped.conf:2: WorkerMemory=1M: must be a size from 64M on, "
		 "1% to 100%, or infinity"},
		{"WorkerMemory=0%",
		 "trouped.conf:2: WorkerMemory=0%: must be a size from 64M on, "
		 "1% to 100%, or infinity"},
		{"WorkerMemory=101%",
		 "trouped.conf:2: WorkerMemory=101%: must be a size from 64M "
		 "on, 1% to 100%, or infinity"},
		{"StartTimeout=0",
		 "trouped.conf:2: StartTimeout=0: must be a time from 1ms to infinity, like "
		 "500ms or 1min 30s"},
		{"StopTimeout=soon",
		 "trouped.conf:2: StopTimeout=soon: must be a time from 1ms to infinity, like "
		 "500ms or 1min 30s"},
		{"RestartDelay=infinity",
		 "trouped.conf:2: RestartDelay=infinity: must be a time from 0 to 1d, "
		 "like 500ms or 1min 30s"},
		{"StartLimitBurst=65",
		 "trouped.conf:2: StartLimitBurst=65: must be a number from 0 to 64"},
		{"GiveUpAfter=0",
		 "trouped.conf:2: GiveUpAfter=0: must be a number from 1 to 1000"},
		{"GiveUp=often", "trouped.conf:2: GiveUp=often: must be fail or never"},
		{"HealthyAfter=0",
		 "trouped.conf:2: HealthyAfter=0: must be a time from 1ms to 1w, "
		 "like 500ms or 1min 30s"},
		{"StartLimitInterval=2w",
		 "trouped.conf:2: StartLimitInterval=2w: must be a time from 0 to 1w, "
		 "like 500ms or 1min 30s"},
		{"CallGroup=no-such-group-here",
		 "trouped.conf:2: CallGroup=no-such-group-here: there is no such "
		 "group; make it with groupadd --system, or name another"},
		{"[Deamon]\nA=1\nB=2",
		 "trouped.conf:2: unknown section [Deamon]; did you mean [Daemon]?"},
		{"[Zoo]\nA=1", "trouped.conf:2: unknown section [Zoo]; did you mean [Daemon]?"},
	};
	struct fixture *f = *state;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "[Daemon]\n%s\n", cases[i][0]);
		conf_tree_file("trouped.conf", text);
		assert_int_equal(load(f), -EINVAL);
		assert_null(f->settings.socket);
		assert_string_equal(conf_tree_problems(&f->tree), cases[i][1]);
	}
}

/* The warnings of a trouped.conf, which is taken as it is. */
static void expect_warnings(struct fixture *f, const char *text, const char *const *expected,
			    size_t n)
{
	conf_tree_file("trouped.conf", text);
	problems_fini(&f->tree.problems);
	assert_int_equal(load(f), 0);
	assert_int_equal(f->tree.problems.n_warnings, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(f->tree.problems.warnings[i].message, expected[i]);
}

static void former_limits_are_taken_with_a_warning(void **state)
{
	static const char *const both[] = {
		"StartLimitBurst= is the former name of a key: write GiveUpAfter=4",
		"StartLimitInterval= is the former name of a key: write HealthyAfter= for the "
		"time after which an actor counts as healthy",
	};
	static const char *const never[] = {
		"StartLimitBurst= is the former name of a key: write GiveUp=never",
	};
	struct fixture *f = *state;
	const struct life_keys *keys = &f->settings.life;

	expect_warnings(f, "[Daemon]\nStartLimitBurst=3\nStartLimitInterval=1min\n", both, 2);
	/* Three restarts: the fourth failure was the last then, too. */
	assert_int_equal(keys->limit.after, 4);
	assert_int_equal(keys->limit.give_up, RESTART_GIVE_UP_FAIL);
	assert_true(keys->healthy_ns == 60 * CLOCK_SECOND_NS);
	settings_fini(&f->settings);
	expect_warnings(f, "[Daemon]\nStartLimitBurst=0\n", never, 1);
	assert_int_equal(keys->limit.give_up, RESTART_GIVE_UP_NEVER);
}

static void limits_that_are_hardly_meant_are_warned_of(void **state)
{
	static const char *const slow[] = {
		"with these delays an actor that always fails is given up after more than 1w "
		"2d; "
		"see GiveUpAfter=, RestartDelay= and RestartDelayMax=",
	};
	static const char *const healthy[] = {
		"HealthyAfter=50ms is less than RestartDelay=100ms: an actor that fails soon "
		"after each start counts as healthy, and is given up only if its init fails",
	};
	static const char *const never[] = {"GiveUpAfter= has no effect with GiveUp=never"};
	struct fixture *f = *state;

	expect_warnings(f, "[Daemon]\nRestartDelay=1d\nHealthyAfter=2d\n", slow, 1);
	settings_fini(&f->settings);
	expect_warnings(f, "[Daemon]\nHealthyAfter=50ms\n", healthy, 1);
	settings_fini(&f->settings);
	expect_warnings(f, "[Daemon]\nGiveUp=never\nGiveUpAfter=3\n", never, 1);
	settings_fini(&f->settings);
	/* The defaults, said and unsaid. */
	expect_warnings(f, "[Daemon]\n", NULL, 0);
	settings_fini(&f->settings);
	expect_warnings(f,
			"[Daemon]\nRestartDelay=100ms\nRestartDelayMax=30s\n"
			"HealthyAfter=10s\nGiveUpAfter=10\nGiveUp=fail\n",
			NULL, 0);
}

static void workers_memory_is_a_size_a_percentage_or_none(void **state)
{
	struct fixture *f = *state;
	uint64_t all = memory_limit("/proc/self/cgroup", "/sys/fs/cgroup");

	conf_tree_file("trouped.conf", "[Daemon]\nWorkerMemory=25%\n");
	assert_int_equal(load(f), 0);
	assert_int_equal(f->settings.worker_memory, all / 100 * 25);
	settings_fini(&f->settings);
	conf_tree_file("trouped.conf", "[Daemon]\nWorkerMemory=infinity\n");
	assert_int_equal(load(f), 0);
	assert_true(f->settings.worker_memory == TEXT_INFINITY);
	settings_fini(&f->settings);
	conf_tree_file("trouped.conf", "[Daemon]\nWorkerMemory=1G\nWorkerMemory=\n");
	assert_int_equal(load(f), 0);
	assert_int_equal(f->settings.worker_memory, 0);
}

static void path_is_refused_when_too_long_for_a_socket(void **state)
{
	struct fixture *f = *state;
	char text[256] = "[Daemon]\nSocket=/", name[128];

	memset(name, 'x', 107);
	name[106] = '\0'; /* 107 bytes with the slash */
	strcat(text, name);
	conf_tree_file("trouped.conf", text);
	assert_int_equal(load(f), 0);
	strcat(text, "x");
	conf_tree_file("trouped.conf", text);
	assert_int_equal(load(f), -EINVAL);
	conf_tree_problems(&f->tree);
	assert_non_null(strstr(
		f->tree.text,
		": the path has 108 bytes, at most 107 are possible; choose a shorter one"));
	snprintf(text, sizeof(text), "[Daemon]\nRuntimeDirectory=/%.70s", name);
	conf_tree_file("trouped.conf", text);
	assert_int_equal(load(f), -EINVAL);
	conf_tree_problems(&f->tree);
	assert_non_null(strstr(
		f->tree.text,
		": the path has 71 bytes, at most 70 are possible; choose a shorter one"));
}

static void runtime_directory_is_asked_for_when_none_is_known(void **state)
{
	struct fixture *f = *state;

	free(f->tree.path.runtime);
	f->tree.path.runtime = NULL;
	assert_int_equal(load(f), -EINVAL);
	assert_string_equal(conf_tree_problems(&f->tree),
			    "trouped.conf: XDG_RUNTIME_DIR is not set: set it, or "
			    "RuntimeDirectory= in [Daemon]");
	f->tree.path.runtime = strdup(
		"/a/runtime/directory/that/is/much/too/long/for/the/sockets/that/lie/in/it");
	assert_int_equal(load(f), -EINVAL);
	assert_string_equal(conf_tree_problems(&f->tree),
			    "trouped.conf: the runtime directory "
			    "/a/runtime/directory/that/is/much/too/long/for/the/sockets/that/"
			    "lie/in/it has more than "
			    "70 bytes; set RuntimeDirectory= in [Daemon] to a shorter one");
}

static void all_mistakes_are_reported_at_once(void **state)
{
	struct fixture *f = *state;

	conf_tree_file("trouped.conf", "[Daemon]\nWorkers=0\nnonsense\n");
	conf_tree_file("trouped.conf.d/x.conf", "[Daemon]\nFrameMax=x\n");
	assert_int_equal(load(f), -EINVAL);
	assert_string_equal(
		conf_tree_problems(&f->tree),
		"trouped.conf:3: \"nonsense\" is neither Key=value nor a [Section]; comments "
		"begin "
		"with \"#\"\n"
		"trouped.conf:2: Workers=0: must be a number from 1 to 64\n"
		"trouped.conf.d/x.conf:2: FrameMax=x: must be a size from 4K to 16M, like 64K");
}

struct changes {
	char kept[256], applied[256];
};

static void on_change(void *context, const struct conf_key *key)
{
	struct changes *changes = context;
	char *text = key->change == CONF_RESTART ? changes->kept : changes->applied;

	strcat(strcat(text, key->name), " ");
}

static void what_only_a_start_changes_is_kept_and_told(void **state)
{
	struct fixture *f = *state;
	struct settings before;
	struct changes changes = {0};

	conf_tree_file("trouped.conf", "[Daemon]\nWorkers=2\nSocket=/a/s\n");
	assert_int_equal(load(f), 0);
	before = f->settings;
	f->settings = (struct settings){0};
	conf_tree_file("trouped.conf", "[Daemon]\nWorkers=3\nSocket=/a/s\nLogLevel=debug\n"
				       "StateDirectory=/b\nRestartDelay=9s\n");
	assert_int_equal(load(f), 0);
	settings_keep(&before, &f->settings, on_change, &changes);
	assert_string_equal(changes.kept, "Workers StateDirectory ");
	assert_string_equal(changes.applied, "LogLevel RestartDelay ");
	assert_int_equal(f->settings.workers, 2);
	assert_int_equal(before.workers, 3);
	assert_string_equal(before.state_directory, "/b");
	assert_int_equal(f->settings.log_level, LOG_P_DEBUG);
	assert_int_equal(f->settings.life.delay_ns, 9 * CLOCK_SECOND_NS);
	settings_fini(&before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(settings_have_defaults_without_a_file),
		TEST(groups_are_asked_for_only_when_there_are_no_settings_yet),
		TEST(each_key_is_taken_in),
		TEST(dropin_overrides_and_empty_value_resets),
		TEST(mistake_is_named_with_its_key),
		TEST(former_limits_are_taken_with_a_warning),
		TEST(limits_that_are_hardly_meant_are_warned_of),
		TEST(workers_memory_is_a_size_a_percentage_or_none),
		TEST(path_is_refused_when_too_long_for_a_socket),
		TEST(runtime_directory_is_asked_for_when_none_is_known),
		TEST(all_mistakes_are_reported_at_once),
		TEST(what_only_a_start_changes_is_kept_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
