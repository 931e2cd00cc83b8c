#include "io/stream.h"

#include "io/tls.h"
#include "io/use.h"
#include <errno.h>
#include <string.h>

#define PIECE 4096u /* of input, to begin with */

/* What has come: the count; 0: the end; -EAGAIN: nothing now. */
static ssize_t take(struct use *use, void *buffer, size_t size)
{
	struct stream *stream = stream_of(use->port);
	ssize_t n;

	if (!stream->tls)
		return port_take(&stream->port, stream->is_whole, buffer, size);
	n = tls_read(use->self->runtime, stream->tls, buffer, size);
	if (n != -EAGAIN)
		return n;
	/* nothing that means something: who sends such has his turn, and others have theirs */
	(void)pause_ready(use->task, 0);
	return use_look_again(use) < 0 ? -ECONNABORTED : n;
}

/* Until something may be there. What lies in the input is had without this. */
static int wait_for_input(struct use *use)
{
	const struct stream *stream = stream_of(use->port);
	int rc = tls_refusal(stream->tls);

	if (rc < 0)
		return rc;
	return stream->tls && tls_has_input(stream->tls) ? 0 : use_wait(use, stream->idle_ns);
}

/* Take, waiting. */
static ssize_t fetch(struct use *use, void *buffer, size_t size)
{
	for (;;) {
		int rc = wait_for_input(use);
		ssize_t n;

		if (rc < 0)
			return rc;
		n = take(use, buffer, size);
		if (n != -EAGAIN)
			return n;
	}
}

static int begin(struct troupe_self *self, struct troupe_stream handle, struct use *use)
{
	int rc = use_begin(self, handle.id, &stream_kind, LOOP_READ, use);

	if (rc < 0)
		return rc;
	if (stream_of(use->port)->is_datagram)
		return use_end_ready(use, -EINVAL);
	stream_settle(self->runtime, stream_of(use->port));
	return 0;
}

/* The count of a read, which may be more than an int holds. */
static ssize_t end(struct use *use, ssize_t n)
{
	(void)use_end_ready(use, 0);
	return n;
}

ssize_t troupe_read(struct troupe_self *self, struct troupe_stream from, void *buffer,
		    size_t size)
{
	struct use use;
	struct stream *stream;
	size_t held;
	int rc;

	if (size == 0)
		return -EINVAL;
	rc = begin(self, from, &use);
	if (rc < 0)
		return rc;
	stream = stream_of(use.port);
	held = buffer_size(&stream->input);
	if (held == 0)
		return end(&use, fetch(&use, buffer, size));
	if (size > held)
		size = held;
	memcpy(buffer, buffer_data(&stream->input), size);
	stream->lent = size;
	stream_settle(self->runtime, stream);
	return end(&use, (ssize_t)size);
}

/* How long the input is up to and with the mark, of which `looked` bytes have been looked at in
 * vain. 0: it has none so far. */
static size_t find_mark(const struct buffer *input, size_t looked, const char *mark,
			size_t mark_size)
{
	const size_t size = buffer_size(input);
	/* it may have begun in what was there before */
	const size_t from = looked >= mark_size ? looked - mark_size + 1 : 0;
	const unsigned char *data, *at;

	if (size - from < mark_size)
		return 0;
	data = buffer_data(input); /* not before: an empty one may have none */
	at = mark_size == 1 ? memchr(data + from, *mark, size - from)
			    : memmem(data + from, size - from, mark, mark_size);
	return at ? (size_t)(at - data) + mark_size : 0;
}

/* More of what the kernel has: as fetch(). The first time for little, then for as much again.
 */
static ssize_t fetch_more(struct use *use, size_t most)
{
	struct stream *stream = stream_of(use->port);
	size_t held = buffer_size(&stream->input), size = held > PIECE ? held : PIECE;
	int rc = wait_for_input(use);
	void *place;
	ssize_t n;

	if (rc < 0)
		return rc;
	stream = stream_of(use->port);
	if (size > most - held)
		size = most - held;
	place = stream_reserve(use->self->runtime, stream, size);
	if (!place)
		return -ENOMEM;
	n = take(use, place, size);
	if (!use->port)
		return n;
	if (n > 0)
		buffer_added(&stream->input, (size_t)n);
	else
		stream_settle(use->self->runtime, stream); /* nothing may lie in it */
	return n;
}

ssize_t troupe_read_until(struct troupe_self *self, struct troupe_stream from, const char *mark,
			  size_t most, const char **ret_text)
{
	const size_t mark_size = mark ? strlen(mark) : 0;
	size_t looked = 0, found;
	struct buffer *input;
	struct use use;
	ssize_t n;
	int rc;

	if (mark_size == 0 || most == 0)
		return -EINVAL;
	rc = begin(self, from, &use);
	if (rc < 0)
		return rc;
	if (most > stream_of(use.port)->input.limit)
		return end(&use, -EINVAL);
	for (;;) {
		input = &stream_of(use.port)->input;
		found = find_mark(input, looked, mark, mark_size);
		looked = buffer_size(input);
		if (found > 0 || looked >= most)
			break;
		n = fetch_more(&use, most);
		if (n == 0)
			return end(&use, looked > 0 ? -ENODATA : 0);
		if (n < 0 && n != -EAGAIN)
			return end(&use, n);
	}
	if (found == 0 || found > most)
		return end(&use, -EMSGSIZE);
	*ret_text = (const char *)buffer_data(input);
	stream_of(use.port)->lent = found;
	return end(&use, (ssize_t)found);
}
