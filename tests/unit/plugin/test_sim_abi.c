/* Plug-ins of other minor versions of the ABI. Compiled twice: for this host, and (next/)
 * with TROUPE_NEXT for the one that the next minor version may bring, whose tables all end
 * in a member more (tests/abi/next). Run at the top of the tree. */
#include "base/io.h"
#include "core/definition.h"
#include "core/inside.h"
#include "core/type.h"
#include "plugin/loader.h"
#include "proto/abi.h"
#include "tests/unit/sim/lone.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURES "tests/abi"

/* What troupe-gen makes of the veteran's interface, for both hosts. */
struct config {
	const char *greeting;
	const int64_t *limit;
	int32_t mood;
};
struct work_out {
	const char *const *items;
	size_t count;
};

struct host {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct loader *loader;
	struct troupe_address veteran;
	const struct runtime_type *types[2];
	struct runtime_client_call call;
	char steps[8192]; /* of the answer, a line each */
};

static int find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	*ret_address = ((struct host *)context)->veteran;
	return strcmp(name, "veteran") == 0 ? 0 : -ENOENT;
}

static const struct runtime_ops ops = {
	.forward = lone_forward,
	.find_layout = lone_find_layout,
	.find_name = find_name,
	.on_end = lone_on_end,
	.on_log = lone_on_log,
};

/* ------------------------------------------------------------------ plug-ins */

/* A file of the build as a sealed memfd. */
static int open_plugin(const char *name)
{
	char program[1024], path[1280], *data;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t size;
	int fd;

	assert_true(length > 0);
	program[length] = '\0';
	/* BUILD/tests/unit/plugin/test_sim_abi, or BUILD/tests/unit/next/test_sim_abi */
	for (int i = 0; i < 4; i++)
		*strrchr(program, '/') = '\0';
	snprintf(path, sizeof(path), "%s/abi/%s.so", program, name);
	if (io_file_read(AT_FDCWD, path, PLUGIN_FILE_MAX, &data, &size) < 0)
		fail_msg("%s cannot be read", path);
	assert_int_equal(memfd_of("plugin", data, size, &fd), 0);
	free(data);
	return fd;
}

static void begin(struct host *host, const char *name)
{
	static const int64_t limit = 12;
	const struct runtime_config config = {.process = {.worker = 1, .incarnation = 1},
					      .page = &host->page,
					      .ops = &ops,
					      .context = host};
	struct runtime_config running = config;
	struct plugin *plugin;
	char why[PLUGIN_WHY_MAX];
	const char *reason;

	*host = (struct host){0};
	assert_int_equal(loop_new(&host->loop), 0);
	assert_int_equal(loader_new(&host->loader), 0);
	running.loop = host->loop;
	assert_int_equal(runtime_new(&running, &host->runtime), 0);
	if (loader_load(host->loader, open_plugin(name), "veteran.so", 1, 0, &plugin, why) < 0)
		fail_msg("%s: %s", name, why);
	assert_int_equal(plugin->info->n_actors, 2);
	for (size_t i = 0; i < 2; i++)
		if (runtime_type_add(host->runtime, plugin->tables[i], plugin, &host->types[i],
				     &reason) < 0)
			fail_msg("%s: %s", name, reason);
	/* in the order of their names: apprentice, veteran */
	assert_int_equal(runtime_unit_define(host->runtime,
					     &(struct runtime_unit){.number = 1,
								    .name = "veteran",
								    .type = host->types[1],
								    .mailbox = 100}),
			 0);
	assert_int_equal(runtime_spawn(host->runtime, 1, 0,
				       &(struct config){"good day", &limit, 1}, &host->veteran),
			 0);
}

static void on_reply(struct runtime_client_call *call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct host *host = container_of(call, struct host, call);
	const struct work_out *out = reply->data;
	size_t at = 0;

	assert_int_equal(reply->status, TROUPE_OK);
	assert_non_null(type);
	for (size_t i = 0; i < out->count; i++)
		at += (size_t)snprintf(host->steps + at, sizeof(host->steps) - at, "%s\n",
				       out->items[i]);
	assert_true(at < sizeof(host->steps));
}

/* Let the veteran go through all that it knows of the SDK. */
static const char *work(struct host *host)
{
	static const char interface[] = "io.troupe.test.veteran";
	const struct troupe_method *method;

	host->call.on_reply = on_reply;
	assert_int_equal(runtime_find_method(host->runtime, host->veteran, interface,
					     strlen(interface), "Work", 4, &method),
			 0);
	assert_int_equal(runtime_client_call(host->runtime, host->veteran, method, NULL,
					     UINT64_MAX, 0, &host->call),
			 0);
	sim_run_until(host->loop, SIM_START_NS + 60 * 1000000000ull);
	return host->steps;
}

