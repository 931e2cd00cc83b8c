/* unit_file.c - NAME.actor, read and checked. */
#include "config/unit_file.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN_PATH_MAX 1024
#define TYPE_NAME_MAX   63 /* TROUPE_NAME_MAX */

static const char *const on_error_names[] = {"continue", "stop", NULL};
static const char *const balance_names[] = {"round-robin", "least-outstanding", NULL};
static const char *const restart_names[] = {"no", "on-failure", "always", NULL};

static const char *const isolate_names[] = {"after-crash", "no", NULL};

static bool is_type_name(const char *text)
{
	size_t size =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return size > 0 && size <= TYPE_NAME_MAX && text[size] == '\0' &&
	       !(*text >= '0' && *text <= '9');
}

static int set_type(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	if (!is_type_name(setting->value))
		return conf_refuse(setting,
				   "is not an actor type's name; see troupectl inspect");
	return conf_set_text(key, setting, field);
}

/* any, own or a number; what numbers there are, only the settings know. */
static int set_worker(const struct conf_key *key, const struct conf_setting *setting,
		      void *field)
{
	struct unit_placement *placement = field;
	uint64_t number;

	(void)key;
	if (strcmp(setting->value, "any") == 0)
		*placement = (struct unit_placement){.worker = UNIT_WORKER_ANY};
	else if (strcmp(setting->value, "own") == 0)
		*placement = (struct unit_placement){.worker = UNIT_WORKER_OWN};
	else if (text_parse_uint(setting->value, 1, LIMIT_WORKERS, &number) == 0)
		*placement = (struct unit_placement){.worker = UNIT_WORKER_NUMBER,
						     .number = (unsigned)number};
	else
		return conf_refuse(setting,
				   "must be any, own, or a worker's number from 1 to %u",
				   LIMIT_WORKERS);
	return 0;
}

#define FIELD(member, effect) CONF_FIELD(struct unit_file, member, effect)

static const struct conf_key keys_known[] = {
	{.name = "Description", .set = conf_set_text, FIELD(description, IN_PLACE)},
	{.name = "Plugin", .set = conf_set_text, FIELD(plugin, RESTART)},
	{.name = "Type", .set = set_type, FIELD(type, RESTART)},
	{.name = "Instances",
	 .set = conf_set_uint,
	 FIELD(instances, RESTART),
	 .min = 1,
	 .max = LIMIT_INSTANCES},
	{.name = "Worker", .set = set_worker, FIELD(placement, RESTART)},
	{.name = "Mailbox",
	 .set = conf_set_uint,
	 FIELD(mailbox, WORKERS),
	 .min = 1,
	 .max = LIMIT_MAILBOX_MAX},
	{.name = "MailboxBytes",
	 .set = conf_set_size32,
	 FIELD(mailbox_bytes, WORKERS),
	 .min = LIMIT_MAILBOX_BYTES_MIN,
	 .max = LIMIT_MAILBOX_BYTES_MAX},
	{.name = "Batch",
	 .set = conf_set_uint,
	 FIELD(batch, WORKERS),
	 .min = 1,
	 .max = LIMIT_MAILBOX_MAX},
	{.name = "OnError",
	 .set = conf_set_choice,
	 FIELD(on_error, WORKERS),
	 .choices = on_error_names},
	{.name = "Default", .set = conf_set_bool, FIELD(is_default, IN_PLACE)},
	{.name = "Balance",
	 .set = conf_set_choice,
	 FIELD(balance, IN_PLACE),
	 .choices = balance_names},
	{.name = "StartTimeout",
	 .set = conf_set_span,
	 FIELD(start_timeout_ns, IN_PLACE),
	 .min = CLOCK_MS_NS,
	 .max = TEXT_INFINITY},
	{.name = "CallTimeout",
	 .set = conf_set_span,
	 FIELD(call_timeout_ns, IN_PLACE),
	 .min = CLOCK_MS_NS,
	 .max = TEXT_INFINITY},
	{.name = "StopTimeout",
	 .set = conf_set_span,
	 FIELD(stop_timeout_ns, IN_PLACE),
	 .min = CLOCK_MS_NS,
	 .max = TEXT_INFINITY},
	{.name = "Restart",
	 .set = conf_set_choice,
	 FIELD(restart, IN_PLACE),
	 .choices = restart_names},
	{.name = "Isolate",
	 .set = conf_set_choice,
	 FIELD(isolate, IN_PLACE),
	 .choices = isolate_names},
	{.name = "LogRateLimitInterval",
	 .set = conf_set_span,
	 FIELD(log_interval_ns, WORKERS),
	 .max = CLOCK_SECOND_NS * 3600 * 24},
	{.name = "LogRateLimitBurst",
	 .set = conf_set_uint,
	 FIELD(log_burst, WORKERS),
	 .max = UINT32_MAX},
	{.name = "AllowGlobals", .set = conf_set_bool, FIELD(allow_globals, RESTART)},
};

