/* inside.h - struct io, for the files of this folder only. One thread. */
#ifndef IO_INSIDE_H
#define IO_INSIDE_H

#include "base/crew.h"
#include "base/poller.h"
#include "core/index.h"
#include "core/inside.h"
#include "io/children.h"
#include "io/farewell.h"
#include "io/handed.h"
#include "io/key_store.h"

struct io {
	struct runtime *runtime;
	struct poller poller; /* of ports */
	struct index ports_by_fd;
	/* Where the input of one stream lies that is taken at once, as most is. */
	bool scratch_is_lent;
	unsigned char scratch[16384];
	struct children children;
	/* Threads; NULL: they were not needed yet. */
	struct crew *blocking, *files;
	uint32_t blocking_threads; /* at most */
	struct resolver *resolver;
	struct handed handed;
	struct key_store key_store; /* of TLS */
	struct farewells farewells;
};

#endif
