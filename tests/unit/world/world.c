#include "world.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "process.h"
#include "requests/shutdown.h"
#include "tests/unit/sim/sim.h"
#include "units/master_state.h"
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS (60 * CLOCK_SECOND_NS)
#define PROCESSES   256
#define LOG_MAX     (64u << 20)

/* ---- beginning and end */

/* Of the build that this program is of. */
static void find_build(struct world *world)
{
	ssize_t n = readlink("/proc/self/exe", world->build, sizeof(world->build) - 1);
	char *end;

	assert_true(n > 0);
	world->build[n] = '\0';
	end = strstr(world->build, "/tests/unit/");
	assert_non_null(end);
	*end = '\0';
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
	(void)stat;
	(void)kind;
	(void)at;
	return remove(path);
}

/* Also where a program that was killed, and had our number, has left one. */
static void make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0)
		return;
	assert_int_equal(errno, EEXIST);
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

struct world *world_new(uint64_t seed, unsigned n_workers, const char *settings)
{
	struct world *world = calloc(1, sizeof(*world));
	char text[1024];

	assert_non_null(world);
	world->seed = seed;
	random_init(&world->random, seed);
	random_init(&world->kernel, ~seed);
	list_init(&world->processes);
	memory_init(&world->memory);
	world->memory.random = &world->random;
	find_build(world);
	/* The same for each world of this program: it is seen in texts. */
	(void)snprintf(world->directory, sizeof(world->directory), "/tmp/troupe-world-%d",
		       (int)getpid());
	make_directory(world->directory);
	(void)snprintf(world->socket, sizeof(world->socket), "%s/s", world->directory);
	(void)snprintf(text, sizeof(text), "[Daemon]\nWorkers=%u\nRuntimeDirectory=%s\n%s",
		       n_workers, world->directory, settings);
	world_write(world, "trouped.conf", text);
	world->log = memfd_create("log", MFD_CLOEXEC);
	assert_true(world->log >= 0);
	assert_null(world_of_kernel);
	world_of_kernel = world;
	return world;
}

void world_write(struct world *world, const char *name, const char *text)
{
	char path[256];
	unsigned i = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", world->directory, name);
	while (i < world->n_files && strcmp(world->files[i], path) != 0)
		i++;
	assert_in_range(i, 0, WORLD_FILES - 1);
	if (i == world->n_files)
		world->files[world->n_files++] = strdup(path);
	file = fopen(path, "we");
	assert_non_null(file);
	for (const char *at = text; *at; at++)
		if (at[0] == '%' && at[1] == 'B') {
			(void)fputs(world->build, file);
			at++;
		} else {
			(void)fputc(*at, file);
		}
	assert_int_equal(fclose(file), 0);
}

void world_remove(struct world *world, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", world->directory, name);
	assert_int_equal(unlink(path), 0);
}

void world_start(struct world *world)
{
	struct master *master;
	struct log log;

	world->options.config = world->directory;
	world->options.socket = world->socket;
	world->options.launcher = (struct launcher){.ops = &process_launcher, .context = world};
	log_init(&log, world->log, "trouped", LOG_P_INFO);
	assert_int_equal(master_new(&world->options, &log, &master), 0);
	world->master = master;
	sim_poll(master->loop, true);
	sim_seed(master->loop, random_next(&world->random));
}

static bool is_stopped(struct world *world)
{
	return sim_is_stopped(world->master->loop);
}

void world_free(struct world *world)
{
	if (world->master) {
		master_stop(world->master);
		assert_true(world_until(world, is_stopped));
		master_run(world->master);
		master_free(world->master);
	}
	list_foreach_safe (at, &world->processes)
		process_free(container_of(at, struct world_process, link));
	world->master = NULL;
	world_of_kernel = NULL;
	for (unsigned i = 0; i < world->n_files; i++) {
		(void)unlink(world->files[i]);
		free(world->files[i]);
	}
	close(world->log);
	assert_int_equal(rmdir(world->directory), 0); /* nothing was left behind */
	free(world);
}

/* ---- time */

uint64_t world_now_ns(const struct world *world)
{
	return loop_clock_ns(world->master->loop);
}

bool world_chance(struct world *world, unsigned n, unsigned of)
{
	return random_below(&world->random, of) < n;
}

