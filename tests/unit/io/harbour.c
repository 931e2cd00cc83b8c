#include "harbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#define IN_TIME_MS 20000

static int plays(struct troupe_self *self, struct puppet *me, script **what, void *unused)
{
	(void)me;
	(void)unused;
	return (*what)(self, harbour_of(self));
}
TROUPE_TASK(plays, struct puppet, script *, void)

static int adopts(struct troupe_self *self, struct puppet *me)
{
	struct harbour *harbour = harbour_of(self);

	(void)me;
	if (harbour->own >= 0)
		assert_int_equal(troupe_adopt(self, harbour->own, &harbour->stream), 0);
	harbour->own = -1;
	for (int i = 0; i < SCRIPTS && harbour->scripts[i]; i++)
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &plays_task,
					      &harbour->scripts[i], NULL, &harbour->tasks[i]),
				 0);
	return 0;
}

static int handles(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	(void)world_log(world_of(self)); /* that it is told */
	return harbour_of(self)->handler(self, harbour_of(self));
}

static void free_io(struct world *world)
{
	struct harbour *harbour = world->test;

	assert_false(harbour->io->scratch_is_lent);
	io_free(harbour->io);
}

void harbour_begin(struct harbour *harbour, script *const *scripts)
{
	int ends[2];

	memset(harbour, 0, sizeof(*harbour));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	harbour->own = ends[0];
	harbour->there = ends[1];
	assert_int_equal(fcntl(harbour->there, F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < SCRIPTS && scripts[i]; i++)
		harbour->scripts[i] = scripts[i];
	world_init(&harbour->world, 1, NULL);
	sim_poll(harbour->world.loop, true);
	assert_int_equal(io_new(harbour->world.runtime, &harbour->io), 0);
	harbour->world.test = harbour;
	harbour->world.on_gone = free_io;
	harbour->world.hooks.init = adopts;
	harbour->world.hooks.num = handles;
	world_spawn(&harbour->world, 1);
	harbour_run(harbour);
}

void harbour_finish(struct harbour *harbour)
{
	world_finish(&harbour->world);
	if (harbour->there >= 0)
		close(harbour->there);
}

static int starts_last(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_start(self, TROUPE_OF_ACTOR, &plays_task, &harbour->scripts[SCRIPTS - 1],
			    NULL, NULL);
}

void harbour_start(struct harbour *harbour, script *what)
{
	harbour->scripts[SCRIPTS - 1] = what;
	harbour->handler = starts_last;
	harbour_tell(harbour);
}

void harbour_tell(struct harbour *harbour)
{
	assert_int_equal(world_send(&harbour->world, harbour->world.actors[1], 0), 0);
	harbour_run(harbour);
}

const char *harbour_await(struct harbour *harbour, size_t size)
{
	for (int i = 0; harbour->world.log_size < size && i < IN_TIME_MS; i++) {
		(void)poll(NULL, 0, 1);
		harbour_run(harbour);
	}
	return world_log(&harbour->world);
}

void harbour_await_bytes(struct harbour *harbour, int fd)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	for (int i = 0; poll(&look, 1, 1) == 0 && i < IN_TIME_MS; i++)
		harbour_run(harbour);
}

void harbour_says(const struct harbour *harbour, const char *text)
{
	assert_int_equal(write(harbour->there, text, strlen(text)), strlen(text));
}

const char *harbour_hears(const struct harbour *harbour)
{
	static char heard[4096];
	ssize_t n = read(harbour->there, heard, sizeof(heard) - 1);

	heard[n > 0 ? n : 0] = '\0';
	return heard;
}

int harbour_connect(const char *place)
{
	struct troupe_endpoint endpoint;
	int fd;

	assert_int_equal(troupe_endpoint_of(place, &endpoint), 0);
	fd = socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&endpoint.address, endpoint.size),
			 0);
	return fd;
}

unsigned long harbour_scale(const char *name, unsigned long usual)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : usual;
}
