#include "io/standard.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct wish {
	uint32_t what; /* enum troupe_child_stdio */
	int fd;
};

/* One that is ours: the actor's end of a pipe is a stream of its own. */
static int open_pipe(struct troupe_self *self, struct standard *standard, int number)
{
	const int theirs = number == 0 ? 0 : 1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	standard->fds[number] = standard->opened[number] = ends[theirs];
	return troupe_adopt(self, ends[!theirs], &standard->ours[number]);
}

static int open_null(struct standard *standard)
{
	if (standard->opened[3] < 0)
		standard->opened[3] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return standard->opened[3] < 0 ? -errno : standard->opened[3];
}

static int open_one(struct troupe_self *self, struct standard *standard, int number,
		    struct wish wish)
{
	switch (wish.what) {
	case TROUPE_CHILD_INHERIT:
		standard->fds[number] = number;
		return 0;
	case TROUPE_CHILD_FD:
		standard->fds[number] = wish.fd;
		return 0;
	case TROUPE_CHILD_PIPE:
		return open_pipe(self, standard, number);
	case TROUPE_CHILD_OUTPUT:
		standard->fds[number] = standard->fds[1];
		return 0;
	default:
		return standard->fds[number] = open_null(standard);
	}
}

int standard_open(struct troupe_self *self, const struct troupe_child_options *options,
		  struct standard *ret_standard)
{
	const struct wish wishes[3] = {{options->in, options->in_fd},
				       {options->out, options->out_fd},
				       {options->err, options->err_fd}};
	int rc = 0;

	*ret_standard = (struct standard){.opened = {-1, -1, -1, -1}};
	for (int i = 0; i < 3 && rc >= 0; i++)
		rc = open_one(self, ret_standard, i, wishes[i]);
	if (rc >= 0)
		return 0;
	standard_close(self, ret_standard, true);
	return rc;
}

void standard_close(struct troupe_self *self, struct standard *standard, bool all)
{
	for (size_t i = 0; i < ARRAY_LEN(standard->opened); i++)
		if (standard->opened[i] >= 0)
			close(take_fd(&standard->opened[i]));
	for (size_t i = 0; all && i < ARRAY_LEN(standard->ours); i++)
		troupe_close(self, standard->ours[i]);
}
