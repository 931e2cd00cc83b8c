#include "proto/plugin_types.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "proto/gen.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The strings of a note, taken one by one. */
struct note_reader {
	const char *at, *end;
	struct plugin_info *info;
	const char *actor; /* its name; NULL: not known yet */
	char *why;         /* PLUGIN_WHY_MAX bytes */
};

#define refuse(reader, ...) plugin_types_refuse((reader)->why, (reader)->actor, __VA_ARGS__)

int plugin_types_refuse(char *why, const char *actor, const char *format, ...)
{
	char wrong[PLUGIN_WHY_MAX - 100];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(wrong, sizeof(wrong), format, arguments);
	va_end(arguments);
	(void)snprintf(why, PLUGIN_WHY_MAX, "%s%.*s%s%s", actor ? "actor type \"" : "",
		       TROUPE_NAME_MAX, actor ? actor : "", actor ? "\": " : "", wrong);
	return -ENOEXEC;
}

int plugin_types_compare(const void *a, const void *b)
{
	const char *const *one = a, *const *other = b;

	return strcmp(*one, *other);
}

static void *find(const char *name, const void *items, size_t n, size_t size)
{
	return n == 0 ? NULL : bsearch(&name, items, n, size, plugin_types_compare);
}

struct plugin_actor *plugin_types_find(const struct plugin_info *info, const char *name)
{
	return find(name, info->actors, info->n_actors, sizeof(*info->actors));
}

static struct plugin_interface *find_interface(const struct plugin_info *info, const char *name)
{
	return find(name, info->interfaces, info->n_interfaces, sizeof(*info->interfaces));
}

int plugin_types_find_interface(const struct plugin_info *info, const char *actor,
				const char *name, char *why,
				struct plugin_interface **ret_interface)
{
	struct plugin_interface *found = find_interface(info, name);

	if (strcmp(name, "org.varlink.service") == 0 || strcmp(name, "io.troupe.Control") == 0)
		return plugin_types_refuse(why, actor,
					   "it implements %s, which only the host does", name);
	if (!found)
		return plugin_types_refuse(
			why, actor, "it implements %s, which the plug-in does not describe",
			name);
	*ret_interface = found;
	return 0;
}

int plugin_types_check_description(const char *actor, const char *text, char *why)
{
	if (strlen(text) > PLUGIN_DESCRIPTION_MAX)
		return plugin_types_refuse(why, actor, "its description is too long");
	if (!text_is_utf8(text, strlen(text)))
		return plugin_types_refuse(why, actor, "its description is not UTF-8");
	return 0;
}

/* The next string. *ret_string is borrowed from the note. */
static int take_string(struct note_reader *reader, const char **ret_string)
{
	const char *end =
		reader->at == reader->end
			? NULL
			: memchr(reader->at, '\0', (size_t)(reader->end - reader->at));

	if (!end)
		return refuse(reader, "its note of a table is malformed");
	*ret_string = reader->at;
	reader->at = end + 1;
	return 0;
}

static int take_actor(struct note_reader *reader, struct plugin_actor **ret_actor)
{
	struct plugin_actor *actor;
	const char *name = "";
	int r = take_string(reader, &name);

	if (r < 0)
		return r;
	actor = plugin_types_find(reader->info, name);
	if (!actor)
		return refuse(reader, "its note of a table names no actor type");
	reader->actor = actor->name;
	if (actor->is_described)
		return refuse(reader, "two notes say what its table holds");
	actor->is_described = true;
	*ret_actor = actor;
	return 0;
}

static int take_description(struct note_reader *reader, struct plugin_actor *actor)
{
	const char *text = "";
	int r = take_string(reader, &text);

	if (r == 0 && *text)
		r = plugin_types_check_description(actor->name, text, reader->why);
	if (r < 0 || !*text)
		return r;
	actor->description = arena_copy(&reader->info->memory, text, strlen(text));
	return actor->description ? 0 : -ENOMEM;
}

/* Whether a type that an interface declares has the layout that the note gives. */
static int check_declaration(const struct note_reader *reader, const struct idl_member *member,
			     const char *layout)
{
	cleanup_free char *text = NULL;
	int r = gen_layout(member->type, &text);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || strcmp(text, layout) != 0)
		return refuse(reader, "its configuration is not what %s declares it to be",
			      member->name);
	return 0;
}

static int take_declaration(struct note_reader *reader, struct plugin_actor *actor,
			    const char *layout)
{
	const char *interface = "", *name = "";
	int r = take_string(reader, &interface);

	if (r == 0)
		r = take_string(reader, &name);
	if (r < 0 || (!*interface && !*name))
		return r;
	actor->config_interface = find_interface(reader->info, interface);
	if (!actor->config_interface || !*layout)
		return refuse(reader, "its note of a table is malformed");
	actor->config_member = idl_find(actor->config_interface->idl, name);
	if (!actor->config_member || actor->config_member->kind != IDL_TYPE)
		return refuse(reader, "no type declares its configuration");
	return check_declaration(reader, actor->config_member, layout);
}

static int take_config(struct note_reader *reader, struct plugin_actor *actor)
{
	const char *layout = "";
	int r = take_string(reader, &layout);

	if (r < 0)
		return r;
	if (*layout) {
		r = layout_parse(layout, strlen(layout), &actor->config_layout);
		if (r == -EINVAL)
			return refuse(reader,
				      "the type of its configuration is no valid struct");
		if (r < 0)
			return r;
		actor->config = layout_type(actor->config_layout);
	}
	return take_declaration(reader, actor, layout);
}

static int take_interface(struct note_reader *reader, struct plugin_actor *actor)
{
	struct plugin_interface *interface;
	const char *name = "";
	int r = take_string(reader, &name);

	if (r < 0)
		return r;
	if (!idl_is_interface_name(name, strlen(name)) ||
	    actor->n_interfaces == TROUPE_INTERFACES_MAX)
		return refuse(reader, "its note of a table is malformed");
	r = plugin_types_find_interface(reader->info, actor->name, name, reader->why,
					&interface);
	if (r < 0)
		return r;
	interface->is_implemented = true;
	actor->interfaces[actor->n_interfaces++] = interface->name;
	return 0;
}

int plugin_types_take(struct plugin_info *info, const void *content, size_t size, char *why)
{
	struct note_reader reader = {
		.at = content, .end = (const char *)content + size, .info = info, .why = why};
	struct plugin_actor *actor = NULL;
	int r = take_actor(&reader, &actor);

	if (r == 0)
		r = take_description(&reader, actor);
	if (r == 0)
		r = take_config(&reader, actor);
	while (r == 0 && reader.at < reader.end)
		r = take_interface(&reader, actor);
	return r;
}

int plugin_types_check(const struct plugin_info *info, char *why)
{
	for (size_t i = 0; i < info->n_actors; i++)
		if (!info->actors[i].is_described)
			return plugin_types_refuse(
				why, info->actors[i].name,
				"no note says what its table holds: link the plug-in with "
				"plugin.mk, or once more with what troupe-gen --seal makes of "
				"it");
	return 0;
}
