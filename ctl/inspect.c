/* inspect.c - what a plug-in says of itself, without running it. */
#include "base/cleanup.h"
#include "ctl/interface.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "proto/layout.h"
#include "proto/plugin_info.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#define TYPE_ROOM 512 /* bytes of a type's text; longer ones are cut */

static void cleanup_info(struct plugin_info **info)
{
	plugin_info_free(*info);
}

/* The text of the type of a field of the configuration. What is written about it; NULL: nothing. */
static const char *print_field_type(const struct plugin_actor *actor, uint32_t i,
				    char type[static TYPE_ROOM])
{
	cleanup_free char *layout = NULL;

	if (actor->config_member) {
		const struct idl_field *field = &actor->config_member->type->fields[i];

		interface_print_type(field->type, type, TYPE_ROOM);
		return field->doc;
	}
	/* No interface declares it: its types have no names. */
	(void)snprintf(type, TYPE_ROOM, "%s",
		       layout_print(actor->config->fields[i].type, &layout) == 0 ? layout
										 : "?");
	return NULL;
}

/* ---- for programs */

static json_t *describe_config(const struct plugin_actor *actor)
{
	json_t *fields, *config;
	char type[TYPE_ROOM];

	if (!actor->config)
		return json_null();
	fields = json_array();
	for (uint32_t i = 0; i < actor->config->count; i++) {
		const char *doc = print_field_type(actor, i, type);

		json_array_append_new(fields, json_pack("{s:s,s:s,s:s*}", "name",
							actor->config->fields[i].name, "type",
							type, "description", doc));
	}
	config = json_pack("{s:o}", "fields", fields);
	if (config && actor->config_member)
		json_object_update_new(config, json_pack("{s:s,s:s}", "interface",
							 actor->config_interface->name, "type",
							 actor->config_member->name));
	return config;
}

static json_t *describe_actor(const struct plugin_actor *actor)
{
	json_t *interfaces = json_array();

	for (size_t i = 0; i < actor->n_interfaces; i++)
		json_array_append_new(interfaces, json_string(actor->interfaces[i]->name));
	return json_pack("{s:s,s:i,s:i,s:s*,s:o,s:o}", "name", actor->name, "abiMajor",
			 actor->abi_major, "abiMinor", actor->abi_minor, "description",
			 actor->description, "interfaces", interfaces, "config",
			 describe_config(actor));
}

static int print_json(struct ctl *ctl, const struct plugin_info *info)
{
	json_t *actors = json_array(), *interfaces = json_array(), *needed = json_array();
	json_t *root;

	for (size_t i = 0; i < info->n_actors; i++)
		json_array_append_new(actors, describe_actor(&info->actors[i]));
	for (size_t i = 0; i < info->n_interfaces; i++)
		json_array_append_new(
			interfaces, json_pack("{s:s,s:s}", "name", info->interfaces[i].name,
					      "description", info->interfaces[i].description));
	for (size_t i = 0; i < info->n_needed; i++)
		json_array_append_new(needed, json_string(info->needed[i]));
	root = json_pack("{s:o,s:o,s:o,s:I,s:b}", "actors", actors, "interfaces", interfaces,
			 "needed", needed, "writable", (json_int_t)info->writable, "sealed",
			 info->is_sealed);
	return ctl_print_value(ctl, root);
}

/* ---- for people */

static void print_field(struct ctl *ctl, const struct plugin_actor *actor, uint32_t i)
{
	char type[TYPE_ROOM];
	const char *line = print_field_type(actor, i, type);

	while (line && *line) {
		size_t size = strcspn(line, "\n");

		show_print(ctl, "      # %.*s\n", (int)size, line);
		line += size + (line[size] == '\n');
	}
	show_print(ctl, "      %s: %s\n", actor->config->fields[i].name, type);
}

static void print_actor(struct ctl *ctl, const struct plugin_actor *actor)
{
	show_print(ctl, "\n  Actor type %s%s%s\n", actor->name, actor->description ? ": " : "",
		   actor->description ? actor->description : "");
	for (size_t i = 0; i < actor->n_interfaces; i++)
		show_print(ctl, "%s%s\n", i == 0 ? "    Provides: " : "              ",
			   actor->interfaces[i]->name);
	if (!actor->config) {
		show_print(ctl, "    [Config]: takes none\n");
		return;
	}
	if (actor->config_member)
		show_print(ctl, "    [Config]: %s.%s\n", actor->config_interface->name,
			   actor->config_member->name);
	else
		show_print(ctl, "    [Config]:\n");
	for (uint32_t i = 0; i < actor->config->count; i++)
		print_field(ctl, actor, i);
}

static void print_info(struct ctl *ctl, const char *path, const struct plugin_info *info)
{
	char writable[32];

	show_print(ctl, "%s: ABI %u.%u\n", path, info->abi_major, info->abi_minor);
	for (size_t i = 0; i < info->n_needed; i++)
		show_print(ctl, "%s%s\n", i == 0 ? "    Libraries: " : "               ",
			   info->needed[i]);
	text_print_bytes((int64_t)info->writable, writable, sizeof(writable));
	show_print(ctl, "  Static data: %s writable, %s\n", writable,
		   info->is_sealed ? "judged by plugin.mk"
				   : "not judged: linked without plugin.mk");
	for (size_t i = 0; i < info->n_actors; i++)
		print_actor(ctl, &info->actors[i]);
	for (size_t i = 0; i < info->n_interfaces; i++)
		show_print(ctl, "\n%s", info->interfaces[i].description);
}

int verb_inspect(struct ctl *ctl, char **arguments, int n)
{
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		cleanup(cleanup_info) struct plugin_info *info = NULL;
		cleanup_close int fd = open(arguments[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		char why[PLUGIN_WHY_MAX] = "";
		int r = fd < 0 ? -errno : plugin_info_read_fd(fd, 0, &info, why);

		if (r < 0)
			status = ctl_fail(ctl, STATUS_FAILED, "%s: %s", arguments[i],
					  why[0] ? why : strerror(-r));
		else if (option_is_given(&ctl->options, OPTION_JSON))
			status = print_json(ctl, info) == STATUS_OK ? status : STATUS_FAILED;
		else
			print_info(ctl, arguments[i], info);
	}
	return status;
}
