/* packet.h - what one message of a channel's socket is made of, and one that waits to be sent.
 *
 * A packet holds one notice, or up to PACKET_NOTICES of at most PACKET_INLINE bytes together,
 * each a head and a block in wire form at a multiple of PACKET_ALIGN from the start. A larger
 * block is the memory of the packet's first descriptor; what comes with descriptors is alone.
 * Pure but for the descriptors; used by channel.c, in any thread.
 */
#ifndef PROTO_PACKET_H
#define PROTO_PACKET_H

#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct packet_head {
	uint64_t in_hash;
	uint32_t size; /* of the block */
	uint32_t flags;
};

#define PACKET_LARGE 1u /* the block is the memory of the first descriptor */

#define PACKET_INLINE       (64u << 10)
#define PACKET_ALIGN        16u /* of a head, from the packet's begin, and so of a block */
#define PACKET_NOTICES      16u /* the peer is to begin while we go on */
#define PACKET_MAX          (sizeof(struct packet_head) + PACKET_INLINE)
#define PACKET_PADDED(size) (((size) + PACKET_ALIGN - 1) & ~(size_t)(PACKET_ALIGN - 1))

_Static_assert(sizeof(struct packet_head) % PACKET_ALIGN == 0, "the block follows the head");

/* ---- received */

/* The notice at an offset of a packet, which is aligned as a head. */
static inline struct packet_head *packet_head_at(unsigned char *packet, size_t at)
{
	return (struct packet_head *)(void *)(packet + at);
}

/* Whether a packet is made of whole notices, as many as one may have; a large one, and one with
 * descriptors, is alone in it. Such a packet has a head. */
bool packet_is_well_formed(unsigned char *packet, size_t size, size_t n_fds);

/* The block of a large notice of `size` bytes, copied out of the peer's memory, since decoding
 * happens in place. *ret_block is given. -EBADMSG: the memory is not sealed, or of another
 * size; -ENOMEM; errno of a descriptor that cannot be mapped. */
int packet_read_large(int memory, size_t size, void **ret_block);

/* Bytes that a well-formed packet brought beside its own. */
size_t packet_bytes_beside(unsigned char *packet);

/* ---- to be sent */

/* One that waits for room in the socket. */
struct packet {
	struct list link;
	size_t held; /* bytes it counts for in the queue */
	size_t size;
	int fds[2];
	size_t n_fds;
	unsigned char data[];
};

/* Bytes that a packet of these parts takes while it waits, but for the memory behind its
 * descriptors. */
size_t packet_weight(const struct iovec *parts, size_t n);

/* A copy of the parts and of at most two descriptors, in no list. *ret_packet is given.
 * -ENOMEM, -EMFILE. */
int packet_new(const struct iovec *parts, size_t n, const int *fds, size_t n_fds,
	       struct packet **ret_packet);

/* Out of its list, with its descriptors. */
void packet_free(struct packet *packet);

#endif
