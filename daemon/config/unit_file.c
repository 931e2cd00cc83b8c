/* unit_file.c - NAME.actor, read and checked. */
#include "config/unit_file.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/text.h"
#include "config/listen_key.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE_NAME_MAX   63 /* TROUPE_NAME_MAX */
#define PLUGIN_PATH_MAX 1024

#define LISTEN_MODE_DEFAULT 0666 /* as systemd's SocketMode= */

static const char *const on_error_names[] = {"continue", "stop", NULL};
static const char *const balance_names[] = {"round-robin", "least-outstanding", NULL};
static const char *const restart_names[] = {"no", "on-failure", "always", NULL};

static const char *const isolate_names[] = {"after-crash", "no", NULL};

static bool is_type_name(const char *text)
{
	size_t size = strspn(text, CONF_LETTERS "0123456789_");

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

static bool has_word(const struct conf_list *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->words[i], word) == 0)
			return true;
	return false;
}

static int add_socket(struct conf_list *sockets, const char *name,
		      const struct conf_setting *setting)
{
	if (!conf_is_socket_name(name))
		return conf_refuse(setting,
				   "\"%.80s\" is no name of a socket: it is what "
				   "FileDescriptorName= says in its .socket unit",
				   name);
	if (has_word(sockets, name))
		return 0;
	if (sockets->n == LIMIT_UNIT_SOCKETS)
		return conf_refuse(setting, "has more than %u names", LIMIT_UNIT_SOCKETS);
	return texts_add(&sockets->words, &sockets->n, name);
}

static int add_listen(struct conf_list *listens, const char *text,
		      const struct conf_setting *setting)
{
	struct unit_file *unit = container_of(listens, struct unit_file, listens);
	struct listen_key key;
	const char *wrong = listen_key_parse(text, &key);

	if (wrong)
		return conf_refuse(setting, "\"%.160s\" %s", text, wrong);
	if (has_word(listens, text))
		return 0;
	if (listens->n == LIMIT_UNIT_SOCKETS)
		return conf_refuse(setting, "is one more than %u sockets", LIMIT_UNIT_SOCKETS);
	if (listens->n == 0) /* an empty value has taken back what was there */
		conf_list_fini(&unit->listen_files);
	unit->listen_lines[listens->n] = setting->line;
	if (texts_add(&unit->listen_files.words, &unit->listen_files.n, setting->file) < 0)
		return -ENOMEM;
	return texts_add(&listens->words, &listens->n, text);
}

