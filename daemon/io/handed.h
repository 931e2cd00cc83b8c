/* handed.h - sockets that the master has handed to units, by version and name.
 *
 * Each is kept here for as long as its unit's version is known; what an actor gets is a
 * descriptor of its own, see socket.h. Part of struct io; one thread.
 */
#ifndef IO_HANDED_H
#define IO_HANDED_H

#include <stddef.h>
#include <stdint.h>

struct handed {
	struct handed_socket *sockets; /* in the order in which they came */
	size_t n;
};

void handed_fini(struct handed *handed);

/* As io_hand_over() and io_take_back() have it. */
int handed_add(struct handed *handed, uint32_t version, size_t index, const char *name, int fd);
void handed_forget(struct handed *handed, uint32_t version);

/* The descriptor, borrowed, of the number-th one (from 1 on) of that name and type. -ENOENT;
 * -EOPNOTSUPP: those of that name are all of another type. */
int handed_find(const struct handed *handed, uint32_t version, const char *name,
		uint64_t number, int type);

#endif
