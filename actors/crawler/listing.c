#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <troupe/file.h>
#include <unistd.h>

#define PIECE_SIZE (32u << 10)

_Static_assert(PIECE_SIZE > LISTING_LINE_MAX, "a line must fit, and its end");

static int check_kind(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISREG(status.st_mode))
		return 0;
	return S_ISDIR(status.st_mode) ? -EISDIR : -ENOTSUP;
}

int listing_open(struct troupe_self *self, const char *directory, const char *name,
		 struct listing *ret_listing)
{
	struct listing listing = {0};
	char path[PATH_MAX];

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return -EPERM;
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* O_NONBLOCK: a FIFO has no end that could be waited for. */
	listing.fd = troupe_file_open(self, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (listing.fd < 0)
		return listing.fd;
	int r = check_kind(listing.fd);
	if (r == 0)
		r = troupe_semaphore_open(self, 1, &listing.turn);
	if (r < 0) {
		close(listing.fd);
		return r;
	}
	listing.piece = malloc(PIECE_SIZE);
	if (!listing.piece) {
		troupe_semaphore_close(self, listing.turn);
		close(listing.fd);
		return -ENOMEM;
	}
	*ret_listing = listing;
	return 0;
}

void listing_close(struct troupe_self *self, struct listing *listing)
{
	if (!listing || !listing->piece)
		return;
	free(listing->piece);
	troupe_semaphore_close(self, listing->turn);
	close(listing->fd);
	*listing = (struct listing){0};
}

/* Have more behind what is left of the piece. 1; 0: the file is at its end. */
static int read_more(struct troupe_self *self, struct listing *listing)
{
	memmove(listing->piece, listing->piece + listing->at, listing->end - listing->at);
	listing->end -= listing->at;
	listing->at = 0;
	if (listing->end > LISTING_LINE_MAX)
		return -EILSEQ; /* and its end is not among them */
	ssize_t n = troupe_file_read(self, listing->fd, listing->piece + listing->end,
				     PIECE_SIZE - listing->end, listing->offset);
	if (n <= 0)
		return (int)n;
	listing->end += (size_t)n;
	listing->offset += n;
	return 1;
}

static bool is_url(const char *line, size_t size)
{
	if (size > LISTING_LINE_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if (line[i] <= ' ' || line[i] > '~')
			return false;
	return true;
}

/* The next line, which is in the piece until the next one is looked for. */
static int find_line(struct troupe_self *self, struct listing *listing, const char **ret_line,
		     size_t *ret_size)
{
	for (;;) {
		const char *line = listing->piece + listing->at;
		size_t size = listing->end - listing->at;
		const char *end = size ? memchr(line, '\n', size) : NULL;

		if (!end) {
			int r = read_more(self, listing);
			if (r < 0)
				return r;
			if (r > 0)
				continue;
			line = listing->piece; /* where what is left is now: the last line */
			listing->at = listing->end;
		} else {
			size = (size_t)(end - line);
			listing->at += size + 1;
		}
		if (size > 0) {
			*ret_line = line;
			*ret_size = size;
			return is_url(line, size) ? 1 : -EILSEQ;
		}
		if (!end)
			return 0;
	}
}

int listing_count(struct troupe_self *self, struct listing *listing, size_t *ret_count)
{
	const char *line;
	size_t size, count = 0;
	int r;

	for (;;) {
		const off_t before = listing->offset;

		r = find_line(self, listing, &line, &size);
		if (r <= 0)
			break;
		count++;
		/* What is in memory is read without a wait; others have their turn all the
		 * same. */
		if (listing->offset != before)
			r = troupe_yield(self);
		if (r < 0)
			break;
	}
	if (r < 0)
		return r;
	listing->offset = 0;
	listing->at = listing->end = 0;
	*ret_count = count;
	return 0;
}

int listing_next(struct troupe_self *self, struct listing *listing, char **ret_line)
{
	const char *line;
	size_t size;

	int r = troupe_acquire(self, listing->turn);
	if (r < 0)
		return r;
	r = find_line(self, listing, &line, &size);
	if (r > 0) {
		*ret_line = strndup(line, size);
		if (!*ret_line)
			r = -ENOMEM;
	}
	troupe_give_back(self, listing->turn);
	return r;
}
