/* answer.h - what has come of a server's answer: its status, its headers and its body, each
 * within limits.
 *
 * What is held is counted in a budget that all answers of an actor share. Memory of the caller,
 * init/fini; one thread at a time.
 */
#ifndef HTTP_CLIENT_ANSWER_H
#define HTTP_CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_HEADERS_MAX (64u << 10) /* bytes of all headers */
#define ANSWER_HEADERS     1000        /* how many */

struct budget {
	uint64_t used;
	uint64_t limit;
};

/* Bytes that grow. */
struct buffer {
	char *data;
	size_t size;
	size_t allocated;
};

struct answer {
	struct budget *budget;
	int status;       /* of the last status line; 0: none came yet */
	bool is_begun;    /* its status line came, and not yet the end of its headers */
	bool has_headers; /* all of them */
	bool has_length;
	uint64_t length; /* Content-Length */
	/* how large the body will be, for one allocation instead of many; 0: not known */
	size_t expected;
	/* "name\0value\0", one after the other */
	struct buffer headers;
	unsigned n_headers;
	struct buffer body;
};

void answer_init(struct answer *answer, struct budget *budget);
void answer_fini(struct answer *answer);

/* Let go of all, for the next answer to the same request. */
void answer_reset(struct answer *answer);

/* One line as it came, its end included. 1: the headers are complete; 0: they are not, or it is
 * none of them (a trailer). -E2BIG: more than the limits; -ENOBUFS: more than the budget;
 * -EBADMSG: another Content-Length than before; -ENOMEM. */
int answer_add_line(struct answer *answer, const char *line, size_t size);

/* A piece of the body. -ENOBUFS: more than the budget; -ENOMEM. */
int answer_add_body(struct answer *answer, const void *data, size_t size);

/* The value of a header, its name in lower case; NULL: there is none. */
const char *answer_header(const struct answer *answer, const char *name);

/* Go through the headers: cursor begins as 0. Whether there was one more. */
bool answer_next_header(const struct answer *answer, size_t *cursor, const char **ret_name,
			const char **ret_value);

/* Make the body text, which ends with a NUL then: as it is if it is UTF-8 without a NUL, or
 * converted if Content-Type says that it is Latin. Whether it is text now; if not, it is as it
 * was. */
bool answer_make_text(struct answer *answer);

/* Empty the body; its memory stays. */
void answer_drop_body(struct answer *answer);

#endif
