#include "base/poller.h"
#include "base/list.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ODD_EVENTS (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)

#define EVENTS_MAX 256 /* taken at a time; the kernel has those behind them first next time */

static void on_io(struct loop_io *io, unsigned ready)
{
	struct poller *poller = container_of(io, struct poller, io);
	struct epoll_event found[EVENTS_MAX];
	int n = epoll_wait(poller->fd, found, EVENTS_MAX, 0), fd = poller->fd;

	(void)ready;
	/* what was found before it was renewed is found again */
	for (int i = 0; i < n && poller->fd == fd; i++) {
		const uint32_t events = found[i].events;
		const bool both = events & (EPOLLHUP | EPOLLERR);

		poller->callback(poller, found[i].data.u64,
				 (both || (events & EPOLLIN) ? LOOP_READ : 0) |
					 (both || (events & EPOLLOUT) ? LOOP_WRITE : 0) |
					 (events & ODD_EVENTS ? POLLER_ODD : 0));
	}
}

static int open_epoll(struct poller *poller)
{
	struct loop *loop = poller->io.loop;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (poller->fd >= 0) {
		loop_io_stop(&poller->io);
		close(poller->fd);
	}
	poller->fd = fd;
	loop_io_init(&poller->io, loop, fd, on_io);
	return loop_io_set(&poller->io, LOOP_READ);
}

static int control(struct poller *poller, int operation, int fd, unsigned events, uint64_t id)
{
	struct epoll_event event = {
		.events = (events & LOOP_READ ? EPOLLIN : 0u) |
			  (events & LOOP_WRITE ? EPOLLOUT : 0u) |
			  (events & POLLER_EDGE ? EPOLLET | EPOLLRDHUP | EPOLLPRI : 0u) |
			  (events & POLLER_ONCE ? EPOLLONESHOT : 0u),
		.data.u64 = id};

	return epoll_ctl(poller->fd, operation, fd, &event) < 0 ? -errno : 0;
}

void poller_init(struct poller *poller, struct loop *loop,
		 void (*callback)(struct poller *poller, uint64_t id, unsigned events))
{
	*poller = (struct poller){.callback = callback, .fd = -1};
	loop_io_init(&poller->io, loop, -1, on_io);
}

void poller_fini(struct poller *poller)
{
	loop_io_stop(&poller->io);
	if (poller->fd >= 0)
		close(poller->fd);
	poller->fd = -1;
}

int poller_add(struct poller *poller, int fd, unsigned events, uint64_t id)
{
	int rc = poller->fd < 0 ? open_epoll(poller) : 0;

	return rc < 0 ? rc : control(poller, EPOLL_CTL_ADD, fd, events, id);
}

int poller_set(struct poller *poller, int fd, unsigned events, uint64_t id)
{
	return control(poller, EPOLL_CTL_MOD, fd, events, id);
}

int poller_remove(struct poller *poller, int fd)
{
	return control(poller, EPOLL_CTL_DEL, fd, 0, 0);
}

int poller_renew(struct poller *poller)
{
	return open_epoll(poller);
}
