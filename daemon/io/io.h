/* io.h - what lies outside of a runtime and its actors wait for: descriptors, and more to come
 * beside them.
 *
 * One struct that embeds every part of this folder, made for a runtime and known to it
 * (runtime->io), so that the bodies of the SDK's functions find it. All of it belongs to
 * actors, see core/belonging.h. Without one the functions here refuse with -EOPNOTSUPP. The
 * thread of its runtime only.
 */
#ifndef IO_IO_H
#define IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io;
struct runtime;

/* *ret_io is given; it is the runtime's from now on. -ENOMEM. */
int io_new(struct runtime *runtime, struct io **ret_io);
/* After runtime_free(), unless it is held. NULL is fine. */
void io_free(struct io *io);

/* BlockingThreads= */
void io_set_blocking_threads(struct io *io, uint32_t most);

/* A socket (taken, on failure too) for the actors of that version, and those that they spawn,
 * to use by that name: see socket.h. index: among those of the version; 0: the first, which
 * begins anew. -ENOMEM. */
int io_hand_over(struct io *io, uint32_t version, size_t index, const char *name, int fd);
/* All of that version, if there are any; what actors have of them stays. */
void io_take_back(struct io *io, uint32_t version);

/* Whether some thread is still at what an actor's task has asked for, so that nothing that this
 * may have to do with can be freed: the process can only leave. */
bool io_is_held(const struct io *io);

/* Whether nothing that actors have left is still on its way out: children that were asked to
 * end. They have the TaskGrace= of their units for it. */
bool io_is_quiet(const struct io *io);

/* From now on called whenever it has become so. */
void io_on_quiet(struct io *io, void (*on_quiet)(void *context), void *context);

#endif
