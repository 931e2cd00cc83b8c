/* Real plug-ins, good and bad ones, loaded as a worker loads them: those in plugins/ and
 * test-plugins/ of the build that this program is of. */
#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"

/* A file of the build; given. */
static char *read_plugin(const char *path, size_t *ret_size)
{
	char program[1024], full[1280], *data;

	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	assert_true(length > 0);
	program[length] = '\0';
	/* BUILD/tests/unit/plugin/test_loader */
	for (int i = 0; i < 4; i++)
		*strrchr(program, '/') = '\0';
	snprintf(full, sizeof(full), "%s/%s", program, path);
	int r = io_file_read(AT_FDCWD, full, PLUGIN_FILE_MAX, &data, ret_size);
	if (r < 0)
		fail_msg("%s: %s", full, strerror(-r));
	return data;
}

/* The same as a sealed memfd. */
static int open_plugin(const char *path)
{
	size_t size;
	char *data = read_plugin(path, &size);
	int fd;

	assert_int_equal(memfd_of("plugin", data, size, &fd), 0);
	free(data);
	return fd;
}

static struct plugin *load(struct loader *loader, const char *path, unsigned flags)
{
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX];

	if (loader_load(loader, open_plugin(path), "a.so", 7, flags, &plugin, why) < 0)
		fail_msg("%s: %s", path, why);
	assert_string_equal(why, "");
	return plugin;
}

static void assert_refused(struct loader *loader, const char *path, const char *reason)
{
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX] = "";

	assert_int_equal(loader_load(loader, open_plugin(path), "a.so", 7, 0, &plugin, why),
			 -ENOEXEC);
	if (!strstr(why, reason))
		fail_msg("%s: the reason was \"%s\"", path, why);
	assert_null(strstr(why, "/proc/"));
	assert_null(plugin);
}

static int make_loader(void **state)
{
	return loader_new((struct loader **)state);
}

static int free_loader(void **state)
{
	loader_free(*state);
	return 0;
}

static uintptr_t handler_of(const struct plugin *plugin)
{
	return (uintptr_t)plugin->tables[0]->interfaces[0]->handlers[0];
}

static void loader_finds_the_tables_of_a_plugin(void **state)
{
	struct plugin *plugin = load(*state, "plugins/hello.so", 0);

	assert_string_equal(plugin->name, "a.so");
	assert_int_equal(plugin->info->n_actors, 1);
	assert_string_equal(plugin->info->actors[0].name, "hello");
	assert_non_null(plugin->tables[0]);
	assert_string_equal(plugin->tables[0]->name, "hello");
	assert_true((uintptr_t)plugin->tables[0] >= plugin->base);
	assert_true((uintptr_t)plugin->tables[0] < plugin->end);

	/* Several actor types, in the order of their names. */
	plugin = load(*state, "test-plugins/flood.so", 0);
	assert_int_equal(plugin->info->n_actors, 2);
	assert_string_equal(plugin->tables[0]->name, "flood");
	assert_string_equal(plugin->tables[1]->name, "sink");
	assert_int_equal(plugin->info->n_interfaces, 2);
	assert_true(plugin->info->interfaces[0].is_implemented);

	/* relay only calls what slow provides; the actor type forward of the same plug-in
	 * implements it. */
	plugin = load(*state, "test-plugins/relay.so", 0);
	assert_int_equal(plugin->info->n_interfaces, 3);
	assert_string_equal(plugin->info->interfaces[0].name, "io.troupe.test.forward");
	assert_false(plugin->info->interfaces[0].is_implemented);
}

