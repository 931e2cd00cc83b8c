/* files.c - what tasks do with files: at once where it is in memory, else in threads. The
 * bodies of <troupe/file.h>. */
#include "io/errand.h"
#include "io/inside.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <troupe/file.h>
#include <unistd.h>

#define LOG_WARNING_LEVEL 4

/* One of the functions, in a thread. On the stack of the task that waits. */
struct deed {
	struct errand errand;
	ssize_t (*run)(struct deed *deed); /* negative errno */
	ssize_t result;
	const char *path;
	struct stat *status;
	void *buffer;
	size_t size;
	off_t offset;
	int fd, flags;
	mode_t mode;
};

/* ---- deeds, in a thread or, for what is done at once, on the loop */

static ssize_t open_slowly(struct deed *deed)
{
	int fd = open(deed->path, deed->flags | O_CLOEXEC, deed->mode);

	return fd < 0 ? -errno : fd;
}

/* Nobody is there any more who would have it. */
static void close_lost(struct crew_work *work)
{
	const struct deed *deed = container_of(work, struct deed, errand.work);

	if (deed->result >= 0)
		close((int)deed->result);
}

static ssize_t stat_slowly(struct deed *deed)
{
	return stat(deed->path, deed->status) < 0 ? -errno : 0;
}

static ssize_t sync_slowly(struct deed *deed)
{
	int rc = deed->flags & TROUPE_SYNC_DATA ? fdatasync(deed->fd) : fsync(deed->fd);

	return rc < 0 ? -errno : 0;
}

static struct iovec rest_of(const struct deed *deed, size_t done)
{
	return (struct iovec){(char *)deed->buffer + done, deed->size - done};
}

static off_t offset_of(const struct deed *deed, size_t done)
{
	return deed->offset == TROUPE_FILE_HERE ? TROUPE_FILE_HERE : deed->offset + (off_t)done;
}

