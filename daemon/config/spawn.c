#include "config/spawn.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define SOURCE "spawn"

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			return true;
	return false;
}

/* What it asks for as assignments, taken as they are. -EINVAL: noted. */
static int make_conf(struct conf *conf, const struct api_spawn *spawn,
		     struct problems *problems)
{
	const char *on_error = !spawn->onError                              ? NULL
			       : *spawn->onError == API_SPAWN_ON_ERROR_STOP ? "stop"
									    : "continue";
	const struct {
		const char *key, *text;
		const int64_t *number;
	} keys[] = {
		{"Plugin", spawn->plugin, NULL},   {"Type", spawn->actorType, NULL},
		{"Worker", spawn->worker, NULL},   {"Instances", NULL, spawn->instances},
		{"Mailbox", NULL, spawn->mailbox}, {"MailboxBytes", NULL, spawn->mailboxBytes},
		{"Batch", NULL, spawn->batch},     {"OnError", on_error, NULL},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys) && r == 0; i++) {
		const char *text = keys[i].text;
		char number[24];

		if (keys[i].number) {
			(void)snprintf(number, sizeof(number), "%" PRId64, *keys[i].number);
			text = number;
		}
		if (text && i > 0 && has_control(text))
			r = problems_add(problems, SOURCE, 0, "%s= holds a control character",
					 keys[i].key);
		else if (text)
			r = conf_add(conf, "Actor", keys[i].key, text, SOURCE, 0);
	}
	return r;
}

static int set_plugin(struct unit_file *unit, const struct conf *conf,
		      const struct settings *settings, const struct conf_path *path,
		      struct problems *problems)
{
	int r = unit->plugin && has_control(unit->plugin)
			? problems_add(problems, SOURCE, 0, "Plugin= holds a control character")
			: unit_file_find_plugin(unit, conf, settings, path, problems);

	return r == -EINVAL ? -ENOENT : r;
}

int spawn_define(struct unit_file *unit, const struct api_spawn *spawn,
		 const struct settings *settings, const struct conf_path *path,
		 struct problems *problems)
{
	struct conf conf = {0};
	int r;

	*unit = (struct unit_file){0};
	if (!conf_is_unit_name(spawn->name))
		return problems_add(
			problems, SOURCE, 0,
			"not a valid name: letters, digits, '_', '-' and '.', at most %u",
			LIMIT_NAME);
	r = make_conf(&conf, spawn, problems);
	if (r == 0)
		r = unit_file_init(unit, spawn->name, SOURCE, &conf, NULL, settings, problems);
	if (r == 0)
		r = set_plugin(unit, &conf, settings, path, problems);
	if (r < 0)
		unit_file_fini(unit);
	conf_fini(&conf);
	return r;
}
