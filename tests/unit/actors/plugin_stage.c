#include "plugin_stage.h"
#include "base/check.h"
#include "proto/json.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIT 2

static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	check(fd >= 0);
	close(fd);
	return fd;
}

static void free_io(struct world *world)
{
	struct plugin_stage *stage = world->test;

	io_free(stage->io);
}

static void define(struct plugin_stage *stage, const struct troupe_actor *table,
		   const char *config)
{
	static const char plugin[1];
	const struct runtime_type *type;
	struct codec_error error;
	const char *why;
	size_t size;

	check(runtime_type_add(stage->world.runtime, table, plugin, &type, &why) == 0);
	check(runtime_unit_define(stage->world.runtime, &(struct runtime_unit){.number = UNIT,
									       .name = "staged",
									       .type = type,
									       .tasks = 100}) ==
	      0);
	check(json_decode(table->config, config, strlen(config), &stage->config, &size,
			  &error) == 0);
}

void plugin_stage_prepare(struct plugin_stage *stage, const struct troupe_actor *table,
			  const char *config)
{
	memset(stage, 0, sizeof(*stage));
	stage->lowest = lowest_fd();
	world_init(&stage->world, 1, NULL);
	sim_poll(stage->world.loop, true);
	check(io_new(stage->world.runtime, &stage->io) == 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
	world_spawn(&stage->world, 1);
	define(stage, table, config);
}

int plugin_stage_spawn(struct plugin_stage *stage)
{
	return runtime_spawn(stage->world.runtime, UNIT, 0, stage->config, &stage->actor);
}

void plugin_stage_stop(struct plugin_stage *stage)
{
	check(runtime_stop(stage->world.runtime, stage->actor) == 0);
	plugin_stage_run(stage, 0);
}

void plugin_stage_begin(struct plugin_stage *stage, const struct troupe_actor *table,
			const char *config)
{
	plugin_stage_prepare(stage, table, config);
	check(plugin_stage_spawn(stage) == 0);
	plugin_stage_run(stage, 0);
}

void plugin_stage_end(struct plugin_stage *stage)
{
	world_finish(&stage->world);
	free(stage->config);
	check(lowest_fd() == stage->lowest);
}

void plugin_stage_run(struct plugin_stage *stage, uint64_t ns)
{
	world_sleep(&stage->world, ns);
}

/* ------------------------------------------------------------------ asking */

struct asking {
	struct runtime_client_call call;
	struct plugin_stage *stage;
	int status; /* negative: no reply so far */
};

static void on_reply(struct runtime_client_call *call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct asking *asking = container_of(call, struct asking, call);
	char *text = NULL;
	size_t size;

	check(asking->status < 0);
	asking->status = (int)reply->status;
	if (reply->status == TROUPE_OK)
		(void)json_print_text(type, reply->data, 1 << 16, &text, &size);
	snprintf(asking->stage->reply, sizeof(asking->stage->reply), "%s", text ? text : "");
	free(text);
}

int plugin_stage_call(struct plugin_stage *stage, const char *interface, const char *method,
		      const char *json)
{
	struct asking asking = {.call.on_reply = on_reply, .stage = stage, .status = -1};
	const struct troupe_method *found;
	struct codec_error error;
	size_t size;
	void *in;
	int rc;

	check(runtime_find_method(stage->world.runtime, stage->actor, interface,
				  strlen(interface), method, strlen(method), &found) == 0);
	rc = json_decode(found->in, json, strlen(json), &in, &size, &error);
	if (rc < 0)
		return rc;
	rc = runtime_client_call(stage->world.runtime, stage->actor, found, in, UINT64_MAX, 0,
				 &asking.call);
	free(in);
	if (rc < 0)
		return rc;
	plugin_stage_run(stage, 0);
	check(asking.status >= 0);
	return asking.status;
}

const char *plugin_stage_ask(struct plugin_stage *stage, const char *interface,
			     const char *method)
{
	check(plugin_stage_call(stage, interface, method, "{}") == TROUPE_OK);
	return stage->reply;
}

long plugin_stage_number(const char *reply, const char *name)
{
	char words[64];
	const char *at;

	snprintf(words, sizeof(words), "\"%s\":", name);
	at = strstr(reply, words);
	check(at);
	return strtol(at + strlen(words), NULL, 10);
}

int plugin_stage_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	check(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	check(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}
