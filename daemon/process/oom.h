/* oom.h - whether the kernel has killed a process of ours because memory ran out.
 *
 * It sends SIGKILL, as any process may; only a counter of the control group shows which it was.
 * A value of the master (init/fini); one thread. Without such a counter nothing is ever
 * recognised.
 */
#ifndef PROCESS_OOM_H
#define PROCESS_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct oom {
	char *path; /* of memory.events (v2) or memory.oom_control (v1); NULL: there is none */
	uint64_t kills;
};

/* Of the control group that this process is in, which its /proc/PID/cgroup (at `groups`) names,
 * below `root`: "/proc/self/cgroup", "/sys/fs/cgroup". */
void oom_init(struct oom *oom, const char *groups, const char *root);
void oom_fini(struct oom *oom);

/* Whether there was a kill since this was asked last, or since oom_init(). */
bool oom_has_killed(struct oom *oom);

#endif
