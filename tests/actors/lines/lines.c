/* lines.c - echoes lines, a task for each connection. */
#include "lines.varlink.h"
#include <troupe/stream.h>

#define CONNECTIONS 20000
#define LINE        4096

struct server {
	struct troupe_listener listener;
	struct lines_status_out status;
	char place[TROUPE_PLACE_MAX];
};

static int echo(struct troupe_self *self, struct server *me, struct troupe_stream *stream,
		void *unused)
{
	const char *text;
	ssize_t n;
	int rc = 0;

	(void)unused;
	me->status.open++;
	while (rc == 0 && (n = troupe_read_until(self, *stream, "\n", LINE, &text)) > 0) {
		me->status.lines++;
		rc = troupe_write(self, *stream, text, (size_t)n);
	}
	me->status.open--;
	return rc < 0 ? rc : (int)n;
}
TROUPE_TASK(echo, struct server, struct troupe_stream, void)

static int serve(struct troupe_self *self, struct server *me, void *unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	return troupe_serve(self, me->listener, &echo_task, NULL, CONNECTIONS);
}
TROUPE_TASK(serve, struct server, void, void)

static int on_status(struct troupe_self *self, struct server *me, struct lines_status_call call,
		     const struct lines_status *in)
{
	(void)in;
	return lines_status_return(self, call, &me->status);
}

static int init(struct troupe_self *self, struct server *me, const void *config)
{
	int rc = troupe_listen(self, "tcp:127.0.0.1:0", &me->listener);

	(void)config;
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	me->status.place = me->place;
	return rc < 0 ? rc : troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL);
}

TROUPE_LIFE(life, struct server, void, .init = init)
LINES_HANDLERS(serving, struct server, .status = on_status)
TROUPE_ACTOR(lines) = {
	TROUPE_ABI(lines),
	.state_size = sizeof(struct server),
	.life = &life,
	.interfaces = {&serving},
};
