#include "master/arenas.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A memfd that cannot shrink, so that no reader is killed by SIGBUS, nor grow; memory is
 * allocated as it is touched. *ret_read is the same, opened anew to be read. Both are given. */
static int make_arena(int *ret_write, int *ret_read)
{
	cleanup_close int fd = memfd_create("troupe-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[32];
	int reading;

	if (fd < 0)
		return -errno;
	/* A memfd begins with mode 0777: who may only read it could open it anew, in /proc, to
	 * write. */
	if (fchmod(fd, S_IRUSR) < 0)
		return -errno;
	if (ftruncate(fd, LIMIT_ARENA_BYTES) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	if (reading < 0)
		return -errno;
	*ret_read = reading;
	*ret_write = take_fd(&fd);
	return 0;
}

static int send_arena(struct worker *to, const struct worker *owner, int fd)
{
	struct worker_arena arena = {.process = process_address(worker_process(owner))};

	return worker_send(to, &worker_arena_method, &arena, fd);
}

static void give_own(struct worker *worker)
{
	cleanup_close int fd = -1;
	int r = make_arena(&fd, &worker->arena);

	if (r == 0)
		r = send_arena(worker, worker, fd);
	if (r == 0)
		return;
	arenas_forget(worker);
	log_warning(&worker->master->log, "no arena for worker %u: %s", worker->number,
		    strerror(-r));
}

void arenas_lend(struct worker *worker, struct process process)
{
	struct worker *owner = worker_find(worker->master, process);

	if (!owner || owner->is_dead)
		return;
	/* Each notice that waits holds a descriptor of ours: one that asks without reading is
	 * not to take them all. */
	if (!worker->channel || !channel_is_read(worker->channel))
		return;
	if (owner == worker && owner->arena < 0)
		give_own(worker);
	else if (owner != worker && owner->arena >= 0)
		(void)send_arena(worker, owner, owner->arena);
}

void arenas_forget(struct worker *worker)
{
	if (worker->arena >= 0)
		close(take_fd(&worker->arena));
}
