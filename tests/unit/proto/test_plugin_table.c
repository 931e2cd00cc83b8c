/* What the tables of actor types say, read from what compilers and linkers made of them. */
#include "base/cleanup.h"
#include "proto/layout.h"
#include "proto/plugin_describe.h"
#include "proto/plugin_info.h"
#include "workshop.h"
#include <errno.h>

#define OPTIONS " -w -fPIC -fvisibility=hidden -Iinclude -I\"$DIR\""

/* Begin to compile a file and to link it to plugin NUMBER. */
static pid_t start_build(const struct workshop *workshop, size_t number, const char *command,
			 const char *source)
{
	return workshop_start(workshop,
			      "%s" OPTIONS " -c -o \"$DIR\"/plugin%zu.o %s && "
			      "%s" OPTIONS " -shared -o \"$DIR\"/plugin%zu.so -x none "
			      "\"$DIR\"/plugin%zu.o",
			      command, number, source, command, number, number);
}

static char *read_plugin(const struct workshop *workshop, size_t number, size_t *ret_size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/plugin%zu.so", workshop->directory, number);
	return workshop_read(path, ret_size);
}

/* Once a link has ended: begin to link that plug-in again, with what its tables are found to
 * hold. */
static int start_seal(const struct workshop *workshop, size_t number, const char *command,
		      pid_t *pid, char *why)
{
	cleanup_free char *unsealed = NULL, *notes = NULL;
	struct plugin_info *info = NULL;
	char path[64];
	size_t size;
	FILE *seal;
	int r;

	if (workshop_wait(*pid) != 0)
		fail_msg("cannot build: %s", command);
	unsealed = read_plugin(workshop, number, &size);
	r = plugin_describe(unsealed, size, &notes, why);
	if (r < 0)
		return r;
	assert_int_equal(plugin_info_read(unsealed, size, PLUGIN_ALLOW_GLOBALS, &info, why),
			 -ENOEXEC);
	assert_non_null(strstr(why, "no note says what its table holds"));
	snprintf(path, sizeof(path), "%s/seal%zu.c", workshop->directory, number);
	seal = fopen(path, "we");
	assert_non_null(seal);
	fprintf(seal, "#include <troupe/note.h>\n%s", notes);
	assert_int_equal(fclose(seal), 0);
	*pid = workshop_start(workshop,
			      "%s" OPTIONS " -shared -o \"$DIR\"/plugin%zu.so %s -x none "
			      "\"$DIR\"/plugin%zu.o",
			      command, number, path, number);
	return 0;
}

/* Once the second link has ended, too. */
static int read_sealed(const struct workshop *workshop, size_t number, const char *command,
		       pid_t pid, struct plugin_info **ret_info, char *why)
{
	cleanup_free char *sealed = NULL;
	size_t size;

	if (workshop_wait(pid) != 0)
		fail_msg("cannot seal: %s", command);
	sealed = read_plugin(workshop, number, &size);
	return plugin_info_read(sealed, size, PLUGIN_ALLOW_GLOBALS, ret_info, why);
}

static void check_layout(const struct troupe_type *type, const char *expected)
{
	cleanup_free char *layout = NULL;

	assert_int_equal(layout_print(type, &layout), 0);
	assert_string_equal(layout, expected);
}

/* By name: helper, idle, kiosk, stock. */
static void check_kiosk(const struct plugin_info *info)
{
	const struct plugin_actor *helper = &info->actors[0], *idle = &info->actors[1];
	const struct plugin_actor *kiosk = &info->actors[2], *stock = &info->actors[3];

	assert_int_equal(info->n_actors, 4);
	assert_string_equal(kiosk->description, "Sells papers, and hüte.");
	assert_int_equal(kiosk->n_interfaces, 2);
	assert_string_equal(kiosk->interfaces[0], "io.example.kiosk");
	assert_string_equal(kiosk->interfaces[1], "io.example.stock");
	assert_string_equal(kiosk->config_interface->name, "io.example.kiosk");
	assert_string_equal(kiosk->config_member->name, "Config");
	assert_int_equal(kiosk->config->count, kiosk->config_member->type->n_fields);
	assert_string_equal(kiosk->config_member->type->fields[0].doc, "Over the door.");

	assert_string_equal(stock->name, "stock");
	assert_null(stock->description);
	assert_int_equal(stock->n_interfaces, 1);
	/* Not kiosk's Label, which looks the same. */
	assert_string_equal(stock->config_interface->name, "io.example.stock");
	assert_string_equal(stock->config_member->name, "Config");
	check_layout(stock->config, "(name:string)");

	assert_string_equal(helper->name, "helper");
	assert_int_equal(helper->n_interfaces, 0);
	assert_null(helper->config_interface);
	assert_null(helper->config_member);
	check_layout(helper->config,
		     "(order:?(paper:string,copies:int),shelves:[](label:string,inner:[]^0))");

	assert_string_equal(idle->name, "idle");
	assert_null(idle->config);
	assert_int_equal(idle->n_interfaces, 0);
}

