/* test_sim_io_failpoints.c - each allocation, each record and each descriptor of io/ fails
 * once, while a task listens, connects, accepts, reads, writes and waits; opens files, looks up
 * names and has jobs done. */
#include "harbour.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <troupe/file.h>
#include <troupe/names.h>
#include <troupe/pool.h>

#define LINE 20000

static int talk(struct troupe_self *self, struct troupe_stream from, struct troupe_stream to)
{
	char line[LINE];
	const char *text;
	ssize_t n;
	int rc;

	memset(line, 'x', sizeof(line));
	line[LINE - 1] = '\n';
	rc = troupe_write(self, from, line, sizeof(line));
	if (rc < 0)
		return rc;
	n = troupe_read_until(self, to, "\n", sizeof(line), &text);
	if (n < 0)
		return (int)n;
	assert_int_equal(n, sizeof(line));
	assert_memory_equal(text, line, sizeof(line));
	return 0;
}

static int accept_soon(struct troupe_self *self, struct harbour *harbour,
		       struct troupe_stream *ret_stream)
{
	TROUPE_SCOPE(scope, self, TROUPE_SECOND_NS);
	int rc = troupe_accept(self, harbour->listener, ret_stream);

	/* it was accepted, could not be kept, and was closed */
	return rc == -ETIMEDOUT && failpoint_failed() ? -ENOMEM : rc;
}

static int meet(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream here, there, datagrams;
	int rc = troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener);

	if (rc == 0)
		rc = troupe_listener_place(self, harbour->listener, harbour->place);
	if (rc == 0)
		rc = troupe_connect(self, harbour->place, &here);
	if (rc == 0)
		rc = accept_soon(self, harbour, &there);
	if (rc == 0)
		rc = talk(self, here, there);
	if (rc == 0)
		rc = troupe_datagram_open(self, "udp:127.0.0.1:0", &datagrams);
	if (rc == 0)
		rc = troupe_wait_fd(self, harbour->there, TROUPE_WRITABLE);
	return rc < 0 ? rc : 0;
}

/* ---- what threads do */

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_infos)
{
	static struct sockaddr_in address = {.sin_family = AF_INET};
	static struct addrinfo info = {
		.ai_addr = (struct sockaddr *)&address,
		.ai_addrlen = sizeof(address),
	};

	(void)host;
	(void)service;
	(void)hints;
	*ret_infos = &info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	(void)info;
}

static int seven(struct troupe_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 7;
}

static int write_and_read(struct troupe_self *self, int fd)
{
	static char large[200 << 10];
	ssize_t n = troupe_file_write(self, fd, large, sizeof(large), 0);

	/* what fails after a part was done is seen the next time */
	if (n == sizeof(large))
		n = troupe_file_read(self, fd, large, sizeof(large), 0);
	return n < 0 ? (int)n : n == sizeof(large) ? troupe_file_sync(self, fd, 0) : -EIO;
}

static int use_threads(struct troupe_self *self, struct harbour *harbour)
{
	struct sockaddr_storage found[2];
	struct stat status;
	int fd, rc;

	fd = troupe_file_open(self, harbour->place, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fd;
	rc = write_and_read(self, fd);
	close(fd);
	if (rc == 0)
		rc = troupe_file_stat(self, harbour->place, &status);
	if (rc == 0)
		rc = troupe_resolve(self, "a.test", "80", found, 2);
	if (rc >= 0)
		rc = troupe_blocking(self, seven, NULL);
	return rc < 0 ? rc : rc == 7 ? 0 : -EPROTO;
}

/* ---- */

static script *played; /* by the sweep under way */

static int plays(struct troupe_self *self, struct harbour *harbour)
{
	int rc;

	sweep_go_on();
	rc = played(self, harbour);
	sweep_calm();
	note(self, "%d", rc);
	return 0;
}

static int play_in_a_harbour(void *data)
{
	char path[] = "/tmp/troupe-failpoints-XXXXXX";
	struct harbour harbour;
	const char *log;
	int result, fd;

	sweep_calm();
	played = data;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	harbour_play(&harbour, NULL);
	snprintf(harbour.place, sizeof(harbour.place), "%s", path);
	harbour_start(&harbour, plays);
	world_sleep(&harbour.world, 3 * TROUPE_SECOND_NS);
	log = world_log(&harbour.world);
	/* behind what may have been logged */
	log = strrchr(log, ' ') ? strrchr(log, ' ') + 1 : log;
	result = atoi(log);
	harbour_finish(&harbour);
	unlink(path);
	return result;
}

static void what_tasks_open_is_there_or_refused(void **state)
{
	(void)state;
	sweep(play_in_a_harbour, (void *)meet);
}

static void what_threads_do_is_done_or_refused(void **state)
{
	(void)state;
	sweep(play_in_a_harbour, (void *)use_threads);
}

static int make_io(void *data)
{
	struct world world;
	struct io *io = NULL;
	int rc;

	(void)data;
	sweep_calm();
	world_init(&world, 1, NULL);
	sweep_go_on();
	rc = io_new(world.runtime, &io);
	sweep_calm();
	io_free(rc == 0 ? io : NULL);
	world.runtime->io = NULL;
	world_finish(&world);
	return rc;
}

static void io_is_made_whole_or_not_at_all(void **state)
{
	(void)state;
	sweep(make_io, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(io_is_made_whole_or_not_at_all),
		cmocka_unit_test(what_tasks_open_is_there_or_refused),
		cmocka_unit_test(what_threads_do_is_done_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
