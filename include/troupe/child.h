/* child.h - programs that a task runs.
 *
 * A child is a process that a task starts from a program's file and waits for. It is the
 * leader of a process group of its own, and the group is the child's as a whole: signals go to
 * all of it, and when the child has exited what is left of the group is killed. So nothing of
 * it goes on that nobody waits for, and a pipe that it wrote to has an end; a program that is
 * to live on makes a session of its own (setsid(1)).
 *
 * A child belongs to the actor. When that is gone, its children get SIGTERM, and SIGKILL after
 * the unit's TaskGrace=; when the worker dies, by whatever, they get SIGKILL. (But not what
 * they have started themselves, nor programs that change their user when they are run: the
 * kernel then forgets whom they belong to.)
 *
 * What a child begins with is what the options say and nothing else: three descriptors, no
 * blocked or ignored signals, at most 1,024 descriptors until it asks for more. To start one
 * costs the same in a large worker, and holds up nobody. The functions are of tasks, and of
 * the actor's thread; what their errors have in common is in <troupe/task.h>. Since ABI 2.1.
 */
#ifndef TROUPE_CHILD_H
#define TROUPE_CHILD_H

#include <troupe/stream.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A child. id 0: none. */
struct troupe_child {
	uint64_t id;
	int64_t pid; /* for people: by the time that it is used it may be another's */
	/* Where TROUPE_CHILD_PIPE is: to its standard input, and from what it writes. They are
	 * the actor's, as any stream, and not closed with the child. Else id 0. */
	struct troupe_stream in, out, err;
};

/* What a child has as standard input, output or error output. */
enum troupe_child_stdio {
	TROUPE_CHILD_NULL = 0, /* /dev/null */
	TROUPE_CHILD_INHERIT,  /* the worker's own: its output is the log */
	TROUPE_CHILD_FD,       /* a descriptor of the plug-in's, which is copied */
	TROUPE_CHILD_PIPE,     /* a pipe, whose other end is a stream of the actor's */
	TROUPE_CHILD_OUTPUT,   /* of error output: the same as output */
};

struct troupe_child_options {
	uint32_t table_size;                  /* sizeof(struct troupe_child_options) */
	uint32_t in TROUPE_ABSENT_ZERO;       /* enum troupe_child_stdio */
	uint32_t out TROUPE_ABSENT_ZERO;      /* the same */
	uint32_t err TROUPE_ABSENT_ZERO;      /* the same */
	int32_t in_fd TROUPE_ABSENT_ZERO;     /* TROUPE_CHILD_FD: this one */
	int32_t out_fd TROUPE_ABSENT_ZERO;    /* the same */
	int32_t err_fd TROUPE_ABSENT_ZERO;    /* the same */
	uint32_t reserved TROUPE_ABSENT_ZERO; /* 0 */
	const char *directory TROUPE_ABSENT;  /* to begin in; NULL: the worker's */
	/* "NAME=value" each, NULL-terminated; NULL: the worker's. */
	const char *const *environment TROUPE_ABSENT;
};

/* Start a program. argv[0] names it: a path, or a name that is looked for on the PATH of the
 * environment that it gets; argv is NULL-terminated. All is borrowed for the call. options may
 * be NULL. Returns when the program runs: 0, and the child is the actor's. When the scope is
 * cancelled before, nothing is left of it.
 *
 * -ENOENT, -EACCES, -ENOTDIR, -ENOEXEC, -ELOOP...: why the program, or the directory, cannot be
 * had; -E2BIG: more than 1 MiB of arguments and environment, or than the kernel takes; -EAGAIN:
 * the worker's limit of children, this unit's share of it, or the system's limit of processes;
 * -EMFILE, -ENFILE; -ENOMEM; -EBADF: in_fd, out_fd or err_fd; -EINVAL: no argv[0], or options
 * that are none. */
TROUPE_AWAIT int troupe_child_start(struct troupe_self *self, const char *const *argv,
				    const struct troupe_child_options *options,
				    struct troupe_child *ret_child) TROUPE_WARN_UNUSED;

/* Wait for its exit, whoever still holds its pipes: 0, and its status as of waitpid(2), for
 * WIFEXITED() and the others. From then on there is no such child; several tasks may wait, and
 * all get it. Until then one that has exited counts in the limits of children. A wait that is
 * cancelled leaves the child as it is. ret_status may be NULL.
 * -ESRCH: no such child of this actor, or its status was taken; -ECHILD: it has exited, but its
 * status went to another waitpid() of this process. */
TROUPE_AWAIT int troupe_child_wait(struct troupe_self *self, struct troupe_child child,
				   int *ret_status) TROUPE_WARN_UNUSED;

/* Send a signal to its process group; from tasks and handlers, and in fini. -ESRCH: no such
 * child, or it has exited; -EINVAL: no such signal; -EPERM: all that is in the group has
 * become another user's. */
int troupe_child_signal(struct troupe_self *self, struct troupe_child child, int signal);

#ifdef __cplusplus
}
#endif

#endif