static void plugin_table_is_read_whoever_built_the_plugin(void **state)
{
	static const char *const ways[] = {
		"gcc",
		"gcc -O2 -flto",
		"gcc -g -Wl,-z,now,-z,relro",
		"gcc -Wl,-z,pack-relative-relocs",
		"gcc -Wl,-Bsymbolic -s",
		"gcc -fsanitize=address,undefined",
		"gcc -fsanitize=thread",
		"gcc -fvisibility=default",
		"g++ -x c++",
		"clang",
		"clang -O2 -flto -fuse-ld=lld",
		"clang -fuse-ld=lld -Wl,--pack-dyn-relocs=relr",
		"clang -fuse-ld=lld -Wl,--apply-dynamic-relocs",
		"clang -fsanitize=address,undefined",
		"clang++ -x c++",
	};
	const struct workshop *workshop = (const struct workshop *)*state;

	char why[PLUGIN_WHY_MAX];
	/* lld is not everywhere. */
	bool has_lld = system("command -v ld.lld >/dev/null") == 0;
	pid_t pids[ARRAY_LEN(ways)] = {0};

	workshop_generate(workshop, "kiosk", false);
	workshop_generate(workshop, "stock", false);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (has_lld || !strstr(ways[i], "lld"))
			pids[i] = start_build(workshop, i, ways[i], DATA "kiosk.c");
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (pids[i] && start_seal(workshop, i, ways[i], &pids[i], why) < 0)
			fail_msg("%s: %s", ways[i], why);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct plugin_info *info = NULL;

		if (!pids[i])
			continue;
		if (read_sealed(workshop, i, ways[i], pids[i], &info, why) < 0)
			fail_msg("%s: %s", ways[i], why);
		check_kiosk(info);
		plugin_info_free(info);
		if (strstr(ways[i], "pack-relative-relocs"))
			assert_int_equal(
				workshop_run(workshop,
					     "readelf -d \"$DIR\"/plugin%zu.so | grep -q RELR",
					     i),
				0);
	}
}

/* ---- tables that are not as they should be */

/* What the cases below have in common. */
static const char preamble[] =
	"#include \"stock.varlink.h\"\n"
	"#include <troupe/actor.h>\n"
	"#define TYPE(k, ...) {.table_size = sizeof(struct troupe_type), .kind = k, "
	"__VA_ARGS__}\n"
	"#define STRUCT(n, f) TYPE(TROUPE_STRUCT, .align = 8, .size = 8, .count = n, .fields = "
	"f)\n"
	"#define INTERFACE(n) {.table_size = sizeof(struct troupe_interface), .name = n, "
	".description = \"\"}\n"
	"#define HANDLERS(i) {.table_size = sizeof(struct troupe_handlers), .interface = i}\n"
	"#define WITH(t) {TROUPE_ABI(x), .config = t}\n"
	"static const struct troupe_type string = TYPE(TROUPE_STRING, .align = 8, .size = 8);\n"
	"extern const struct troupe_type elsewhere;\n";

/* Begin to build the text. */
static pid_t start_text(const struct workshop *workshop, size_t number, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/text%zu.c", workshop->directory, number);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "%s%s", preamble, text);
	assert_int_equal(fclose(file), 0);
	return start_build(workshop, number, "gcc", path);
}

static int read_text(const struct workshop *workshop, size_t number, pid_t pid,
		     struct plugin_info **ret_info, char *why)
{
	int r = start_seal(workshop, number, "gcc", &pid, why);

