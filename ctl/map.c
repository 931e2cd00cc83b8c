/* map.c - one call for each line of input, many under way, one line of output for each. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "ctl/explain.h"
#include "ctl/lines.h"
#include "ctl/progress.h"
#include "ctl/target.h"
#include "ctl/verbs.h"
#include "ctl/writer.h"
#include "proto/json.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECTIONS_MAX 64
/* Jobs for each place in the windows: with replies in order of input, one that is late holds
 * others back. */
#define JOBS_A_PLACE 4
#define HELD_HIGH    (64u << 20) /* bytes of jobs; no more lines are taken then */
#define OUTPUT_HIGH  (1u << 20)  /* bytes unwritten; no more calls are made then */
#define TICK_NS      (20 * CLOCK_MS_NS)
#define BACKOFF_NS   (50 * CLOCK_MS_NS)
#define BACKOFF_MAX  6
#define RECONNECT_NS (100 * CLOCK_MS_NS)
#define LOST_NS      (10 * CLOCK_SECOND_NS) /* without any connection: give up */
#define TIMEOUT_NS   (45 * CLOCK_SECOND_NS)
#define GRACE_NS     (5 * CLOCK_SECOND_NS)

/* One connection and the calls on it. */
struct slot {
	struct client *client; /* NULL: lost */
	uint64_t in_flight;
	uint64_t reconnect_ns; /* not before */
	bool touched;          /* has something to flush */
};

enum job_state { JOB_READY, JOB_IN_FLIGHT, JOB_DELAYED, JOB_DONE };

/* One line. */
struct job {
	struct client_call call;
	struct map *map;
	struct list order; /* all jobs, in the order of the input */
	struct list queue; /* ready or delayed */
	enum job_state state;
	struct slot *slot;
	uint64_t number; /* of the line */
	uint64_t due_ns; /* delayed until */
	unsigned tries;
	char *text; /* parameters for the daemon; then the line of output */
	size_t size;
};

struct map {
	struct ctl *ctl;
	struct target target;
	char *head;
	const char *tail;
	const char *method;
	uint64_t timeout_ns;
	struct slot slots[CONNECTIONS_MAX];
	uint64_t n_slots, window;
	struct lines lines;
	struct writer writer;
	struct progress progress;
	struct random random;
	struct list order, ready, delayed;
	uint64_t n_jobs, held;
	uint64_t connected_ns; /* when a connection was last there */
	struct loop_timer tick;
	struct loop_signal interrupt, terminate;
	bool stopping; /* by a signal: what is under way is finished */
	int broken;    /* the reason why nothing more can be done, negative */
};

/* ---- jobs */

static void free_job(struct job *job)
{
	struct map *map = job->map;

	list_remove(&job->order);
	list_remove(&job->queue);
	map->n_jobs--;
	map->held -= job->size;
	free(job->text);
	free(job);
}

/* The line of output takes the place of the text of the call. */
static void set_text(struct job *job, char *text, size_t size)
{
	struct map *map = job->map;

	free(job->text);
	map->held += size - job->size;
	job->text = text;
	job->size = size;
}

static void put_output(struct map *map, const char *text, size_t size)
{
	if (writer_put(&map->writer, text, size) < 0)
		map->broken = -ENOMEM;
}

/* Print what can be printed: all that is done, or what is done at the front. */
static void print_done(struct map *map)
{
	while (!list_is_empty(&map->order)) {
		struct job *job = list_first(&map->order, struct job, order);

		if (job->state != JOB_DONE)
			return;
		put_output(map, job->text, job->size);
		free_job(job);
	}
}

static void finish(struct job *job, char *text, size_t size, bool failed)
{
	struct map *map = job->map;

	job->state = JOB_DONE;
	map->progress.done++;
	map->progress.failed += failed;
	if (!text) {
		map->broken = -ENOMEM;
		return;
	}
	set_text(job, text, size);
	if (option_is_given(&map->ctl->options, OPTION_UNORDERED)) {
		put_output(map, job->text, job->size);
		free_job(job);
	}
}

