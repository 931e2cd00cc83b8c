/* endpoint.h - where a socket is, as people and <troupe/stream.h> write it: "tcp:127.0.0.1:80",
 * "udp:[::]:514", "unix:/run/x", "unix:@abstract".
 *
 * Pure, but for what the kernel is asked; any process and thread.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ENDPOINT_TEXT 128 /* bytes of any, with the NUL */

/* Take "host:port", or "[host]:port", apart; the host has `size` bytes, with the NUL. -EINVAL:
 * it is neither, or the host does not fit. */
int endpoint_split_host(const char *text, char *host, size_t size, uint16_t *ret_port);

/* The address that such a text is. *ret_address: zeroed by the caller; both are undefined on
 * failure. -EINVAL: it is none; -EADDRNOTAVAIL: it has a name where an address is wanted. */
int endpoint_parse_internet(const char *text, struct sockaddr_storage *ret_address,
			    uint32_t *ret_size);
/* The same of an absolute path, or of "@name" in the abstract namespace. -EINVAL. */
int endpoint_parse_unix(const char *text, struct sockaddr_storage *ret_address,
			uint32_t *ret_size);

/* size: of the address; 0: it has none, "unix:". */
void endpoint_print(const struct sockaddr_storage *address, size_t size, bool is_datagram,
		    char ret_text[ENDPOINT_TEXT]);

/* Of an open socket, or its peer. Errors of getsockname(2) and getpeername(2). */
int endpoint_of_socket(int fd, bool of_peer, char ret_text[ENDPOINT_TEXT]);

#endif
