/* exec.h - processes that become another program, started without a copy of this one and
 * without waiting for it.
 *
 * Until the process has its program it runs in this one's memory, on a stack of its own (a
 * clone with CLONE_VM): so a start costs the same however large this process is, and the loop
 * does not wait for the program's file. How it went is read from a pipe. Nothing is inherited
 * that was not meant to be: no descriptor but three, no signal mask, no handler. It dies with
 * the thread that started it. One thread.
 */
#ifndef IO_EXEC_H
#define IO_EXEC_H

#include <stdbool.h>
#include <sys/types.h>

struct exec_plan {
	/* The first names the program: a path, or a name that is looked for on the PATH of
	 * `environment`. Both are NULL-terminated. */
	const char *const *arguments, *const *environment;
	const char *directory; /* to begin in; NULL: this process's */
	int fds[3];            /* become standard input, output and error output */
};

/* What the process needs of our memory until it has its program. */
struct exec;

/* Start it; the plan is borrowed for the call. It is the leader of a process group of its own.
 * What is given: *ret_exec; *ret_pidfd, readable when the process is dead, which the caller
 * then reaps; *ret_report, readable when exec_outcome() knows more. -EAGAIN, -ENOMEM, -EMFILE,
 * -ENFILE; -E2BIG: more than EXEC_BYTES_MAX of arguments and environment. */
int exec_start(const struct exec_plan *plan, struct exec **ret_exec, pid_t *ret_pid,
	       int *ret_pidfd, int *ret_report);

/* What the descriptor of the report says. 0: it has its program (or was killed before);
 * -EAGAIN: it has not come so far; else why it cannot have it, and it is dead at once:
 * -ENOENT, -EACCES, -ENOEXEC, -ENOTDIR, -E2BIG... */
int exec_outcome(int report);

/* When the outcome was 0, or the process is dead. NULL is fine. */
void exec_free(struct exec *exec);

/* To all of its process group; `alone`: to itself, which may have no group yet. -ESRCH: it has
 * been reaped; -EPERM, -EINVAL. */
int exec_signal(pid_t pid, int pidfd, int signal, bool alone);

/* Reap it, after all that is left of its process group was killed: until then no other group
 * can have its number. ret_status: as of waitpid(2). -EAGAIN: it is not dead, or it is traced
 * and its tracer has not taken note; -ECHILD: somebody else in this process has reaped it. */
int exec_reap(pid_t pid, int pidfd, int *ret_status);

#define EXEC_BYTES_MAX (1u << 20)

#endif
