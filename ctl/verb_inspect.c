/* verb_inspect.c - what a plug-in says of itself, without running it. */
#include "base/cleanup.h"
#include "ctl/interface.h"
#include "ctl/show.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"
#include "proto/layout.h"
#include "proto/plugin_info.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define TYPE_ROOM 512 /* bytes of a type's text; longer ones are cut */

/* The text of the type of a field of the configuration. What is written about it; NULL:
 * nothing. */
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

static struct json_tree *describe_config(const struct plugin_actor *actor)
{
	struct json_tree *fields, *config;
	char type[TYPE_ROOM];

	if (!actor->config)
		return json_tree_null();
	fields = json_tree_array();
	for (uint32_t i = 0; i < actor->config->count; i++) {
		const char *doc = print_field_type(actor, i, type);
		struct json_tree *field = json_tree_object();

		json_tree_set_text(field, "name", actor->config->fields[i].name);
		json_tree_set_text(field, "type", type);
		json_tree_set_text(field, "description", doc);
		json_tree_append(fields, field);
	}
	config = json_tree_object();
	json_tree_set(config, "fields", fields);
	if (actor->config_member) {
		json_tree_set_text(config, "interface", actor->config_interface->name);
		json_tree_set_text(config, "type", actor->config_member->name);
	}
	return config;
}

static struct json_tree *describe_actor(const struct plugin_actor *actor)
{
	struct json_tree *object = json_tree_object(), *interfaces = json_tree_array();

	for (size_t i = 0; i < actor->n_interfaces; i++)
		json_tree_append(interfaces, json_tree_string(actor->interfaces[i]));
	json_tree_set_text(object, "name", actor->name);
	json_tree_set(object, "abiMajor", json_tree_int(actor->abi_major));
	json_tree_set(object, "abiMinor", json_tree_int(actor->abi_minor));
	json_tree_set_text(object, "description", actor->description);
	json_tree_set(object, "interfaces", interfaces);
	json_tree_set(object, "config", describe_config(actor));
	return object;
}

static struct json_tree *describe_interface(const struct plugin_interface *interface)
{
	struct json_tree *object = json_tree_object();

	json_tree_set_text(object, "name", interface->name);
	json_tree_set_text(object, "description", interface->description);
	return object;
}

static int print_json(struct ctl *ctl, const struct plugin_info *info)
{
	struct json_tree *root = json_tree_object(), *actors = json_tree_array(),
			 *interfaces = json_tree_array(), *needed = json_tree_array();

	for (size_t i = 0; i < info->n_actors; i++)
		json_tree_append(actors, describe_actor(&info->actors[i]));
	for (size_t i = 0; i < info->n_interfaces; i++)
		json_tree_append(interfaces, describe_interface(&info->interfaces[i]));
	for (size_t i = 0; i < info->n_needed; i++)
		json_tree_append(needed, json_tree_string(info->needed[i]));
	json_tree_set(root, "actors", actors);
	json_tree_set(root, "interfaces", interfaces);
	json_tree_set(root, "needed", needed);
	json_tree_set(root, "writable", json_tree_int((int64_t)info->writable));
	json_tree_set(root, "sealed", json_tree_bool(info->is_sealed));
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
			   actor->interfaces[i]);
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
	terminal_print_bytes((int64_t)info->writable, writable, sizeof(writable));
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
		cleanup(plugin_info_cleanup) struct plugin_info *info = NULL;
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
