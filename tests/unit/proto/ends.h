/* ends.h - the two ends of a channel, in one program and on one loop, for its tests.
 *
 * Each counts what it gets, and checks that it comes in order; the test says what its handlers
 * do beside. Belongs to the test.
 */
#ifndef TESTS_UNIT_PROTO_ENDS_H
#define TESTS_UNIT_PROTO_ENDS_H

#include "proto/channel.h"
#include "tests/unit/proto/note.h"
#include <stdbool.h>

/* Its last member is JSON text. */
struct letter {
	int64_t number;
	struct troupe_binary text;
};

extern const struct troupe_method letter_method;

struct end {
	struct channel *channel;
	unsigned notes, pings, closes, flushes;
	int64_t last;
	size_t text_size;
	int fd; /* that came along */
	int error;
	bool takes_fds, frees_itself, answers, answers_soon;
	struct loop *slow; /* takes 6 ms of its clock for each ping */
};

struct ends {
	struct loop *loop;
	struct end a, b;
	int raw; /* when b is a bare socket */
};

/* raw: b is a bare socket. queue_limit: of a. */
void ends_begin(struct ends *f, bool raw, size_t queue_limit);
void ends_finish(struct ends *f);
/* Passes of the loop: more than anything needs, where their number is not what is tested. Each
 * ends by time, so that a busy machine may need one for each notice. */
#define ENDS_TO_SPARE 400

void ends_turn(struct ends *f, unsigned passes);

/* By channel_send() and channel_send_soon(). */
int ends_send_note(struct end *from, int64_t number, const char *text, int fd);
int ends_send_soon(struct end *from, int64_t number, const char *text);

/* That many x; given. */
char *ends_long_text(size_t size);
/* Descriptors that are open. */
unsigned ends_count_fds(void);

#endif
