/* endpoint.h - where a socket is, as people and <troupe/stream.h> write it: "tcp:127.0.0.1:80",
 * "udp:[::]:514", "unix:/run/x", "unix:@abstract".
 *
 * Pure, but for what the kernel is asked; any process and thread.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ENDPOINT_TEXT 128 /* bytes of any, with the NUL */

/* size: of the address; 0: it has none, "unix:". */
void endpoint_print(const struct sockaddr_storage *address, size_t size, bool is_datagram,
		    char ret_text[ENDPOINT_TEXT]);

/* Of an open socket, or its peer. Errors of getsockname(2) and getpeername(2). */
int endpoint_of_socket(int fd, bool of_peer, char ret_text[ENDPOINT_TEXT]);

#endif
