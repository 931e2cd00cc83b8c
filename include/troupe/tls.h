/* tls.h - TLS on streams: nobody else reads along, and the other end has proved its name.
 *
 * A client needs nothing of this but troupe_connect(self, "tls:example.org:443", ...), see
 * <troupe/stream.h>, or troupe_start_tls() on a connection that is there (SMTP's STARTTLS).
 * Certificates are verified, always: against the authorities that the system trusts, or those
 * of a file, and against the name that was asked for, which is also sent along (SNI). TLS 1.2
 * and 1.3 are spoken, without renegotiation, RSA key exchange and early data.
 *
 * A server loads its certificate, listens with it, and serves as without TLS: a connection's
 * task begins when TLS has been agreed on.
 *
 * From then on the stream is read and written by the same functions as any other. What they
 * return beside what <troupe/stream.h> says:
 *
 *   -EPROTO       what comes is no TLS, or was changed on its way, or the other side refuses
 *                 to go on
 *   -ECONNRESET   the connection ended without TLS's own end: something may be missing. A read
 *                 returns 0 only when the other side has said that it is finished
 *   -ENOTCONN     TLS has not been agreed on yet
 *
 * troupe_finish() says that we are finished and lets the other side go on. What the kernel has
 * no room for is sent by the worker, within a minute, whatever becomes of the stream meanwhile;
 * so it needs no task, and does not wait. troupe_close() says it, too, unless a write was cut
 * short or is under way: then the other side is to see that something is missing.
 * troupe_detach() gives -EOPNOTSUPP: a descriptor is of no use without the keys. A write holds
 * at most one record, 16 KiB, until the kernel has it; a read one of the other side's.
 *
 * An agreement that fails says why in the unit's log, in words. It has 10 s in all, whatever
 * the other side sends meanwhile, or what troupe_tls_options says; and the time of its scope.
 * When it has failed or was cut short, reads and writes of the stream return -EPROTO: close it.
 *
 * The library (GnuTLS) is loaded when a worker first needs it, and the system's authorities
 * likewise, both by a thread beside the loop. Certificates and keys are read once: who has new
 * ones loads them again, for connections to come. Revocation lists are not asked for; an answer
 * of OCSP that a server staples to its certificate is heeded. All functions are of the actor's
 * thread. Since ABI 2.1.
 */
#ifndef TROUPE_TLS_H
#define TROUPE_TLS_H

#include <troupe/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_ALPN_MAX 8u   /* protocols that are offered */
#define TROUPE_PEER_MAX 256u /* bytes of the name of a certificate's owner, with the NUL */

/* ------------------------------------------------------------------ keys */

/* What an actor identifies itself with, and whom it trusts. id 0: the system's authorities, and
 * no certificate of one's own. */
struct troupe_tls {
	uint64_t id;
};

/* Paths are of files in PEM. */
struct troupe_tls_options {
	uint32_t table_size;                  /* sizeof(struct troupe_tls_options) */
	uint32_t reserved TROUPE_ABSENT_ZERO; /* 0 */
	const char *certificate
		TROUPE_ABSENT;         /* one's own, then those who signed it; or NULL */
	const char *key TROUPE_ABSENT; /* of the certificate, without a password */
	/* Authorities that are trusted, in place of the system's, which take 4 MiB for each
	 * that is loaded. A server that has this asks its clients for a certificate of theirs,
	 * and refuses those without. */
	const char *ca_file TROUPE_ABSENT;
	/* What is spoken over it ("h2", "http/1.1"), best first, NULL-terminated; NULL: not
	 * said. A server refuses clients that offer others only. */
	const char *const *alpn TROUPE_ABSENT;
	uint64_t handshake_ns TROUPE_ABSENT_ZERO; /* time to agree on it; 0: 10 s */
};

/* Load it, in a thread of the worker. It is the actor's until troupe_tls_drop(); connections
 * and listeners that have begun with it keep it. options is borrowed for the call. The log says
 * what is wrong with a file.
 *
 * -ENOENT, -EACCES and other errors of open(2); -EFBIG: over 4 MiB; -EINVAL: no PEM, a
 * certificate without its key or with another's, or options that are none; -ELIBACC: GnuTLS is
 * not on this machine; -EAGAIN, -ENOMEM, -EMFILE: limits; and as any TROUPE_AWAIT. */