static void finish(struct host *host)
{
	runtime_stop_all(host->runtime);
	sim_run_until(host->loop, SIM_START_NS + 120 * 1000000000ull);
	assert_int_equal(host->runtime->n_actors + host->runtime->calls.count, 0);
	assert_int_equal(host->runtime->kept_calls.count + host->runtime->timers.count, 0);
	runtime_free(host->runtime);
	loop_free(host->loop);
	loader_free(host->loader);
}

/* ------------------------------------------------------------------ */

static char *read_fixture(const char *version, const char *name)
{
	char path[256], *text;
	size_t size;

	snprintf(path, sizeof(path), FIXTURES "/%s/%s", version, name);
	if (io_file_read(AT_FDCWD, path, 1 << 20, &text, &size) < 0)
		fail_msg("%s cannot be read", path);
	return text;
}

static void plugins_of_every_version_do_all_they_did(void **state)
{
	glob_t versions;

	(void)state;
	assert_int_equal(glob(FIXTURES "/[0-9]*", 0, NULL, &versions), 0);
	for (size_t i = 0; i < versions.gl_pathc; i++) {
		const char *version = versions.gl_pathv[i] + strlen(FIXTURES "/");
		char *expected = read_fixture(version, "expected");
		struct host host;

		begin(&host, version);
		assert_string_equal(work(&host), expected);
		finish(&host);
		free(expected);
	}
	globfree(&versions);
}

/* A size of ABI 2.0, from its layout. */
static uint32_t released_size(const char *layout, const char *name)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "\nstruct %s: size ", name);
	at = strstr(layout, line);
	if (!at)
		fail_msg("no %s in the layout of 2.0", name);
	return (uint32_t)strtoul(at + strlen(line), NULL, 10);
}

/* As this host has them. */
static const struct {
	uint32_t size;
	size_t size_at; /* where it says its size */
	const char *name;
} tables[ABI_TABLES] = {
#define TABLE(type)                                                                            \
	{                                                                                      \
		sizeof(struct type), offsetof(struct type, table_size), #type                  \
	}
	[ABI_ACTOR] = TABLE(troupe_actor),         [ABI_LIFE] = TABLE(troupe_life),
	[ABI_ENTRY] = TABLE(troupe_entry),         [ABI_HANDLERS] = TABLE(troupe_handlers),
	[ABI_INTERFACE] = TABLE(troupe_interface), [ABI_METHOD] = TABLE(troupe_method),
	[ABI_ERROR] = TABLE(troupe_error),         [ABI_TYPE] = TABLE(troupe_type),
#undef TABLE
};

static void sizes_are_taken_from_those_of_2_0_to_the_hosts_own(void **state)
{
	char *layout = read_fixture("2.0", "layout");

	(void)state;
	for (enum abi_table which = 0; which < ABI_TABLES; which++) {
		uint32_t least = abi_least(which), most = tables[which].size;

		assert_int_equal(least, released_size(layout, tables[which].name));
		assert_null(abi_size_wrong(which, least));
		assert_null(abi_size_wrong(which, most));
		assert_non_null(strstr(abi_size_wrong(which, 0), "smaller than ABI 2.0"));
		assert_non_null(strstr(abi_size_wrong(which, least - 8), "smaller"));
		assert_non_null(strstr(abi_size_wrong(which, least - 1), "smaller"));
		assert_non_null(strstr(abi_size_wrong(which, most + 1), "newer SDK"));
		assert_non_null(strstr(abi_size_wrong(which, most + 8), "newer SDK"));
		assert_non_null(strstr(abi_size_wrong(which, UINT32_MAX), "newer SDK"));
#ifdef TROUPE_NEXT
		assert_true(most > least);
		assert_null(abi_size_wrong(which, least + 8));
		assert_non_null(strstr(abi_size_wrong(which, least + 1), "multiple of 8"));
		assert_non_null(strstr(abi_size_wrong(which, least + 4), "multiple of 8"));
#endif
	}
	free(layout);
}

#ifdef TROUPE_NEXT

/* Whether what follows a table in the plug-in's memory is anything but zeroes. */
static bool is_followed(const void *table, size_t size)
{
	static const char zeroes[16];

	return memcmp((const char *)table + size, zeroes, sizeof(zeroes)) != 0;
}

