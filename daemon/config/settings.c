/* settings.c - trouped.conf, read and checked. */
#include "config/settings.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "config/memory.h"
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_GROUP_DEFAULT "troupe-call"
#define CPUS_MAX           8192

static int set_log_level(const struct conf_key *key, const struct conf_setting *setting,
			 void *field)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
	uint64_t number;

	(void)key;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(setting->value, names[i]) == 0) {
			*(int *)field = LOG_P_ERROR + (int)i;
			return 0;
		}
	if (text_parse_uint(setting->value, LOG_P_ERROR, LOG_P_DEBUG, &number) < 0)
		return conf_refuse(setting, "must be error, warning, notice, info or debug");
	*(int *)field = (int)number;
	return 0;
}

/* Bytes, or a percentage of the memory there is. */
static int set_memory(const struct conf_key *key, const struct conf_setting *setting,
		      void *field)
{
	const char *value = setting->value;
	size_t size = strlen(value);
	uint64_t *bytes = field, percent;
	char number[4];

	if (strcmp(value, "infinity") == 0) {
		*bytes = TEXT_INFINITY;
		return 0;
	}
	if (size >= 2 && size <= sizeof(number) && value[size - 1] == '%') {
		memcpy(number, value, size - 1);
		number[size - 1] = '\0';
		if (text_parse_uint(number, 1, 100, &percent) == 0) {
			*bytes = memory_limit("/proc/self/cgroup", "/sys/fs/cgroup") / 100 *
				 percent;
			return 0;
		}
	}
	if (text_parse_size(value, key->min, key->max, bytes) < 0)
		return conf_refuse(setting, "must be a size from 64M on, 1%% to 100%%, or "
					    "infinity");
	return 0;
}

/* In /etc/group. -ENOENT: not there. */
static int read_group(const char *name, gid_t *ret_gid)
{
	cleanup_fclose FILE *file = fopen("/etc/group", "re");
	char line[4096];
	bool is_begin = true;

	if (!file)
		return -errno;
	/* Not by fgetgrent(): a line has all members of its group, and may be longer than any
	 * buffer. */
	while (fgets(line, sizeof(line), file)) {
		bool is_name = is_begin && strncmp(line, name, strlen(name)) == 0 &&
			       line[strlen(name)] == ':';
		const char *number = is_name ? strchr(line + strlen(name) + 1, ':') : NULL;
		char *end;
		unsigned long gid = number ? strtoul(number + 1, &end, 10) : 0;

		is_begin = strchr(line, '\n');
		if (number && end > number + 1 && *end == ':' && gid < UINT32_MAX) {
			*ret_gid = (gid_t)gid;
			return 0;
		}
	}
	return -ENOENT;
}

/* Wherever the system looks for groups, which may be on the network. -ENOENT: no such group. */
static int ask_for_group(const char *name, gid_t *ret_gid)
{
	struct group group, *found = NULL;
	int r = ERANGE;

	for (size_t size = 16384; r == ERANGE && size <= 8u << 20; size *= 2) {
		cleanup_free char *memory = malloc(size);

		if (!memory)
			return -ENOMEM;
		r = getgrnam_r(name, &group, memory, size, &found);
	}
	if (r == ENOMEM || r == EMFILE || r == ENFILE)
		return -r;
	if (r != 0 || !found)
		return -ENOENT;
	*ret_gid = group.gr_gid;
	return 0;
}

/* What those settings know. -ENOENT: nothing. */
static int recall_group(const struct settings *before, const char *name, gid_t *ret_gid)
{
	const struct settings_group *groups[] = {&before->observe, &before->call,
						 &before->manage, &before->deploy};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (groups[i]->is_set && strcmp(groups[i]->name, name) == 0) {
			*ret_gid = groups[i]->gid;
			return 0;
		}
	return -ENOENT;
}

/* -ENOENT: no such group, as far as may be looked; else groups cannot be read. */
static int find_group(const struct settings *settings, const char *name,
		      struct settings_group *ret_group)
{
	struct settings_group group = {.is_set = true};
	size_t size = strlen(name);
	int r;

