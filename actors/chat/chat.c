/* chat.c - what one says by a line of text, all others get.
 *
 * Each person has two tasks: one reads lines, and puts each into the channels of all others;
 * the other one writes what is in the person's own. So nobody waits for somebody who reads
 * slowly: whose channel is full is shown the door. A line is there once, however many it waits
 * for. */
#include "chat.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/stream.h>
#include <troupe/sync.h>

#define PEOPLE_MAX 50000
#define BEHIND_MAX 65536
#define LINE_MAX   (1 << 20)
#define MS_MAX     (24 * 3600 * 1000ll)

struct line {
	size_t references;
	size_t size;
	char text[];
};

struct person { /* on the stack of the task that attends to it */
	struct troupe_stream stream;
	struct troupe_channel outbox; /* of struct line *, a reference each */
	struct person *next;
	bool is_slow; /* and on the way out */
};

struct chat {
	struct troupe_listener listener;
	struct person *people;
	size_t behind, line, most;
	uint64_t idle_ns;
	struct chat_status_out status;
	char place[TROUPE_PLACE_MAX];
};

/* ------------------------------------------------------------------ lines */

static struct line *line_new(const char *text, size_t size)
{
	struct line *line = malloc(sizeof(*line) + size);

	if (!line)
		return NULL;
	line->references = 1;
	line->size = size;
	memcpy(line->text, text, size);
	return line;
}

static void line_unref(struct line *line)
{
	if (--line->references == 0)
		free(line);
}

/* Have all hear it but one: how many. */
static int64_t tell(struct troupe_self *self, struct chat *me, const struct person *but,
		    struct line *line)
{
	int64_t heard = 0;

	for (struct person *person = me->people; person; person = person->next) {
		if (person == but || person->is_slow)
			continue;
		line->references++;
		if (troupe_try_put(self, person->outbox, &line) == 0) {
			heard++;
			continue;
		}
		line_unref(line);
		/* so far behind: who reads from it finds it closed, and leaves */
		person->is_slow = true;
		troupe_close(self, person->stream);
		me->status.slow++;
	}
	return heard;
}

/* ------------------------------------------------------------------ people */

static int speak(struct troupe_self *self, struct chat *me, struct person *person, void *unused)
{
	struct line *line;
	int rc;

	(void)me;
	(void)unused;
	while ((rc = troupe_get(self, person->outbox, &line)) > 0) {
		rc = troupe_write(self, person->stream, line->text, line->size);
		line_unref(line);
		if (rc < 0)
			break;
	}
	return rc;
}
TROUPE_TASK(speak, struct chat, struct person, void)

/* What somebody says, until he leaves. */
static int listen_to(struct troupe_self *self, struct chat *me, struct person *person)
{
	static const char too_long[] = "* that line is too long\n";
	struct line *line;
	const char *text;
	ssize_t n;

	while ((n = troupe_read_until(self, person->stream, "\n", me->line, &text)) > 0) {
		line = line_new(text, (size_t)n);
		if (!line)
			return -ENOMEM;
		me->status.lines++;
		(void)tell(self, me, person, line);
		line_unref(line);
	}
	if (n == -EMSGSIZE)
		(void)troupe_write(self, person->stream, too_long, sizeof(too_long) - 1);
	return (int)n;
}

static void leave(struct chat *me, struct person *person)
{
	struct person **place = &me->people;

	while (*place != person)
		place = &(*place)->next;
	*place = person->next;
	me->status.people--;
}

/* With somebody among the people, who is one no more when this returns. */
static int take_part(struct troupe_self *self, struct chat *me, struct person *person)
{
	int rc, ended;

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	rc = troupe_start(self, scope, &speak_task, person, NULL, NULL);
	if (rc < 0)
		return rc;
	person->next = me->people;
	me->people = person;
	me->status.people++;
	me->status.came++;
	rc = listen_to(self, me, person);
	leave(me, person);
	if (rc < 0)
		troupe_scope_cancel(self, scope); /* nobody is there to hear the rest */
	troupe_channel_close(self, person->outbox);
	ended = troupe_scope_end(self, scope);
	return rc < 0 && rc != -ECANCELED ? rc : ended;
}

