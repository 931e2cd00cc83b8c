/* Hostile plug-in files: what is accepted must be whole and keep to its limits, what is
 * refused must say why. An input is a file as it is; and it is changes to a good file, whose
 * notes chance would not find. */

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
	for (size_t i = 0; i < actor->n_interfaces; i++) {
		size_t at = 0;

		while (at < info->n_interfaces &&
		       info->interfaces[at].name != actor->interfaces[i])
			at++;
		check(at < info->n_interfaces && info->interfaces[at].is_implemented);
	}
	check(!actor->config_member == !actor->config_interface);
	if (!actor->config)
		return;
	/* It is a type as good as one that was parsed. */
	check(layout_print(actor->config, &text) == 0);
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

static unsigned char *make_good(size_t *ret_size)
{
	static const char actor_note[] = {TROUPE_ABI_MAJOR, 0, TROUPE_ABI_MINOR, 0, 'a', 0};
	static const char interface_note[] =
		"io.a.b\0interface io.a.b\n"
		"type Config (name: string, ame: []Config, me: (name, e))\n"
		"method A() -> ()\n";
	static const char table_note[] =
		"a\0good\0(name:string,ame:[]^0,me:{name,e})\0io.a.b\0Config\0io.a.b";
	struct elf_maker *maker = malloc(sizeof(*maker));
	unsigned char *file;

	check(maker != NULL);
	maker_init(maker);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, actor_note,
		   sizeof(actor_note));
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_INTERFACE, interface_note,
		   sizeof(interface_note));
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, table_note,
		   sizeof(table_note));
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