static void loader_takes_every_plugin_that_only_misbehaves_later(void **state)
{
	static const char *const paths[] = {
		"plugins/ticker.so",     "plugins/wordcount.so",
		"test-plugins/crash.so", "test-plugins/crash_in_init.so",
		"test-plugins/echo.so",  "test-plugins/fail_in_init.so",
		"test-plugins/slow.so",  "test-plugins/hang_in_init.so",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		load(*state, paths[i], 0);
}

static void loader_says_why_it_refuses(void **state)
{
	assert_refused(*state, "test-plugins/globals.so", "writable static data and no seal");
	assert_refused(*state, "test-plugins/wrong_abi.so", "was built for ABI 99.");
	assert_refused(*state, "test-plugins/no_note.so", "no TROUPE_ACTOR()");
	assert_refused(*state, "test-plugins/newer_sdk.so", "needs troupe_from_the_future");
	assert_refused(*state, "test-plugins/undefined_symbol.so",
		       "undefined symbol: nobody_has_this");
	assert_refused(*state, "troupe-gen", "it is a program");
	assert_refused(*state, "gen/config.h", "not an ELF file");
}

/* The dynamic linker repeats what stands in the file; what is no UTF-8 could not be reported,
 * and ended the worker. */
static void loader_says_why_in_text_whatever_the_file_holds(void **state)
{
	static const char name[] = "nobody_has_this";
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX] = "", *at;
	size_t size;
	char *data = read_plugin("test-plugins/undefined_symbol.so", &size);
	int fd;

	for (at = data; (at = memmem(at, size - (size_t)(at - data), name, strlen(name)));)
		memcpy(at, "nobody\xc3\x01\n\xffthis!", strlen(name));
	assert_int_equal(memfd_of("plugin", data, size, &fd), 0);
	free(data);
	assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -ENOEXEC);
	if (!strstr(why, "undefined symbol: nobody????this!"))
		fail_msg("the reason was \"%s\"", why);
}

/* The master and operators go by the notes. */
static void loader_compares_notes_with_tables(void **state)
{
	static const char note[] = "handmade\0right\0(n:int)\0\0\0io.troupe.test.handmade-a";
	static const struct {
		size_t at;
		char put;
		const char *reason;
	} cases[] = {
		{9, 'l', "does not have the description of its table"},
		{16, 'm', "does not have the configuration of its table"},
		{sizeof(note) - 2, 'b', "does not have the interfaces of its table"},
	};
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX] = "";
	size_t size;

	plugin = load(*state, "test-plugins/handmade.so", 0);
	assert_string_equal(plugin->info->actors[0].description, "right");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *data = read_plugin("test-plugins/handmade.so", &size);
		char *at = memmem(data, size, note, sizeof(note));
		int fd;

		assert_non_null(at);
		at[cases[i].at] = cases[i].put;
		assert_int_equal(memfd_of("plugin", data, size, &fd), 0);
		free(data);
		plugin = NULL;
		assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -ENOEXEC);
		assert_null(plugin);
		if (!strstr(why, cases[i].reason))
			fail_msg("case %zu: the reason was \"%s\"", i, why);
	}
}

/* It would be another type than the one that the master has asked for. */
static void loader_refuses_a_note_without_a_table(void **state)
{
	static const char type[] = {TROUPE_ABI_MAJOR,
				    0,
				    TROUPE_ABI_MINOR,
				    0,
				    'h',
				    'a',
				    'n',
				    'd',
				    'm',
				    'a',
				    'd',
				    'e',
				    0};
	static const char table[] = "handmade\0right";
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX] = "";
	size_t size;
	char *data = read_plugin("test-plugins/handmade.so", &size);
	char *at = memmem(data, size, type, sizeof(type));
	int fd;

	/* Both notes name another type now. */
	assert_non_null(at);
	at[sizeof(type) - 2] = 'd';
	at = memmem(data, size, table, sizeof(table));
	assert_non_null(at);
	at[strlen(table) - 1] = 'd';
	assert_int_equal(memfd_of("plugin", data, size, &fd), 0);
	free(data);
	assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -ENOEXEC);
	assert_null(plugin);
	assert_string_equal(why, "actor type \"handmadd\": the plug-in does not export "
				 "troupe_actor_handmadd");
}

