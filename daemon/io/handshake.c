#include "io/handshake.h"

#include "base/endpoint.h"
#include "core/slice.h"
#include "io/use.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_NOTICE_LEVEL  5
#define LOG_WARNING_LEVEL 4

/* ------------------------------------------------------------------ both directions */

struct both {
	struct use reading, writing;
	uint64_t end_ns;
	char reason[KEYS_REASON];
};

/* Neither of them waits: both are free. */
static int begin(struct troupe_self *self, uint64_t id, struct both *both)
{
	const struct stream *stream = stream_find(self, id);
	int rc;

	if (stream && (stream->port.reading.is_taken || stream->port.writing.is_taken))
		return -EBUSY;
	rc = use_begin(self, id, &stream_kind, LOOP_READ, &both->reading);
	if (rc < 0)
		return rc;
	rc = use_begin(self, id, &stream_kind, LOOP_WRITE, &both->writing);
	if (rc < 0)
		use_end(&both->reading);
	return rc;
}

static int end(struct both *both, int rc)
{
	use_end(&both->reading);
	return use_end_ready(&both->writing, rc);
}

static struct tls *tls_of(const struct both *both)
{
	return stream_of(both->reading.port)->tls;
}

/* Until a step may bring it further. */
static int wait_for(struct both *both, struct use *use, struct use *other)
{
	const uint64_t now_ns = slice_now_ns(use->self->runtime);
	const uint64_t idle_ns = stream_of(use->port)->idle_ns;
	uint64_t left_ns;
	int rc;

	if (now_ns >= both->end_ns)
		return -ETIME;
	left_ns = both->end_ns - now_ns;
	use->task->waits_for = "tls";
	rc = use_wait(use, idle_ns && idle_ns < left_ns ? idle_ns : left_ns);
	return use_look_again(other) < 0 ? -ECONNABORTED : rc;
}

/* ------------------------------------------------------------------ what is said of it */

static void log_failure(struct troupe_self *self, const struct both *both, int rc)
{
	const struct stream *stream = stream_of(both->reading.port);
	const bool is_server = stream->tls->is_server;
	char peer[TROUPE_PLACE_MAX] = "", text[KEYS_REASON + TROUPE_PLACE_MAX + 300];
	const char *reason = both->reason;

	if (rc == -ECANCELED || rc == -ETIMEDOUT)
		return;
	if (rc == -ETIME)
		reason = "It took too long.";
	else if (!*reason)
		reason = strerrordesc_np(-rc);
	(void)endpoint_of_socket(stream->port.fd, true, peer);
	tls_mark_place(peer);
	snprintf(text, sizeof(text), "no TLS with %s%s%s%s: %s", peer, is_server ? "" : " (",
		 stream->tls->name, is_server ? "" : ")", reason);
	unit_log(self->runtime, self->actor->unit,
		 is_server ? LOG_NOTICE_LEVEL : LOG_WARNING_LEVEL, text);
}

/* ------------------------------------------------------------------ doing it */

static int agree(struct troupe_self *self, struct both *both)
{
	for (;;) {
		struct tls *tls = tls_of(both);
		int rc = tls->is_agreed ? 0 : tls_shake(self->runtime, tls, both->reason);
		int flushed = tls_flush(tls);

		if (rc != 0 && rc != -EAGAIN)
			return rc;
		if (flushed == 0 && rc == 0)
			return 0;
		if (flushed != -EAGAIN && flushed < 0)
			return flushed;
		rc = flushed == -EAGAIN ? wait_for(both, &both->writing, &both->reading)
					: wait_for(both, &both->reading, &both->writing);
		if (rc < 0)
			return rc;
	}
}

/* It was cut short before it began; unless another task is at it. */
static int refuse(struct troupe_self *self, uint64_t id, int rc)
{
	const struct stream *stream = stream_find(self, id);

	if (stream && rc != -EBUSY)
		tls_break(stream->tls);
	return rc;
}

