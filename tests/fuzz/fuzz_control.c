/* fuzz_control.c - bytes of a client, to a server with a small service.
 *
 * The first byte chooses how the rest is cut into writes, and how the client ends.
 */
#include "base/check.h"
#include "control/server.h"
#include "io.troupe.Control.varlink.h"
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Calls that are not answered at once. */
struct host {
	struct control_call *open[64];
	size_t n_open;
};

static void on_gone(struct control_call *call)
{
	struct host *host = call->user;

	for (size_t i = 0; i < host->n_open; i++)
		if (host->open[i] == call)
			host->open[i] = host->open[--host->n_open];
}

static void keep(void *context, struct control_call *call, const void *in)
{
	struct host *host = context;

	(void)in;
	check(host->n_open < 64);
	host->open[host->n_open++] = call;
	call->user = host;
	call->on_gone = on_gone;
}

static void answer(void *context, struct control_call *call, const void *in)
{
	(void)context;
	(void)in;
	(void)control_call_reply(call, &api_stop_method, &(struct api_stop_out){0}, false);
}

static void on_foreign(void *context, struct control_call *call, struct control_name method,
		       struct json_span parameters)
{
	(void)context;
	check(method.text[method.interface] == '.');
	/* Straight back: what was checked is fit to be sent. */
	(void)control_call_reply_text(call, parameters.at, parameters.size, false);
}

static enum control_level level_of(void *context, const struct control_peer *peer)
{
	(void)context;
	(void)peer;
	return CONTROL_CALL;
}

static const struct control_method methods[] = {
	{&api_stop_method, CONTROL_OBSERVE, .handle = answer},
	{&api_spawn_method, CONTROL_OBSERVE, .handle = keep},
	{&api_actors_method, CONTROL_OBSERVE, .handle = keep},
	{&api_watch_method, CONTROL_OBSERVE, .handle = keep, .needs_more = true},
	{&api_reload_method, CONTROL_DEPLOY, .handle = keep},
	{0},
};
static const struct control_service service = {&api_interface, methods};
static const struct control_service *const services[] = {&service, NULL};
static const struct control_ops ops = {.level_of = level_of, .on_foreign = on_foreign};

/* What comes back must be frames of JSON objects. */
static void check_replies(int fd)
{
	static const char *const keys[] = {"parameters"};
	char bytes[65536];
	struct json_span span;
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	for (ssize_t at = 0; at < n;) {
		char *nul = memchr(bytes + at, 0, (size_t)(n - at));

		if (!nul)
			return; /* more than fits */
		check(json_pick(bytes + at, (size_t)(nul - bytes - at), keys, 1, &span, NULL) ==
		      0);
		at = nul - bytes + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host host = {.n_open = 0};
	struct control_config config = {
		.services = services, .ops = &ops, .context = &host, .frame_max = 4096};
	struct control_server *server;
	size_t step;
	int ends[2];

	if (size < 1 || size > 65536)
		return 0;
	step = 1 + (size_t)(data[0] & 0x7f) * 64;
	check(loop_new(&config.loop) == 0);
	check(control_server_new(&config, &server) == 0);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	check(control_server_adopt(server, ends[1]) == 0);
	for (size_t at = 1; at < size; at += step) {
		if (send(ends[0], data + at, size - at < step ? size - at : step,
			 MSG_NOSIGNAL) < 0)
			break;
		loop_step(config.loop, false);
	}
	if (data[0] & 0x80)
		shutdown(ends[0], SHUT_WR);
	for (int i = 0; i < 8; i++) {
		loop_step(config.loop, false);
		if (host.n_open > 0) {
			struct control_call *call = host.open[--host.n_open];

			control_call_fail(call, &api_timeout_error, &(struct api_timeout){0});
		}
	}
	check_replies(ends[0]);
	close(ends[0]);
	loop_step(config.loop, false);
	control_server_free(server);
	check(host.n_open == 0);
	loop_free(config.loop);
	return 0;
}
