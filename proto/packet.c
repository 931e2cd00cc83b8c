#include "proto/packet.h"

#include "base/io.h"
#include "proto/codec_walk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- received */

bool packet_is_well_formed(unsigned char *packet, size_t size, size_t n_fds)
{
	size_t at = 0;

	for (unsigned n = 0; n < PACKET_NOTICES && at < size; n++) {
		const struct packet_head *head = packet_head_at(packet, at);
		size_t room = size - at;

		if (room < sizeof(*head) || (head->flags & ~PACKET_LARGE))
			return false;
		if (head->flags & PACKET_LARGE)
			return room == sizeof(*head) && at == 0 && n_fds >= 1 && n_fds <= 2;
		if (room - sizeof(*head) == head->size)
			return n_fds == 0 || (n_fds == 1 && at == 0);
		if (room - sizeof(*head) < head->size)
			return false;
		at += PACKET_PADDED(sizeof(*head) + head->size);
	}
	return false;
}

int packet_read_large(int memory, size_t size, void **ret_block)
{
	const void *data;
	void *block;
	size_t mapped;
	int r = memfd_map(memory, CODEC_BLOCK_MAX, &data, &mapped);

	if (r == -EPERM || r == -EFBIG)
		return -EBADMSG;
	if (r < 0)
		return r;
	if (mapped != size || size == 0) {
		memfd_unmap(data, mapped);
		return -EBADMSG;
	}
	block = malloc(size);
	if (block)
		memcpy(block, data, size);
	memfd_unmap(data, mapped);
	if (!block)
		return -ENOMEM;
	*ret_block = block;
	return 0;
}

size_t packet_bytes_beside(unsigned char *packet)
{
	const struct packet_head *first = packet_head_at(packet, 0);

	return first->flags & PACKET_LARGE ? first->size : 0;
}

/* ---- to be sent */

size_t packet_weight(const struct iovec *parts, size_t n)
{
	size_t size = sizeof(struct packet);

	for (size_t i = 0; i < n; i++)
		size += parts[i].iov_len;
	return size;
}

int packet_new(const struct iovec *parts, size_t n, const int *fds, size_t n_fds,
	       struct packet **ret_packet)
{
	struct packet *packet = malloc(packet_weight(parts, n));

	if (!packet)
		return -ENOMEM;
	*packet = (struct packet){0};
	list_init(&packet->link);
	for (size_t i = 0; i < n; i++) {
		memcpy(packet->data + packet->size, parts[i].iov_base, parts[i].iov_len);
		packet->size += parts[i].iov_len;
	}
	for (size_t i = 0; i < n_fds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			int r = -errno;

			packet_free(packet);
			return r;
		}
		packet->fds[packet->n_fds++] = fd;
	}
	*ret_packet = packet;
	return 0;
}

void packet_free(struct packet *packet)
{
	list_remove(&packet->link);
	for (size_t i = 0; i < packet->n_fds; i++)
		close(packet->fds[i]);
	free(packet);
}
