/* version_sockets.h - the sockets that a version's actors may use: those of Sockets=, which
 * were handed in, then those of Listen=, which the daemon opens.
 *
 * Of struct version; of the master, one thread.
 */
#ifndef UNITS_VERSION_SOCKETS_H
#define UNITS_VERSION_SOCKETS_H

#include <stdbool.h>

struct problems;
struct unit_file;
struct version;

/* Find and open what `file` lists. -EINVAL: one cannot be had; it has none then, the reason was
 * noted, with its line, and is in `why` (VERSION_WHY_MAX bytes). -ENOMEM. */
int version_open_sockets(struct version *version, const struct unit_file *file, char *why,
			 struct problems *problems);

/* false: the file of one is gone, or another has put his there. */
bool version_sockets_are_there(const struct version *version);

/* Let another one of its unit have them, too, which has none; a file that is gone is made
 * again. -ENOMEM: it may have some of them. */
int version_share_sockets(const struct version *version, struct version *other);

/* It uses none any more; what was opened for it alone is closed. */
void version_close_sockets(struct version *version);

#endif
