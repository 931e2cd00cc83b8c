/* agent_units.c - Load, Define, Undefine, Spawn. */
#include "worker/agent_units.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "proto/json.h"
#include <string.h>

static const char *error_text(int error)
{
	const char *text = strerrordesc_np(-error);

	return text ? text : "unknown error";
}

/* ---- plug-ins */

static bool fits_uint32(int64_t value)
{
	return value >= 0 && value <= UINT32_MAX;
}

/* Code and tables of a plug-in run outside of all handlers, too: its constructors while it is
 * loaded, its types while a configuration is decoded. The page says so until it is marked with
 * PAGE_DOING_NOTHING. */
static void mark(struct agent *agent, uint64_t doing, int64_t version)
{
	struct page_thread *thread = &agent->page->thread;

	atomic_fetch_add_explicit(&thread->sequence, 1, memory_order_relaxed);
	atomic_store_explicit(&thread->actor, 0, memory_order_relaxed);
	atomic_store_explicit(&thread->type_hash, doing, memory_order_relaxed);
	atomic_store_explicit(&thread->version, fits_uint32(version) ? (uint32_t)version : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&thread->instance, 0, memory_order_relaxed);
}

static int load_plugin(struct agent *agent, const struct worker_load *in, char *why)
{
	const struct runtime_type **types;
	struct plugin *plugin;
	const char *reason;
	int r;

	if (units_find_plugin(&agent->units, in->plugin)) {
		snprintf(why, PLUGIN_WHY_MAX, "plug-in number %jd is in use",
			 (intmax_t)in->plugin);
		return -EEXIST;
	}
	r = loader_load(agent->loader, take_fd(channel_fd(agent->channel)), in->name,
			(uint32_t)in->plugin, in->allowGlobals ? PLUGIN_ALLOW_GLOBALS : 0,
			&plugin, why);
	if (r < 0)
		return r;
	types = calloc(plugin->info->n_actors, sizeof(const struct runtime_type *));
	if (!types)
		goto no_memory;
	for (size_t i = 0; i < plugin->info->n_actors; i++) {
		reason = NULL;
		r = runtime_type_add(agent->runtime, plugin->tables[i], plugin, &types[i],
				     &reason);
		if (r < 0) {
			snprintf(why, PLUGIN_WHY_MAX, "actor type %s: %s",
				 plugin->tables[i]->name, reason ? reason : error_text(r));
			free(types);
			return r;
		}
	}
	if (units_add_plugin(&agent->units, in->plugin, plugin, types) < 0)
		goto no_memory;
	return 0;

no_memory:
	snprintf(why, PLUGIN_WHY_MAX, "%s", error_text(-ENOMEM));
	return -ENOMEM;
}

void agent_on_load(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_load *in = data;
	char why[PLUGIN_WHY_MAX] = "";
	int r;

	mark(agent, PAGE_DOING_LOAD, 0);
	r = load_plugin(agent, in, why);
	mark(agent, PAGE_DOING_NOTHING, 0);
	agent_send(agent, &worker_loaded_method,
		   &(struct worker_loaded){.plugin = in->plugin,
					   .error = r < 0 ? why : NULL,
					   .code = r < 0 ? r : 0});
}

/* ---- units */

/* The typed form of a [Config] section. 0, and NULL for an actor type that takes none. */
static int decode_config(const struct troupe_actor *table, const char *text, void **ret_config,
			 char *why)
{
	struct codec_error error = {0};
	size_t size;
	int r;

	if (!table->config) {
		if (text[0] == '\0' || strcmp(text, "{}") == 0) {
			*ret_config = NULL;
			return 0;
		}
		snprintf(why, PLUGIN_WHY_MAX, "actor type %s takes no configuration",
			 table->name);
		return -EINVAL;
	}
	r = json_decode(table->config, text, strlen(text), ret_config, &size, &error);
	if (r < 0)
		snprintf(why, PLUGIN_WHY_MAX, "%s%s%s", error.path, error.path[0] ? ": " : "",
			 error.message[0] ? error.message : error_text(r));
	return r;
}

/* false: one is out of range. */
static bool take_limits(const struct worker_limits *limits, struct runtime_unit *unit)
{
	unit->mailbox = (uint32_t)limits->mailbox;
	unit->mailbox_bytes = (uint32_t)limits->mailboxBytes;
	unit->batch = (uint32_t)limits->batch;
	unit->tasks = (uint32_t)limits->tasks;
	unit->task_stack = (uint32_t)limits->taskStack;
	unit->blocking = (uint32_t)limits->blocking;
	unit->task_grace_ns = (uint64_t)limits->taskGraceNs;
	unit->stop_on_error = limits->stopOnError;
	return fits_uint32(limits->mailbox) && fits_uint32(limits->mailboxBytes) &&
	       fits_uint32(limits->batch) && fits_uint32(limits->tasks) &&
	       fits_uint32(limits->taskStack) && limits->blocking >= 0 &&
	       limits->blocking <= LIMIT_BLOCKING_THREADS_MAX && limits->taskGraceNs >= 0;
}