static void loader_refuses_what_is_no_file_of_a_plugin(void **state)
{
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX] = "";
	int fd = memfd_create("large", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)PLUGIN_FILE_MAX + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS,
			       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
			 0);
	assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -E2BIG);
	assert_string_equal(why, "its file is larger than 256 MiB");
	/* A Load that came without its descriptor. */
	assert_int_equal(loader_load(*state, -1, "a.so", 7, 0, &plugin, why), -EBADF);
	assert_string_equal(why, "Bad file descriptor");
	assert_null(plugin);
}

static void loader_takes_globals_when_allowed(void **state)
{
	struct plugin *plugin = load(*state, "test-plugins/globals.so", PLUGIN_ALLOW_GLOBALS);

	assert_false(plugin->info->is_sealed);
	assert_true(plugin->info->writable > 0);
}

static void loader_refuses_a_file_that_its_sender_could_change(void **state)
{
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX];

	int fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -EPERM);
	assert_non_null(strstr(why, "sealed memfd"));
	/* Taken, on failure too. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);

	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(loader_load(*state, fd, "a.so", 7, 0, &plugin, why), -EPERM);
	assert_null(plugin);
}

static void loader_never_takes_one_file_for_another(void **state)
{
	/* The descriptor's number is what the dynamic linker knows a file by; so a refused
	 * file's number may come again, that of a loaded one never. */
	struct plugin *first = load(*state, "plugins/hello.so", 0);
	assert_refused(*state, "test-plugins/undefined_symbol.so", "nobody_has_this");
	struct plugin *second = load(*state, "plugins/ticker.so", 0);
	assert_refused(*state, "test-plugins/no_note.so", "no TROUPE_ACTOR()");
	struct plugin *third = load(*state, "plugins/hello.so", 0);

	assert_string_equal(second->tables[0]->name, "ticker");
	assert_string_equal(third->tables[0]->name, "hello");
	assert_true(third->base != first->base);
	assert_true(fcntl(first->fd, F_GETFD) & FD_CLOEXEC);

	/* Nor does a second loader in this process. */
	struct loader *other;
	assert_int_equal(loader_new(&other), 0);
	int fd = first->fd;
	loader_free(*state);
	*state = other;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	second = load(other, "plugins/wordcount.so", 0);
	assert_string_equal(second->tables[0]->name, "wordcount");
}

static void loader_names_static_functions_by_address(void **state)
{
	struct plugin *hello = load(*state, "plugins/hello.so", 0);
	struct plugin *slow = load(*state, "test-plugins/slow.so", 0);
	struct loader_symbol symbol;

	/* The handler's thunk: no symbol that the dynamic linker would know. */
	assert_true(loader_find_symbol(*state, handler_of(hello) + 3, &symbol));
	assert_string_equal(symbol.plugin, "a.so");
	assert_string_equal(symbol.function, "greeter_hello_on_greet");
	assert_int_equal(symbol.offset, 3);
	assert_true(loader_find_symbol(*state, handler_of(slow), &symbol));
	assert_string_equal(symbol.function, "slowness_on_answer");
	assert_int_equal(symbol.offset, 0);

	/* In the plug-in, but in no function: its ELF header. */
	assert_true(loader_find_symbol(*state, hello->base + 1, &symbol));
	assert_string_equal(symbol.function, "");
	assert_int_equal(symbol.offset, 1);

	assert_false(loader_find_symbol(*state, (uintptr_t)&loader_find_symbol, &symbol));
	assert_false(loader_find_symbol(*state, 0, &symbol));
	assert_false(loader_find_symbol(*state, UINTPTR_MAX, &symbol));
}

/* gdb opens what the link map names: "/proc/self" would be its own descriptor, at which it
 * hung. */
static void loader_loads_under_a_name_that_a_debugger_can_open(void **state)
{
	struct plugin *plugin = load(*state, "plugins/hello.so", 0);
	char path[64];
	Dl_info info;

	assert_int_not_equal(dladdr((void *)handler_of(plugin), &info), 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/", (int)getpid());
	assert_memory_equal(info.dli_fname, path, strlen(path));
	assert_int_equal(access(info.dli_fname, R_OK), 0);
}

static void loader_keeps_its_limit(void **state)
{
	struct rlimit limit;
	struct plugin *plugin = NULL;
	char why[PLUGIN_WHY_MAX];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2 * LOADER_PLUGINS_MAX)
		skip();
	for (int i = 0; i < LOADER_PLUGINS_MAX; i++)
		load(*state, "test-plugins/crash_in_init.so", 0);
	assert_int_equal(loader_load(*state, open_plugin("plugins/hello.so"), "a.so", 7, 0,
				     &plugin, why),
			 -EMFILE);
	assert_non_null(strstr(why, "1024 plug-ins"));
	assert_null(plugin);
}

