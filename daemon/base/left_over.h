/* left_over.h - a Unix socket at a path where a killed process may have left its own.
 *
 * Any process and thread; nothing waits.
 */
#ifndef BASE_LEFT_OVER_H
#define BASE_LEFT_OVER_H

#include <stdint.h>
#include <sys/socket.h>

/* Bind it there. A socket file that nobody has any more is replaced; of several processes that
 * do so at the same moment one does. -EADDRINUSE: somebody has it, whatever its type; -EEXIST:
 * it is no socket, and stays; errors of path_lock(), and of socket(2), bind(2), connect(2),
 * unlink(2) and stat(2). */
int left_over_bind(int fd, const struct sockaddr_storage *address, uint32_t size);

#endif
