/* serve.c - a task for each connection that a listener gets.
 *
 * Its arg is a handle on its own stack, so that a connection needs no record but its stream.
 * Who is cancelled before it has begun never comes to close that: so a stream knows whose it is
 * until its task begins (`host`). All on the stack of the task that serves, which ends after
 * them all.
 */
#include "io/handshake.h"
#include "io/listener.h"

#include "core/await.h"
#include "core/chain.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_NOTICE_LEVEL  5
#define LOG_WARNING_LEVEL 4

struct serve {
	const struct troupe_task_entry *entry; /* the plug-in's */
	struct troupe_task_entry own;          /* with its name */
	void *shared;
	uint64_t listener;
	size_t live; /* connections */
	bool said_tasks;
};

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a number fits in a task's arg");

/* ------------------------------------------------------------------ one connection */

/* It says only that the connection is over. */
static bool is_usual(int result)
{
	static const int usual[] = {-ECANCELED, -ETIMEDOUT, -ETIME,       -ECONNRESET,
				    -EPIPE,     -ENODATA,   -ECONNABORTED};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (result == usual[i])
			return true;
	return result >= 0;
}

static void log_failure(const struct troupe_self *self, const char *name, int result)
{
	char text[192];

	snprintf(text, sizeof(text), "task %.100s of a connection failed: %s", name,
		 strerrordesc_np(-result));
	unit_log(self->runtime, self->actor->unit, LOG_NOTICE_LEVEL, text);
}

/* There is room for another one. */
static void leave(struct troupe_self *self, struct serve *serve)
{
	struct listener *listener =
		listener_find(self, (struct troupe_listener){serve->listener});

	serve->live--;
	if (listener)
		listener_rouse(self->runtime, listener, 0);
}

static int attend(struct troupe_self *self, void *state, void *arg, void *shared)
{
	struct troupe_stream handle = {(uint64_t)(uintptr_t)arg};
	struct stream *stream = stream_find(self, handle.id);
	const bool is_tls = stream && stream->tls;
	struct serve *serve = shared;
	struct listener *listener =
		listener_find(self, (struct troupe_listener){serve->listener});
	int result = 0;

	if (stream)
		stream->host = NULL;
	if (listener)
		listener_let_go(listener);
	/* that it failed is logged there */
	if (!is_tls || handshake_do(self, handle.id) == 0)
		result = serve->entry->run(self, state, &handle, serve->shared);
	/* by its number: the plug-in may have written to the handle */
	troupe_close(self, (struct troupe_stream){(uint64_t)(uintptr_t)arg});
	leave(self, serve);
	if (!is_usual(result))
		log_failure(self, serve->entry->name, result);
	return 0;
}

/* Those whose tasks never began. */
static void close_rest(struct troupe_self *self, const struct serve *serve)
{
	const struct actor_cold *cold = cold_find(self->runtime, self->actor);

	chain_foreach (at, cold->belongings) {
		struct belonging *belonging = container_of(at, struct belonging, of_actor);
		struct stream *stream = container_of(belonging, struct stream, port.belonging);

		if (belonging->kind == &stream_kind && stream->host == serve)
			stream_close(self->runtime, stream);
	}
}

/* ------------------------------------------------------------------ all of them */

static struct listener *listener_of(struct use *use)
{
	return container_of(use->port, struct listener, port);
}

static void warn_of_tasks(struct troupe_self *self, struct serve *serve, uint32_t each)
{
	const struct definition *unit = self->actor->unit;
	char text[128];

	if (serve->said_tasks)
		return;
	serve->said_tasks = true;
	if (each == 1)
		snprintf(text, sizeof(text),
			 "connections have to wait: the actor has %u tasks: Tasks=",
			 unit->tasks);
	else
		snprintf(text, sizeof(text),
			 "connections have to wait: each takes %u of the actor's %u tasks: "
			 "Tasks=",
			 each, unit->tasks);
	unit_log(self->runtime, unit, LOG_WARNING_LEVEL, text);
}

/* Its own limit, and the unit's: whether another one may be accepted, with all its tasks. */
static bool has_room(struct use *use, struct serve *serve, size_t limit)
{
	const struct actor *actor = use->self->actor;
	const struct tasked *tasked = tasked_find(use->self->runtime, actor);
	const uint32_t each = 1 + listener_of(use)->tasks;

	if (serve->live >= limit)
		return false;
	if ((uint64_t)tasked->count + tasked->places + each <= actor->unit->tasks)
		return true;
	warn_of_tasks(use->self, serve, each);
	return false;
}

static int wait_for_room(struct use *use, struct serve *serve, size_t limit)
{
	while (!has_room(use, serve, limit)) {
		/* tasks of others may end, too, of which nobody would say so */
		int rc = listener_rest(use, serve->live >= limit);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The task of a connection. While nobody came others of the actor's may have begun: then it
 * waits for room, too. */
static int start_one(struct use *use, struct serve *serve, struct troupe_scope scope,
		     size_t limit, uint64_t stream)
{
	for (;;) {
		struct task *task;
		int rc = await_start(use->self, scope, &serve->own, (void *)(uintptr_t)stream,
				     serve, listener_of(use)->tasks, &task);

		if (rc == 0)
			serve->live++;
		if (rc != -EAGAIN || has_room(use, serve, limit))
			return rc;
		rc = wait_for_room(use, serve, limit);
		if (rc < 0)
			return rc;
	}
}

static int serve_next(struct use *use, struct serve *serve, struct troupe_scope scope,
		      size_t limit)
{
	struct troupe_stream handle;
	struct stream *stream;
	int rc = wait_for_room(use, serve, limit);

	if (rc == 0)
		rc = listener_accept(use, &stream);
	if (rc < 0)
		return rc;
	stream->host = serve;
	handle.id = stream->port.belonging.id;
	rc = start_one(use, serve, scope, limit, handle.id);
	if (rc < 0)
		troupe_close(use->self, handle);
	return rc == -ENOMEM ? listener_recover(use, rc) : rc;
}

int troupe_serve(struct troupe_self *self, struct troupe_listener listener,
		 const struct troupe_task_entry *entry, void *shared, size_t limit)
{
	struct serve serve = {.entry = entry, .shared = shared, .listener = listener.id};
	struct troupe_scope scope;
	struct use use;
	int rc, ended;

	if (!await_is_sound(entry) || limit == 0)
		return -EINVAL;
	serve.own = (struct troupe_task_entry){.table_size = sizeof(serve.own),
					       .name = entry->name,
					       .run = attend,
					       .stack = entry->stack};
	rc = use_begin(self, listener.id, &listener_kind, LOOP_READ, &use);
	if (rc < 0)
		return rc;
	rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
	if (rc < 0)
		return use_end_ready(&use, rc);
	do {
		rc = serve_next(&use, &serve, scope, limit);
		if (rc == 0 && listener_of(&use)->n_held > 0)
			pause_rest(use.task); /* they are for this one, not for the next */
		else
			(void)pause_ready(use.task, 0);
		if (rc == 0)
			rc = use_look_again(&use);
	} while (rc == 0);
	if (use.port)
		listener_let_go(listener_of(&use));
	use_end(&use);
	if (rc != -ECONNABORTED)
		troupe_scope_cancel(self, scope);
	ended = troupe_scope_end(self, scope);
	close_rest(self, &serve);
	if (rc == -ECONNABORTED)
		rc = scope_is_word(ended) ? ended : 0;
	return rc;
}
