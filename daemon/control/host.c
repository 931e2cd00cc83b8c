/* host.c - what any part of a server may ask of it. */
#include "control/host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define SWEEP_NS 1000000000ull

void host_wake(struct control_server *server)
{
	loop_work_start(&server->work);
}

void host_sweep_soon(struct control_server *server)
{
	if (!server->sweep.started)
		loop_timer_start(&server->sweep, SWEEP_NS);
}

void host_trouble(struct control_server *server, const char *format, ...)
{
	uint64_t now = loop_now_ns(server->config.loop);
	const struct control_config *config = &server->config;
	uint64_t suppressed;
	va_list arguments;
	char text[512];
	int size;

	if (!config->ops->on_trouble)
		return;
	suppressed = rate_limit_take_suppressed(&server->trouble, now);
	if (!rate_limit_pass(&server->trouble, now))
		return;
	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (suppressed > 0 && size >= 0 && (size_t)size < sizeof(text))
		snprintf(text + size, sizeof(text) - (size_t)size,
			 " (and %" PRIu64 " more such lines)", suppressed);
	config->ops->on_trouble(config->context, text);
}