/* A piece of JSON becomes part of one line: the ends of lines between its values become
 * blanks. */
static void join_lines(char *text, size_t size)
{
	for (size_t i = 0; i < 2; i++)
		for (char *at = text; (at = memchr(at, "\n\r"[i], (size_t)(text + size - at)));)
			*at = ' ';
}

static void finish_failed(struct job *job, const char *error, const char *parameters,
			  size_t size)
{
	char *text = NULL;
	int n = asprintf(&text, "{\"error\":\"%s\",\"parameters\":%.*s,\"line\":%llu}\n", error,
			 (int)size, parameters, (unsigned long long)job->number);

	if (n < 0) {
		finish(job, NULL, 0, true);
		return;
	}
	join_lines(text, (size_t)n - 1);
	finish(job, text, (size_t)n, true);
}

/* Failures that another try may mend. */
static bool is_passing(const char *error, struct json_span parameters)
{
	static const char *const keys[] = {"state"};
	static const char *const names[] = {
		"io.troupe.Control.ActorDied", "io.troupe.Control.Timeout",
		"io.troupe.Control.Overloaded", "io.troupe.Control.PeerDown"};
	struct json_span state;
	char text[32];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(error, names[i]) == 0)
			return true;
	/* A unit that is about to run again. */
	if (strcmp(error, "io.troupe.Control.WrongState") != 0 ||
	    json_pick(parameters.at, parameters.size, keys, 1, &state, NULL) < 0 || !state.at ||
	    json_unquote(state, text, sizeof(text)) < 0)
		return false;
	return strcmp(text, "backoff") == 0 || strcmp(text, "starting") == 0;
}

static bool delay(struct job *job)
{
	struct map *map = job->map;
	uint64_t wait = BACKOFF_NS << (job->tries < BACKOFF_MAX ? job->tries : BACKOFF_MAX);

	if (job->tries >= map->ctl->options.retry || map->stopping)
		return false;
	job->tries++;
	job->state = JOB_DELAYED;
	/* Between half and the whole of it, so that those that failed together do not come back
	 * together. */
	job->due_ns = loop_clock_ns(map->ctl->loop) + wait / 2 +
		      random_below(&map->random, wait / 2 + 1);
	list_append(&map->delayed, &job->queue);
	return true;
}

static char *make_line(struct json_span span, size_t *ret_size)
{
	char *line = malloc(span.size + 1);

	if (!line)
		return NULL;
	memcpy(line, span.at, span.size);
	join_lines(line, span.size);
	line[span.size] = '\n';
	*ret_size = span.size + 1;
	return line;
}

static void on_reply(struct client_call *call, const struct client_reply *reply)
{
	static const char *const keys[] = {"parameters"};
	struct job *job = container_of(call, struct job, call);
	struct json_span span = reply->parameters;
	const char *error = reply->error;
	size_t size = 0;
	char *line;

	if (reply->continues)
		return; /* nobody asked for more; the last one counts */
	job->slot->in_flight--;
	/* A connection that is lost is a link that is down. */
	if (reply->failure < 0) {
		error = reply->failure == -ETIMEDOUT ? "io.troupe.Control.Timeout"
						     : "io.troupe.Control.PeerDown";
		span = (struct json_span){"{}", 2};
	}
	if (error) {
		if (!is_passing(error, span) || !delay(job))
			finish_failed(job, error, span.at, span.size);
		return;
	}
	if (job->map->target.name && (json_pick(reply->parameters.at, reply->parameters.size,
						keys, 1, &span, NULL) < 0 ||
				      !span.at))
		span = (struct json_span){"{}", 2};
	line = make_line(span, &size);
	finish(job, line, size, false);
}

/* ---- input */

