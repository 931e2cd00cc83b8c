/* harbour.h - an actor whose tasks play scripts, with a connection to this program.
 *
 * The world is that of tests/unit/core; its loop asks the kernel what is ready, time is
 * simulated.
 */
#ifndef TEST_IO_HARBOUR_H
#define TEST_IO_HARBOUR_H

#include "core/inside.h"
#include "io/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <sys/socket.h>
#include <troupe/stream.h>
#include <unistd.h>

#define SCRIPTS 4

struct harbour;

/* What it returns is what its task returns. */
typedef int script(struct troupe_self *self, struct harbour *harbour);

struct harbour {
	struct world world;
	struct io *io;
	int there; /* the other end of `stream`, which belongs to the actor; -1: closed */
	int own;   /* until it has been adopted */
	struct troupe_stream stream;
	struct troupe_listener listener;
	struct troupe_task tasks[SCRIPTS];
	script *scripts[SCRIPTS];
	script *handler; /* for the message Num, or NULL */
	char place[TROUPE_PLACE_MAX];
};

/* An actor that starts a task for each script, in that order; up to the first NULL. */
void harbour_begin(struct harbour *harbour, script *const *scripts);
#define harbour_play(harbour, ...)                                                             \
	harbour_begin(harbour, (script *const[SCRIPTS + 1]){__VA_ARGS__})
void harbour_finish(struct harbour *harbour);

static inline void harbour_run(struct harbour *harbour)
{
	world_run(&harbour->world);
}

/* Run it until so many bytes are noted, at the same simulated time: the kernel may need a
 * moment, on loopback too; 20 s at most. All that was noted, as of world_log(). */
const char *harbour_await(struct harbour *harbour, size_t size);
/* Likewise until there is something to read from this program's own `fd`. */
void harbour_await_bytes(struct harbour *harbour, int fd);

/* Have the actor run the handler. */
void harbour_tell(struct harbour *harbour);
/* Have it start a task for a script, of which nobody asks how it ended. */
void harbour_start(struct harbour *harbour, script *what);

static inline struct harbour *harbour_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

#define assert_noted(harbour, expected) assert_log(&(harbour)->world, expected)
#define assert_comes(harbour, expected)                                                        \
	assert_string_equal(harbour_await(harbour, strlen(expected)), expected)

/* From this program, which waits for nothing. */
void harbour_says(const struct harbour *harbour, const char *text);
/* All that has come: borrowed until the next one. */
const char *harbour_hears(const struct harbour *harbour);

/* Connect to a place that the actor listens at: a blocking socket. */
int harbour_connect(const char *place);

/* A number from the environment, for a run that is larger than there is time for each day. */
unsigned long harbour_scale(const char *name, unsigned long usual);

#endif
