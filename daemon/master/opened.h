/* opened.h - the sockets that the daemon has opened itself, by Listen= of units.
 *
 * One is open for as long as something counts as its user: a version of a unit that lists it.
 * So it stays over the deaths of workers, and over a reload that keeps it; units that list the
 * same place share it. At a path, its file goes with it. Of the master; one thread.
 */
#ifndef MASTER_OPENED_H
#define MASTER_OPENED_H

#include "base/endpoint.h"
#include "base/list.h"
#include "config/listen_key.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct opened {
	struct list link;
	unsigned users;
	int fd;
	mode_t mode;           /* of its file */
	struct listen_key key; /* its name is that of the first user */
	char place[ENDPOINT_TEXT];
	dev_t device; /* its file; 0: none */
	ino_t inode;
};

struct opened_all {
	struct list list;
	unsigned n;
};

void opened_init(struct opened_all *all);
/* Closes them all, whoever uses them. */
void opened_fini(struct opened_all *all);

/* NULL: no such place is open. One whose file is gone, or has another in its place, is none. */
struct opened *opened_find(const struct opened_all *all, const struct listen_key *key);
/* Whether who connects to its place comes to it: false when its file is not there. */
bool opened_is_there(const struct opened *opened);
/* The one that is in the way of another place after -EADDRINUSE: at the same port, or at the
 * same file. NULL: none of ours. */
struct opened *opened_find_rival(const struct opened_all *all, const struct listen_key *key);

/* Open one, of which the caller is the only user; opened_find() has found none. What nobody
 * listens at any more is replaced, as is done with what a killed process has left at a path;
 * directories above that are made. -EUSERS: there are LIMIT_OPENED; -EADDRINUSE: another one
 * has it, of another process or of ours; -EEXIST: something that is no socket is at its path;
 * -ENOMEM; of socket(2), bind(2), listen(2), mkdir(2). */
int opened_new(struct opened_all *all, const struct listen_key *key, mode_t mode,
	       struct opened **ret_opened);

/* Give its file another mode. Without one, and where another has put a file there, nothing is
 * done. Errors of chmod(2). */
int opened_set_mode(struct opened *opened, mode_t mode);

/* One user more. */
struct opened *opened_ref(struct opened *opened);
/* One user less; without any it is closed, and its file removed where it is still its own. */
void opened_unref(struct opened_all *all, struct opened *opened);

/* What to do about an error of opened_new(), for people: behind "Listen=web=tcp:...: ". */
void opened_explain(const struct listen_key *key, int error, char *why, size_t size);

#endif
