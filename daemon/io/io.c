#include "io/io.h"

#include "io/child.h"
#include "io/errand.h"
#include "io/inside.h"
#include "io/keys.h"
#include "io/port.h"
#include "io/resolver.h"
#include <errno.h>
#include <stdlib.h>

int io_new(struct runtime *runtime, struct io **ret_io)
{
	struct io *io = calloc(1, sizeof(*io));
	int rc = io ? index_init(&io->ports_by_fd) : -ENOMEM;

	if (rc == 0) {
		rc = resolver_new(&io->resolver);
		if (rc == 0)
			rc = children_init(&io->children, runtime);
		if (rc < 0) {
			resolver_free(io->resolver);
			index_fini(&io->ports_by_fd);
		}
	}
	if (rc < 0) {
		free(io);
		return rc;
	}
	io->runtime = runtime;
	io->blocking_threads = LIMIT_BLOCKING_THREADS_DEFAULT;
	poller_init(&io->poller, runtime->loop, port_on_ready);
	farewells_init(&io->farewells, runtime);
	runtime->io = io;
	*ret_io = io;
	return 0;
}

void io_free(struct io *io)
{
	if (!io)
		return;
	children_fini(&io->children);
	key_store_fini(io);
	farewells_fini(&io->farewells);
	crew_free(io->blocking);
	crew_free(io->files);
	resolver_free(io->resolver);
	handed_fini(&io->handed);
	poller_fini(&io->poller);
	index_fini(&io->ports_by_fd);
	free(io);
}

void io_set_blocking_threads(struct io *io, uint32_t most)
{
	io->blocking_threads = most;
	if (io->blocking)
		crew_set_most(io->blocking, most);
}

int io_hand_over(struct io *io, uint32_t version, size_t index, const char *name, int fd)
{
	return handed_add(&io->handed, version, index, name, fd);
}

void io_take_back(struct io *io, uint32_t version)
{
	handed_forget(&io->handed, version);
}

bool io_is_held(const struct io *io)
{
	return io && (errand_crew_is_held(io->blocking) || errand_crew_is_held(io->files) ||
		      resolver_is_held(io->resolver));
}

bool io_is_quiet(const struct io *io)
{
	return io->children.left == 0;
}

void io_on_quiet(struct io *io, void (*on_quiet)(void *context), void *context)
{
	io->children.on_quiet = on_quiet;
	io->children.context = context;
}
