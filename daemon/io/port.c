#include "io/port.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void wake_writers(struct runtime *runtime, struct port *port, int result)
{
	task_wake_all(runtime, &port->writers, result);
	if (port->dialing)
		task_wake_all(runtime, port->dialing, 1);
}

void port_on_ready(struct poller *poller, uint64_t id, unsigned events)
{
	struct runtime *runtime = container_of(poller, struct io, poller)->runtime;
	struct belonging *belonging = belonging_at(runtime, id);
	struct port *port;

	if (!belonging)
		return; /* closed behind our back; nothing more is reported of it */
	port = container_of(belonging, struct port, belonging);
	port->ready |= events & (LOOP_READ | LOOP_WRITE);
	port->is_odd |= (events & POLLER_ODD) != 0;
	runtime_touch(runtime);
	if (events & LOOP_READ || port->is_once)
		task_wake_all(runtime, &port->readers, 1);
	if (events & LOOP_WRITE)
		wake_writers(runtime, port, 1);
}

static struct port *find_by_fd(const struct io *io, int fd, uint64_t hash)
{
	struct port *port;

	index_foreach (port, &io->ports_by_fd, hash, by_fd)
		if (port->fd == fd)
			return port;
	return NULL;
}

/* Its descriptor is no more; the number is another's. */
static void lose_fd(struct runtime *runtime, struct port *port)
{
	index_remove(&runtime->io->ports_by_fd, &port->by_fd);
	port->fd = -1;
	task_wake_all(runtime, &port->readers, -EBADF);
	wake_writers(runtime, port, -EBADF);
}

static void take_fd(struct runtime *runtime, struct port *port, int fd)
{
	struct io *io = runtime->io;
	const uint64_t hash = index_hash(runtime->secret, (uint32_t)fd, 0);
	struct port *other = find_by_fd(io, fd, hash);

	/* the kernel has taken the number anew: so it names another file than it did */
	if (other)
		lose_fd(runtime, other);
	port->fd = fd;
	index_put(&io->ports_by_fd, &port->by_fd, hash);
}

int port_open(struct troupe_self *self, struct port *port, const struct belonging_kind *kind,
	      int fd, unsigned how)
{
	struct io *io = self->runtime->io;
	int rc;

	if (!io)
		return -EOPNOTSUPP;
	rc = belonging_join(self, &port->belonging, kind);
	if (rc < 0)
		return rc;
	rc = poller_add(&io->poller, fd, how, port->belonging.id);
	if (rc < 0)
		belonging_leave(self->runtime, &port->belonging);
	else
		take_fd(self->runtime, port, fd);
	port->is_once = (how & POLLER_ONCE) != 0;
	return rc;
}

int port_detach(struct runtime *runtime, struct port *port)
{
	int fd = port->fd;

	/* its file may be open elsewhere, too */
	if (fd >= 0) {
		index_remove(&runtime->io->ports_by_fd, &port->by_fd);
		if (poller_remove(&runtime->io->poller, fd) < 0)
			fd = -1;
	}
	port->fd = -1;
	belonging_leave(runtime, &port->belonging);
	task_wake_all(runtime, &port->readers, -ECONNABORTED);
	wake_writers(runtime, port, -ECONNABORTED);
	task_wake_all(runtime, &port->reading.waiting, -ECONNABORTED);
	task_wake_all(runtime, &port->writing.waiting, -ECONNABORTED);
	return fd;
}

void port_close(struct runtime *runtime, struct port *port)
{
	int fd = port_detach(runtime, port);

	if (fd >= 0)
		close(fd);
}

ssize_t port_take(struct port *port, bool is_whole, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(port->fd, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int error = errno;

		if (error == EAGAIN)
			port_tried(port, LOOP_READ);
		return port_error(error);
	}
	if (n > 0 && (size_t)n < size && is_whole && !port->is_odd)
		port_tried(port, LOOP_READ);
	return n;
}

ssize_t port_give(struct port *port, bool is_socket, const void *data, size_t size)
{
	ssize_t n;

	do
		n = is_socket ? send(port->fd, data, size, MSG_NOSIGNAL)
			      : write(port->fd, data, size);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		port_tried(port, LOOP_WRITE);
	return port_error(errno);
}