/* All that is left. `call`: preadv2() or pwritev2(). */
static ssize_t transfer(struct deed *deed,
			ssize_t (*call)(int fd, const struct iovec *pieces, int n, off_t offset,
					int flags),
			int flags)
{
	size_t done = (size_t)deed->result;

	while (done < deed->size) {
		struct iovec rest = rest_of(deed, done);
		ssize_t n = call(deed->fd, &rest, 1, offset_of(deed, done), flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			deed->result = (ssize_t)done;
			return -errno;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	deed->result = (ssize_t)done;
	return deed->result;
}

/* An error that comes after something was done is seen the next time. */
static ssize_t read_slowly(struct deed *deed)
{
	ssize_t rc = transfer(deed, preadv2, 0);

	return rc < 0 && deed->result > 0 ? deed->result : rc;
}

static ssize_t write_slowly(struct deed *deed)
{
	ssize_t rc = transfer(deed, pwritev2, 0);

	return rc < 0 && deed->result > 0 ? deed->result : rc;
}

static void run_deed(struct crew_work *work, unsigned thread)
{
	struct deed *deed = container_of(work, struct deed, errand.work);

	(void)thread;
	deed->result = deed->run(deed);
}

/* ---- waiting for them */

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	struct errand *errand = errand_of(belonging);
	char text[160];

	if (!errand_lose(errand))
		return;
	snprintf(text, sizeof(text), "what task %.100s does with a file does not end",
		 errand->task_name);
	unit_log(runtime, belonging_actor(runtime, belonging)->unit, LOG_WARNING_LEVEL, text);
}

static const struct belonging_kind file_kind = {.name = "file", .on_gone = on_gone};

/* 0, or what the function returns. */
static int begin(struct troupe_self *self, struct task **ret_task)
{
	int rc = pause_begin(self, ret_task);

	if (rc < 0)
		return rc;
	if (!self->runtime->io)
		return -EOPNOTSUPP;
	return pause_is_cut(*ret_task) ? pause_refuse(*ret_task) : 0;
}

static ssize_t do_slowly(struct troupe_self *self, struct deed *deed,
			 ssize_t (*run)(struct deed *deed))
{
	struct io *io = self->runtime->io;
	int rc = errand_crew(self->runtime, &io->files, "files", LIMIT_FILE_THREADS,
			     LIMIT_FILE_STACK);

	if (rc < 0)
		return rc;
	deed->run = run;
	deed->errand = (struct errand){
		.work.run = run_deed,
		.work.on_lost = run == open_slowly ? close_lost : NULL,
	};
	rc = errand_wait(self, &deed->errand, io->files, &self->actor->unit->share->files,
			 LIMIT_UNIT_FILES, &file_kind, false);
	return rc < 0 ? rc : deed->result;
}

/* ---- open and stat: without waiting if each directory on the way is in memory */

static int open_cached(const char *path, int flags, mode_t mode)
{
	const struct open_how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
				     .mode = flags & (O_CREAT | O_TMPFILE) ? mode & 07777 : 0,
				     .resolve = RESOLVE_CACHED};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* What lies there, if that is known at once. */
static bool stat_cached(const char *path, struct stat *ret_status)
{
	int fd = open_cached(path, O_PATH, 0), rc;

	if (fd < 0)
		return false;
	rc = fstat(fd, ret_status);
	close(fd);
	return rc == 0;
}

/* Those whose open does not wait for anybody. */
static bool opens_at_once(const struct stat *status)
{
	return S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
}

/* -EAGAIN: it cannot be said at once. */
static int open_quickly(const char *path, int flags, mode_t mode)
{
	struct stat status;
	int fd;

	/* the kernel wants to wait for those in any case */
	if (flags & (O_CREAT | O_TRUNC | O_TMPFILE) & ~O_DIRECTORY ||
	    !stat_cached(path, &status) || !opens_at_once(&status))
		return -EAGAIN;
	/* something else may lie there by now */
	fd = open_cached(path, flags | O_NONBLOCK, mode);
	if (fd < 0)
		return -EAGAIN;
	if (!(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

int troupe_file_open(struct troupe_self *self, const char *path, int flags, mode_t mode)
{
	struct deed deed = {.path = path, .flags = flags, .mode = mode};
	struct task *task;
	int rc = begin(self, &task), fd;

	if (rc < 0)
		return rc;
	if (!path)
		return -EINVAL;
	fd = open_quickly(path, flags, mode);
	return fd >= 0 ? pause_ready(task, fd) : (int)do_slowly(self, &deed, open_slowly);
}

int troupe_file_stat(struct troupe_self *self, const char *path, struct stat *ret_status)
{
	struct deed deed = {.path = path, .status = ret_status};
	struct task *task;
	int rc = begin(self, &task);

	if (rc < 0)
		return rc;
	if (!path || !ret_status)
		return -EINVAL;
	if (stat_cached(path, ret_status))
		return pause_ready(task, 0);
	return (int)do_slowly(self, &deed, stat_slowly);
}

/* ---- reading and writing */

/* What a thread would wait for without end. */
static bool is_stream(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 &&
	       (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

static bool is_wrong(const struct deed *deed)
{
	return (!deed->buffer && deed->size > 0) || deed->size > SSIZE_MAX ||
	       (deed->offset < 0 && deed->offset != TROUPE_FILE_HERE);
}

/* Whether it would wait, or that cannot be asked of this kind of file. */
static bool would_wait(ssize_t rc)
{
	return rc == -EAGAIN || rc == -EOPNOTSUPP;
}

/* What is left of it is done in a thread. */
static ssize_t finish(struct troupe_self *self, struct deed *deed,
		      ssize_t (*run)(struct deed *deed))
{
	ssize_t done = deed->result, rc;

	if (done == 0 && is_stream(deed->fd))
		return -ESPIPE;
	rc = do_slowly(self, deed, run);
	/* what was done at once has happened, whatever became of the rest */
	return rc < 0 && done > 0 ? done : rc;
}

ssize_t troupe_file_read(struct troupe_self *self, int fd, void *buffer, size_t size,
			 off_t offset)
{
	struct deed deed = {.fd = fd, .buffer = buffer, .size = size, .offset = offset};
	struct task *task;
	ssize_t rc = begin(self, &task);

	if (rc < 0)
		return rc;
	if (is_wrong(&deed))
		return -EINVAL;
	rc = size > LIMIT_FILE_PIECE ? -EAGAIN : transfer(&deed, preadv2, RWF_NOWAIT);
	if (would_wait(rc))
		return finish(self, &deed, read_slowly);
	(void)pause_ready(task, 0);
	return rc < 0 && deed.result > 0 ? deed.result : rc;
}

ssize_t troupe_file_write(struct troupe_self *self, int fd, const void *data, size_t size,
			  off_t offset)
{
	struct deed deed = {
		.fd = fd, .buffer = (void *)(uintptr_t)data, .size = size, .offset = offset};
	struct task *task;
	ssize_t rc = begin(self, &task);

	if (rc < 0)
		return rc;
	if (is_wrong(&deed))
		return -EINVAL;
	rc = size > LIMIT_FILE_PIECE ? -EAGAIN : transfer(&deed, pwritev2, RWF_NOWAIT);
	if (would_wait(rc))
		return finish(self, &deed, write_slowly);
	(void)pause_ready(task, 0);
	return rc < 0 && deed.result > 0 ? deed.result : rc;
}

int troupe_file_sync(struct troupe_self *self, int fd, uint32_t flags)
{
	struct deed deed = {.fd = fd, .flags = (int)flags};
	struct task *task;
	int rc = begin(self, &task);

	if (rc < 0)
		return rc;
	if (flags & ~TROUPE_SYNC_DATA)
		return -EINVAL;
	return (int)do_slowly(self, &deed, sync_slowly);
}