/* ------------------------------------------------------------------ two threads */

/* Another thread asks the linker while a load fails, and is answered when that is over. */
static struct {
	bool is_on;
	struct loader *loader;
	sem_t loading, looking, failed;
	char path[64];
	pthread_t looker;
} race;

void *dlopen(const char *path, int mode)
{
	void *(*next)(const char *, int);

	*(void **)&next = dlsym(RTLD_NEXT, "dlopen");
	if (race.is_on) {
		snprintf(race.path, sizeof(race.path), "%s", path);
		sem_post(&race.loading);
		while (sem_wait(&race.looking) < 0)
			;
	}
	return next(path, mode);
}

int dladdr(const void *address, Dl_info *ret_info)
{
	int (*next)(const void *, Dl_info *);

	if (race.is_on && pthread_equal(pthread_self(), race.looker)) {
		sem_post(&race.looking);
		while (sem_wait(&race.failed) < 0)
			;
		*ret_info = (Dl_info){.dli_fname = race.path, .dli_fbase = &race};
		return 1;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "dladdr");
	return next(address, ret_info);
}

static void *look(void *unused)
{
	struct loader_symbol symbol;

	race.looker = pthread_self();
	while (sem_wait(&race.loading) < 0)
		;
	return loader_find_symbol(race.loader, (uintptr_t)&race + 1, &symbol) ? unused : NULL;
}

static void looker_finds_nothing_of_a_load_that_has_failed(void **state)
{
	pthread_t thread;
	void *found;

	race.loader = *state;
	assert_int_equal(sem_init(&race.loading, 0, 0), 0);
	assert_int_equal(sem_init(&race.looking, 0, 0), 0);
	assert_int_equal(sem_init(&race.failed, 0, 0), 0);
	race.is_on = true;
	assert_int_equal(pthread_create(&thread, NULL, look, &race), 0);
	assert_refused(*state, "test-plugins/undefined_symbol.so", "undefined symbol");
	sem_post(&race.failed);
	assert_int_equal(pthread_join(thread, &found), 0);
	race.is_on = false;
	assert_null(found);
	/* what was kept for the looker is freed by the next one */
	assert_refused(*state, "test-plugins/undefined_symbol.so", "undefined symbol");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loader_finds_the_tables_of_a_plugin,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(
			loader_takes_every_plugin_that_only_misbehaves_later, make_loader,
			free_loader),
		cmocka_unit_test_setup_teardown(loader_says_why_it_refuses, make_loader,
						free_loader),
		cmocka_unit_test_setup_teardown(loader_says_why_in_text_whatever_the_file_holds,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(loader_compares_notes_with_tables, make_loader,
						free_loader),
		cmocka_unit_test_setup_teardown(loader_refuses_a_note_without_a_table,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(loader_refuses_what_is_no_file_of_a_plugin,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(loader_takes_globals_when_allowed, make_loader,
						free_loader),
		cmocka_unit_test_setup_teardown(
			loader_refuses_a_file_that_its_sender_could_change, make_loader,
			free_loader),
		cmocka_unit_test_setup_teardown(loader_never_takes_one_file_for_another,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(loader_names_static_functions_by_address,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(
			loader_loads_under_a_name_that_a_debugger_can_open, make_loader,
			free_loader),
		cmocka_unit_test_setup_teardown(looker_finds_nothing_of_a_load_that_has_failed,
						make_loader, free_loader),
		cmocka_unit_test_setup_teardown(loader_keeps_its_limit, make_loader,
						free_loader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