/* Words, to which a further assignment adds. */
static int add_words(const struct conf_setting *setting, struct conf_list *list,
		     int (*add)(struct conf_list *list, const char *word,
				const struct conf_setting *setting))
{
	const char *error;
	char **words;
	size_t n;
	int r = conf_split(setting->value, &words, &n, &error);

	if (r == -EINVAL)
		return conf_refuse(setting, "%s", error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add(list, words[i], setting);
	texts_free(words, n);
	return r;
}

static int set_sockets(const struct conf_key *key, const struct conf_setting *setting,
		       void *field)
{
	(void)key;
	return add_words(setting, field, add_socket);
}

static int set_listens(const struct conf_key *key, const struct conf_setting *setting,
		       void *field)
{
	(void)key;
	return add_words(setting, field, add_listen);
}

static int set_mode(const struct conf_key *key, const struct conf_setting *setting, void *field)
{
	const size_t size = strlen(setting->value);
	uint32_t mode = 0;

	(void)key;
	if (size > 4 || strspn(setting->value, "01234567") != size)
		return conf_refuse(setting, "must be octal, from 0000 to 0777");
	for (const char *at = setting->value; *at; at++)
		mode = mode * 8 + (uint32_t)(*at - '0');
	if (mode > 0777)
		return conf_refuse(setting, "must be octal, from 0000 to 0777");
	*(uint32_t *)field = mode;
	return 0;
}

#define FIELD(member, effect) CONF_FIELD(struct unit_file, member, effect)

static const struct conf_key keys_known[] = {
	{"Description", conf_set_text, FIELD(description, IN_PLACE), 0, LIMIT_DESCRIPTION},
	{"Plugin", conf_set_text, FIELD(plugin, RESTART)},
	{"Type", set_type, FIELD(type, RESTART)},
	{"Instances", conf_set_uint, FIELD(instances, RESTART), 1, LIMIT_INSTANCES},
	{"Worker", set_worker, FIELD(placement, RESTART)},
	{"Mailbox", conf_set_uint, FIELD(mailbox, WORKERS), 1, LIMIT_MAILBOX_MAX},
	{"MailboxBytes", conf_set_size, FIELD(mailbox_bytes, WORKERS), LIMIT_MAILBOX_BYTES_MIN,
	 LIMIT_MAILBOX_BYTES_MAX},
	{"Batch", conf_set_uint, FIELD(batch, WORKERS), 1, LIMIT_MAILBOX_MAX},
	{"Tasks", conf_set_uint, FIELD(tasks, WORKERS), 1, LIMIT_TASKS_MAX},
	{"TaskStack", conf_set_size, FIELD(task_stack, WORKERS), LIMIT_TASK_STACK_MIN,
	 LIMIT_TASK_STACK_MAX},
	{"Blocking", conf_set_uint, FIELD(blocking, WORKERS), 1, LIMIT_BLOCKING_THREADS_MAX},
	{"TaskGrace", conf_set_span, FIELD(task_grace_ns, WORKERS), CLOCK_MS_NS,
	 LIMIT_TASK_GRACE_MAX_NS},
	{"OnError", conf_set_choice, FIELD(on_error, WORKERS), .choices = on_error_names},
	{"Default", conf_set_bool, FIELD(is_default, IN_PLACE)},
	{"Balance", conf_set_choice, FIELD(balance, IN_PLACE), .choices = balance_names},
	{"CallTimeout", conf_set_span, FIELD(call_timeout_ns, IN_PLACE), CLOCK_MS_NS,
	 TEXT_INFINITY},
	{"Restart", conf_set_choice, FIELD(restart, IN_PLACE), .choices = restart_names},
	{"Isolate", conf_set_choice, FIELD(isolate, IN_PLACE), .choices = isolate_names},
	{"LogRateLimitInterval", conf_set_span, FIELD(log_interval_ns, WORKERS), 0,
	 CLOCK_SECOND_NS * 3600 * 24},
	{"LogRateLimitBurst", conf_set_uint, FIELD(log_burst, WORKERS), 0, UINT32_MAX},
	{"AllowGlobals", conf_set_bool, FIELD(allow_globals, RESTART)},
	{"StateDirectory", conf_set_bool, FIELD(has_state, RESTART)},
	{"Sockets", set_sockets, FIELD(sockets, RESTART)},
	{"Listen", set_listens, FIELD(listens, RESTART)},
	{"ListenMode", set_mode, FIELD(listen_mode, RESTART)},
	LIFE_KEYS(struct unit_file),
};

static void init_defaults(struct unit_file *unit, const struct settings *settings)
{
	*unit = (struct unit_file){
		.instances = 1,
		.mailbox = LIMIT_MAILBOX_DEFAULT,
		.mailbox_bytes = LIMIT_MAILBOX_BYTES_DEFAULT,
		.batch = LIMIT_BATCH_DEFAULT,
		.tasks = LIMIT_TASKS_DEFAULT,
		.task_stack = LIMIT_TASK_STACK_MIN,
		.blocking = LIMIT_BLOCKING_DEFAULT,
		.task_grace_ns = LIMIT_TASK_GRACE_DEFAULT_NS,
		.log_interval_ns = LIMIT_LOG_INTERVAL_DEFAULT_NS,
		.log_burst = LIMIT_LOG_BURST_DEFAULT,
		.call_timeout_ns = TEXT_INFINITY,
		.restart = RESTART_ON_FAILURE,
		.listen_mode = LISTEN_MODE_DEFAULT,
		.life = settings->life,
	};
}

/* Take ":TYPE" off the end of Plugin=. */
static int split_type(struct unit_file *unit, const struct conf_setting *setting)
{
	char *colon = strrchr(unit->plugin, ':');

	if (!colon || strchr(colon, '/'))
		return 0;
	if (!is_type_name(colon + 1))
		return conf_refuse(setting,
				   "\"%.60s\" is not an actor type's name; see troupectl "
				   "inspect",
				   colon + 1);
	if (unit->type && strcmp(unit->type, colon + 1) != 0)
		return conf_refuse(setting, "Type=%.60s says otherwise; keep one of them",
				   unit->type);
	if (!unit->type) {
		unit->type = strdup(colon + 1);
		if (!unit->type)
			return -ENOMEM;
	}
	*colon = '\0';
	return 0;
}

static bool ends_in_so(const char *name)
{
	size_t size = strlen(name);

	return size > 3 && strcmp(name + size - 3, ".so") == 0;
}

/* -ENOENT: it is in none of them; they are put behind those that `list` has. */
static int find_in(char *const *directories, size_t n, const char *name, char *list,
		   size_t list_size, char **ret_path)
{
	for (size_t i = 0; i < n; i++) {
		/* "hello" means hello.so, never a file without that ending. */
		cleanup_free char *path = text_printf("%s/%s%s", directories[i], name,
						      ends_in_so(name) ? "" : ".so");
		size_t used = strlen(list);

		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) == 0) {
			*ret_path = take_pointer(&path);
			return 0;
		}
		/* A list too long for the message is merely cut. */
		(void)snprintf(list + used, list_size - used, "%s%s", used > 0 ? ", " : "",
			       directories[i]);
	}
	return -ENOENT;
}

