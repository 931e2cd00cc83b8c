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

static void spawn(struct plugin_stage *stage, const struct troupe_actor *table,
		  const char *config)
{
	static const char plugin[1];
	const struct runtime_type *type;
	struct codec_error error;
	const char *why;
	size_t size;
	void *block;

	check(runtime_type_add(stage->world.runtime, table, plugin, &type, &why) == 0);
	check(runtime_unit_define(stage->world.runtime, &(struct runtime_unit){.number = UNIT,
									       .name = "fuzzed",
									       .type = type,
									       .tasks = 100}) ==
	      0);
	check(json_decode(table->config, config, strlen(config), &block, &size, &error) == 0);
	check(runtime_spawn(stage->world.runtime, UNIT, 0, block, &stage->actor) == 0);
	free(block);
}

void plugin_stage_begin(struct plugin_stage *stage, const struct troupe_actor *table,
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
	spawn(stage, table, config);
	plugin_stage_run(stage, 0);
}

void plugin_stage_end(struct plugin_stage *stage)
{
	world_finish(&stage->world);
	check(lowest_fd() == stage->lowest);
}

void plugin_stage_run(struct plugin_stage *stage, uint64_t ns)
{
	world_sleep(&stage->world, ns);
}

/* ------------------------------------------------------------------ asking */

struct asking {
	struct runtime_client_call call;
	char *text; /* NULL: no reply so far */
};

static void on_reply(struct runtime_client_call *call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct asking *asking = container_of(call, struct asking, call);
	size_t size;

	check(reply->status == TROUPE_OK && !asking->text);
	check(json_print_text(type, reply->data, 1 << 16, &asking->text, &size) == 0);
}

const char *plugin_stage_ask(struct plugin_stage *stage, const char *interface,
			     const char *method)
{
	static char text[4096];
	struct asking asking = {.call.on_reply = on_reply};
	const struct troupe_method *found;

	check(runtime_find_method(stage->world.runtime, stage->actor, interface,
				  strlen(interface), method, strlen(method), &found) == 0);
	check(runtime_client_call(stage->world.runtime, stage->actor, found, &(struct num){0},
				  UINT64_MAX, 0, &asking.call) == 0);
	plugin_stage_run(stage, 0);
	check(asking.text);
	snprintf(text, sizeof(text), "%s", asking.text);
	free(asking.text);
	return text;
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