TROUPE_AWAIT int troupe_tls_load(struct troupe_self *self,
				 const struct troupe_tls_options *options,
				 struct troupe_tls *ret_tls) TROUPE_WARN_UNUSED;

/* Of what is none: nothing. */
void troupe_tls_drop(struct troupe_self *self, struct troupe_tls tls);

/* ------------------------------------------------------------------ clients
 *
 * What has come before the agreement is not part of it: when bytes are there that were read
 * ahead and not taken, somebody has put them between, and both sides refuse (-EPROTO). So a
 * client reads the answer to its STARTTLS by troupe_read_until(), and nothing else.
 */

/* Agree on TLS with the other end of a stream, as a client, which refuses whoever cannot prove
 * to be peer_name: a host's name, or an address without brackets. When it fails the stream is
 * good for nothing but its close.
 *
 * -EKEYREJECTED: its certificate is not to be trusted: signed by none of the authorities, of
 * another name, expired, revoked or too weak; or the system has no authorities; -EPROTO: it
 * does not speak TLS, or no version or cipher that we do, or refuses (also our certificate:
 * over TLS 1.3 the first read says that), or see above; -ETIME: it took too long;
 * -ECONNRESET: it has hung up; -EBUSY: a task reads or writes; -EISCONN: it has TLS already;
 * -EINVAL: no name, of more than 253 bytes, or not a stream for that; -ELIBACC, -EAGAIN,
 * -ENOMEM, -EMFILE: as of troupe_tls_load(); else as of reads and writes. */
TROUPE_AWAIT int troupe_start_tls(struct troupe_self *self, struct troupe_stream stream,
				  const char *peer_name) TROUPE_WARN_UNUSED;

/* The same with keys of the actor's. -ESRCH: no such stream, or no such keys. */
TROUPE_AWAIT int troupe_tls_start(struct troupe_self *self, struct troupe_stream stream,
				  struct troupe_tls tls,
				  const char *peer_name) TROUPE_WARN_UNUSED;

/* ------------------------------------------------------------------ servers */

/* troupe_listen() at "tls:0.0.0.0:443" or "tls:socket:NAME", with keys that have a certificate.
 * At a place that is not "tls:" they are not used: what listens may be a matter of
 * configuration.
 * troupe_serve() agrees on TLS in each connection's own task, before it begins; where that
 * fails the entry is not called, and the log says why. What troupe_accept() gives waits for
 * troupe_tls_accept(): until then reads and writes return -ENOTCONN.
 *
 * -ESRCH: no such keys; -EINVAL: they have no certificate; else as troupe_listen(), which
 * itself gives -EINVAL for "tls:". */
int troupe_tls_listen(struct troupe_self *self, const char *place, struct troupe_tls tls,
		      struct troupe_listener *ret_listener) TROUPE_WARN_UNUSED;

/* Agree on TLS as a server: on a stream that troupe_accept() gave, whose listener's keys hold
 * when tls.id is 0; or on any other, with keys (a server's STARTTLS). Errors as of
 * troupe_start_tls(); -EINVAL: no keys, or they have no certificate; -ESRCH: no such stream or
 * keys. */
TROUPE_AWAIT int troupe_tls_accept(struct troupe_self *self, struct troupe_stream stream,
				   struct troupe_tls tls) TROUPE_WARN_UNUSED;

/* ------------------------------------------------------------------ what was agreed on */

struct troupe_tls_info {
	char version[16];           /* "TLS1.3" */
	char cipher[64];            /* for people */
	char alpn[32];              /* what both sides speak; "": it was not said */
	char peer[TROUPE_PEER_MAX]; /* whom the other side's certificate names, as RFC 4514
				     * writes it ("CN=example.org"); cut; "": it has none */
};

/* -ENOTCONN: it has no TLS, or not yet; -ESRCH. */
int troupe_tls_describe(struct troupe_self *self, struct troupe_stream stream,
			struct troupe_tls_info *ret_info);

#ifdef __cplusplus
}
#endif

#endif
