/* failpoint.c - what stands in for the calls that take memory or a descriptor. */
#include "tests/failpoints/failpoint.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const char __executable_start;
/* Of libraries that not each program has. */
struct ev_loop *ev_loop_new(unsigned flags) __attribute__((weak));
int nn_socket(int domain, int protocol) __attribute__((weak));
int nn_bind(int socket, const char *address) __attribute__((weak));
int nn_connect(int socket, const char *address) __attribute__((weak));
void *nn_allocmsg(size_t size, int type) __attribute__((weak));
void *nn_reallocmsg(void *message, size_t size) __attribute__((weak));
void *dwarf_begin(int fd, int command) __attribute__((weak));

static struct failpoint_control own, *control = &own;
static bool off = true;

/* ---------------------------------------------------------------- which one fails */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 27;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Whether this one is of the process and below the function that the test asks for. */
static bool is_wanted(void)
{
	uint64_t within = __atomic_load_n(&control->within, __ATOMIC_RELAXED),
		 pid = __atomic_load_n(&control->pid, __ATOMIC_RELAXED);
	void *frames[FAILPOINT_FRAMES + 3];
	int n;

	if (pid && pid != (uint64_t)getpid())
		return false;
	if (!within)
		return true;
	n = backtrace(frames, FAILPOINT_FRAMES + 3);
	for (int i = 0; i < n; i++) {
		uint64_t at = (uint64_t)((char *)frames[i] - &__executable_start);

		if (at > within &&
		    at <= __atomic_load_n(&control->within_end, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static bool fails(const char *call)
{
	void *frames[FAILPOINT_FRAMES + 2];
	uint64_t number, one_in;
	int n;

	if (__atomic_load_n(&off, __ATOMIC_RELAXED) || !is_wanted())
		return false;
	number = __atomic_add_fetch(&control->passed, 1, __ATOMIC_RELAXED);
	/* Once: the test may clear it meanwhile. */
	one_in = __atomic_load_n(&control->one_in, __ATOMIC_RELAXED);
	if (one_in) {
		if (mix(__atomic_add_fetch(&control->state, 0x9e3779b97f4a7c15,
					   __ATOMIC_RELAXED)) %
		    one_in)
			return false;
	} else if (number != __atomic_load_n(&control->number, __ATOMIC_RELAXED)) {
		return false;
	}
	n = backtrace(frames, FAILPOINT_FRAMES + 2);
	for (int i = 0; i < FAILPOINT_FRAMES; i++)
		control->from[i] =
			i + 2 < n ? (uint64_t)((char *)frames[i + 2] - &__executable_start) : 0;
	snprintf(control->call, sizeof(control->call), "%s", call);
	__atomic_add_fetch(&control->failed, 1, __ATOMIC_RELAXED);
	return true;
}

static void set(uint64_t number, uint64_t seed, uint64_t one_in)
{
	memset(control, 0, sizeof(*control));
	control->number = number;
	control->state = seed;
	control->one_in = one_in;
	__atomic_store_n(&off, false, __ATOMIC_RELEASE);
}

void failpoint_number(uint64_t number)
{
	set(number, 0, 0);
}

void failpoint_seed(uint64_t seed, uint64_t one_in)
{
	set(0, mix(seed), one_in);
}

void failpoint_off(void)
{
	__atomic_store_n(&off, true, __ATOMIC_RELEASE);
}

void failpoint_on(void)
{
	__atomic_store_n(&off, false, __ATOMIC_RELEASE);
}

uint64_t failpoint_passed(void)
{
	return control->passed;
}

uint64_t failpoint_failed(void)
{
	return control->failed;
}

void failpoint_print(void)
{
	if (!control->failed)
		return;
	fprintf(stderr, "number %llu, %s, failed:", (unsigned long long)control->number,
		control->call);
	for (int i = 0; i < FAILPOINT_FRAMES && control->from[i]; i++)
		fprintf(stderr, " %#llx", (unsigned long long)control->from[i]);
	fprintf(stderr, "\n");
}

unsigned failpoint_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Before main(). backtrace() itself allocates the first time. */
__attribute__((constructor)) static void start(void)
{
	const char *directory = getenv("TROUPE_FAILPOINTS"), *text = getenv("TROUPE_FAILPOINT");
	uint64_t number;
	char path[512], *end;
	void *frame, *shared;
	int fd;

	backtrace(&frame, 1);
	if (directory) {
		snprintf(path, sizeof(path), "%s/%s", directory, program_invocation_short_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return;
		shared =
			mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (shared == MAP_FAILED)
			abort();
		control = (struct failpoint_control *)shared;
		off = false;
	} else if (text) {
		number = strtoull(text, &end, 10);
		if (*end == '/')
			failpoint_seed(number, strtoull(end + 1, NULL, 10));
		else
			failpoint_number(number);
	}
}

/* A scenario that did not come to its end has not said which one it was. */
__attribute__((destructor)) static void finish(void)
{
	if (!off && control == &own)
		failpoint_print();
	if (getenv("TROUPE_FAILPOINT_COUNT"))
		fprintf(stderr, "failpoints: %llu\n", (unsigned long long)control->passed);
}

/* ---------------------------------------------------------------- the calls */

#define FAIL(name, error, result)                                                              \
	do {                                                                                   \
		if (fails(name)) {                                                             \
			errno = (error);                                                       \
			return (result);                                                       \
		}                                                                              \
	} while (0)

/* What can fail for want of memory or descriptors and takes a fixed number of arguments. */
#define FAILABLE(type, name, error, result, parameters, arguments)                             \
	type failable_##name parameters;                                                       \
	type failable_##name parameters                                                        \
	{                                                                                      \
		FAIL(#name, error, result);                                                    \
		return name arguments;                                                         \
	}

FAILABLE(void *, malloc, ENOMEM, NULL, (size_t size), (size))
FAILABLE(void *, calloc, ENOMEM, NULL, (size_t n, size_t size), (n, size))
FAILABLE(void *, realloc, ENOMEM, NULL, (void *block, size_t size), (block, size))
FAILABLE(void *, reallocarray, ENOMEM, NULL, (void *block, size_t n, size_t size),
	 (block, n, size))
FAILABLE(char *, strdup, ENOMEM, NULL, (const char *text), (text))
FAILABLE(char *, strndup, ENOMEM, NULL, (const char *text, size_t n), (text, n))
FAILABLE(char *, realpath, ENOMEM, NULL, (const char *path, char *resolved), (path, resolved))
FAILABLE(int, mprotect, ENOMEM, -1, (void *at, size_t size, int protection),
	 (at, size, protection))
FAILABLE(int, vasprintf, ENOMEM, -1, (char **ret_text, const char *format, va_list arguments),
	 (ret_text, format, arguments))
FAILABLE(FILE *, fopen, EMFILE, NULL, (const char *path, const char *mode), (path, mode))
FAILABLE(DIR *, opendir, EMFILE, NULL, (const char *path), (path))
FAILABLE(DIR *, fdopendir, ENOMEM, NULL, (int fd), (fd))
FAILABLE(int, socket, EMFILE, -1, (int domain, int type, int protocol),
	 (domain, type, protocol))
FAILABLE(int, socketpair, EMFILE, -1, (int domain, int type, int protocol, int fds[2]),
	 (domain, type, protocol, fds))
FAILABLE(int, accept4, EMFILE, -1,
	 (int fd, struct sockaddr *address, socklen_t *size, int flags),
	 (fd, address, size, flags))
FAILABLE(int, pipe2, EMFILE, -1, (int fds[2], int flags), (fds, flags))
FAILABLE(int, memfd_create, EMFILE, -1, (const char *name, unsigned flags), (name, flags))
FAILABLE(int, epoll_create1, EMFILE, -1, (int flags), (flags))
FAILABLE(int, eventfd, EMFILE, -1, (unsigned value, int flags), (value, flags))
/* What removes needs no memory. */
int failable_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int failable_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD)
		FAIL("epoll_ctl", ENOMEM, -1);
	return epoll_ctl(epoll, operation, fd, event);
}
FAILABLE(int, pidfd_open, EMFILE, -1, (pid_t pid, unsigned flags), (pid, flags))
FAILABLE(int, mkostemp, EMFILE, -1, (char *path, int flags), (path, flags))
FAILABLE(int, on_exit, ENOMEM, -1, (void (*act)(int, void *), void *data), (act, data))
FAILABLE(cpu_set_t *, __sched_cpualloc, ENOMEM, NULL, (size_t n), (n))
FAILABLE(pid_t, fork, EAGAIN, -1, (void), ())
/* In place of fork() where nothing is to be copied. Of the further arguments, one. */
extern __typeof__(clone) __clone;
int failable___clone(int (*run)(void *), void *stack, int flags, void *argument, int *more);
int failable___clone(int (*run)(void *), void *stack, int flags, void *argument, int *more)
{
	FAIL("clone", EAGAIN, -1);
	return __clone(run, stack, flags, argument, more);
}
FAILABLE(struct ev_loop *, ev_loop_new, ENOMEM, NULL, (unsigned flags), (flags))
FAILABLE(void *, dwarf_begin, ENOMEM, NULL, (int fd, int command), (fd, command))
FAILABLE(int, nn_socket, EMFILE, -1, (int domain, int protocol), (domain, protocol))
FAILABLE(int, nn_bind, ENOMEM, -1, (int socket, const char *address), (socket, address))
FAILABLE(int, nn_connect, ENOMEM, -1, (int socket, const char *address), (socket, address))
FAILABLE(void *, nn_allocmsg, ENOMEM, NULL, (size_t size, int type), (size, type))
FAILABLE(void *, nn_reallocmsg, ENOMEM, NULL, (void *message, size_t size), (message, size))

static uint64_t mapped;

uint64_t failpoint_mapped(void)
{
	return mapped;
}

static size_t round_page(size_t size)
{
	return (size + 4095) & ~(size_t)4095;
}

void *failable_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *failable_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *got;

	FAIL("mmap", ENOMEM, MAP_FAILED);
	got = mmap(at, size, protection, flags, fd, offset);
	if (got != MAP_FAILED)
		__atomic_add_fetch(&mapped, round_page(size), __ATOMIC_RELAXED);
	return got;
}

/* It never fails: it is counted. */
int failable_munmap(void *at, size_t size);
int failable_munmap(void *at, size_t size)
{
	__atomic_sub_fetch(&mapped, round_page(size), __ATOMIC_RELAXED);
	return munmap(at, size);
}

/* As glibc has them with _FORTIFY_SOURCE. */
int failable___vasprintf_chk(char **ret_text, int flag, const char *format, va_list arguments);
int failable___vasprintf_chk(char **ret_text, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return failable_vasprintf(ret_text, format, arguments);
}

int failable_asprintf(char **ret_text, const char *format, ...);
int failable_asprintf(char **ret_text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = failable_vasprintf(ret_text, format, arguments);
	va_end(arguments);
	return n;
}

int failable___asprintf_chk(char **ret_text, int flag, const char *format, ...);
int failable___asprintf_chk(char **ret_text, int flag, const char *format, ...)
{
	va_list arguments;
	int n;

	(void)flag;
	va_start(arguments, format);
	n = failable_vasprintf(ret_text, format, arguments);
	va_end(arguments);
	return n;
}

char *failable___realpath_chk(const char *path, char *resolved, size_t size);
char *failable___realpath_chk(const char *path, char *resolved, size_t size)
{
	(void)size;
	return failable_realpath(path, resolved);
}

int failable_open(const char *path, int flags, ...);
int failable_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list arguments;

	FAIL("open", EMFILE, -1);
	va_start(arguments, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return open(path, flags, mode);
}

int failable_openat(int directory, const char *path, int flags, ...);
int failable_openat(int directory, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list arguments;

	FAIL("openat", EMFILE, -1);
	va_start(arguments, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return openat(directory, path, flags, mode);
}

int failable___open_2(const char *path, int flags);
int failable___open_2(const char *path, int flags)
{
	return failable_open(path, flags);
}

int failable___openat_2(int directory, const char *path, int flags);
int failable___openat_2(int directory, const char *path, int flags)
{
	return failable_openat(directory, path, flags);
}

int failable_fcntl(int fd, int command, ...);
int failable_fcntl(int fd, int command, ...)
{
	va_list arguments;
	long argument;

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		FAIL("fcntl", EMFILE, -1);
	va_start(arguments, command);
	argument = va_arg(arguments, long);
	va_end(arguments);
	return fcntl(fd, command, argument);
}

/* Only what it is used for here: it may not become the way around a failpoint. */
long failable_syscall(long number, ...);
long failable_syscall(long number, ...)
{
	va_list list;
	long a, b, c, d;

	bool is_known = number == SYS_exit_group || number == SYS_rt_tgsigqueueinfo ||
			number == SYS_openat2;

#ifdef SYS_arch_prctl
	is_known = is_known || number == SYS_arch_prctl;
#endif
	if (!is_known) {
		fprintf(stderr, "system call %ld has no failpoint\n", number);
		abort();
	}
	if (number == SYS_openat2)
		FAIL("openat2", EMFILE, -1);
	va_start(list, number);
	a = va_arg(list, long);
	b = va_arg(list, long);
	c = va_arg(list, long);
	d = va_arg(list, long);
	va_end(list);
	return syscall(number, a, b, c, d);
}

/* Without room for descriptors the kernel drops them, and says so. */
ssize_t failable_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t failable_recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = recvmsg(fd, message, flags);
	struct cmsghdr *head;

	if (n < 0)
		return n;
	head = CMSG_FIRSTHDR(message);
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    !fails("recvmsg"))
		return n;
	for (size_t at = 0; at < (head->cmsg_len - CMSG_LEN(0)) / sizeof(int); at++) {
		int got;

		memcpy(&got, CMSG_DATA(head) + at * sizeof(int), sizeof(got));
		close(got);
	}
	message->msg_controllen = 0;
	message->msg_flags |= MSG_CTRUNC;
	return n;
}

int failable_getgrnam_r(const char *name, struct group *group, char *memory, size_t size,
			struct group **ret_found);
int failable_getgrnam_r(const char *name, struct group *group, char *memory, size_t size,
			struct group **ret_found)
{
	if (fails("getgrnam_r")) {
		*ret_found = NULL;
		return EMFILE;
	}
	return getgrnam_r(name, group, memory, size, ret_found);
}

int failable_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret_infos);
int failable_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
			 struct addrinfo **ret_infos)
{
	return fails("getaddrinfo") ? EAI_MEMORY : getaddrinfo(host, service, hints, ret_infos);
}

