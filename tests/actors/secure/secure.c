/* secure.c - echoes over TLS; and asks, as a client. */
#include "secure.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/tls.h>

#define CONNECTIONS 5000
#define PIECE       (32u << 10)

struct secure {
	struct troupe_listener listener;
	struct secure_status_out status;
	char place[TROUPE_PLACE_MAX];
	char *ca_file, *certificate, *key, *listen;
	uint64_t handshake_ns;
};

/* ------------------------------------------------------------------ the server */

static int echo(struct troupe_self *self, struct secure *me, struct troupe_stream *stream,
		void *unused)
{
	char *bytes = malloc(PIECE);
	int rc = bytes ? 0 : -ENOMEM;
	ssize_t n = 0;

	(void)unused;
	me->status.open++;
	while (rc == 0 && (n = troupe_read(self, *stream, bytes, PIECE)) > 0)
		rc = troupe_write(self, *stream, bytes, (size_t)n);
	me->status.open--;
	free(bytes);
	return rc < 0 ? rc : (int)n;
}
TROUPE_TASK(echo, struct secure, struct troupe_stream, void)

static int serve(struct troupe_self *self, struct secure *me, void *unused, void *unused_too)
{
	const struct troupe_tls_options options = {.table_size = sizeof(options),
						   .certificate = me->certificate,
						   .key = me->key,
						   .handshake_ns = me->handshake_ns};
	struct troupe_tls tls;
	int rc = troupe_tls_load(self, &options, &tls);

	(void)unused;
	(void)unused_too;
	if (rc == 0)
		rc = troupe_tls_listen(self, me->listen ? me->listen : "tls:127.0.0.1:0", tls,
				       &me->listener);
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	return rc < 0 ? rc : troupe_serve(self, me->listener, &echo_task, NULL, CONNECTIONS);
}
TROUPE_TASK(serve, struct secure, void, void)

static int on_status(struct troupe_self *self, struct secure *me,
		     struct secure_status_call call, const struct secure_status *in)
{
	(void)in;
	me->status.place = me->place;
	return secure_status_return(self, call, &me->status);
}

/* ------------------------------------------------------------------ the client */

static int trust(struct troupe_self *self, const struct secure *me, struct troupe_tls *ret_tls)
{
	const struct troupe_tls_options options = {.table_size = sizeof(options),
						   .ca_file = me->ca_file,
						   .handshake_ns = me->handshake_ns};

	return troupe_tls_load(self, &options, ret_tls);
}

/* Plain first, with a line that says that TLS may begin, when `greets`. */
static int begin(struct troupe_self *self, const struct secure *me, const char *place,
		 const char *name, bool greets, struct troupe_stream *ret_stream)
{
	struct troupe_tls tls;
	const char *text;
	ssize_t n;
	int rc = trust(self, me, &tls);

	if (rc < 0)
		return rc;
	rc = troupe_connect(self, place, ret_stream);
	if (rc == 0 && greets) {
		n = troupe_read_until(self, *ret_stream, "\n", 256, &text);
		rc = n < 0 ? (int)n : 0;
	}
	if (rc == 0)
		rc = troupe_tls_start(self, *ret_stream, tls, name);
	troupe_tls_drop(self, tls);
	return rc;
}

static void talk(struct troupe_self *self, struct troupe_stream stream, const char *line,
		 struct secure_ask_out *out, char *answer, size_t size)
{
	struct troupe_tls_info info = {.version = ""};
	const char *text;
	char byte;
	ssize_t n;

	(void)troupe_tls_describe(self, stream, &info);
	snprintf(answer + size, sizeof(info.version), "%s", info.version);
	out->version = answer + size;
	n = troupe_write(self, stream, line, strlen(line));
	if (n == 0)
		n = troupe_read_until(self, stream, "\n", size - 1, &text);
	if (n > 0)
		snprintf(answer, size, "%.*s", (int)n - 1, text);
	if (n >= 0)
		n = troupe_finish(self, stream);
	while (n == 0 && (n = troupe_read(self, stream, &byte, 1)) > 0)
		n = 0;
	out->ended = n;
}

