/* limit_http.c - what the row "http-server" is held against: libmicrohttpd alone, each request
 * suspended when its body is there and resumed from the loop, as the answer of an actor would;
 * the answer is made beforehand. limit_http PORT: serves until it is killed. */
#include <ev.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 65536

struct bare {
	struct MHD_Daemon *daemon;
	ev_io io;
	ev_timer timer;
	struct MHD_Connection *suspended[BATCH];
	int n_suspended;
};

struct state {
	int begun, ready;
};

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **ret_state)
{
	static const char text[] = "{\"text\":\"hello, you\",\"count\":1}";
	struct bare *bare = context;
	struct state *state = *ret_state;

	(void)url, (void)method, (void)version, (void)data;
	if (!state)
		return (*ret_state = calloc(1, sizeof(*state))) ? MHD_YES : MHD_NO;
	if (*size > 0) {
		*size = 0;
		return MHD_YES;
	}
	if (!state->ready && bare->n_suspended < BATCH) {
		state->ready = 1;
		MHD_suspend_connection(connection);
		bare->suspended[bare->n_suspended++] = connection;
		return MHD_YES;
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(
		sizeof(text) - 1, (void *)(size_t)text, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", "application/json");
	enum MHD_Result result = MHD_queue_response(connection, 200, response);
	MHD_destroy_response(response);
	return result;
}

static void finish(void *context, struct MHD_Connection *connection, void **state,
		   enum MHD_RequestTerminationCode code)
{
	(void)context, (void)connection, (void)code;
	free(*state);
	*state = NULL;
}

static void run(struct ev_loop *loop, struct bare *bare)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(bare->daemon);
	while (bare->n_suspended > 0) {
		while (bare->n_suspended > 0)
			MHD_resume_connection(bare->suspended[--bare->n_suspended]);
		MHD_run(bare->daemon);
	}
	ev_timer_stop(loop, &bare->timer);
	if (MHD_get_timeout(bare->daemon, &ms) == MHD_YES) {
		ev_timer_set(&bare->timer, (double)ms / 1e3, 0.);
		ev_timer_start(loop, &bare->timer);
	}
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)events;
	run(loop, io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	run(loop, timer->data);
}

int main(int argc, char **argv)
{
	static struct bare bare;
	struct ev_loop *loop = ev_default_loop(0);

	signal(SIGPIPE, SIG_IGN);
	bare.daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME,
				       (uint16_t)atoi(argc > 1 ? argv[1] : "0"), NULL, NULL,
				       handle, &bare, MHD_OPTION_NOTIFY_COMPLETED, finish, NULL,
				       MHD_OPTION_CONNECTION_LIMIT, 20000u,
				       MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u,
				       MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_END);
	if (!bare.daemon)
		return 1;
	ev_io_init(&bare.io, on_io,
		   MHD_get_daemon_info(bare.daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		   EV_READ);
	ev_timer_init(&bare.timer, on_timer, 0., 0.);
	bare.io.data = bare.timer.data = &bare;
	ev_io_start(loop, &bare.io);
	run(loop, &bare);
	ev_run(loop, 0);
	return 0;
}
