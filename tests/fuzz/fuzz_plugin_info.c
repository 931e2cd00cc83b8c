/* Hostile plug-in files: what is accepted must be whole and keep to its limits, what is refused must say why. */

#include "plugin/plugin_symbols.h"
#include "proto/plugin_info.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_info(const struct plugin_info *info)
{
	check(info->n_actors > 0 && info->n_actors <= PLUGIN_ACTORS_MAX);
	check(info->n_interfaces <= PLUGIN_INTERFACES_MAX &&
	      info->n_needed <= PLUGIN_NEEDED_MAX);
	for (size_t i = 0; i < info->n_actors; i++)
		check(strlen(info->actors[i].name) > 0);
	for (size_t i = 0; i < info->n_interfaces; i++)
		check(strstr(info->interfaces[i].description, info->interfaces[i].name) !=
		      NULL);
	for (size_t i = 0; i < info->n_needed; i++)
		check(strchr(info->needed[i], '/') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugin_symbols *symbols = NULL;
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];
	uint64_t offset;
	/* Of exactly that size, so that a byte read past it is seen. */
	void *file = malloc(size ? size : 1);

	check(file != NULL);
	memcpy(file, data, size);
	if (plugin_info_read(file, size, PLUGIN_ALLOW_GLOBALS, &info, why) == 0)
		check_info(info);
	else
		check(why[0] != '\0' && info == NULL);
	plugin_info_free(info);
	if (plugin_symbols_read(file, size, &symbols) == 0)
		for (uint64_t address = 0; address < 0x10000; address += 0x101) {
			const char *name = plugin_symbols_find(symbols, address, &offset);

			check(!name || (strlen(name) > 0 && offset <= address));
		}
	plugin_symbols_free(symbols);
	free(file);
	return 0;
}