static int on_ask(struct troupe_self *self, struct secure *me, struct secure_ask_call call,
		  const struct secure_ask *in)
{
	struct secure_ask_out out = {.answer = "", .version = ""};
	const bool by_system = in->system && *in->system;
	struct troupe_stream stream = {0};
	char answer[256 + 16] = "", line[256];

	snprintf(line, sizeof(line), "%s\n", in->line);
	if (by_system)
		out.connected = troupe_connect(self, in->place, &stream);
	else
		out.connected = begin(self, me, in->place, in->name ? in->name : "localhost",
				      in->greets && *in->greets, &stream);
	if (out.connected == 0) {
		out.answer = answer;
		talk(self, stream, line, &out, answer, 256);
	}
	troupe_close(self, stream);
	return secure_ask_return(self, call, &out);
}

/* ------------------------------------------------------------------ much */

struct pump {
	struct troupe_stream stream;
	int64_t bytes, back;
};

static void fill(char *piece, uint64_t from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		piece[i] = (char)((from + i) * 2654435761u >> 11);
}

static int send_all(struct troupe_self *self, struct secure *me, struct pump *pump,
		    void *unused)
{
	char piece[8192];
	int rc = 0;

	(void)me;
	(void)unused;
	for (int64_t done = 0; rc == 0 && done < pump->bytes; done += (int64_t)sizeof(piece)) {
		fill(piece, (uint64_t)done, sizeof(piece));
		rc = troupe_write(self, pump->stream, piece, sizeof(piece));
	}
	return rc < 0 ? rc : troupe_finish(self, pump->stream);
}
TROUPE_TASK(send_all, struct secure, struct pump, void)

static int take_all(struct troupe_self *self, struct secure *me, struct pump *pump,
		    void *unused)
{
	char piece[8192], expected[8192];
	ssize_t n;

	(void)me;
	(void)unused;
	while ((n = troupe_read(self, pump->stream, piece, sizeof(piece))) > 0) {
		fill(expected, (uint64_t)pump->back, (size_t)n);
		if (memcmp(piece, expected, (size_t)n) != 0)
			return -EBADMSG;
		pump->back += n;
	}
	return (int)n;
}
TROUPE_TASK(take_all, struct secure, struct pump, void)

static int pump_through(struct troupe_self *self, struct pump *pump)
{
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	int rc = troupe_start(self, scope, &send_all_task, pump, NULL, NULL);

	if (rc == 0)
		rc = troupe_start(self, scope, &take_all_task, pump, NULL, NULL);
	return rc < 0 ? rc : troupe_scope_end(self, scope);
}

static int on_pump(struct troupe_self *self, struct secure *me, struct secure_pump_call call,
		   const struct secure_pump *in)
{
	struct pump pump = {.bytes = in->bytes};
	struct secure_pump_out out = {
		.result = begin(self, me, in->place, in->name, false, &pump.stream)};

	if (out.result == 0)
		out.result = pump_through(self, &pump);
	out.bytes = pump.back;
	troupe_close(self, pump.stream);
	return secure_pump_return(self, call, &out);
}

static int on_crowd(struct troupe_self *self, struct secure *me, struct secure_crowd_call call,
		    const struct secure_crowd *in)
{
	struct secure_crowd_out out = {0};
	struct troupe_stream stream;

	/* they are the actor's, and end with it */
	while (out.connected < in->count &&
	       begin(self, me, in->place, in->name, false, &stream) == 0)
		out.connected++;
	return secure_crowd_return(self, call, &out);
}

/* ------------------------------------------------------------------ */

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int init(struct troupe_self *self, struct secure *me, const struct secure_config *config)
{
	me->ca_file = copy(config->caFile);
	me->certificate = copy(config->certificate);
	me->listen = copy(config->listen);
	me->key = copy(config->key);
	if (config->handshakeMs)
		me->handshake_ns = (uint64_t)*config->handshakeMs * TROUPE_MS_NS;
	return me->certificate
		       ? troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL)
		       : 0;
}

static void fini(struct troupe_self *self, struct secure *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	free(me->ca_file);
	free(me->certificate);
	free(me->listen);
	free(me->key);
}

TROUPE_LIFE(life, struct secure, struct secure_config, .init = init, .fini = fini)
SECURE_HANDLERS(serving, struct secure, .status = on_status, .ask_task = on_ask,
		.pump_task = on_pump, .crowd_task = on_crowd)
TROUPE_ACTOR(secure) = {
	TROUPE_ABI(secure),
	.state_size = sizeof(struct secure),
	.life = &life,
	.config = &secure_config_type,
	.interfaces = {&serving},
};
