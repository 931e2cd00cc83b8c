/* pidfd.c - pidfds for a master below valgrind, which knows none: to be preloaded by
 * bench/count.
 *
 * Each is a socket that a thread writes to when the process has ended. Nothing here is fast,
 * nothing frees.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 64

static struct child {
	pid_t pid;
	int fds[2];
} children[CHILDREN_MAX];
static unsigned n_children;

static void *wait_for(void *argument)
{
	const struct child *child = argument;
	siginfo_t end = {0};

	while (waitid(P_PID, (id_t)child->pid, &end, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	       end.si_pid == 0)
		usleep(20000);
	return write(child->fds[1], "", 1) == 1 ? argument : NULL;
}

static pid_t pid_of(int fd)
{
	for (unsigned i = n_children; i-- > 0;)
		if (children[i].fds[0] == fd)
			return children[i].pid;
	return -1;
}

int pidfd_open(pid_t pid, unsigned flags)
{
	struct child *child = &children[n_children];
	pthread_t thread;

	(void)flags;
	if (n_children == CHILDREN_MAX) {
		errno = EMFILE;
		return -1;
	}
	child->pid = pid;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, child->fds) < 0)
		return -1;
	n_children++;
	errno = pthread_create(&thread, NULL, wait_for, child);
	return errno ? -1 : child->fds[0];
}

int pidfd_send_signal(int fd, int number, siginfo_t *info, unsigned flags)
{
	(void)info;
	(void)flags;
	return kill(pid_of(fd), number);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int (*next)(idtype_t, id_t, siginfo_t *, int) =
		(int (*)(idtype_t, id_t, siginfo_t *, int))dlsym(RTLD_NEXT, "waitid");

	return type == P_PIDFD ? next(P_PID, (id_t)pid_of((int)id), info, options)
			       : next(type, id, info, options);
}