static int attend(struct troupe_self *self, struct chat *me, struct troupe_stream *stream,
		  void *unused)
{
	struct person person = {.stream = *stream};
	struct line *line;
	int rc = troupe_limit(self, *stream, me->idle_ns, me->line);

	(void)unused;
	if (rc == 0)
		rc = troupe_channel_open(self, sizeof(line), me->behind, &person.outbox);
	if (rc < 0)
		return rc;
	rc = take_part(self, me, &person);
	troupe_channel_close(self, person.outbox);
	while (troupe_try_get(self, person.outbox, &line) > 0)
		line_unref(line);
	return rc;
}
TROUPE_TASK(attend, struct chat, struct troupe_stream, void)

static int serve(struct troupe_self *self, struct chat *me, void *unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	return troupe_serve(self, me->listener, &attend_task, NULL, me->most);
}
TROUPE_TASK(serve, struct chat, void, void)

/* ------------------------------------------------------------------ calls */

static int on_status(struct troupe_self *self, struct chat *me, struct chat_status_call call,
		     const struct chat_status *in)
{
	(void)in;
	return chat_status_return(self, call, &me->status);
}

static int on_say(struct troupe_self *self, struct chat *me, struct chat_say_call call,
		  const struct chat_say *in)
{
	const size_t size = strlen(in->text);
	struct chat_say_out out;
	struct line *line;

	if (size >= me->line || strchr(in->text, '\n'))
		return chat_say_fail_bad_line(
			self, call, &(struct chat_bad_line){.most = (int64_t)me->line - 1});
	line = line_new(in->text, size + 1);
	if (!line)
		return -ENOMEM;
	line->text[size] = '\n';
	me->status.lines++;
	out.heard = tell(self, me, NULL, line);
	line_unref(line);
	return chat_say_return(self, call, &out);
}

/* ------------------------------------------------------------------ life */

/* A number of the configuration, or its default. False: out of bounds, which is logged. */
static bool take(struct troupe_self *self, const char *name, const int64_t *value,
		 int64_t least, int64_t most, int64_t usual, int64_t *ret_value)
{
	*ret_value = value ? *value : usual;
	if (*ret_value >= least && *ret_value <= most)
		return true;
	troupe_log(self, 3, "%s must be %lld to %lld", name, (long long)least, (long long)most);
	return false;
}

static int init(struct troupe_self *self, struct chat *me, const struct chat_config *config)
{
	int64_t people, behind, line, idle_ms;
	int rc;

	if (!take(self, "people", config->people, 1, PEOPLE_MAX, 400, &people) ||
	    !take(self, "behind", config->behind, 1, BEHIND_MAX, 64, &behind) ||
	    !take(self, "line", config->line, 1, LINE_MAX, 4096, &line) ||
	    !take(self, "idleMs", config->idleMs, 0, MS_MAX, 0, &idle_ms))
		return -EINVAL;
	me->most = (size_t)people;
	me->behind = (size_t)behind;
	me->line = (size_t)line;
	me->idle_ns = (uint64_t)idle_ms * TROUPE_MS_NS;
	rc = troupe_listen(self, config->listen, &me->listener);
	if (rc < 0)
		troupe_log(self, 3, "cannot listen on %s: %s", config->listen, strerror(-rc));
	if (rc == 0)
		rc = troupe_listener_place(self, me->listener, me->place);
	if (rc == 0)
		rc = troupe_listener_reserve(self, me->listener, 1, 0); /* who speaks */
	me->status.listening = me->place;
	return rc < 0 ? rc : troupe_start(self, TROUPE_OF_ACTOR, &serve_task, NULL, NULL, NULL);
}

TROUPE_LIFE(life, struct chat, struct chat_config, .init = init)
CHAT_HANDLERS(chatting, struct chat, .status = on_status, .say = on_say)
TROUPE_ACTOR(chat) = {
	TROUPE_ABI(chat),
	.description = "A server of lines: what one says, all others hear.",
	.state_size = sizeof(struct chat),
	.config = &chat_config_type,
	.life = &life,
	.interfaces = {&chatting},
};
