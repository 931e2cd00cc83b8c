/* tls.h - the TLS of one stream: a session of GnuTLS between its descriptor and its tasks.
 *
 * Belongs to its stream, and goes with it. Its steps never wait: what the kernel does not have
 * is -EAGAIN, and what it has no room for lies in `output`, a record or a flight of the
 * agreement at most, until tls_flush(). GnuTLS runs on the loop's stack: those of tasks are too
 * small for arithmetic with certificates. One thread.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/buffer.h"
#include "io/keys.h"
#include "io/port.h"
#include <sys/types.h>

#define TLS_NAME_MAX 253u /* bytes of a peer's name */

struct tls {
	struct port *port;
	struct keys *keys;        /* kept */
	gnutls_session_t session; /* NULL: not begun */
	struct buffer output;     /* that the kernel had no room for */
	int broken;               /* what reads and writes return; 0: it is well */
	int unwritable;           /* what writes return: the kernel takes no more */
	int kernel_error;         /* of the last step */
	bool is_whole;            /* as of port_take() */
	bool is_server;
	bool is_agreed;
	bool has_said_end;               /* ours */
	bool has_hung_up;                /* the kernel has reported an end */
	bool has_ended;                  /* the other side has said its own */
	gnutls_typed_vdata_st wanted[2]; /* of the other side's certificate */
	char name[TLS_NAME_MAX + 1];     /* of the other side; "": whoever it is */
};

/* On a port, which outlives it; is_whole: as of port_take(). name: of the other side, or NULL:
 * we are the server. It is not agreed on yet. The reference to keys is taken, on failure, too.
 * *ret_tls is given. -ENOMEM. */
int tls_new(struct port *port, bool is_whole, struct keys *keys, const char *name,
	    struct tls **ret_tls);
/* NULL is fine. */
void tls_free(struct tls *tls);

/* What a read of the stream returns at once; 0: it may go on. */
static inline int tls_refusal(const struct tls *tls)
{
	if (!tls || (tls->is_agreed && !tls->broken))
		return 0;
	return tls->broken ? tls->broken : -ENOTCONN;
}

/* The same of a write. What has come can still be read. */
static inline int tls_refusal_to_write(const struct tls *tls)
{
	int rc = tls_refusal(tls);

	return tls && rc == 0 ? tls->unwritable : rc;
}

/* A step of the agreement. 0: it is agreed on; -EAGAIN: more has to come. Else it has failed,
 * and *ret_reason says why in words; the other side is told, when it can be. */
int tls_shake(struct runtime *runtime, struct tls *tls, char ret_reason[KEYS_REASON]);

/* What has come, decrypted: the count; 0: the other side's end. */
ssize_t tls_read(struct runtime *runtime, struct tls *tls, void *buffer, size_t size);

/* Whether a read need not wait for the kernel. */
bool tls_has_input(const struct tls *tls);

/* Encrypt some of it, a record at most, when nothing lies in the output: how much. */
ssize_t tls_write(struct runtime *runtime, struct tls *tls, const void *data, size_t size);

/* The same of a file; 0: it ends here. */
ssize_t tls_write_file(struct runtime *runtime, struct tls *tls, int fd, off_t offset,
		       size_t size);

/* Give the output to the kernel. */
int tls_flush(struct tls *tls);

/* Say our end, once. -EAGAIN: it lies in the output. */
int tls_end(struct runtime *runtime, struct tls *tls);

/* "tls:" instead of "tcp:". */
void tls_mark_place(char *place);

/* Of one that is agreed on. */
void tls_inform(struct runtime *runtime, struct tls *tls, struct troupe_tls_info *ret_info);

/* Nothing more is right after an agreement that was cut short. */
void tls_break(struct tls *tls);

#endif