	if (size == 0 || size >= sizeof(group.name))
		return -ENOENT;
	memcpy(group.name, name, size);
	r = read_group(name, &group.gid);
	if (r == -ENOENT)
		r = settings->before ? recall_group(settings->before, name, &group.gid)
				     : ask_for_group(name, &group.gid);
	if (r == 0)
		*ret_group = group;
	return r;
}

static int set_group(const struct conf_key *key, const struct conf_setting *setting,
		     void *field)
{
	const struct settings *settings = (const void *)((const char *)field - key->offset);
	struct settings_group *group = field;
	uint64_t number;
	int r;

	if (text_parse_uint(setting->value, 0, UINT32_MAX - 1, &number) == 0) {
		*group = (struct settings_group){.is_set = true, .gid = (gid_t)number};
		return 0;
	}
	r = find_group(settings, setting->value, group);
	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		return conf_refuse(setting, "groups cannot be read: %s", strerror(-r));
	if (r == -ENOENT && settings->before)
		return conf_refuse(setting, "is not in /etc/group, and groups are looked for "
					    "elsewhere only when the daemon starts: write its "
					    "number, or restart the daemon");
	if (r == -ENOENT)
		return conf_refuse(setting, "there is no such group; make it with groupadd "
					    "--system, or name another");
	return r;
}

#define FIELD(member, effect) CONF_FIELD(struct settings, member, effect)

static const struct conf_key keys_known[] = {
	{"Workers", conf_set_uint, FIELD(workers, RESTART), 1, LIMIT_WORKERS},
	{"Socket", conf_set_path, FIELD(socket, RESTART), 0, LIMIT_SOCKET_PATH},
	{"RuntimeDirectory", conf_set_path, FIELD(runtime_directory, RESTART), 0,
	 LIMIT_RUNTIME_PATH},
	{"StateDirectory", conf_set_path, FIELD(state_directory, RESTART), 0, 1024},
	{"PluginPath", conf_set_paths, FIELD(plugin_path, IN_PLACE), 0, 1024},
	{"LogLevel", set_log_level, FIELD(log_level, IN_PLACE)},
	{"FrameMax", conf_set_size, FIELD(frame_max, RESTART), 4096, LIMIT_FRAME},
	{"Connections", conf_set_uint, FIELD(connections, RESTART), 1, LIMIT_CONNECTIONS},
	{"ConnectionsPerUser", conf_set_uint, FIELD(connections_uid, RESTART), 1,
	 LIMIT_CONNECTIONS_UID},
	{"WorkerWatchdog", conf_set_span, FIELD(worker_watchdog_ns, IN_PLACE), 0,
	 TEXT_INFINITY},
	{"SlowHandler", conf_set_span, FIELD(slow_handler_ns, IN_PLACE), 0, TEXT_INFINITY},
	{"WorkerMemory", set_memory, FIELD(worker_memory, IN_PLACE), LIMIT_WORKER_MEMORY_MIN,
	 (uint64_t)1 << 50},
	{"BlockingThreads", conf_set_uint, FIELD(blocking_threads, IN_PLACE), 1,
	 LIMIT_BLOCKING_THREADS_MAX},
	{"ObserveGroup", set_group, FIELD(observe, IN_PLACE)},
	{"CallGroup", set_group, FIELD(call, IN_PLACE)},
	{"ManageGroup", set_group, FIELD(manage, IN_PLACE)},
	{"DeployGroup", set_group, FIELD(deploy, IN_PLACE)},
	LIFE_KEYS(struct settings),
};

static unsigned count_processors(void)
{
	cpu_set_t set[CPUS_MAX / CPU_SETSIZE];
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), set) == 0)
		n = CPU_COUNT_S(sizeof(set), set);
	return n < 1 ? 1 : n > (int)LIMIT_WORKERS ? LIMIT_WORKERS : (unsigned)n;
}

