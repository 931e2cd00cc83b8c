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

struct nanomsg_socket {
	int number; /* of nanomsg */
	int fd;     /* becomes readable when it is ready */
};

struct inbox {
	struct nanomsg_socket socket;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

struct outbox {
	struct nanomsg_socket socket;
};

/* nanomsg sets errno to numbers of its own where the system lacks one; Linux has them all. */
static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* nanomsg aborts over a path that does not fit. */
static int print_url(const char *path, char url[URL_MAX])
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -ENAMETOOLONG;
	snprintf(url, URL_MAX, "ipc://%s", path);
	return 0;
}

static void close_socket(const struct nanomsg_socket *socket)
{
	while (nn_close(socket->number) < 0 && errno == EINTR)
		;
}

/* A socket of a protocol, with two options, attached to `path` by nn_bind() or nn_connect().
 * fd_option: which one names its descriptor. */
static int open_socket(const char *path, int protocol, const int options[2][2], int fd_option,
		       int (*attach)(int socket, const char *url),
		       struct nanomsg_socket *ret_socket)
{
	size_t size = sizeof(ret_socket->fd);
	char url[URL_MAX];
	int r = print_url(path, url);

	if (r < 0)
		return r;
	ret_socket->number = nn_socket(AF_SP, protocol);
	if (ret_socket->number < 0)
		return last_error();
	for (size_t i = 0; i < 2 && r == 0; i++)
		r = nn_setsockopt(ret_socket->number, NN_SOL_SOCKET, options[i][0],
				  &options[i][1], sizeof(int));
	if (r < 0 ||
	    nn_getsockopt(ret_socket->number, NN_SOL_SOCKET, fd_option, &ret_socket->fd,
			  &size) < 0 ||
	    attach(ret_socket->number, url) < 0) {
		r = last_error();
		close_socket(ret_socket);
		return r;
	}
	return 0;
}

static int open_inbox(void *context, const char *path, struct inbox **ret_inbox)
{
	const struct nanomsg *nanomsg = context;
	const int options[2][2] = {{NN_RCVMAXSIZE, (int)nanomsg->frame_max},
				   {NN_RCVBUF, SOCKET_BUFFER}};
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	int r;

	check(nanomsg->frame_max <= INT_MAX);
	if (!inbox)
		return -ENOMEM;
	r = open_socket(path, NN_PULL, options, NN_RCVFD, nn_bind, &inbox->socket);
	if (r < 0) {
		free(inbox);
		return r;
	}
	strcpy(inbox->path, path);
	*ret_inbox = inbox;
	return 0;
}

/* The endpoint that had the path before stays: closing it would cut off those who came by
 * it. */
static int publish_inbox(struct inbox *inbox)
{
	char url[URL_MAX];
	int r = print_url(inbox->path, url);

	return r == 0 && nn_bind(inbox->socket.number, url) < 0 ? last_error() : r;
}

static int get_inbox_fd(struct inbox *inbox)
{
	return inbox->socket.fd;
}

static int receive_frame(struct inbox *inbox, void **ret_frame, size_t *ret_size)
{
	void *frame;
	int n;

	do {
		n = nn_recv(inbox->socket.number, &frame, NN_MSG, NN_DONTWAIT);
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
	close_socket(&inbox->socket);
	(void)unlink(inbox->path);
	free(inbox);
}

static int open_outbox(void *context, const char *path, struct outbox **ret_outbox)
{
	static const int options[2][2] = {{NN_SNDBUF, SOCKET_BUFFER},
					  {NN_RECONNECT_IVL, RECONNECT_MS}};
	struct outbox *outbox = calloc(1, sizeof(*outbox));
	int r;

	(void)context;
	if (!outbox)
		return -ENOMEM;
	r = open_socket(path, NN_PUSH, options, NN_SNDFD, nn_connect, &outbox->socket);
	if (r < 0)
		free(outbox);
	else
		*ret_outbox = outbox;
	return r;
}

static int get_outbox_fd(struct outbox *outbox)
{
	return outbox->socket.fd;
}

static int send_frame(struct outbox *outbox, void *frame)
{
	while (nn_send(outbox->socket.number, &frame, NN_MSG, NN_DONTWAIT) < 0)
		if (errno != EINTR)
			return last_error();
	return 0;
}

static void close_outbox(struct outbox *outbox)
{
	if (!outbox)
		return;
	close_socket(&outbox->socket);
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