/* The file that a plug-in's name means, which is there. An absolute path is taken as it is; a
 * name without slashes ("hello", "hello.so") is looked for in settings->plugin_path, then in
 * path->plugins. *ret_path is given. -EINVAL: noted; -ENOMEM. */
static int find_file(const char *plugin, const struct conf_setting *setting,
		     const struct settings *settings, const struct conf_path *path,
		     char **ret_path)
{
	char list[1280] = "";
	int r;

	if (strlen(plugin) > PLUGIN_PATH_MAX)
		return conf_refuse(setting, "the path is longer than %u bytes",
				   PLUGIN_PATH_MAX);
	if (*plugin == '/') {
		if (access(plugin, F_OK) < 0)
			return conf_refuse(setting, "%s", strerror(errno));
		*ret_path = strdup(plugin);
		return *ret_path ? 0 : -ENOMEM;
	}
	if (*plugin == '\0' || strchr(plugin, '/'))
		return conf_refuse(setting, "must be an absolute path, or a plug-in's name "
					    "without slashes");
	r = find_in(settings->plugin_path.words, settings->plugin_path.n, plugin, list,
		    sizeof(list), ret_path);
	if (r == -ENOENT)
		r = find_in(path->plugins, path->n_plugins, plugin, list, sizeof(list),
			    ret_path);
	if (r != -ENOENT)
		return r;
	return conf_refuse(setting, "there is no such plug-in in %s", list);
}

int unit_file_find_plugin(struct unit_file *unit, const struct conf *conf,
			  const struct settings *settings, const struct conf_path *path,
			  struct problems *problems)
{
	const struct conf_entry *entry = conf_find(conf, "Actor", "Plugin");
	struct conf_setting setting;
	char *found = NULL;
	int r;

	if (!entry || !unit->plugin)
		return problems_add(problems, unit->file, 0,
				    "Plugin= is missing in [Actor]; it names the .so that "
				    "holds the actor");
	unit->plugin_line = entry->line;
	unit->plugin_file = strdup(entry->file);
	if (!unit->plugin_file)
		return -ENOMEM;
	setting = (struct conf_setting){entry->key, entry->value, entry->file, entry->line,
					problems};
	r = split_type(unit, &setting);
	if (r == 0)
		r = find_file(unit->plugin, &setting, settings, path, &found);
	if (r < 0)
		return r;
	free(unit->plugin);
	unit->plugin = found;
	return 0;
}

/* A name is that of sockets of one origin, so that the numbers behind it stay what they are. */
static int check_listens(const struct unit_file *unit, const struct conf *conf,
			 struct problems *problems)
{
	const struct conf_entry *mode = conf_find(conf, "Actor", "ListenMode");
	bool has_path = false;
	int r = 0;

	for (size_t i = 0; i < unit->listens.n; i++) {
		struct listen_key key;

		if (listen_key_parse(unit->listens.words[i], &key))
			continue; /* cannot be */
		has_path = has_path || listen_key_path(&key)[0];
		if (has_word(&unit->sockets, key.name))
			r = problems_add(problems, unit->listen_files.words[i],
					 unit->listen_lines[i],
					 "Listen=%.200s: Sockets= has that name, too, for a "
					 "socket that is handed in; keep one of them",
					 unit->listens.words[i]);
	}
	if (mode && !has_path && r == 0)
		problems_warn(problems, mode->file, mode->line,
			      "ListenMode= has no effect: no Listen= has a path");
	return r;
}

