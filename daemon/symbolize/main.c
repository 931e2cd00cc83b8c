/* main.c - troupe-symbolize: names the source lines of a backtrace, for the master, which reads
 * no debug information itself.
 *
 *   troupe-symbolize FD:ADDRESS...
 *
 * FD: a plug-in's file, inherited; ADDRESS: hexadecimal, as in that file. For the N-th
 * argument, from 0, lines "N FUNCTION FILE:LINE" on standard output, see source_lines.h. What
 * the file holds is hostile, and libdw was not made for that: before it is read the process
 * gives up its user and all ways to get more, and its time and memory are limited.
 */
#include "symbolize/source_lines.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOBODY 65534
/* Sanitizers reserve all that there is. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_BYTES RLIM_INFINITY
#else
#define MEMORY_BYTES (1u << 30)
#endif
#define SECONDS       2
#define OUTPUT_BYTES  (64u << 10)
#define ARGUMENTS_MAX 64

static bool limit(int what, rlim_t most)
{
	const struct rlimit limit = {most, most};

	return setrlimit((__rlimit_resource_t)what, &limit) == 0;
}

/* Give up what could be misused. */
static bool restrict_self(void)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && limit(RLIMIT_CPU, SECONDS) &&
	       limit(RLIMIT_FSIZE, OUTPUT_BYTES) && limit(RLIMIT_CORE, 0) &&
	       limit(RLIMIT_AS, MEMORY_BYTES) && limit(RLIMIT_NPROC, 0);
}

static bool parse(const char *text, int *ret_fd, uint64_t *ret_address)
{
	char *end;
	unsigned long fd;

	errno = 0;
	fd = strtoul(text, &end, 10);
	if (errno || end == text || *end != ':' || fd > 1024)
		return false;
	*ret_fd = (int)fd;
	text = end + 1;
	*ret_address = strtoull(text, &end, 16);
	return !errno && end != text && *end == '\0';
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > ARGUMENTS_MAX) {
		(void)fprintf(stderr, "usage: troupe-symbolize FD:ADDRESS...\n");
		return 2;
	}
	if (!restrict_self())
		return 1;
	for (int i = 1; i < argc; i++) {
		uint64_t address;
		int fd;

		if (!parse(argv[i], &fd, &address))
			return 2;
		source_lines_write(fd, address, (unsigned)i - 1, stdout);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
