/* seqpacket.c - one packet at a time. */
#include "base/seqpacket.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(SEQPACKET_FDS * sizeof(int))];
};

int seqpacket_pair(int ret_fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	return 0;
}

int seqpacket_send(int fd, const struct iovec *parts, size_t n, const int *fds, size_t n_fds)
{
	union control control = {0};
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = n};
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += parts[i].iov_len;
	if (size == 0 || n_fds > SEQPACKET_FDS)
		return -EINVAL;
	if (n_fds > 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
	}
	while (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Move the descriptors that came with a message to `fds`. */
static size_t take_descriptors(struct msghdr *message, int fds[SEQPACKET_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			if (n < SEQPACKET_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

int seqpacket_receive(int fd, void *data, size_t size, size_t *ret_size, int fds[SEQPACKET_FDS],
		      size_t *ret_n_fds)
{
	union control control;
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int got[SEQPACKET_FDS];
	size_t n_got;
	ssize_t n;
	int r = 0;

	for (size_t i = 0; i < SEQPACKET_FDS; i++)
		fds[i] = -1;
	do {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	n_got = take_descriptors(&message, got);
	if (message.msg_flags & MSG_TRUNC)
		r = -EMSGSIZE;
	else if (message.msg_flags & MSG_CTRUNC)
		/* The kernel does not say why: it fills the room it has unless a new descriptor
		 * cannot be made. */
		r = n_got < SEQPACKET_FDS ? -EMFILE : -EBADMSG;
	else if (n == 0)
		r = -ECONNRESET;
	if (r < 0) {
		for (size_t i = 0; i < n_got; i++)
			close(got[i]);
		return r;
	}
	memcpy(fds, got, n_got * sizeof(int));
	*ret_n_fds = n_got;
	*ret_size = (size_t)n;
	return 0;
}
