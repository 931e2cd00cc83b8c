/* trust.h - files whose content is run as code: opened so that no other user can have put or
 * changed them.
 *
 * Pure but for the file system; master process and --check, one thread.
 */
#ifndef PROCESS_TRUST_H
#define PROCESS_TRUST_H

#include <sys/types.h>

#define TRUST_WHY_MAX 512 /* bytes of a refusal's text, with its NUL */

/* Open the regular file at the absolute `path` for reading, component by component and never
 * through a symbolic link. File and all directories above it must belong to root or `owner`,
 * and no one else may write to them (a sticky directory like /tmp will do: what is in it stays
 * its owner's). *ret_fd is given. why: TRUST_WHY_MAX bytes, filled in on any failure with a
 * text for people. -EPERM: not trusted; -ELOOP: a symbolic link; -EINVAL: not absolute, or not
 * a regular file; other errno values of openat(). */
int trust_open(const char *path, uid_t owner, int *ret_fd, char *why);

#endif
