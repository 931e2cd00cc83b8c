/* Hostile plug-in files: what is accepted must be whole and keep to its limits, what is
 * refused must say why. An input is a file as it is; and it is changes to a good file, whose
 * tables chance would not find. */

#include "plugin/plugin_symbols.h"
#include "proto/gen.h"
#include "proto/layout.h"
#include "proto/plugin_info.h"
#include "tests/unit/proto/elf_maker.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_actor(const struct plugin_info *info, const struct plugin_actor *actor)
{
	struct layout *layout = NULL;
	char *text = NULL;

	check(strlen(actor->name) > 0);
	check(!actor->description || strlen(actor->description) < 256);
	check(actor->n_interfaces <= TROUPE_INTERFACES_MAX);
	for (size_t i = 0; i < actor->n_interfaces; i++)
		check(actor->interfaces[i] >= info->interfaces &&
		      actor->interfaces[i] < info->interfaces + info->n_interfaces &&
		      actor->interfaces[i]->is_implemented);
	check(!actor->config_member == !actor->config_interface);
	check(!actor->config_member || actor->config_member->type == actor->config);
	if (!actor->config)
		return;
	/* It is a type as good as one that was parsed. */
	check(gen_layout(actor->config, &text) == 0);
	check(layout_parse(text, strlen(text), &layout) == 0);
	layout_free(layout);
	free(text);
}

static void check_info(const struct plugin_info *info)
{
	check(info->n_actors > 0 && info->n_actors <= PLUGIN_ACTORS_MAX);
	check(info->n_interfaces <= PLUGIN_INTERFACES_MAX &&
	      info->n_needed <= PLUGIN_NEEDED_MAX);
	for (size_t i = 0; i < info->n_actors; i++)
		check_actor(info, &info->actors[i]);
	for (size_t i = 0; i < info->n_interfaces; i++)
		check(strstr(info->interfaces[i].description, info->interfaces[i].name) !=
		      NULL);
	for (size_t i = 0; i < info->n_needed; i++)
		check(strchr(info->needed[i], '/') == NULL);
}

/* ---- a good plug-in: an actor type of one interface, configured by a struct of several
 * kinds */

struct good_types {
	struct troupe_type config, string, list, choice;
	struct troupe_field fields[3];
	const char *names[2];
};

/* A pointer to be, from one member of what lies at `at` to another. */
#define POINT(maker, at, type, from, to)                                                       \
	maker_pointer(maker, (at) + offsetof(type, from), (at) + offsetof(type, to))

static size_t add_text(struct elf_maker *maker, const char *text)
{
	return maker_data(maker, text, strlen(text) + 1);
}

static size_t add_types(struct elf_maker *maker)
{
	const struct good_types types = {
#define TYPE .table_size = sizeof(struct troupe_type)
		.config = {TYPE, .kind = TROUPE_STRUCT, .align = 8, .size = 32, .count = 3},
		.string = {TYPE, .kind = TROUPE_STRING, .align = 8, .size = 8},
		.list = {TYPE, .kind = TROUPE_ARRAY, .align = 8, .size = 16, .stride = 32},
		.choice = {TYPE, .kind = TROUPE_ENUM, .align = 4, .size = 4, .count = 2},
#undef TYPE
	};
	size_t at = maker_data(maker, &types, sizeof(types)), name = add_text(maker, "name");

	POINT(maker, at, struct good_types, config.fields, fields);
	POINT(maker, at, struct good_types, list.item, config);
	POINT(maker, at, struct good_types, choice.names, names);
	POINT(maker, at, struct good_types, fields[0].type, string);
	POINT(maker, at, struct good_types, fields[1].type, list);
	POINT(maker, at, struct good_types, fields[2].type, choice);
	maker_pointer(maker, at + offsetof(struct good_types, fields[0].name), name);
	maker_pointer(maker, at + offsetof(struct good_types, fields[1].name), name + 1);
	maker_pointer(maker, at + offsetof(struct good_types, fields[2].name), name + 2);
	maker_pointer(maker, at + offsetof(struct good_types, names[0]), name);
	maker_pointer(maker, at + offsetof(struct good_types, names[1]), name + 3);
	return at;
}

static size_t add_handlers(struct elf_maker *maker)
{
	const struct troupe_handlers handlers = {.table_size = sizeof(handlers)};
	const struct troupe_interface described = {.table_size = sizeof(described)};
	size_t at = maker_data(maker, &handlers, sizeof(handlers));
	size_t interface = maker_data(maker, &described, sizeof(described));

	maker_pointer(maker, at + offsetof(struct troupe_handlers, interface), interface);
	maker_pointer(maker, interface + offsetof(struct troupe_interface, name),
		      add_text(maker, "io.a.b"));
	return at;
}

static unsigned char *make_good(size_t *ret_size)
{
	static const char actor_note[] = {TROUPE_ABI_MAJOR, 0, TROUPE_ABI_MINOR, 0, 'a', 0};
	static const char interface_note[] =
		"io.a.b\0interface io.a.b\n"
		"type Config (name: string, ame: []Config, me: (name, e))\n"
		"method A() -> ()\n";
	const struct troupe_actor table = {.abi_major = TROUPE_ABI_MAJOR,
					   .abi_minor = TROUPE_ABI_MINOR,
					   .table_size = sizeof(table)};
	struct elf_maker *maker = malloc(sizeof(*maker));
	unsigned char *file;
	size_t at;

	check(maker != NULL);
	maker_init(maker);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, actor_note,
		   sizeof(actor_note));
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_INTERFACE, interface_note,
		   sizeof(interface_note));
	at = maker_data(maker, &table, sizeof(table));
	maker_pointer(maker, at + offsetof(struct troupe_actor, name), add_text(maker, "a"));
	maker_pointer(maker, at + offsetof(struct troupe_actor, description),
		      add_text(maker, "good"));
	maker_pointer(maker, at + offsetof(struct troupe_actor, config), add_types(maker));
	maker_pointer(maker, at + offsetof(struct troupe_actor, interfaces),
		      add_handlers(maker));
	maker_export(maker, "troupe_actor_a", at);
	file = maker_make(maker, ret_size);
	maker_fini(maker);
	free(maker);
	return file;
}

/* ---- */

static void read_plugin(const void *file, size_t size, int must_be_good)
{
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];

	if (plugin_info_read(file, size, PLUGIN_ALLOW_GLOBALS, &info, why) == 0)
		check_info(info);
	else
		check(why[0] != '\0' && info == NULL && !must_be_good);
	plugin_info_free(info);
}

static void read_symbols(const void *file, size_t size)
{
	struct plugin_symbols *symbols = NULL;
	uint64_t offset;

	if (plugin_symbols_read(file, size, &symbols) == 0)
		for (uint64_t address = 0; address < 0x10000; address += 0x101) {
			const char *name = plugin_symbols_find(symbols, address, &offset);

			check(!name || (strlen(name) > 0 && offset <= address));
		}
	plugin_symbols_free(symbols);
}

/* Each three bytes of an input: where, and what to put there. */
static void read_changed(const uint8_t *data, size_t size)
{
	size_t file_size;
	unsigned char *file = make_good(&file_size);

	for (size_t i = 0; i + 3 <= size; i += 3)
		file[(data[i] | data[i + 1] << 8) % file_size] = data[i + 2];
	read_plugin(file, file_size, size < 3);
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly that size, so that a byte read past it is seen. */
	void *file = malloc(size ? size : 1);

	check(file != NULL);
	memcpy(file, data, size);
	read_plugin(file, size, 0);
	read_symbols(file, size);
	free(file);
	read_changed(data, size);
	return 0;
}