static void what_an_older_table_lacks_is_zero(void **state)
{
	const struct runtime_type *type;
	unsigned followed = 0;
	struct host host;

	(void)state;
	begin(&host, "2.0");
	for (size_t i = 0; i < 2; i++) {
		type = host.types[i];
		assert_int_equal(type->table.table_size, abi_least(ABI_ACTOR));
		assert_null(type->table.later);
		assert_int_equal(type->table.later_number, 0);
		assert_null(type->life.later);
		assert_int_equal(type->life.later_number, 0);
		assert_non_null(type->life.init);
		followed += is_followed(type->given, abi_least(ABI_ACTOR));
		followed += is_followed(type->given->life, abi_least(ABI_LIFE));
		for (uint32_t j = 0; j < type->n_entries; j++) {
			assert_null(type->entries[j].later);
			assert_int_equal(type->entries[j].later_number, 0);
			followed += is_followed(type->given->entries[j], abi_least(ABI_ENTRY));
		}
	}
	/* else nothing was shown */
	assert_true(followed > 0);
	finish(&host);
}

/* Its first bytes lie in the plug-in, and it says that it is larger. */
static void table_that_reaches_beyond_the_plugin_is_refused(void **state)
{
	_Alignas(16) char plugin[1024], copy[1024];
	const char *wrong;

	(void)state;
	for (enum abi_table which = 0; which < ABI_TABLES; which++) {
		uint32_t size = abi_least(which) + 8;
		const struct bounds bounds = {(uintptr_t)plugin, (uintptr_t)plugin + size};

		memset(plugin, 0xff, sizeof(plugin));
		memcpy(plugin + tables[which].size_at, &size, sizeof(size));
		assert_int_equal(abi_check(which, &bounds, plugin, &wrong), 0);
		assert_int_equal(abi_copy(which, &bounds, plugin, copy, &wrong), 0);
		assert_memory_equal(copy, plugin, size);
		assert_int_equal(copy[size] | copy[tables[which].size - 1], 0);
		assert_int_equal(abi_check(which, &bounds, plugin + 16, &wrong), -EFAULT);
		assert_int_equal(abi_check(which, &bounds, plugin + 4, &wrong), -EFAULT);
		assert_int_equal(abi_check(which, &bounds, NULL, &wrong), -EFAULT);
		size = tables[which].size;
		memcpy(plugin + tables[which].size_at, &size, sizeof(size));
		assert_int_equal(abi_copy(which, &bounds, plugin, copy, &wrong), -EFAULT);
		assert_string_equal(wrong, "is not in the plug-in");
	}
}

static void tables_of_the_hosts_own_size_are_taken_whole(void **state)
{
	static const char *const plugins[] = {"newer", "larger"};
	char *expected = read_fixture("2.0", "expected");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct host host;

		begin(&host, plugins[i]);
		assert_int_equal(host.types[1]->table.table_size, sizeof(struct troupe_actor));
		assert_string_equal(work(&host), expected);
		finish(&host);
	}
	free(expected);
}

#else

static void refuse_plugin(const char *name, const char *reason)
{
	struct plugin *plugin = NULL;
	struct loader *loader;
	char why[PLUGIN_WHY_MAX] = "";

	assert_int_equal(loader_new(&loader), 0);
	assert_int_equal(
		loader_load(loader, open_plugin(name), "veteran.so", 1, 0, &plugin, why),
		-ENOEXEC);
	if (!strstr(why, reason))
		fail_msg("%s: the reason was \"%s\"", name, why);
	assert_null(plugin);
	loader_free(loader);
}

static void plugins_of_a_newer_version_are_refused_with_both_versions(void **state)
{
	char reason[64];

	(void)state;
	snprintf(reason, sizeof(reason), "was built for ABI %d.%d, this host has %d.%d",
		 TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR + 1, TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	refuse_plugin("newer", reason);
}

static void larger_tables_are_refused_though_the_version_is_right(void **state)
{
	(void)state;
	refuse_plugin("larger", "its table is larger than this host knows it: it was built "
				"with a newer SDK than it says");
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugins_of_every_version_do_all_they_did),
		cmocka_unit_test(sizes_are_taken_from_those_of_2_0_to_the_hosts_own),
#ifdef TROUPE_NEXT
		cmocka_unit_test(what_an_older_table_lacks_is_zero),
		cmocka_unit_test(table_that_reaches_beyond_the_plugin_is_refused),
		cmocka_unit_test(tables_of_the_hosts_own_size_are_taken_whole),
#else
		cmocka_unit_test(plugins_of_a_newer_version_are_refused_with_both_versions),
		cmocka_unit_test(larger_tables_are_refused_though_the_version_is_right),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
