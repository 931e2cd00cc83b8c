/* open_call.c - open calls, and their replies in order. */
#include "control/open_call.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "org.varlink.service.varlink.h"
#include "proto/invalid_parameter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static struct open_call *call_of(struct control_call *public)
{
	return container_of(public, struct open_call, public);
}

struct open_call *open_call_new(struct connection *connection, bool oneway, bool more,
				size_t frame_size)
{
	const struct control_config *config = &connection->server->config;
	struct open_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->server = connection->server;
	call->connection = connection;
	call->peer = credentials_ref(connection->peer);
	call->account = account_ref(connection->account);
	call->frame_size = frame_size;
	call->public.oneway = oneway;
	call->public.client = connection->number;
	call->public.more = more && !oneway;
	call->public.peer = &call->peer->public;
	call->public.level = config->ops->level_of(config->context, call->public.peer);
	buffer_init(&call->replies, SIZE_MAX);
	list_append(oneway ? &connection->oneways : &connection->calls, &call->link);
	connection->n_calls++;
	connection->n_streams += call->public.more;
	connection->working += frame_size;
	return call;
}

/* ---- shares */

static void give_back(struct open_call *call)
{
	if (call->has_claim)
		account_give(call->account, call->share, call->claimed);
	call->has_claim = false;
}

int control_call_claim(struct control_call *public, unsigned share, size_t bytes)
{
	struct open_call *call = call_of(public);
	int r;

	check(share < CONTROL_SHARES_MAX && call->server->config.shares);
	give_back(call);
	r = account_take(call->account, share, bytes);
	if (r < 0)
		return r;
	call->has_claim = true;
	call->share = share;
	call->claimed = bytes;
	return 0;
}

uint64_t control_call_mark(struct control_call *public, uint64_t bits)
{
	struct connection *connection = call_of(public)->connection;

	if (connection)
		connection->marks |= bits;
	return public->client;
}

/* ---- ends */

static void free_call(struct open_call *call)
{
	give_back(call);
	list_remove(&call->link);
	buffer_fini(&call->replies);
	credentials_unref(call->peer);
	account_unref(call->account);
	free(call);
}

/* It counts no longer among the open calls of its connection; its replies may still wait. */
static void close_call(struct open_call *call)
{
	struct connection *connection = call->connection;

	connection->n_calls--;
	connection->n_streams -= call->public.more;
	connection->working -= call->frame_size;
	if (connection->starved == call)
		connection->starved = NULL;
}

/* Replies come whole and in order, or not at all. */
static void lose_reply(struct connection *connection)
{
	host_trouble(connection->server, "no memory for a reply");
	connection_doom(connection);
}

/* The first calls of the queue: write what waited for those before, and let go of the answered
 * ones. */
static void advance_queue(struct connection *connection)
{
	while (!list_is_empty(&connection->calls)) {
		struct open_call *call = list_first(&connection->calls, struct open_call, link);
		size_t size = buffer_size(&call->replies);

		if (size > 0) {
			if (buffer_append(&connection->out, buffer_data(&call->replies), size) <
			    0) {
				lose_reply(connection);
				return;
			}
			connection->waiting -= size;
			buffer_fini(&call->replies);
		}
		if (!call->finished)
			return;
		free_call(call);
	}
}

/* It was answered for the last time. */
static void finish(struct open_call *call)
{
	struct connection *connection = call->connection;

	give_back(call);
	if (!connection) {
		free_call(call);
		return;
	}
	close_call(call);
	call->finished = true;
	if (call->public.oneway)
		free_call(call);
	else
		advance_queue(connection);
	connection_update(connection);
}

void open_call_cancel(struct open_call *call)
{
	bool finished = call->finished;

	call->connection = NULL;
	list_remove(&call->link);
	if (!finished && call->public.on_gone)
		call->public.on_gone(&call->public);
	free_call(call);
}

