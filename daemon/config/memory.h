/* memory.h - how much memory this process may have, and which part of it is a worker's budget.
 *
 * Reads files of the kernel; master process, one thread.
 */
#ifndef CONFIG_MEMORY_H
#define CONFIG_MEMORY_H

#include <stdint.h>

/* Bytes: the machine's memory, or the least limit of the control groups that this process is
 * in, as its /proc/PID/cgroup (at `groups`) says, below `root`: "/proc/self/cgroup",
 * "/sys/fs/cgroup". A limit that cannot be read counts as none. */
uint64_t memory_limit(const char *groups, const char *root);

/* Bytes that one of n workers may have by `asked`, the value of WorkerMemory=: at least
 * LIMIT_WORKER_MEMORY_MIN. 0, the default, is half of memory_limit() of this process, divided
 * by n; TEXT_INFINITY gives 0, which is no bound. */
uint64_t memory_of_worker(uint64_t asked, unsigned n);

#endif
