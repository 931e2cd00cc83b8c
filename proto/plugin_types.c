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
struct reader {
	const char *at, *end;
	struct plugin_info *info;
	const char *actor; /* its name; NULL: not known yet */
	char *why;         /* PLUGIN_WHY_MAX bytes */
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *reader,
							const char *format, ...)
{
	char wrong[PLUGIN_WHY_MAX - 100];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(wrong, sizeof(wrong), format, arguments);
	va_end(arguments);
	if (reader->actor)
		(void)snprintf(reader->why, PLUGIN_WHY_MAX, "actor type \"%.*s\": %s",
			       TROUPE_NAME_MAX, reader->actor, wrong);
	else
		(void)snprintf(reader->why, PLUGIN_WHY_MAX, "%s", wrong);
	return -ENOEXEC;
}

int plugin_types_refuse(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, PLUGIN_WHY_MAX, format, arguments);
	va_end(arguments);
	return -ENOEXEC;
}

bool plugin_types_is_reserved(const char *interface)
{
	return strcmp(interface, "org.varlink.service") == 0 ||
	       strcmp(interface, "io.troupe.Control") == 0;
}

/* Actors and interfaces begin with their names. */
static int compare_name(const void *name, const void *item)
{
	return strcmp(name, *(const char *const *)item);
}

struct plugin_interface *plugin_types_find(const struct plugin_info *info, const char *name)
{
	return info->n_interfaces == 0 ? NULL
				       : bsearch(name, info->interfaces, info->n_interfaces,
						 sizeof(*info->interfaces), compare_name);
}

/* The next string. *ret_string is borrowed from the note. */
static int take_string(struct reader *reader, const char **ret_string)
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

static int take_actor(struct reader *reader, struct plugin_actor **ret_actor)
{
	const struct plugin_info *info = reader->info;
	struct plugin_actor *actor;
	const char *name = "";
	int r = take_string(reader, &name);

	if (r < 0)
		return r;
	actor = bsearch(name, info->actors, info->n_actors, sizeof(*info->actors),
			compare_name);
	if (!actor)
		return refuse(reader, "its note of a table names no actor type");
	reader->actor = actor->name;
	if (actor->is_described)
		return refuse(reader, "two notes say what its table holds");
	actor->is_described = true;
	*ret_actor = actor;
	return 0;
}

static int take_description(struct reader *reader, struct plugin_actor *actor)
{
	const char *text = "";
	int r = take_string(reader, &text);

	if (r < 0 || !*text)
		return r;
	if (strlen(text) > PLUGIN_DESCRIPTION_MAX)
		return refuse(reader, "its description is too long");
	if (!text_is_utf8(text, strlen(text)))
		return refuse(reader, "its description is not UTF-8");
	actor->description = arena_copy(&reader->info->memory, text, strlen(text));
	return actor->description ? 0 : -ENOMEM;
}

/* Whether a type that an interface declares has the layout that the note gives. */
static int check_declaration(const struct reader *reader, const struct idl_member *member,
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

static int take_declaration(struct reader *reader, struct plugin_actor *actor,
			    const char *layout)
{
	const char *interface = "", *name = "";
	int r = take_string(reader, &interface);

	if (r == 0)
		r = take_string(reader, &name);
	if (r < 0 || (!*interface && !*name))
		return r;
	actor->config_interface = plugin_types_find(reader->info, interface);
	if (!actor->config_interface || !*layout)
		return refuse(reader, "its note of a table is malformed");
	for (size_t i = 0; i < actor->config_interface->idl->n_members; i++) {
		const struct idl_member *member = &actor->config_interface->idl->members[i];

		if (member->kind == IDL_TYPE && strcmp(member->name, name) == 0)
			actor->config_member = member;
	}
	if (!actor->config_member)
		return refuse(reader, "no type declares its configuration");
	return check_declaration(reader, actor->config_member, layout);
}

static int take_config(struct reader *reader, struct plugin_actor *actor)
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

static int take_interface(struct reader *reader, struct plugin_actor *actor)
{
	struct plugin_interface *interface;
	const char *name = "";
	int r = take_string(reader, &name);

	if (r < 0)
		return r;
	if (!idl_is_interface_name(name, strlen(name)) ||
	    actor->n_interfaces == TROUPE_INTERFACES_MAX)
		return refuse(reader, "its note of a table is malformed");
	if (plugin_types_is_reserved(name))
		return refuse(reader, "it implements %s, which only the host does", name);
	interface = plugin_types_find(reader->info, name);
	if (!interface)
		return refuse(reader, "it implements %s, which the plug-in does not describe",
			      name);
	interface->is_implemented = true;
	actor->interfaces[actor->n_interfaces++] = interface->name;
	return 0;
}

int plugin_types_take(struct plugin_info *info, const void *content, size_t size, char *why)
{
	struct reader reader = {
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
		if (!info->actors[i].is_described) {
			const struct reader reader = {.actor = info->actors[i].name,
						      .why = why};

			return refuse(&reader,
				      "no note says what its table holds: link the plug-in "
				      "with plugin.mk, or once more with what troupe-gen "
				      "--seal makes of it");
		}
	return 0;
}