static int init_defaults(struct settings *settings, const struct settings *before)
{
	int r;

	*settings = (struct settings){
		.workers = count_processors(),
		.log_level = LOG_P_INFO,
		.frame_max = LIMIT_FRAME_DEFAULT,
		.blocking_threads = LIMIT_BLOCKING_THREADS_DEFAULT,
		.connections = LIMIT_CONNECTIONS,
		.connections_uid = LIMIT_CONNECTIONS_UID,
		.slow_handler_ns = LIMIT_SLOW_HANDLER_DEFAULT_NS,
		.worker_watchdog_ns = LIMIT_WORKER_SILENCE_DEFAULT_NS,
		.before = before,
	};
	life_keys_init(&settings->life);
	r = find_group(settings, CALL_GROUP_DEFAULT, &settings->call);
	return r == -ENOENT ? 0 : r;
}

/* The paths that follow from others. */
static int fill_paths(struct settings *settings, const struct conf_path *path, const char *file,
		      struct problems *problems)
{
	if (!settings->runtime_directory && !path->runtime)
		return problems_add(
			problems, file, 0,
			"XDG_RUNTIME_DIR is not set: set it, or RuntimeDirectory= in [Daemon]");
	if (!settings->runtime_directory)
		settings->runtime_directory = strdup(path->runtime);
	if (!settings->state_directory)
		settings->state_directory = strdup(path->state);
	if (!settings->runtime_directory || !settings->state_directory)
		return -ENOMEM;
	if (strlen(settings->runtime_directory) > LIMIT_RUNTIME_PATH)
		return problems_add(problems, file, 0,
				    "the runtime directory %.80s has more than %u bytes; set "
				    "RuntimeDirectory= in [Daemon] to a shorter one",
				    settings->runtime_directory, LIMIT_RUNTIME_PATH);
	if (!settings->socket)
		settings->socket = text_printf("%s/control.sock", settings->runtime_directory);
	return settings->socket ? 0 : -ENOMEM;
}

/* From assignments already read; `file` is named in problems that belong to no line. */
static int init(struct settings *settings, const struct conf *conf,
		const struct conf_path *path, const struct settings *before, const char *file,
		struct problems *problems)
{
	struct settings defaults;
	int r = init_defaults(&defaults, before);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return problems_add(problems, file, 0, "groups cannot be read: %s",
				    strerror(-r));
	*settings = defaults;
	const struct conf_table table = {keys_known, ARRAY_LEN(keys_known), settings,
					 &defaults};
	const struct conf_section section = {.name = "Daemon", .table = &table};
	r = conf_fill(conf, &section, 1, NULL, problems);
	life_keys_check(&settings->life, conf, "Daemon", problems);
	r = problems_worse(r, fill_paths(settings, path, file, problems));
	settings->before = NULL;
	return r;
}

int settings_load(struct settings *settings, const struct conf_path *path,
		  const struct settings *before, struct problems *problems)
{
	struct conf_files files;
	struct conf conf = {0};
	int r;

	*settings = (struct settings){0};
	r = conf_path_daemon(path, &files, problems);
	if (r < 0)
		return r;
	r = conf_files_read(&files, &conf, problems);
	if (r != -ENOMEM)
		r = problems_worse(r, init(settings, &conf, path, before,
					   files.fragment ? files.fragment : "trouped.conf",
					   problems));
	if (r < 0)
		settings_fini(settings);
	conf_fini(&conf);
	conf_files_fini(&files);
	return r;
}

void settings_fini(struct settings *settings)
{
	free(settings->socket);
	free(settings->runtime_directory);
	free(settings->state_directory);
	conf_list_fini(&settings->plugin_path);
	*settings = (struct settings){0};
}

void settings_keep(struct settings *before, struct settings *after,
		   void (*on_change)(void *context, const struct conf_key *key), void *context)
{
	const struct conf_table table = {keys_known, ARRAY_LEN(keys_known), before, NULL};

	conf_keep(&table, after, on_change, context);
}