int handshake_do(struct troupe_self *self, uint64_t id)
{
	struct both both = {.reason = ""};
	int rc = begin(self, id, &both);

	if (rc < 0)
		return refuse(self, id, rc);
	both.end_ns = slice_later_ns(self->runtime, tls_of(&both)->keys->handshake_ns);
	rc = agree(self, &both);
	if (rc < 0 && both.reading.port && both.writing.port) {
		tls_break(tls_of(&both));
		log_failure(self, &both, rc);
	}
	return end(&both, rc);
}

/* ------------------------------------------------------------------ who may */

bool handshake_is_name(const char *name)
{
	return name && *name && strlen(name) <= TLS_NAME_MAX;
}

/* What was read ahead was said before, by whomever; as if it had been agreed on it would be
 * taken for what is said now. */
static int refuse_what_came_before(struct troupe_self *self, struct stream *stream)
{
	stream_settle(self->runtime, stream);
	if (buffer_size(&stream->input) == 0)
		return 0;
	unit_log(self->runtime, self->actor->unit, LOG_WARNING_LEVEL,
		 "no TLS on a stream that has more to be read: it was sent before");
	return -EPROTO;
}

/* Of a stream that is to have it from now on. */
static int check_stream(struct troupe_self *self, uint64_t id, struct stream **ret_stream)
{
	struct stream *stream = stream_find(self, id);

	if (!stream)
		return -ESRCH;
	if (stream->is_datagram || !stream->is_socket)
		return -EINVAL;
	if (stream->port.reading.is_taken || stream->port.writing.is_taken)
		return -EBUSY;
	if (stream->is_torn)
		return -EPIPE;
	*ret_stream = stream;
	return stream->tls ? -EISCONN : refuse_what_came_before(self, stream);
}

int handshake_client(struct troupe_self *self, uint64_t id, struct keys *keys, const char *name)
{
	struct stream *stream;
	int rc = check_stream(self, id, &stream);

	if (rc < 0)
		keys_unref(keys);
	else
		rc = tls_new(&stream->port, stream->is_whole, keys, name, &stream->tls);
	return rc < 0 ? rc : handshake_do(self, id);
}

/* ------------------------------------------------------------------ the SDK */

int troupe_tls_start(struct troupe_self *self, struct troupe_stream handle,
		     struct troupe_tls tls, const char *peer_name)
{
	struct stream *stream;
	struct keys *keys;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	if (!handshake_is_name(peer_name))
		return -EINVAL;
	/* before the keys are waited for, and after it */
	rc = check_stream(self, handle.id, &stream);
	if (rc == 0)
		rc = keys_obtain(self, tls, &keys);
	return rc < 0 ? rc : handshake_client(self, handle.id, keys, peer_name);
}

int troupe_start_tls(struct troupe_self *self, struct troupe_stream handle,
		     const char *peer_name)
{
	return troupe_tls_start(self, handle, (struct troupe_tls){0}, peer_name);
}

int troupe_tls_accept(struct troupe_self *self, struct troupe_stream handle,
		      struct troupe_tls tls)
{
	struct stream *stream;
	struct keys *keys;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	rc = check_stream(self, handle.id, &stream);
	if (tls.id == 0) {
		/* that of its listener */
		if (rc == -EISCONN && tls_refusal(stream->tls) == -ENOTCONN)
			return handshake_do(self, handle.id);
		return rc < 0 ? rc : -EINVAL;
	}
	if (rc < 0)
		return rc;
	keys = keys_find(self, tls);
	if (!keys)
		return -ESRCH;
	if (!keys->has_certificate)
		return -EINVAL;
	rc = tls_new(&stream->port, stream->is_whole, keys_ref(keys), NULL, &stream->tls);
	return rc < 0 ? rc : handshake_do(self, handle.id);
}

int troupe_tls_describe(struct troupe_self *self, struct troupe_stream handle,
			struct troupe_tls_info *ret_info)
{
	const struct stream *stream = stream_find(self, handle.id);

	if (!stream)
		return -ESRCH;
	if (!stream->tls || !stream->tls->is_agreed)
		return -ENOTCONN;
	tls_inform(self->runtime, stream->tls, ret_info);
	return 0;
}