static void limit_lines(struct agent *agent, int64_t version,
			const struct worker_limits *limits)
{
	struct units_unit *unit = units_find_unit(&agent->units, version);

	if (!unit)
		return;
	unit->lines.interval_ns = (uint64_t)limits->logIntervalNs;
	unit->lines.burst = (uint64_t)limits->logBurst;
}

static int define_unit(struct agent *agent, const struct worker_define *in, char *why)
{
	const struct units_plugin *plugin = units_find_plugin(&agent->units, in->plugin);
	cleanup_free void *config = NULL;
	struct runtime_unit unit = {.name = in->name,
				    .state_directory =
					    in->stateDirectory[0] ? in->stateDirectory : NULL};
	size_t n = plugin ? plugin->plugin->info->n_actors : 0;
	size_t at = 0;
	int r;

	if (!fits_uint32(in->version) || in->version == 0 || !take_limits(&in->limits, &unit)) {
		snprintf(why, PLUGIN_WHY_MAX, "a number is out of range");
		return -ERANGE;
	}
	while (at < n && strcmp(plugin->plugin->tables[at]->name, in->actorType) != 0)
		at++;
	if (at == n) {
		snprintf(why, PLUGIN_WHY_MAX,
			 plugin ? "the plug-in has no actor type %s"
				: "the plug-in of actor type %s is not loaded",
			 in->actorType);
		return plugin ? -ENOENT : -EAGAIN;
	}
	r = decode_config(plugin->plugin->tables[at], in->config, &config, why);
	if (r < 0)
		return r;
	unit.number = (uint32_t)in->version;
	unit.type = plugin->types[at];
	r = runtime_unit_define(agent->runtime, &unit);
	if (r == 0) {
		r = units_add_unit(&agent->units, in->version, in->name, take_pointer(&config));
		if (r < 0)
			(void)runtime_unit_forget(agent->runtime, unit.number);
	}
	if (r == 0)
		limit_lines(agent, in->version, &in->limits);
	else
		snprintf(why, PLUGIN_WHY_MAX, "%s", error_text(r));
	return r;
}

void agent_on_socket(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_socket *in = data;
	int fd = take_fd(channel_fd(agent->channel)), r = -EPROTO;

	if (fd >= 0 && fits_uint32(in->version) && in->index >= 0)
		r = io_hand_over(agent->io, (uint32_t)in->version, (size_t)in->index, in->name,
				 fd);
	else if (fd >= 0)
		close(fd);
	if (r < 0)
		agent_fail(agent, "cannot take a socket", r);
}

void agent_on_define(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_define *in = data;
	char why[PLUGIN_WHY_MAX] = "";
	int r;

	mark(agent, PAGE_DOING_DEFINE, in->version);
	r = define_unit(agent, in, why);
	mark(agent, PAGE_DOING_NOTHING, 0);
	if (r < 0) /* nobody has what was handed over for it */
		io_take_back(agent->io, (uint32_t)in->version);
	agent_send(agent, &worker_defined_method,
		   &(struct worker_defined){.version = in->version,
					    .error = r < 0 ? why : NULL,
					    .code = r < 0 ? r : 0});
}

void agent_on_redefine(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_redefine *in = data;
	struct runtime_unit unit = {.number = (uint32_t)in->version};

	/* When Define failed there is no such unit. */
	if (!fits_uint32(in->version) || !take_limits(&in->limits, &unit))
		return;
	(void)runtime_unit_change(agent->runtime, &unit);
	limit_lines(agent, in->version, &in->limits);
}

void agent_on_undefine(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_undefine *in = data;

	/* What came before a Define that could not be sent is there all the same. */
	io_take_back(agent->io, (uint32_t)in->version);
	if (!units_find_unit(&agent->units, in->version))
		return; /* Define failed */
	(void)runtime_unit_forget(agent->runtime, (uint32_t)in->version);
	actor_log_forget(&agent->actor_log, in->version);
	units_remove_unit(&agent->units, in->version);
}

/* ---- actors */

static int spawn_actor(struct agent *agent, const struct worker_spawn *in,
		       struct troupe_address *ret_actor, char *why)
{
	const struct units_unit *unit = units_find_unit(&agent->units, in->version);
	int r;

	if (agent->is_stopping) {
		snprintf(why, PLUGIN_WHY_MAX, "the worker is shutting down");
		return -ESHUTDOWN;
	}
	if (!unit || in->instance < 0 || in->instance >= LIMIT_INSTANCES) {
		snprintf(why, PLUGIN_WHY_MAX, unit ? "no such instance" : "no such unit");
		return -ENOENT;
	}
	r = runtime_spawn(agent->runtime, (uint32_t)in->version, (uint32_t)in->instance,
			  unit->config, ret_actor);
	if (r < 0)
		snprintf(why, PLUGIN_WHY_MAX, "init failed: %s", error_text(r));
	return r;
}

void agent_on_spawn(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_spawn *in = data;
	struct worker_spawned out = {
		.request = in->request, .version = in->version, .instance = in->instance};
	char why[PLUGIN_WHY_MAX];

	if (spawn_actor(agent, in, &out.actor, why) < 0)
		out.error = why;
	agent_send(agent, &worker_spawned_method, &out);
}