/* One of those that have something to do, by lot: NULL is the master. False: none has. */
static bool pick(struct world *world, struct world_process **ret_process)
{
	struct world_process *all[PROCESSES + 1] = {NULL};
	unsigned n = 1;

	list_foreach (at, &world->processes) {
		check(n <= PROCESSES);
		all[n++] = container_of(at, struct world_process, link);
	}
	/* Shuffled, and as few are asked as can be: asking is what takes time. */
	while (n > 0) {
		unsigned i = (unsigned)random_below(&world->random, n);
		struct world_process *process = all[i];

		all[i] = all[--n];
		if (process ? process_is_due(process) : sim_is_due(world->master->loop)) {
			*ret_process = process;
			return true;
		}
	}
	return false;
}

static uint64_t next_ns(struct world *world)
{
	uint64_t next = sim_next_ns(world->master->loop);

	list_foreach (at, &world->processes) {
		uint64_t its = process_next_ns(container_of(at, struct world_process, link));

		if (its < next)
			next = its;
	}
	return next;
}

static void forget_dead(struct world *world)
{
	list_foreach_safe (at, &world->processes) {
		struct world_process *process = container_of(at, struct world_process, link);

		if (process->is_released && !process->is_busy)
			process_free(process);
	}
}

bool world_step(struct world *world, uint64_t until_ns)
{
	struct world_process *process;
	uint64_t next, now_ns;

	uint64_t act_ns = world->act ? world->next_act_ns(world->context) : UINT64_MAX;

	world->steps++;
	if (act_ns <= world_now_ns(world)) {
		world->act(world->context);
		return true;
	}
	if (pick(world, &process)) {
		if (process)
			process_step(process);
		else
			loop_step(world->master->loop, false);
		forget_dead(world);
		return true;
	}
	now_ns = world_now_ns(world);
	next = next_ns(world);
	if (next > until_ns)
		next = until_ns;
	if (next > act_ns)
		next = act_ns;
	if (next <= now_ns)
		return false;
	sim_advance(world->master->loop, next - now_ns);
	return true;
}

void world_run(struct world *world, uint64_t ns)
{
	uint64_t until_ns = world_now_ns(world) + ns;

	while (world_now_ns(world) < until_ns && world_step(world, until_ns))
		;
}

bool world_until(struct world *world, bool (*is_so)(struct world *world))
{
	uint64_t until_ns = world_now_ns(world) + PATIENCE_NS;

	while (!is_so(world))
		if (!world_step(world, until_ns))
			return is_so(world);
	return true;
}

bool world_is_running(struct world *world)
{
	return master_state(world->master) == API_STATUS_OUT_STATE_RUNNING;
}

void world_limit_wires(struct world *world, unsigned frames)
{
	world->memory.room = frames;
	for (size_t i = 0; i < MEMORY_INBOXES; i++)
		if (world->memory.inboxes[i])
			world->memory.inboxes[i]->room = frames;
	memory_update(&world->memory);
}

/* ---- what happened */

/* FNV-1a */
static uint64_t add_to_hash(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 1099511628211ull;
	return hash;
}

void world_note(struct world *world, const char *text, size_t size)
{
	uint64_t now_ns = world->master ? world_now_ns(world) : 0;

	world->hash = add_to_hash(world->hash, &now_ns, sizeof(now_ns));
	world->hash = add_to_hash(world->hash, text, size);
}

uint64_t world_hash(struct world *world)
{
	uint64_t hash = world->hash;
	char piece[4096];
	ssize_t n;

	for (off_t at = 0; (n = pread(world->log, piece, sizeof(piece), at)) > 0; at += n)
		hash = add_to_hash(hash, piece, (size_t)n);
	return hash;
}

bool world_has_logged(struct world *world, const char *text)
{
	struct stat st;
	void *log;
	bool has_it;

	assert_int_equal(fstat(world->log, &st), 0);
	log = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_PRIVATE, world->log, 0);
	assert_true(log != MAP_FAILED);
	has_it = memmem(log, (size_t)st.st_size, text, strlen(text));
	(void)munmap(log, (size_t)st.st_size + 1);
	return has_it;
}

void world_print_log(struct world *world)
{
	char piece[4096];
	ssize_t n;

	for (off_t at = 0; (n = pread(world->log, piece, sizeof(piece), at)) > 0; at += n)
		(void)fwrite(piece, 1, (size_t)n, stderr);
}
