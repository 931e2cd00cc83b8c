/* seqpacket.h - one packet, with up to four descriptors, over a SOCK_SEQPACKET socket.
 *
 * The channel of master and worker. Stateless and never blocking, whatever the socket's flags;
 * any process and thread. The peer is hostile: a packet that is cut, or brings more descriptors
 * than there is room for, is refused as a whole, and nothing it brought stays open.
 */
#ifndef BASE_SEQPACKET_H
#define BASE_SEQPACKET_H

#include <stddef.h>
#include <sys/uio.h>

#define SEQPACKET_FDS 4

/* A connected pair, non-blocking and close-on-exec. Both descriptors are given. */
int seqpacket_pair(int ret_fds[2]);

/* Send the n parts as one packet; fds are borrowed. -EINVAL: an empty packet (it would read as
 * the end of the connection) or more than SEQPACKET_FDS descriptors; -EAGAIN: no room now;
 * -EMSGSIZE: larger than the socket takes (facts: some 200 KiB by default); -EPIPE,
 * -ECONNRESET: the peer is gone. */
int seqpacket_send(int fd, const struct iovec *parts, size_t n, const int *fds, size_t n_fds);

/* Receive one packet. The first *ret_n_fds of fds are given (close-on-exec), the rest are -1;
 * on error all are -1. -EAGAIN: none is there; -ECONNRESET: the peer is gone, or sent an empty
 * packet; -EMSGSIZE: it was longer than `size`;
 * -EBADMSG: it brought too many descriptors; -EMFILE: this process has no room for them. After
 * these last three the packet is lost, and the connection goes on. */
int seqpacket_receive(int fd, void *data, size_t size, size_t *ret_size, int fds[SEQPACKET_FDS],
		      size_t *ret_n_fds);

#endif
