/* listing.h - the lines of a file, one after the other, of which a piece is in memory.
 *
 * It is a Crawl's, whose tasks take a line each. All of it is for tasks of one actor. A line is
 * a URL: visible ASCII characters, LISTING_LINE_MAX at most; empty lines are left out.
 */
#ifndef CRAWLER_LISTING_H
#define CRAWLER_LISTING_H

#include <stddef.h>
#include <sys/types.h>
#include <troupe/sync.h>

#define LISTING_LINE_MAX 8192

struct listing {
	int fd;
	struct troupe_semaphore turn; /* of who looks for a line, and may have to wait for it */
	off_t offset;                 /* of the file: behind what was read */
	char *piece;
	size_t at, end; /* of the piece: what was not yet looked at */
};

/* Open file `name` of a directory: 0, and listing_close() ends it. -EPERM: such a name could
 * lead elsewhere; -EISDIR, -ENOTSUP: no regular file; errors of troupe_file_open() and
 * troupe_semaphore_open(). */
TROUPE_AWAIT int listing_open(struct troupe_self *self, const char *directory, const char *name,
			      struct listing *ret_listing);
/* NULL and one that was never opened (piece NULL) are fine. Nobody waits in it. */
void listing_close(struct troupe_self *self, struct listing *listing);

/* How many lines there are from here to the end; then it is at the beginning. -EILSEQ: one is
 * no URL; errors of reading. */
TROUPE_AWAIT int listing_count(struct troupe_self *self, struct listing *listing,
			       size_t *ret_count);

/* The next line: 1, and *ret_line is given; 0: there is none. Errors as above. */
TROUPE_AWAIT int listing_next(struct troupe_self *self, struct listing *listing,
			      char **ret_line);

#endif