/* Its connection has gone, and the host will answer, not knowing. */
static void orphan(struct open_call *call)
{
	call->connection = NULL;
	call->public.client = 0;
	buffer_fini(&call->replies);
	list_remove(&call->link);
	list_append(&call->server->orphans, &call->link);
}

void open_call_cancel_all(struct connection *connection)
{
	struct open_call *call;

	/* on_gone may answer other calls: take the first anew each time. */
	while (!list_is_empty(&connection->calls)) {
		call = list_first(&connection->calls, struct open_call, link);
		connection->waiting -= buffer_size(&call->replies);
		if (!call->finished)
			close_call(call);
		if (call->finished || call->public.on_gone)
			open_call_cancel(call);
		else
			orphan(call);
	}
	while (!list_is_empty(&connection->oneways)) {
		call = list_first(&connection->oneways, struct open_call, link);
		close_call(call);
		orphan(call);
	}
}

/* ---- replies */

/* A piece of a frame, and its end. */
#define PIECE(at, size) ((struct iovec){(void *)(uintptr_t)(at), size})
#define LITERAL(text)   PIECE(text, sizeof(text) - 1)
#define END(text)       PIECE(text, sizeof(text))

/* Bytes of a frame that the client took at once, from where they lie. What more is to follow
 * soon is better sent together; an error is found again when the rest is written. */
static size_t send_at_once(const struct open_call *call, const struct iovec *pieces, size_t n)
{
	const struct connection *connection = call->connection;
	const struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
				       .msg_iovlen = n};
	ssize_t sent;

	if (call->public.more || connection->n_calls > 1 || connection->has_frame ||
	    connection->blocked || buffer_size(&connection->out) > 0)
		return 0;
	sent = sendmsg(connection->io.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent > 0 ? (size_t)sent : 0;
}

/* Put one frame where the call's replies go. */
static int put_frame(struct open_call *call, const struct iovec *pieces, size_t n)
{
	struct connection *connection = call->connection;
	bool first = connection->calls.next == &call->link;
	struct buffer *buffer = first ? &connection->out : &call->replies;
	size_t sent = first ? send_at_once(call, pieces, n) : 0, size = 0;
	char *place;

	for (size_t i = 0; i < n; i++)
		size += pieces[i].iov_len;
	if (sent == size)
		return 0;
	size -= sent;
	place = buffer_reserve(buffer, size);
	if (!place)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;

		place = mempcpy(place, (const char *)pieces[i].iov_base + skip,
				pieces[i].iov_len - skip);
		sent -= skip;
	}
	buffer_added(buffer, size);
	connection->waiting += first ? 0 : size;
	return 0;
}

/* Whether a reply is sent to a client. */
static bool has_reader(const struct open_call *call)
{
	return !call->public.oneway && call->connection && !call->connection->hung_up &&
	       call->connection->state != CONNECTION_DOOMED;
}

static void answer(struct open_call *call, const struct iovec *pieces, size_t n, bool continues)
{
	if (has_reader(call) && put_frame(call, pieces, n) < 0)
		lose_reply(call->connection);
	if (!continues)
		finish(call);
	else if (call->connection)
		connection_update(call->connection);
}

/* An error that the host made, not the client. */
static void fail_internal(struct open_call *call, int error, const char *why)
{
	char text[256];
	int size = snprintf(text, sizeof(text), "{\"code\":%d,\"message\":\"%s\"}", error, why);

	control_call_fail_text(&call->public, "io.troupe.Control.Failed", text, (size_t)size);
}

static const char *why_unprinted(int error, const char *otherwise)
{
	return error == -ENOMEM ? "no memory" : otherwise;
}

void control_call_no_memory(struct control_call *public)
{
	fail_internal(call_of(public), -ENOMEM, "no memory");
}

/* There is no such reply: the last one is an error then; of a stream nothing is sent. */
static int refuse_reply(struct open_call *call, bool continues, int error, const char *why)
{
	if (!continues)
		fail_internal(call, error, why);
	return error;
}

