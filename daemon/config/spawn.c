#include "config/spawn.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "io.troupe.Control.varlink.h"
#include <string.h>

#define FILE_NAME "spawn"

/* A value as a configuration file would have it. What a line cannot hold is refused. */
static int add_text(struct buffer *text, const char *key, const char *value,
		    struct problems *problems)
{
	int r = buffer_printf(text, "%s=", key);

	for (const char *at = value; r == 0 && *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '\\')
			return problems_add(problems, FILE_NAME, SPAWN_PLUGIN_LINE,
					    "%s holds a character that it must not", key);
		r = buffer_append(text, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
	}
	return r < 0 ? r : buffer_printf(text, "\n");
}

static int add_number(struct buffer *text, const char *key, const int64_t *value)
{
	return value ? buffer_printf(text, "%s=%lld\n", key, (long long)*value) : 0;
}

static int write_file(struct buffer *text, const struct api_spawn *spawn,
		      struct problems *problems)
{
	int r = buffer_printf(text, "[Actor]\n");

	if (r == 0)
		r = add_text(text, "Plugin", spawn->plugin, problems);
	if (r == 0 && spawn->actorType)
		r = add_text(text, "Type", spawn->actorType, problems);
	if (r == 0)
		r = add_number(text, "Instances", spawn->instances);
	if (r == 0 && spawn->worker)
		r = add_text(text, "Worker", spawn->worker, problems);
	if (r == 0)
		r = add_number(text, "Mailbox", spawn->mailbox);
	if (r == 0)
		r = add_number(text, "MailboxBytes", spawn->mailboxBytes);
	if (r == 0)
		r = add_number(text, "Batch", spawn->batch);
	if (r == 0 && spawn->onError)
		r = buffer_printf(text, "OnError=%s\n",
				  *spawn->onError == API_SPAWN_ON_ERROR_STOP ? "stop"
									     : "continue");
	return r == -ENOBUFS ? problems_add(problems, FILE_NAME, 0, "too long") : r;
}

static int read_file(struct unit_file *unit, const struct buffer *text, const char *name,
		     const struct settings *settings, const struct conf_path *path,
		     struct problems *problems)
{
	cleanup_free char *whole = strdup(name), *prefix = strdup(name),
			  *file = strdup(FILE_NAME);
	struct conf_files files = {.name = whole, .prefix = prefix, .fragment = file};
	struct conf conf;
	char *at;
	int r;

	if (!whole || !prefix || !file)
		return -ENOMEM;
	at = strchr(prefix, '@');
	if (at) {
		*at = '\0';
		files.instance = at + 1;
	}
	conf_init(&conf);
	r = conf_parse(&conf, FILE_NAME, (const char *)buffer_data(text), buffer_size(text),
		       problems);
	if (r == 0)
		r = unit_file_init(unit, &conf, &files, settings, path, problems);
	conf_fini(&conf);
	return r;
}

int spawn_define(struct unit_file *unit, const struct api_spawn *spawn,
		 const struct settings *settings, const struct conf_path *path,
		 struct problems *problems)
{
	struct buffer text;
	int r;

	if (!conf_is_unit_name(spawn->name))
		return problems_add(
			problems, FILE_NAME, 0,
			"not a valid name: letters, digits, '_', '-' and '.', at most %u",
			LIMIT_NAME);
	buffer_init(&text, LIMIT_CONFIG_FILE);
	r = write_file(&text, spawn, problems);
	if (r == 0)
		r = read_file(unit, &text, spawn->name, settings, path, problems);
	buffer_fini(&text);
	return r;
}
