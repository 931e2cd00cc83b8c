/* port.h - a descriptor of an actor's that the kernel looks at, and the tasks that wait until
 * it is ready.
 *
 * A port is asked for once, edge-triggered, and remembers what may be tried: who finds that the
 * kernel has nothing more says so, and then waits. So no system call is made to wait. Tasks use
 * it through io/use.h, one at a time in each direction. A belonging that other files embed. One
 * thread.
 */
#ifndef IO_PORT_H
#define IO_PORT_H

#include "core/belonging.h"
#include "core/pause.h"
#include "io/inside.h"
#include <errno.h>

/* One direction of a port: who uses it, and who comes next. */
struct lane {
	struct list *waiting; /* struct task */
	bool is_taken;
};

struct port {
	struct belonging belonging;
	struct index_link by_fd;
	struct list *readers, *writers; /* struct task */
	struct lane reading, writing;
	struct list **dialing; /* whoever waits there is woken with the writers; NULL: nobody */
	int fd;                /* -1: none */
	uint8_t ready;         /* LOOP_READ, LOOP_WRITE: may be tried */
	bool is_odd;           /* what was read may be less than there is */
	bool is_once;          /* whatever event wakes the readers */
};

/* What the kernel found, for the poller. */
void port_on_ready(struct poller *poller, uint64_t id, unsigned events);

/* Open one on a descriptor, which it takes when this succeeds; `how`: LOOP_* and POLLER_*. An
 * older port of that number has lost its descriptor, which was closed behind its back: whoever
 * waits there gets -EBADF. -EOPNOTSUPP: there is no io here; -ENOMEM; errors of poller_add(),
 * -EEXIST among them: the descriptor has a port. */
int port_open(struct troupe_self *self, struct port *port, const struct belonging_kind *kind,
	      int fd, unsigned how);

/* What the kernel says of a port, as the SDK does. A timeout of its own is not one of the
 * task's scope, which -ETIMEDOUT says: the other side cannot be reached. */
static inline int port_error(int error)
{
	return error == ETIMEDOUT ? -EHOSTUNREACH : -error;
}

/* The kernel had nothing more: of those events. */
static inline void port_tried(struct port *port, unsigned events)
{
	port->ready &= (uint8_t)~events;
}

/* What the kernel has: the count; 0: the end; -EAGAIN: nothing now. is_whole: a read that finds
 * less than it asks for has found all. */
ssize_t port_take(struct port *port, bool is_whole, void *buffer, size_t size);

/* What the kernel takes. -EAGAIN: nothing now. */
ssize_t port_give(struct port *port, bool is_socket, const void *data, size_t size);

/* The kernel looks at it no more, the actor has it no more, and whoever waits is woken. What it
 * returns is the descriptor, which is the caller's now; -1: it was closed behind its back, and
 * the number, if it names anything, names a file of somebody else's. */
int port_detach(struct runtime *runtime, struct port *port);

/* The same, and the descriptor is closed. */
void port_close(struct runtime *runtime, struct port *port);

#endif