	return r < 0 ? r : read_sealed(workshop, number, "gcc", pid, ret_info, why);
}

static void plugin_table_is_refused_when_it_is_wrong(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(y)};",
		 "\"x\": the name in TROUPE_ABI is not that in TROUPE_ACTOR"},
		{"TROUPE_ACTOR(x) = {TROUPE_ABI_MAJOR, 0, sizeof(struct troupe_actor), (char "
		 "*)1};",
		 "\"x\": its name is known only when the plug-in is loaded"},
		{"TROUPE_ACTOR(x) = WITH(&elsewhere);",
		 "the type of its configuration is known only when the plug-in is loaded"},
		{"TROUPE_ACTOR(x) = WITH(&string);", "is no valid struct"},
		{"TROUPE_ACTOR(x) = WITH((void *)((char *)&string + (1 << 30)));",
		 "a part of the type of its configuration is not in the plug-in"},
		{"static const struct troupe_type odd = TYPE(99);\n"
		 "static const struct troupe_field f[] = {{\"a\", &odd}};\n"
		 "static const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "is of no known kind"},
		{"static const struct troupe_field f[] = {{\"a:int,b\", &string}};\n"
		 "static const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "has a name that is none"},
		{"static const struct troupe_field f[] = {{\"a\", 0}};\n"
		 "static const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "a part of the type of its configuration is missing"},
		{"static const struct troupe_type t = STRUCT(1, 0);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "a part of the type of its configuration is missing"},
		{"static const struct troupe_field f[] = {{\"a\", &string}, {\"a\", "
		 "&string}};\n"
		 "static const struct troupe_type t = STRUCT(2, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "is no valid struct"},
		{"extern const struct troupe_type t __attribute__((visibility(\"hidden\")));\n"
		 "static const struct troupe_field f[] = {{\"a\", &t}};\n"
		 "const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "is no valid struct"},
		{"extern const struct troupe_type t __attribute__((visibility(\"hidden\")));\n"
		 "const struct troupe_type t = TYPE(TROUPE_ARRAY, .item = &t);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "the type of its configuration is too large"},
		{"static const struct troupe_field f[5000] = {[0 ... 4999] = {\"a\", "
		 "&string}};\n"
		 "static const struct troupe_type t = STRUCT(5000, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "the type of its configuration is too large"},
		{"static const struct troupe_type e = TYPE(TROUPE_ENUM, .count = 0xffffffff);\n"
		 "static const struct troupe_field f[] = {{\"a\", &e}};\n"
		 "static const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "a part of the type of its configuration is missing"},
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .description = \"\\xff\"};",
		 "its description is not UTF-8"},
		{"static const char text[300] = {[0 ... 298] = 'a'};\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .description = text};",
		 "its description is too long"},
		{"static const struct troupe_handlers h = HANDLERS(0);\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "an interface's descriptor is missing"},
		{"static const struct troupe_interface i = INTERFACE(\"none\");\n"
		 "static const struct troupe_handlers h = HANDLERS(&i);\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "an interface's name is none"},
		{"static const struct troupe_interface i = INTERFACE(\"io.example.secret\");\n"
		 "static const struct troupe_handlers h = HANDLERS(&i);\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "\"x\": it implements io.example.secret, which the plug-in does not describe"},
		{"static const struct troupe_interface i = "
		 "INTERFACE(\"org.varlink.service\");\n"
		 "static const struct troupe_handlers h = HANDLERS(&i);\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "\"x\": it implements org.varlink.service, which only the host does"},
		/* sizes that a table can only claim */
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .table_size = sizeof(struct troupe_actor) "
		 "- 8};",
		 "its table says a size that is smaller than ABI 2.0 has it"},
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .table_size = sizeof(struct troupe_actor) "
		 "+ 8};",
		 "its table is larger than this host knows it"},
		{"const struct troupe_actor troupe_actor_x = {.name = \"x\"};\n"
		 "TROUPE_NOTE_ACTOR(x, TROUPE_ABI_MAJOR, 0)",
		 "\"x\": the plug-in does not export troupe_actor_x"},
		{"TROUPE_EXPORT const struct troupe_actor troupe_actor_x = {\n"
		 "    TROUPE_ABI(x), .abi_major = TROUPE_ABI_MAJOR + 1};\n"
		 "TROUPE_NOTE_ACTOR(x, TROUPE_ABI_MAJOR, 0)",
		 "\"x\": its table does not begin with TROUPE_ABI"},
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .table_size = 0};",
		 "\"x\": its table says a size that is smaller than ABI 2.0 has it"},
		{"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .table_size = 1u << 31};",
		 "its table is larger than this host knows it"},
		{"static const struct troupe_interface i = INTERFACE(\"io.example.stock\");\n"
		 "static const struct troupe_handlers h = {.interface = &i};\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "a table of handlers says a size that is smaller than ABI 2.0 has it"},
		{"static const struct troupe_interface i = {.table_size = sizeof(i) + 8,\n"
		 "                                           .name = \"io.example.stock\"};\n"
		 "static const struct troupe_handlers h = HANDLERS(&i);\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "an interface's descriptor is larger than this host knows it"},
		{"static const struct troupe_type t = {.table_size = sizeof(t) - 1,\n"
		 "                                      .kind = TROUPE_STRUCT};\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "a part of the type of its configuration says a size that is smaller"},
		{"static const struct troupe_type o = {.table_size = ~0u, .kind = "
		 "TROUPE_INT};\n"
		 "static const struct troupe_field f[] = {{\"a\", &o}};\n"
		 "static const struct troupe_type t = STRUCT(1, f);\n"
		 "TROUPE_ACTOR(x) = WITH(&t);",
		 "a part of the type of its configuration is larger than this host"},
		/* a table in the last bytes of the file's memory, which it says to reach
		 * beyond */
		{"static const struct troupe_handlers h = {.table_size = sizeof(h),\n"
		 "    .interface = (const void *)((const char *)&h + (1 << 24))};\n"
		 "TROUPE_ACTOR(x) = {TROUPE_ABI(x), .interfaces = {&h}};",
		 "an interface's descriptor is not in the plug-in"},
	};
	const struct workshop *workshop = (const struct workshop *)*state;

	pid_t pids[ARRAY_LEN(cases)];

	workshop_generate(workshop, "stock", false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		pids[i] = start_text(workshop, i, cases[i].text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plugin_info *info = NULL;
		char why[PLUGIN_WHY_MAX] = "";

		assert_int_equal(read_text(workshop, i, pids[i], &info, why), -ENOEXEC);
		assert_null(info);
		if (!strstr(why, cases[i].reason))
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i, why, cases[i].reason);
	}
}

static void plugin_table_follows_symbols_and_takes_what_just_fits(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];
	pid_t pid;

	workshop_generate(workshop, "stock", false);
	/* An exported type is referred to by its symbol, not by its place. */
	pid = start_text(
		workshop, 0,
		"static const struct troupe_field f[] = {{\"a\", &string}};\n"
		"TROUPE_EXPORT const struct troupe_type t = STRUCT(1, f);\n"
		"static const char text[256] = {[0 ... 254] = 'a'};\n"
		"static const struct troupe_interface i = INTERFACE(\"io.example.stock\");\n"
		"static const struct troupe_handlers h = HANDLERS(&i);\n"
		"TROUPE_ACTOR(x) = {TROUPE_ABI(x), .config = &t, .description = text,\n"
		"                   .interfaces = {&h, &h, &h, &h, &h, &h, &h, &h}};");
	assert_int_equal(read_text(workshop, 0, pid, &info, why), 0);
	check_layout(info->actors[0].config, "(a:string)");
	assert_int_equal(strlen(info->actors[0].description), PLUGIN_DESCRIPTION_MAX);
	assert_int_equal(info->actors[0].n_interfaces, TROUPE_INTERFACES_MAX);
	assert_true(info->interfaces[0].is_implemented);
	plugin_info_free(info);
	assert_int_equal(
		workshop_run(
			workshop,
			"readelf -rW \"$DIR\"/plugin0.so | grep -q '_ABS64\\|_64 .* t + 0'"),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plugin_table_is_read_whoever_built_the_plugin,
						workshop_setup, workshop_teardown),
		cmocka_unit_test_setup_teardown(plugin_table_is_refused_when_it_is_wrong,
						workshop_setup, workshop_teardown),
		cmocka_unit_test_setup_teardown(
			plugin_table_follows_symbols_and_takes_what_just_fits, workshop_setup,
			workshop_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
