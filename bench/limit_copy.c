/* limit_copy.c - what two processes can pass through shared memory when neither trusts the
 * other: one copies a message in, the other copies it out before it looks at it.
 *
 *   bench-limit-copy MESSAGES BYTES SLOTS
 *
 * SLOTS messages may be under way. Both sides run at once, each waits for the other in a
 * semaphore. Prints RESULT,copy,seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE      4096
#define SLOTS_MAX 4096
#define BYTES_MAX (16 << 20)

struct shared {
	sem_t filled, empty;
	char slots[] __attribute__((aligned(PAGE)));
};

static void die(const char *what)
{
	fprintf(stderr, "bench-limit-copy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		if (errno != EINTR)
			die("sem_wait");
}

/* The number stands at the start of each page, as in the messages of bench/pair. */
static void put(struct shared *shared, char *own, uint64_t messages, size_t bytes, size_t slots)
{
	for (uint64_t number = 0; number < messages; number++) {
		for (size_t at = 0; at + sizeof(number) <= bytes; at += PAGE)
			memcpy(own + at, &number, sizeof(number));
		wait_for(&shared->empty);
		memcpy(shared->slots + number % slots * bytes, own, bytes);
		sem_post(&shared->filled);
	}
}

static int take(struct shared *shared, char *own, uint64_t messages, size_t bytes, size_t slots)
{
	uint64_t found, wrong = 0;

	for (uint64_t number = 0; number < messages; number++) {
		wait_for(&shared->filled);
		memcpy(own, shared->slots + number % slots * bytes, bytes);
		sem_post(&shared->empty);
		for (size_t at = 0; at + sizeof(found) <= bytes; at += PAGE) {
			memcpy(&found, own + at, sizeof(found));
			wrong += found != number;
		}
	}
	return wrong ? 1 : 0;
}

/* Go on in a child that has a session of its own, as each worker has: where the kernel divides
 * the processors among sessions (sched_autogroup_enabled), both are then waiting for the
 * same. */
static void enter_session(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child > 0) {
		if (waitpid(child, &status, 0) < 0)
			die("waitpid");
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setsid();
}

int main(int argc, char **argv)
{
	uint64_t messages;
	size_t bytes, slots;
	struct shared *shared;
	double began;
	int status;
	pid_t child;
	char *own;

	if (argc != 4) {
		fprintf(stderr, "usage: bench-limit-copy MESSAGES BYTES SLOTS\n");
		return 2;
	}
	messages = strtoull(argv[1], NULL, 10);
	bytes = strtoull(argv[2], NULL, 10);
	slots = strtoull(argv[3], NULL, 10);
	if (messages < 1 || bytes < 8 || bytes > BYTES_MAX || slots < 1 || slots > SLOTS_MAX) {
		fprintf(stderr, "bench-limit-copy: a number is out of range\n");
		return 2;
	}
	enter_session();
	shared = mmap(NULL, sizeof(*shared) + bytes * slots, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	own = calloc(1, bytes);
	if (shared == MAP_FAILED || !own)
		die("memory");
	if (sem_init(&shared->filled, 1, 0) < 0 ||
	    sem_init(&shared->empty, 1, (unsigned)slots) < 0)
		die("sem_init");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setsid();
		_exit(take(shared, own, messages, bytes, slots));
	}
	began = now();
	put(shared, own, messages, bytes, slots);
	if (waitpid(child, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "bench-limit-copy: a message was wrong\n");
		return 1;
	}
	printf("RESULT,copy,%.9f\n", now() - began);
	return 0;
}
