/* place.h - where a daemon lives in the file system: its directories and its worker program.
 * Master process, one thread. */
#ifndef PROCESS_PLACE_H
#define PROCESS_PLACE_H

#include "proto/process.h"
#include <stdbool.h>

/* Make a private directory (0700) for inboxes below `runtime`, which is made too if it is not
 * there, and remove those that daemons of this user left there when they were killed. Both are
 * given; the directory is in use, in the eyes of other daemons, while *ret_lock is open.
 * -ENAMETOOLONG: a socket in it would have too long a path; errno of mkdir() otherwise. */
int place_make_directory(const char *runtime, char **ret_directory, int *ret_lock);

/* Remove the inbox that a worker's process left there when it died. */
void place_remove_inbox(const char *directory, struct process process);

/* Whether the directory is still the one that was made, under its name. */
bool place_is_there(const char *directory, int lock);
/* It has vanished: make it again, under the same name and lock. -ENOTEMPTY: something else is
 * there; errno of mkdir(). */
int place_restore_directory(const char *directory, int *lock);

/* Remove it, with the sockets in it; not what another has put there. */
void place_remove_directory(const char *directory, int lock);

/* Make the directories above `path`. */
int place_make_parents(const char *path);

/* Make the directory `path`, 0700, below one that is made in the same way when it is missing;
 * what is there is used as it is and never removed. -ENOTDIR: something else is in the way,
 * which for the last part includes a symbolic link; errno of mkdir() and open(). */
int place_make_state(const char *path);

/* A program of ours, "troupe-worker": beside our own, else where it was installed. *ret_path is
 * given. -ENOENT. */
int place_find_program(const char *name, char **ret_path);

#endif