static bool is_blank(const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static void fail_line(struct job *job, const char *what)
{
	char parameters[256];
	int n = snprintf(parameters, sizeof(parameters), "{\"parameter\":\"line: %s\"}", what);

	finish_failed(job, "org.varlink.service.InvalidParameter", parameters,
		      (size_t)n < sizeof(parameters) ? (size_t)n : sizeof(parameters) - 1);
}

/* One line becomes one job, wrong or not. `size` is negative: the line was too long. */
static int take_line(struct map *map, const char *line, size_t size, bool too_long)
{
	size_t head = strlen(map->head), tail = strlen(map->tail);
	struct job *job = calloc(1, sizeof(*job));
	struct codec_error error = {0};

	if (!job)
		return -ENOMEM;
	job->map = map;
	job->call.on_reply = on_reply;
	job->number = map->lines.number;
	list_init(&job->queue);
	list_append(&map->order, &job->order);
	map->n_jobs++;
	if (too_long) {
		fail_line(job, "longer than 16 MiB");
		return 0;
	}
	if (json_pick(line, size, NULL, 0, NULL, &error) < 0) {
		/* The message holds no quotes but the scanner's own, which are single. */
		fail_line(job, error.message[0] ? error.message : "not a JSON object");
		return 0;
	}
	/* The text goes as it is: nothing of it is encoded anew. */
	job->text = malloc(head + size + tail);
	if (!job->text) {
		free_job(job);
		return -ENOMEM;
	}
	memcpy(job->text, map->head, head);
	memcpy(job->text + head, line, size);
	memcpy(job->text + head + size, map->tail, tail);
	job->size = head + size + tail;
	map->held += job->size;
	job->state = JOB_READY;
	list_append(&map->ready, &job->queue);
	return 0;
}

/* As many as there is room for; whether there were any. */
static bool take_lines(struct map *map)
{
	uint64_t most = map->n_slots * map->window * JOBS_A_PLACE;
	bool taken = false;

	while (map->n_jobs < most && map->held < HELD_HIGH && !map->broken &&
	       writer_unwritten(&map->writer) < OUTPUT_HIGH) {
		const char *line;
		size_t size;
		int r = lines_next(&map->lines, &line, &size);

		map->progress.bytes = map->lines.bytes;
		if (r == 0)
			return taken;
		if (r > 0 && is_blank(line, size))
			continue;
		taken = true;
		if (take_line(map, line, size, r < 0) < 0)
			map->broken = -ENOMEM;
	}
	lines_pause(&map->lines);
	return taken;
}

/* ---- connections */

static void reconnect(struct map *map)
{
	uint64_t now = loop_clock_ns(map->ctl->loop);

	for (uint64_t i = 0; i < map->n_slots; i++) {
		struct slot *slot = &map->slots[i];

		if (slot->client && client_is_broken(slot->client)) {
			client_free(slot->client);
			slot->client = NULL;
			slot->reconnect_ns = now + RECONNECT_NS;
		}
		if (!slot->client && now >= slot->reconnect_ns &&
		    client_connect(map->ctl->loop, map->ctl->socket, 0, &slot->client) < 0)
			slot->reconnect_ns = now + RECONNECT_NS;
		if (slot->client)
			map->connected_ns = now;
	}
	if (now - map->connected_ns > LOST_NS)
		map->broken = -ENOTCONN;
}

/* The connection with the fewest calls, if it has room. */
static struct slot *find_slot(struct map *map)
{
	struct slot *best = NULL;

	for (uint64_t i = 0; i < map->n_slots; i++) {
		struct slot *slot = &map->slots[i];

		if (slot->client && !client_is_broken(slot->client) &&
		    slot->in_flight < map->window &&
		    (!best || slot->in_flight < best->in_flight))
			best = slot;
	}
	return best;
}

static void send_ready(struct map *map)
{
	while (!list_is_empty(&map->ready) && writer_unwritten(&map->writer) < OUTPUT_HIGH) {
		struct job *job = list_first(&map->ready, struct job, queue);
		struct slot *slot = find_slot(map);

		if (!slot)
			break;
		if (client_call(slot->client, &job->call, map->method, job->text, job->size, 0,
				map->timeout_ns) < 0) {
			map->broken = -ENOMEM;
			break;
		}
		list_remove(&job->queue);
		job->state = JOB_IN_FLIGHT;
		job->slot = slot;
		slot->in_flight++;
		slot->touched = true;
	}
	for (uint64_t i = 0; i < map->n_slots; i++) {
		struct slot *slot = &map->slots[i];

		if (slot->touched && slot->client)
			client_flush(slot->client);
		slot->touched = false;
	}
}

static void wake_delayed(struct map *map)
{
	uint64_t now = loop_clock_ns(map->ctl->loop);

	list_foreach_safe (at, &map->delayed) {
		struct job *job = container_of(at, struct job, queue);

		if (job->due_ns > now)
			continue;
		list_remove(&job->queue);
		job->state = JOB_READY;
		list_append(&map->ready, &job->queue);
	}
}

/* ---- all together */

/* After a signal: what was not sent is not sent any more. */
static void drop_unsent(struct map *map)
{
	lines_pause(&map->lines);
	while (!list_is_empty(&map->ready))
		free_job(list_first(&map->ready, struct job, queue));
	while (!list_is_empty(&map->delayed))
		free_job(list_first(&map->delayed, struct job, queue));
}

static bool is_finished(const struct map *map)
{
	if (map->broken || map->writer.error)
		return true;
	return (map->stopping ||
		(map->lines.end_of_input && buffer_size(&map->lines.buffer) == 0)) &&
	       map->n_jobs == 0 && writer_unwritten(&map->writer) == 0;
}

static bool has_lost_slot(const struct map *map)
{
	for (uint64_t i = 0; i < map->n_slots; i++)
		if (!map->slots[i].client || client_is_broken(map->slots[i].client))
			return true;
	return false;
}

static void pump(struct map *map)
{
	if (has_lost_slot(map))
		reconnect(map);
	if (map->stopping) {
		drop_unsent(map);
	} else {
		wake_delayed(map);
		/* What is printed makes room for more lines, and lines that are wrong are done
		 * at once: go on until nothing moves, since nobody would wake us for it. */
		do {
			print_done(map);
			writer_flush(&map->writer);
		} while (take_lines(map));
		send_ready(map);
	}
	print_done(map);
	writer_flush(&map->writer);
	if ((!list_is_empty(&map->delayed) || has_lost_slot(map)) && !map->tick.started)
		loop_timer_start(&map->tick, TICK_NS);
}

static void on_tick(struct loop_timer *timer)
{
	(void)timer; /* to have pump() look */
}

/* The first one stops in order, the second at once. */
static void on_signal(struct loop_signal *watcher)
{
	struct map *map = watcher->number == SIGINT
				  ? container_of(watcher, struct map, interrupt)
				  : container_of(watcher, struct map, terminate);

	if (map->stopping)
		map->broken = -EINTR;
	map->stopping = true;
}

static int open_input(struct map *map)
{
	struct ctl *ctl = map->ctl;
	const char *path = ctl->options.input;
	struct stat status;
	int fd = STDIN_FILENO;

	if (path && strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ctl_fail(ctl, STATUS_USAGE, "cannot open %s: %s", path, strerror(errno));
	lines_init(&map->lines, ctl->loop, fd);
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		map->progress.total = (uint64_t)status.st_size;
	return STATUS_OK;
}

static int report(struct map *map)
{
	struct ctl *ctl = map->ctl;
	unsigned long long done = map->progress.done, failed = map->progress.failed;

	if (map->broken == -ENOTCONN)
		return ctl_fail(ctl, STATUS_UNREACHABLE,
				"the daemon at %s is gone; %llu lines were done", ctl->socket,
				done);
	if (map->broken == -EINTR || map->stopping)
		return ctl_fail(ctl, STATUS_FAILED, "interrupted; %llu lines were done", done);
	if (map->broken)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory; %llu lines were done",
				done);
	if (map->writer.error == -EPIPE)
		return STATUS_FAILED; /* whoever reads has had enough */
	if (map->writer.error)
		return ctl_fail(ctl, STATUS_FAILED, "cannot write the output: %s",
				strerror(-map->writer.error));
	if (map->lines.error)
		return ctl_fail(ctl, STATUS_FAILED, "cannot read the input: %s",
				strerror(-map->lines.error));
	if (failed > 0)
		return ctl_fail(ctl, STATUS_FAILED,
				"%llu of %llu lines failed; each says why in "
				"its \"error\"",
				failed, done);
	return STATUS_OK;
}

static void map_fini(struct map *map)
{
	progress_fini(&map->progress);
	loop_timer_stop(&map->tick);
	loop_signal_stop(&map->interrupt);
	loop_signal_stop(&map->terminate);
	for (uint64_t i = 0; i < map->n_slots; i++)
		client_free(map->slots[i].client);
	while (!list_is_empty(&map->order))
		free_job(list_first(&map->order, struct job, order));
	if (map->lines.io.fd > STDIN_FILENO)
		close(map->lines.io.fd);
	lines_fini(&map->lines);
	writer_fini(&map->writer);
	target_fini(&map->target);
	free(map->head);
	free(map);
}

static struct map *map_new(struct ctl *ctl)
{
	struct map *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->ctl = ctl;
	map->n_slots = ctl->options.connections;
	map->window = ctl->options.window;
	map->timeout_ns = (ctl->options.timeout_ns ? ctl->options.timeout_ns : TIMEOUT_NS);
	map->timeout_ns =
		map->timeout_ns > UINT64_MAX - GRACE_NS ? 0 : map->timeout_ns + GRACE_NS;
	map->connected_ns = loop_clock_ns(ctl->loop);
	list_init(&map->order);
	list_init(&map->ready);
	list_init(&map->delayed);
	random_init(&map->random, random_seed_from_kernel());
	loop_timer_init(&map->tick, ctl->loop, on_tick);
	loop_signal_init(&map->interrupt, ctl->loop, SIGINT, on_signal);
	loop_signal_init(&map->terminate, ctl->loop, SIGTERM, on_signal);
	progress_init(&map->progress, ctl->loop, ctl->err,
		      option_is_given(&ctl->options, OPTION_NO_PROGRESS));
	lines_init(&map->lines, ctl->loop, STDIN_FILENO);
	writer_init(&map->writer, ctl->loop, fileno(ctl->out));
	return map;
}

int verb_map(struct ctl *ctl, char **arguments, int n)
{
	struct map *map = map_new(ctl);
	int r;

	if (!map)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	r = target_find(ctl, arguments, n, &map->target);
	if (r == STATUS_OK && map->target.used < n)
		r = ctl_fail(ctl, STATUS_USAGE,
			     "map takes its parameters from lines, not from %s",
			     arguments[map->target.used]);
	if (r == STATUS_OK)
		r = target_head(ctl, &map->target, false, &map->head, &map->tail);
	if (r == STATUS_OK)
		r = ctl_connect(ctl); /* says what is wrong if that cannot be done at all */
	if (r == STATUS_OK)
		r = open_input(map);
	if (r == STATUS_OK) {
		map->method = target_method(&map->target, false);
		map->slots[0].client = ctl->client;
		ctl->client = NULL;
		loop_signal_start(&map->interrupt);
		loop_signal_start(&map->terminate);
		for (pump(map); !is_finished(map); pump(map))
			loop_step(ctl->loop, true);
		progress_fini(&map->progress);
		r = report(map);
	}
	map_fini(map);
	return r;
}
