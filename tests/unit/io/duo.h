/* duo.h - TLS between two tasks, whose bytes go through this program: it cuts them, holds them
 * up, changes them and ends them too soon.
 *
 * The certificates are made anew, by openssl.
 */
#ifndef TEST_IO_DUO_H
#define TEST_IO_DUO_H

#include "harbour.h"
#include <troupe/tls.h>

#define SECOND     TROUPE_SECOND_NS
#define DUO_PLENTY (300u << 10)

/* The client is on the harbour's stream; the server on one of its own. */
struct duo {
	struct harbour harbour;
	int own, there; /* of the server */
	struct troupe_stream server;
	const char *directory, *certificate, *authority, *name, *client_certificate;
	const char *const *offers, *const *takes; /* protocols */
	uint64_t handshake_ns;
	size_t piece;                /* that is carried at a time; 0: all there is */
	size_t to_client, to_server; /* carried so far */
	size_t filled;
	unsigned finishes; /* so many times before it closes */
	script *client_does, *server_does;
};

static inline struct duo *duo_of(struct harbour *harbour)
{
	return container_of(harbour, struct duo, harbour);
}

/* What an end needs, by what `duo` says of it. */
int duo_load(struct troupe_self *self, const struct duo *duo, bool is_server,
	     struct troupe_tls *ret_tls);

/* The client: it agrees, notes how that went, and does what it does. */
int duo_starts(struct troupe_self *self, struct harbour *harbour);

/* The same of the server, whose stream it makes. */
int duo_accepts(struct troupe_self *self, struct harbour *harbour);

/* A group has certificates of its own, made by openssl: the fixtures. */
int duo_make_certificates(void **state);

int duo_remove_certificates(void **state);

/* As it should be. */
struct duo duo_sound(void **state);

/* What `from` has, at most a piece of it, to `to`. True: there was something. */
bool duo_carry(int from, int to, size_t piece, size_t *count);

/* Once, in both directions. */
bool duo_carry_both(struct duo *duo);

/* With what threads do, in no time. */
void duo_run(struct duo *duo);

/* The same, and carry, until there is nothing to be carried. */
void duo_run_all(struct duo *duo);

/* Both ends; nothing is carried yet. */
void duo_begin(struct duo *duo);

void duo_finish(struct duo *duo);

/* Both ends agree and do what they do. */
void duo_play(struct duo *duo);

/* The log is that, of a format and its values. */
#define assert_said(duo, ...)                                                                  \
	do {                                                                                   \
		char expected_[512];                                                           \
		snprintf(expected_, sizeof(expected_), __VA_ARGS__);                           \
		assert_log(&(duo)->harbour.world, expected_);                                  \
	} while (0)

/* A line, and the answer, up to the end. */
int duo_asks(struct troupe_self *self, struct harbour *harbour);

/* The other side of duo_asks(), and the end. */
int duo_answers(struct troupe_self *self, struct harbour *harbour);

/* Note what comes, up to the end. */
int duo_reads_on(struct troupe_self *self, struct harbour *harbour);

/* Nobody at the other end any more: nobody hears the alert, and that is not what went wrong. */
void duo_is_gone(struct duo *duo);

/* DUO_PLENTY bytes: freed by the caller. */
char *duo_pattern(void);

#endif
