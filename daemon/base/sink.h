/* sink.h - a descriptor for lines, written to without ever waiting for whoever reads it.
 *
 * Standard error may be a pipe, the journal's socket, a terminal or a file, and its open file
 * description is shared with other processes: O_NONBLOCK would be set for them, too, so it is
 * left alone. What does not wait, whoever else writes there, is for each kind:
 *
 *   a socket    send(2) with MSG_DONTWAIT
 *   a pipe      splice(2) with SPLICE_F_NONBLOCK from a pipe of the sink's own, a whole piece
 *               or nothing of it
 *   a terminal  write(2) to a description of the sink's own, opened through /proc
 *   a file      write(2), which waits for no reader
 *
 * A terminal that may not be opened (it belongs to another user), and a pipe where there is no
 * descriptor for one of its own, are looked at with poll(2) before each write; a terminal is
 * then written to byte by byte, for with room for one it waits for room for the rest. Such a
 * write may wait when several processes write at that moment. Memory of the caller, init/fini.
 * One thread.
 */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#define SINK_PIECE 4096 /* bytes written at once: what a pipe takes whole */

enum sink_kind { SINK_FILE, SINK_SOCKET, SINK_PIPE, SINK_TERMINAL, SINK_POLLED };

struct sink {
	enum sink_kind kind;
	int fd; /* borrowed */
	/* POLLED: how many bytes there is room for when poll(2) says that there is room */
	size_t once;
	int own;     /* TERMINAL: the description of our own; else -1 */
	int pipe[2]; /* PIPE: our own, to read from and to write to; else -1 */
	/* What has been accepted but not written: in `pipe`, or in `rest` from `at` on. */
	size_t held, at;
	char rest[SINK_PIECE];
};

/* fd: borrowed until sink_fini(). Cannot fail. */
void sink_init(struct sink *sink, int fd);
/* What is held is lost. Keeps errno. */
void sink_fini(struct sink *sink);

/* Write a piece of 1..SINK_PIECE bytes. 0: it is written, or held: it goes out, whole, before
 * anything that is put later. -EAGAIN: the piece before is still held, and this one was not
 * accepted. Other errors of the descriptor: the piece is lost. */
int sink_put(struct sink *sink, const char *data, size_t size);

/* Write what is held. True: nothing is, any more. */
bool sink_flush(struct sink *sink);

/* Write a piece if that does not wait, for those who have no sink: signal handlers, and a
 * process that is about to end. Async-signal-safe. */
void sink_try(int fd, const char *data, size_t size);

#endif
