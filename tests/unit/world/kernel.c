/* kernel.c - what real code asks of the system, answered by the simulated world.
 *
 * The functions are libc's: the program's own come before those. Without a world they do what
 * libc's do.
 */
#include "process.h"

#include "base/check.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CODES_MAX 16

struct world *world_of_kernel;

static struct world_process *current_process(void)
{
	return world_of_kernel ? world_of_kernel->current : NULL;
}

ssize_t getrandom(void *data, size_t size, unsigned flags)
{
	unsigned char *bytes = data;

	if (!world_of_kernel)
		return syscall(SYS_getrandom, data, size, flags);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)random_next(&world_of_kernel->kernel);
	return (ssize_t)size;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	uint64_t now_ns;

	if (!world_of_kernel || !world_of_kernel->master)
		return (int)syscall(SYS_clock_gettime, clock, ret_time);
	now_ns = world_now_ns(world_of_kernel);
	ret_time->tv_sec = (time_t)(now_ns / 1000000000);
	ret_time->tv_nsec = (long)(now_ns % 1000000000);
	return 0;
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	struct world_process *process = current_process();

	if (!process)
		return (int)syscall(SYS_nanosleep, time, rest);
	process_sleep(process, (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec);
	return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
		    struct timespec *rest)
{
	check(clock == CLOCK_MONOTONIC && flags == 0);
	return nanosleep(time, rest);
}

int raise(int number)
{
	struct world_process *process = current_process();

	if (!process)
		return (int)syscall(SYS_tgkill, getpid(), gettid(), number);
	process_fault(process, number);
	return 0;
}

/* ---- plug-ins: the code of each is in memory once, whichever processes load it */

struct code {
	unsigned char *bytes;
	size_t size;
	void *handle;
};

static struct code codes[CODES_MAX];

static void *open_really(const char *path, int flags)
{
	void *symbol = dlsym(RTLD_NEXT, "dlopen");
	void *(*function)(const char *, int);

	memcpy(&function, &symbol, sizeof(function));
	return function(path, flags);
}

static struct code *find_code(const void *bytes, size_t size)
{
	for (size_t i = 0; i < CODES_MAX; i++)
		if (!codes[i].handle ||
		    (codes[i].size == size && memcmp(codes[i].bytes, bytes, size) == 0))
			return &codes[i];
	check(false);
}

static void *load(int fd, int flags)
{
	struct stat status;
	struct code *code;
	char path[64];
	void *bytes;

	check(fstat(fd, &status) == 0);
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	check(bytes != MAP_FAILED);
	code = find_code(bytes, (size_t)status.st_size);
	if (!code->handle) {
		code->size = (size_t)status.st_size;
		code->bytes = malloc(code->size);
		check(code->bytes);
		memcpy(code->bytes, bytes, code->size);
		/* A name that stays: the dynamic linker knows objects by it. */
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d",
			       fcntl(fd, F_DUPFD_CLOEXEC, 0));
		code->handle = open_really(path, flags);
	}
	(void)munmap(bytes, (size_t)status.st_size);
	return code->handle;
}

void *dlopen(const char *path, int flags)
{
	struct world_process *process = current_process();
	int pid, fd;

	if (!process || !path || sscanf(path, "/proc/%d/fd/%d", &pid, &fd) != 2)
		return open_really(path, flags);
	/* The loader keeps it for as long as the process lives. */
	check(process->n_files < PROCESS_FILES);
	process->files[process->n_files++] = fd;
	return load(fd, flags);
}