/* What depends on several keys. */
static int check_unit(const struct unit_file *unit, const struct conf *conf,
		      const struct settings *settings, struct problems *problems)
{
	const struct conf_entry *grace = conf_find(conf, "Actor", "TaskGrace");
	const struct conf_entry *isolate = conf_find(conf, "Actor", "Isolate");
	const struct conf_entry *worker = conf_find(conf, "Actor", "Worker");
	int r = check_listens(unit, conf, problems);

	life_keys_check(&unit->life, conf, "Actor", problems);
	if (r < 0)
		return r;
	if (grace && unit->task_grace_ns > unit->life.stop_timeout_ns)
		return problems_add(problems, grace->file, grace->line,
				    "TaskGrace= is longer than StopTimeout=, after which the "
				    "worker is killed");
	if (isolate && unit->isolate == UNIT_ISOLATE_AFTER_CRASH &&
	    unit->placement.worker != UNIT_WORKER_ANY)
		problems_warn(problems, isolate->file, isolate->line,
			      "Isolate=after-crash has no effect with Worker=; it is for units "
			      "that may run anywhere");
	if (!worker || unit->placement.worker != UNIT_WORKER_NUMBER ||
	    unit->placement.number <= settings->workers)
		return 0;
	return problems_add(problems, worker->file, worker->line,
			    "Worker=%u: there are %u workers; see Workers= in trouped.conf",
			    unit->placement.number, settings->workers);
}

int unit_file_init(struct unit_file *unit, const char *name, const char *file,
		   const struct conf *conf, const struct conf_names *names,
		   const struct settings *settings, struct problems *problems)
{
	struct unit_file defaults;
	const struct conf_table table = {keys_known, ARRAY_LEN(keys_known), unit, &defaults};
	const struct conf_section sections[] = {
		{.name = "Actor", .table = &table},
		{.name = "Config", .copy = &unit->config},
	};
	int r;

	init_defaults(&defaults, settings);
	*unit = defaults;
	unit->name = strdup(name);
	unit->file = strdup(file);
	if (!unit->name || !unit->file)
		return -ENOMEM;
	r = conf_fill(conf, sections, ARRAY_LEN(sections), names, problems);
	return problems_worse(r, check_unit(unit, conf, settings, problems));
}

int unit_file_load(struct unit_file *unit, const struct conf_files *files,
		   const struct settings *settings, const struct conf_path *path,
		   struct problems *problems)
{
	char host[256] = "";
	const struct conf_names names = {
		.unit = files->name,
		.host = host,
		.state = settings->state_directory,
	};
	struct conf conf = {0};
	int r;

	/* Without a name, %H is empty; a cut one is terminated by hand. */
	if (gethostname(host, sizeof(host)) < 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	*unit = (struct unit_file){0};
	r = conf_files_read(files, &conf, problems);
	/* Where nothing could be read it is not known what is missing. */
	if (r == 0 || (r == -EINVAL && conf.n > 0))
		r = problems_worse(r, unit_file_init(unit, files->name, files->fragment, &conf,
						     &names, settings, problems));
	if (r == 0 || (r == -EINVAL && conf.n > 0))
		r = problems_worse(
			r, unit_file_find_plugin(unit, &conf, settings, path, problems));
	if (r < 0)
		unit_file_fini(unit);
	conf_fini(&conf);
	return r;
}

void unit_file_fini(struct unit_file *unit)
{
	conf_fini(&unit->config);
	free(unit->name);
	free(unit->file);
	free(unit->description);
	free(unit->plugin);
	free(unit->plugin_file);
	free(unit->type);
	conf_list_fini(&unit->sockets);
	conf_list_fini(&unit->listens);
	conf_list_fini(&unit->listen_files);
	*unit = (struct unit_file){0};
}

static bool is_same_config(const struct conf *a, const struct conf *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->entries[i].key, b->entries[i].key) != 0 ||
		    strcmp(a->entries[i].value, b->entries[i].value) != 0)
			return false;
	return true;
}

enum conf_change unit_file_compare(struct unit_file *before, struct unit_file *after)
{
	const struct conf_table table = {keys_known, ARRAY_LEN(keys_known), before, NULL};

	return is_same_config(&before->config, &after->config) ? conf_compare(&table, after)
							       : CONF_RESTART;
}

int unit_files_load(const struct conf_path *path, const struct settings *settings,
		    struct unit_file **ret_units, size_t *ret_n, struct problems *problems)
{
	struct conf_files *files = NULL;
	struct unit_file *units = NULL;
	size_t n_files = 0, n = 0;
	int r = conf_path_units(path, &files, &n_files, problems);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_files && r != -ENOMEM; i++) {
		struct unit_file *unit = array_add(&units, &n, sizeof(*unit));

		r = unit ? unit_file_load(unit, &files[i], settings, path, problems) : -ENOMEM;
		if (unit && r < 0)
			n--;
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
