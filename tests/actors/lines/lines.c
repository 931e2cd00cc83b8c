/* lines.c - echoes lines, a task for each connection. */
#include "lines.varlink.h"
#include <errno.h>
#include <troupe/stream.h>

#define CONNECTIONS 20000
#define LINE        4096

struct server {
	struct troupe_listener listener;
	struct troupe_stream datagrams;
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

static int echo_datagrams(struct troupe_self *self, struct server *me, void *unused,
			  void *unused_too)
{
	struct troupe_endpoint from;
	char bytes[LINE];
	ssize_t n;

	(void)unused;
	(void)unused_too;
	/* what concerns one of them is no concern of the others */
	while ((n = troupe_receive(self, me->datagrams, bytes, sizeof(bytes), &from)) >= 0)
		if (from.size > 0)
			(void)troupe_send_to(self, me->datagrams, bytes, (size_t)n, &from);
	return (int)n;
}
TROUPE_TASK(echo_datagrams, struct server, void, void)

static int open_datagrams(struct troupe_self *self, struct server *me, const char *place)
{
	int rc = troupe_datagram_open(self, place, &me->datagrams);

	/* it would be the end for all who share it */
	if (rc == 0 && troupe_finish(self, me->datagrams) == 0)
		rc = -ENOTRECOVERABLE;
	return rc < 0 ? rc
		      : troupe_start(self, TROUPE_OF_ACTOR, &echo_datagrams_task, NULL, NULL,
				     NULL);
}

static int init(struct troupe_self *self, struct server *me, const struct lines_config *config)
{
	const char *place = config->listen ? config->listen : "tcp:127.0.0.1:0";
	int rc = config->datagrams ? open_datagrams(self, me, config->datagrams) : 0;

	if (rc == 0)
		rc = troupe_listen(self, place, &me->listener);
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	me->status.place = me->place;
	return rc < 0 ? rc : troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL);
}

TROUPE_LIFE(life, struct server, struct lines_config, .init = init)
LINES_HANDLERS(serving, struct server, .status = on_status)
TROUPE_ACTOR(lines) = {
	TROUPE_ABI(lines),
	.state_size = sizeof(struct server),
	.config = &lines_config_type,
	.life = &life,
	.interfaces = {&serving},
};
