/* fd_wait.c - a task that waits for a descriptor of the plug-in's: for one event, then the
 * kernel looks no more. */
#include "io/port.h"

#include <errno.h>
#include <troupe/io.h>

_Static_assert(TROUPE_READABLE == LOOP_READ && TROUPE_WRITABLE == LOOP_WRITE,
	       "the plug-in's events are the loop's");

/* Its task was abandoned, whose stack stays. */
static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	(void)port_detach(runtime, container_of(belonging, struct port, belonging));
}

static const struct belonging_kind fd_wait_kind = {.name = "descriptor", .on_gone = on_gone};

int troupe_wait_fd(struct troupe_self *self, int fd, uint32_t events)
{
	struct runtime *runtime = self->runtime;
	struct port port = {.fd = -1};
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (events == 0 || events & ~(TROUPE_READABLE | TROUPE_WRITABLE))
		return -EINVAL;
	if (!runtime->io)
		return -EOPNOTSUPP;
	if (pause_is_cut(task))
		return pause_refuse(task);
	rc = port_open(self, &port, &fd_wait_kind, fd, events | POLLER_ONCE);
	if (rc < 0)
		return rc;
	task->waits_for = "descriptor";
	rc = pause_wait_in(task, &port.readers);
	if (rc > 0)
		rc = (int)(port.ready & events);
	(void)port_detach(runtime, &port);
	return rc;
}
