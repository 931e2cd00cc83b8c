#include "config/spawn.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>

#define SOURCE "spawn"

static int set_texts(struct unit_file *unit, const struct api_spawn *spawn,
		     const struct settings *settings, struct problems *problems)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{"Type", spawn->actorType},
		{"Worker", spawn->worker},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts) && r == 0; i++)
		if (texts[i].value)
			r = unit_file_set(unit, settings, texts[i].key, texts[i].value,
					  problems);
	return r;
}

static int set_numbers(struct unit_file *unit, const struct api_spawn *spawn,
		       struct problems *problems)
{
	const struct {
		const char *key;
		const int64_t *value;
	} numbers[] = {
		{"Instances", spawn->instances},
		{"Mailbox", spawn->mailbox},
		{"MailboxBytes", spawn->mailboxBytes},
		{"Batch", spawn->batch},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(numbers) && r == 0; i++)
		if (numbers[i].value)
			r = unit_file_set_number(unit, numbers[i].key, *numbers[i].value,
						 problems);
	return r;
}

static int set_plugin(struct unit_file *unit, const struct api_spawn *spawn,
		      const struct settings *settings, const struct conf_path *path,
		      struct problems *problems)
{
	int r = unit_file_set(unit, settings, "Plugin", spawn->plugin, problems);

	if (r == 0)
		r = unit_file_find_plugin(unit, settings, path, problems);
	return r == -EINVAL ? -ENOENT : r;
}

int spawn_define(struct unit_file *unit, const struct api_spawn *spawn,
		 const struct settings *settings, const struct conf_path *path,
		 struct problems *problems)
{
	int r;

	if (!conf_is_unit_name(spawn->name))
		return problems_add(
			problems, SOURCE, 0,
			"not a valid name: letters, digits, '_', '-' and '.', at most %u",
			LIMIT_NAME);
	r = unit_file_begin(unit, spawn->name, SOURCE, settings);
	if (r < 0)
		return r;
	r = set_texts(unit, spawn, settings, problems);
	if (r == 0)
		r = set_numbers(unit, spawn, problems);
	if (r == 0 && spawn->onError)
		unit->on_error =
			*spawn->onError == API_SPAWN_ON_ERROR_STOP ? UNIT_STOP : UNIT_CONTINUE;
	if (r == 0)
		r = unit_file_check(unit, settings, problems);
	if (r == 0)
		r = set_plugin(unit, spawn, settings, path, problems);
	if (r < 0)
		unit_file_fini(unit);
	return r;
}