static void init_defaults(struct unit_file *unit, const struct settings *settings)
{
	*unit = (struct unit_file){
		.instances = 1,
		.mailbox = LIMIT_MAILBOX_DEFAULT,
		.mailbox_bytes = LIMIT_MAILBOX_BYTES_DEFAULT,
		.batch = LIMIT_BATCH_DEFAULT,
		.log_interval_ns = LIMIT_LOG_INTERVAL_DEFAULT_NS,
		.log_burst = LIMIT_LOG_BURST_DEFAULT,
		.start_timeout_ns = settings->start_timeout_ns,
		.call_timeout_ns = TEXT_INFINITY,
		.stop_timeout_ns = settings->stop_timeout_ns,
		.restart = UNIT_RESTART_ON_FAILURE,
		.restart_keys = settings->restart,
	};
}

/* Keep an assignment of [Config]. *room: of the array. */
static int add_config(struct unit_file *unit, size_t *room, const struct conf_entry *entry,
		      const struct conf_names *names, struct problems *problems)
{
	struct unit_config config = {.line = entry->line};
	int r;

	if (unit->n_config == *room) {
		size_t more = *room ? 2 * *room : 8;
		struct unit_config *grown = reallocarray(unit->config, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		unit->config = grown;
		*room = more;
	}
	r = conf_expand_entry(entry, names, &config.value, problems);
	if (r < 0)
		return r;
	config.key = strdup(entry->key);
	config.file = strdup(entry->file);
	unit->config[unit->n_config++] =
		config; /* freed with the unit, half filled in or not */
	return config.key && config.file ? 0 : -ENOMEM;
}

/* Where a key was set last; for problems that show only when all is read. */
static const struct conf_entry *find_entry(const struct conf *conf, const char *key)
{
	for (size_t i = conf->n; i > 0; i--)
		if (strcmp(conf->entries[i - 1].section, "Actor") == 0 &&
		    strcmp(conf->entries[i - 1].key, key) == 0)
			return &conf->entries[i - 1];
	return NULL;
}

/* Take ":TYPE" off the end of Plugin=. */
static int split_type(struct unit_file *unit, const struct conf_entry *entry,
		      struct problems *problems)
{
	char *colon = strrchr(unit->plugin, ':');

	if (!colon || strchr(colon, '/'))
		return 0;
	if (!is_type_name(colon + 1))
		return problems_add(problems, entry->file, entry->line,
				    "Plugin=%.80s: \"%.60s\" is not an actor type's name; see "
				    "troupectl inspect",
				    entry->value, colon + 1);
	if (unit->type && strcmp(unit->type, colon + 1) != 0)
		return problems_add(problems, entry->file, entry->line,
				    "Plugin=%.80s: Type=%.60s says otherwise; keep one of them",
				    entry->value, unit->type);
	if (!unit->type) {
		unit->type = strdup(colon + 1);
		if (!unit->type)
			return -ENOMEM;
	}
	*colon = '\0';
	return 0;
}

static int find_in(char *const *directories, size_t n, const char *name, struct buffer *tried,
		   char **ret_path)
{
	for (size_t i = 0; i < n; i++) {
		static const char *const suffixes[] = {"", ".so"};

		for (size_t j = 0; j < ARRAY_LEN(suffixes); j++) {
			char *path;
			size_t size = strlen(name);

			/* "hello" means hello.so, never a file without that ending. */
			if ((j == 0) != (size > 3 && strcmp(name + size - 3, ".so") == 0))
				continue;
			if (asprintf(&path, "%s/%s%s", directories[i], name, suffixes[j]) < 0)
				return -ENOMEM;
			if (access(path, F_OK) == 0) {
				*ret_path = path;
				return 0;
			}
			free(path);
		}
		/* A list too long for the message is merely cut. */
		(void)buffer_printf(tried, "%s%s", buffer_size(tried) ? ", " : "",
				    directories[i]);
	}
	return -ENOENT;
}

/* Make Plugin= the path of a file that is there. */
static int find_plugin(struct unit_file *unit, const struct conf_entry *entry,
		       const struct settings *settings, const struct conf_path *path,
		       struct problems *problems)
{
	char *found = NULL;
	struct buffer tried;
	int r;

	if (strlen(unit->plugin) > PLUGIN_PATH_MAX)
		return problems_add(problems, entry->file, entry->line,
				    "Plugin=: the path is longer than %u bytes",
				    PLUGIN_PATH_MAX);
	if (*unit->plugin == '/') {
		if (access(unit->plugin, F_OK) == 0)
			return 0;
		return problems_add(problems, entry->file, entry->line, "Plugin=%.80s: %s",
				    unit->plugin, strerror(errno));
	}
	if (*unit->plugin == '\0' || strchr(unit->plugin, '/'))
		return problems_add(
			problems, entry->file, entry->line,
			"Plugin=%.80s: must be an absolute path, or a plug-in's name without "
			"slashes",
			entry->value);
	buffer_init(&tried, 1024);
	r = find_in(settings->plugin_path.words, settings->plugin_path.n, unit->plugin, &tried,
		    &found);
	if (r == -ENOENT)
		r = find_in(path->plugins, path->n_plugins, unit->plugin, &tried, &found);
	if (r == -ENOENT)
		r = problems_add(problems, entry->file, entry->line,
				 "Plugin=%.80s: there is no such plug-in in %.*s", entry->value,
				 (int)buffer_size(&tried), (const char *)buffer_data(&tried));
	buffer_fini(&tried);
	if (r < 0)
		return r;
	free(unit->plugin);
	unit->plugin = found;
	return 0;
}

/* What depends on several keys. */
static int check_unit(struct unit_file *unit, const struct conf *conf,
		      const struct settings *settings, const struct conf_path *path,
		      struct problems *problems)
{
	const struct conf_entry *entry = find_entry(conf, "Plugin");
	int result = 0, r;

	if (!entry || !unit->plugin)
		return problems_add(
			problems, unit->file, 0,
			"Plugin= is missing in [Actor]; it names the .so that holds the actor");
	unit->plugin_line = entry->line;
	unit->plugin_file = strdup(entry->file);
	if (!unit->plugin_file)
		return -ENOMEM;
	r = split_type(unit, entry, problems);
	if (r == 0)
		r = find_plugin(unit, entry, settings, path, problems);
	if (r < 0)
		result = r;
	entry = find_entry(conf, "Isolate");
	if (entry && unit->isolate == UNIT_ISOLATE_AFTER_CRASH &&
	    unit->placement.worker != UNIT_WORKER_ANY)
		problems_warn(problems, entry->file, entry->line,
			      "Isolate=after-crash has no effect with Worker=; it is for units "
			      "that may run anywhere");
	entry = find_entry(conf, "Worker");
	if (entry && unit->placement.worker == UNIT_WORKER_NUMBER &&
	    unit->placement.number > settings->workers)
		result = problems_add(
			problems, entry->file, entry->line,
			"Worker=%u: there are %u workers; see Workers= in trouped.conf",
			unit->placement.number, settings->workers);
	return result;
}

int unit_file_init(struct unit_file *unit, const struct conf *conf,
		   const struct conf_files *files, const struct settings *settings,
		   const struct conf_path *path, struct problems *problems)
{
	static const char *const sections[] = {"Actor", "Config"};
	char host[256] = "";
	struct unit_file defaults;
	struct conf_names names = {
		.unit = files->name,
		.prefix = files->prefix,
		.instance = files->instance ? files->instance : "",
		.host = host,
	};
	size_t room = 0;
	int r, result = 0;

	init_defaults(&defaults, settings);
	*unit = defaults;
	const struct conf_table tables[] = {
		{keys_known, ARRAY_LEN(keys_known), unit, &defaults},
		restart_keys_table(&unit->restart_keys, &defaults.restart_keys),
	};
	/* Without a name, %H is empty; a cut one is terminated by hand. */
	if (gethostname(host, sizeof(host)) < 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	unit->name = strdup(files->name);
	unit->file = strdup(files->fragment);
	if (!unit->name || !unit->file)
		result = -ENOMEM;
	for (size_t i = 0; i < conf->n && result != -ENOMEM; i++) {
		const struct conf_entry *entry = &conf->entries[i];

		r = conf_check_section(conf, i, sections, ARRAY_LEN(sections), problems);
		if (r > 0 && strcmp(entry->section, "Config") == 0)
			r = add_config(unit, &room, entry, &names, problems);
		else if (r > 0)
			r = conf_apply(entry, tables, ARRAY_LEN(tables), &names, problems);
		if (r < 0)
			result = r;
	}
	restart_keys_check(&unit->restart_keys, conf, "Actor", problems);
	if (result != -ENOMEM) {
		r = check_unit(unit, conf, settings, path, problems);
		if (r < 0)
			result = r;
	}
	if (result < 0)
		unit_file_fini(unit);
	return result;
}

int unit_file_load(struct unit_file *unit, const struct conf_files *files,
		   const struct settings *settings, const struct conf_path *path,
		   struct problems *problems)
{
	struct conf conf;
	int r, read;

	*unit = (struct unit_file){0};
	conf_init(&conf);
	read = conf_files_read(files, &conf, problems);
	r = read == -ENOMEM ? read
			    : unit_file_init(unit, &conf, files, settings, path, problems);
	if (r == 0 && read < 0) {
		unit_file_fini(unit);
		r = read;
	}
	conf_fini(&conf);
	return r;
}

void unit_file_fini(struct unit_file *unit)
{
	for (size_t i = 0; i < unit->n_config; i++) {
		free(unit->config[i].key);
		free(unit->config[i].value);
		free(unit->config[i].file);
	}
	free(unit->config);
	free(unit->name);
	free(unit->file);
	free(unit->description);
	free(unit->plugin);
	free(unit->plugin_file);
	free(unit->type);
	*unit = (struct unit_file){0};
}

static bool is_same_config(const struct unit_file *a, const struct unit_file *b)
{
	if (a->n_config != b->n_config)
		return false;
	for (size_t i = 0; i < a->n_config; i++)
		if (strcmp(a->config[i].key, b->config[i].key) != 0 ||
		    strcmp(a->config[i].value, b->config[i].value) != 0)
			return false;
	return true;
}

enum conf_change unit_file_compare(struct unit_file *before, struct unit_file *after)
{
	const struct conf_table own = {keys_known, ARRAY_LEN(keys_known), before, NULL};
	const struct conf_table restart = restart_keys_table(&before->restart_keys, NULL);
	enum conf_change one, other;

	if (!is_same_config(before, after))
		return CONF_RESTART;
	one = conf_compare(&own, after);
	other = conf_compare(&restart, &after->restart_keys);
	return one > other ? one : other;
}

int unit_files_load(const struct conf_path *path, const struct settings *settings,
		    struct unit_file **ret_units, size_t *ret_n, struct problems *problems)
{
	struct conf_files *files = NULL;
	struct unit_file *units;
	size_t n_files = 0, n = 0;
	int r = conf_path_units(path, &files, &n_files, problems);

	if (r < 0)
		return r;
	units = calloc(n_files + 1, sizeof(*units));
	if (!units)
		r = -ENOMEM;
	for (size_t i = 0; i < n_files && r != -ENOMEM; i++) {
		r = unit_file_load(&units[n], &files[i], settings, path, problems);
		if (r == 0)
			n++;
	}
	conf_units_free(files, n_files);
	if (r == -ENOMEM) {
		unit_files_free(units, n);
		return r;
	}
	*ret_units = units;
	*ret_n = n;
	return 0;
}

void unit_files_free(struct unit_file *units, size_t n)
{
	for (size_t i = 0; units && i < n; i++)
		unit_file_fini(&units[i]);
	free(units);
}