int failable_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes,
			    void *(*run)(void *), void *data);
int failable_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attributes,
			    void *(*run)(void *), void *data)
{
	return fails("pthread_create") ? EAGAIN
				       : pthread_create(ret_thread, attributes, run, data);
}

/* There is always a dlerror() for it. */
void *failable_dlopen(const char *path, int flags);
void *failable_dlopen(const char *path, int flags)
{
	return dlopen(fails("dlopen") ? "/out/of/memory" : path, flags);
}

bool failpoint_record(const char *call);
bool failpoint_record(const char *call)
{
	return fails(call);
}

/* ---------------------------------------------------------------- a stream into memory */

struct memory_stream {
	FILE *file;
	char **ret_text, *text;
	size_t *ret_size, size, room;
};

static ssize_t write_memory(void *cookie, const char *data, size_t size)
{
	struct memory_stream *stream = (struct memory_stream *)cookie;

	if (stream->size + size >= stream->room) {
		size_t room = 2 * (stream->size + size) + 64;
		char *grown = (char *)failable_realloc(stream->text, room);

		if (!grown)
			return 0;
		stream->text = grown;
		stream->room = room;
	}
	memcpy(stream->text + stream->size, data, size);
	stream->size += size;
	stream->text[stream->size] = '\0';
	*stream->ret_text = stream->text;
	*stream->ret_size = stream->size;
	return (ssize_t)size;
}

static int close_memory(void *cookie)
{
	free(cookie);
	return 0;
}

FILE *failable_open_memstream(char **ret_text, size_t *ret_size);
FILE *failable_open_memstream(char **ret_text, size_t *ret_size)
{
	struct memory_stream *stream;

	FAIL("open_memstream", ENOMEM, NULL);
	stream = (struct memory_stream *)calloc(1, sizeof(*stream));
	stream->ret_text = ret_text;
	stream->ret_size = ret_size;
	stream->text = (char *)calloc(1, stream->room = 64);
	*ret_text = stream->text;
	*ret_size = 0;
	stream->file = fopencookie(
		stream, "w",
		(cookie_io_functions_t){.write = write_memory, .close = close_memory});
	return stream->file;
}