/* Parameters without any need not be there. */
static bool is_empty_object(const char *text, size_t size)
{
	return size == 0 || (size == 2 && memcmp(text, "{}", 2) == 0);
}

int control_call_reply_text(struct control_call *public, const char *parameters, size_t size,
			    bool continues)
{
	struct open_call *call = call_of(public);
	bool is_empty = !public->wraps && is_empty_object(parameters, size);
	struct iovec pieces[] = {
		is_empty ? LITERAL("{") : LITERAL("{\"parameters\":"),
		public->wraps ? LITERAL("{\"parameters\":") : LITERAL(""),
		PIECE(parameters, is_empty ? 0 : size),
		public->wraps ? LITERAL("}") : LITERAL(""),
		!continues ? END("}")
		: is_empty ? END("\"continues\":true}")
			   : END(",\"continues\":true}"),
	};

	check(!continues || public->more);
	if (size > REPLY_MAX)
		return refuse_reply(call, continues, -EMSGSIZE, "the reply is too large");
	if (continues && has_reader(call) && connection_is_output_high(call->connection)) {
		call->connection->starved = call;
		return -EAGAIN;
	}
	answer(call, pieces, ARRAY_LEN(pieces), continues);
	return 0;
}

int control_call_reply(struct control_call *public, const struct troupe_method *method,
		       const void *out, bool continues)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	int r;

	r = json_encode(method->out, out, &text, &size);
	if (r < 0)
		return refuse_reply(call_of(public), continues, r,
				    why_unprinted(r, "the reply does not fit its type"));
	return control_call_reply_text(public, text, size, continues);
}

/* Error names may come from workers, so they are not to be trusted with quotes. */
static bool is_error_name(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
			return false;
	}
	return size > 0;
}

void control_call_fail_text(struct control_call *public, const char *error,
			    const char *parameters, size_t size)
{
	struct open_call *call = call_of(public);
	bool is_empty = is_empty_object(parameters, size);
	struct iovec pieces[] = {
		LITERAL("{\"error\":\""),
		PIECE(error, strlen(error)),
		is_empty ? LITERAL("\"") : LITERAL("\",\"parameters\":"),
		PIECE(parameters, is_empty ? 0 : size),
		END("}"),
	};

	if (!is_error_name(error) || size > REPLY_MAX)
		fail_internal(call, -EINVAL, "the error is not one that can be sent");
	else
		answer(call, pieces, ARRAY_LEN(pieces), false);
}

void control_call_fail(struct control_call *public, const struct troupe_error *error,
		       const void *data)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	int r = json_encode(error->type, data, &text, &size);

	if (r < 0)
		fail_internal(call_of(public), r,
			      why_unprinted(r, "the error's data does not fit its type"));
	else
		control_call_fail_text(public, error->name, text, size);
}

void open_call_give_room(struct connection *connection)
{
	struct open_call *call = connection->starved;

	if (!connection_has_room(connection))
		return;
	connection->starved = NULL;
	if (call->public.on_room)
		call->public.on_room(&call->public);
}

/* ---- the errors that any method may end with */

void control_call_invalid_parameter(struct control_call *call, const char *field,
				    const char *reason)
{
	cleanup_free char *text = invalid_parameter_print(field, reason);

	control_call_fail_text(call, service_invalid_parameter_error.name, text ? text : "",
			       text ? strlen(text) : 0);
}

void control_call_method_not_found(struct control_call *call, const char *method)
{
	control_call_fail(call, &service_method_not_found_error,
			  &(struct service_method_not_found){.method = method});
}

void control_call_interface_not_found(struct control_call *call, const char *interface,
				      size_t size)
{
	cleanup_free char *name = strndup(interface, size);

	control_call_fail(call, &service_interface_not_found_error,
			  &(struct service_interface_not_found){name ? name : ""});
}

void control_call_permission_denied(struct control_call *call)
{
	control_call_fail(call, &service_permission_denied_error,
			  &(struct service_permission_denied){0});
}
