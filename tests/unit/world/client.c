#include "client.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS (600 * CLOCK_SECOND_NS)
#define ROOM        65536

void client_init(struct client *client, struct world *world)
{
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	*client = (struct client){.world = world, .fd = pair[1]};
	/* One that is refused finds it closed. */
	(void)control_server_adopt(world->master->server, pair[0]);
}

void client_fini(struct client *client)
{
	if (client->fd >= 0)
		close(take_fd(&client->fd));
	free(client->input);
	client->input = NULL;
	client->size = client->room = client->taken = 0;
}

bool client_send(struct client *client, const char *message)
{
	size_t size = strlen(message) + 1;
	ssize_t n = send(client->fd, message, size, MSG_NOSIGNAL);

	/* These are short: all or nothing. */
	if (n < 0)
		return false;
	check(n == (ssize_t)size);
	world_note(client->world, message, size);
	return true;
}

void client_send_all(struct client *client, const char *message)
{
	size_t size = strlen(message) + 1;

	for (size_t at = 0; at < size;) {
		ssize_t n = send(client->fd, message + at, size - at, MSG_NOSIGNAL);

		check(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		(void)world_step(client->world, UINT64_MAX);
	}
}

bool client_read(struct client *client, size_t bytes)
{
	ssize_t n;

	while (client->room - client->size < bytes) {
		client->room += ROOM;
		client->input = realloc(client->input, client->room);
		check(client->input);
	}
	n = recv(client->fd, client->input + client->size, bytes, 0);
	if (n > 0)
		client->size += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

const char *client_next(struct client *client)
{
	const char *end;

	if (client->taken > 0) {
		memmove(client->input, client->input + client->taken,
			client->size - client->taken);
		client->size -= client->taken;
		client->taken = 0;
	}
	end = client->size > 0 ? memchr(client->input, '\0', client->size) : NULL;
	if (!end)
		return NULL;
	client->taken = (size_t)(end - client->input) + 1;
	world_note(client->world, client->input, client->taken);
	return client->input;
}

const char *client_wait(struct client *client)
{
	struct world *world = client->world;
	uint64_t until_ns = world_now_ns(world) + PATIENCE_NS;
	const char *answer;

	while (!(answer = client_next(client)))
		if (!client_read(client, ROOM) || !world_step(world, until_ns))
			return NULL;
	return answer;
}

const char *client_ask(struct client *client, const char *message)
{
	return client_send(client, message) ? client_wait(client) : NULL;
}

static uint64_t expect(struct client *client, const char *message, const char *piece)
{
	uint64_t begin_ns = world_now_ns(client->world);
	const char *answer = client_ask(client, message);

	if (!answer || !strstr(answer, piece)) {
		world_print_log(client->world);
		fail_msg("%s\n%s\nwithout %s", message, answer ? answer : "", piece);
	}
	return world_now_ns(client->world) - begin_ns;
}

uint64_t client_expect(struct client *client, const char *method, const char *parameters,
		       const char *piece)
{
	char message[2048];

	(void)snprintf(message, sizeof(message),
		       "{\"method\":\"io.troupe.Control.%s\",\"parameters\":%s}", method,
		       parameters[0] ? parameters : "{}");
	return expect(client, message, piece);
}

uint64_t client_call(struct client *client, const char *name, const char *method,
		     const char *parameters, const char *piece)
{
	char message[2048];

	(void)snprintf(message, sizeof(message),
		       "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"%s\","
		       "\"method\":\"io.troupe.test.%s\",\"parameters\":%s}}",
		       name, method, parameters[0] ? parameters : "{}");
	return expect(client, message, piece);
}
