/* nanomsg.c - the only includer of nn.h. */
#include "bridge/nanomsg.h"

#include "base/check.h"
#include <errno.h>
#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_BUFFER (1 << 20) /* bytes under way to one peer; the kernel may allow less */
#define RECONNECT_MS  10
#define URL_MAX       160 /* a path in sockaddr_un is shorter */

struct inbox {
	int socket;
	int fd;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct outbox {
	int socket;
	int fd;
};

/* nanomsg sets errno to numbers of its own where the system lacks one; Linux has them all. */
static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int set_option(int socket, int option, int value)
{
	return nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof(value)) < 0
		       ? last_error()
		       : 0;
}

/* The descriptor that becomes readable when the socket is ready. */
static int get_fd(int socket, int option, int *ret_fd)
{
	size_t size = sizeof(*ret_fd);

	return nn_getsockopt(socket, NN_SOL_SOCKET, option, ret_fd, &size) < 0 ? last_error()
									       : 0;
}

/* nanomsg aborts over a path that does not fit. */
static int print_url(const char *path, char url[URL_MAX])
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -ENAMETOOLONG;
	snprintf(url, URL_MAX, "ipc://%s", path);
	return 0;
}

static int open_inbox(void *context, const char *path, struct inbox **ret_inbox)
{
	const struct nanomsg *nanomsg = context;
	struct inbox *inbox;
	char url[URL_MAX];
	int r = print_url(path, url);

	if (r < 0)
		return r;
	check(nanomsg->frame_max <= INT_MAX);
	inbox = calloc(1, sizeof(*inbox));
	if (!inbox)
		return -ENOMEM;
	inbox->socket = nn_socket(AF_SP, NN_PULL);
	if (inbox->socket < 0) {
		r = last_error();
		goto free_inbox;
	}
	r = set_option(inbox->socket, NN_RCVMAXSIZE, (int)nanomsg->frame_max);
	if (r == 0)
		r = set_option(inbox->socket, NN_RCVBUF, SOCKET_BUFFER);
	if (r == 0)
		r = get_fd(inbox->socket, NN_RCVFD, &inbox->fd);
	if (r == 0 && nn_bind(inbox->socket, url) < 0)
		r = last_error();
	if (r < 0)
		goto close_socket;
	strcpy(inbox->path, path);
	*ret_inbox = inbox;
	return 0;

close_socket:
	nn_close(inbox->socket);
free_inbox:
	free(inbox);
	return r;
}

/* The endpoint that had the path before stays: closing it would cut off those who came by
 * it. */
static int publish_inbox(struct inbox *inbox)
{
	char url[URL_MAX];
	int r = print_url(inbox->path, url);

	return r == 0 && nn_bind(inbox->socket, url) < 0 ? last_error() : r;
}

static int get_inbox_fd(struct inbox *inbox)
{
	return inbox->fd;
}

static int receive_frame(struct inbox *inbox, void **ret_frame, size_t *ret_size)
{
	void *frame;
	int n;

	do {
		n = nn_recv(inbox->socket, &frame, NN_MSG, NN_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return last_error();
	*ret_frame = frame;
	*ret_size = (size_t)n;
	return 0;
}

static void close_inbox(struct inbox *inbox)
{
	if (!inbox)
		return;
	while (nn_close(inbox->socket) < 0 && errno == EINTR)
		;
	(void)unlink(inbox->path);
	free(inbox);
}

static int open_outbox(void *context, const char *path, struct outbox **ret_outbox)
{
	struct outbox *outbox;
	char url[URL_MAX];
	int r = print_url(path, url);

	(void)context;
	if (r < 0)
		return r;
	outbox = calloc(1, sizeof(*outbox));
	if (!outbox)
		return -ENOMEM;
	outbox->socket = nn_socket(AF_SP, NN_PUSH);
	if (outbox->socket < 0) {
		r = last_error();
		goto free_outbox;
	}
	r = set_option(outbox->socket, NN_SNDBUF, SOCKET_BUFFER);
	if (r == 0)
		r = set_option(outbox->socket, NN_RECONNECT_IVL, RECONNECT_MS);
	if (r == 0)
		r = get_fd(outbox->socket, NN_SNDFD, &outbox->fd);
	if (r == 0 && nn_connect(outbox->socket, url) < 0)
		r = last_error();
	if (r < 0)
		goto close_socket;
	*ret_outbox = outbox;
	return 0;

close_socket:
	nn_close(outbox->socket);
free_outbox:
	free(outbox);
	return r;
}

static int get_outbox_fd(struct outbox *outbox)
{
	return outbox->fd;
}

static int send_frame(struct outbox *outbox, void *frame)
{
	while (nn_send(outbox->socket, &frame, NN_MSG, NN_DONTWAIT) < 0)
		if (errno != EINTR)
			return last_error();
	return 0;
}

static void close_outbox(struct outbox *outbox)
{
	if (!outbox)
		return;
	while (nn_close(outbox->socket) < 0 && errno == EINTR)
		;
	free(outbox);
}

static void *resize_frame(void *context, void *frame, size_t size)
{
	(void)context;
	return frame ? nn_reallocmsg(frame, size) : nn_allocmsg(size, 0);
}

static void free_frame(void *frame)
{
	if (frame)
		nn_freemsg(frame);
}

struct transport nanomsg_transport(struct nanomsg *nanomsg)
{
	static const struct transport_ops ops = {
		.inbox_open = open_inbox,
		.inbox_publish = publish_inbox,
		.inbox_fd = get_inbox_fd,
		.inbox_receive = receive_frame,
		.inbox_close = close_inbox,
		.outbox_open = open_outbox,
		.outbox_fd = get_outbox_fd,
		.outbox_send = send_frame,
		.outbox_close = close_outbox,
		.frame_resize = resize_frame,
		.frame_free = free_frame,
	};

	return (struct transport){&ops, nanomsg};
}
