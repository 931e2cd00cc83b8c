/* verb_map.c - one call for each line of input, many under way, one line of output for each. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/connections.h"
#include "ctl/jobs.h"
#include "ctl/lines.h"
#include "ctl/progress.h"
#include "ctl/target.h"
#include "ctl/verbs.h"
#include "ctl/writer.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* Jobs for each place in the windows: with replies in order of input, one that is late holds
 * others back. */
#define JOBS_A_PLACE 4
#define HELD_HIGH    (64u << 20) /* bytes of jobs; no more lines are taken then */
#define OUTPUT_HIGH  (1u << 20)  /* bytes unwritten; no more calls are made then */
#define CRASHES_MAX  2 /* after so many a line is tried once more; the next is its end */
#define TICK_NS      (20 * CLOCK_MS_NS)

struct map {
	struct ctl *ctl;
	struct target target;
	char *head; /* what comes around a line in the parameters of `method` */
	const char *tail;
	const char *method;
	struct connections connections;
	struct lines lines;
	struct jobs jobs;
	struct writer writer;
	struct progress progress;
	struct loop_timer tick;
	struct loop_signal interrupt, terminate;
	int signal;    /* the one that came last; 0: none. What is under way is finished */
	bool at_once;  /* it was the second */
	bool deserted; /* the daemon is gone for good */
};

/* ---- replies */

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

/* Whether handling the call has crashed its worker. */
static bool has_crashed(const char *error, struct json_span parameters)
{
	static const char *const keys[] = {"crashed"};
	struct json_span crashed;

	return strcmp(error, "io.troupe.Control.ActorDied") == 0 &&
	       json_pick(parameters.at, parameters.size, keys, 1, &crashed, NULL) == 0 &&
	       crashed.at && crashed.size == 4 && memcmp(crashed.at, "true", 4) == 0;
}

/* Whether to try again what has failed: often when it may pass, but a line that crashes
 * whatever handles it would do so to one actor of a pool after the other. */
static bool is_worth_a_try(struct job *job, const char *error, struct json_span parameters)
{
	job->crashes += has_crashed(error, parameters);
	return is_passing(error, parameters) && job->crashes <= CRASHES_MAX;
}

static void on_reply(struct varlink_call *call, const struct varlink_reply *reply)
{
	struct job *job = container_of(call, struct job, call);
	const struct map *map = container_of(job->jobs, struct map, jobs);
	struct json_span span = reply->parameters;
	const char *error = reply->error;

	if (reply->continues)
		return; /* nobody asked for more; the last one counts */
	job->connection->in_flight--;
	/* A connection that is lost is a link that is down. */
	if (reply->failure < 0) {
		error = reply->failure == -ETIMEDOUT ? "io.troupe.Control.Timeout"
						     : "io.troupe.Control.PeerDown";
		span = (struct json_span){"{}", 2};
	}
	if (!error)
		job_finish(job, target_reply(&map->target, span));
	else if (!is_worth_a_try(job, error, span) || !job_delay(job))
		job_fail(job, error, span);
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
	int n = snprintf(parameters, sizeof(parameters),
			 "{\"parameter\":\"line\",\"reason\":\"%s\"}", what);

	job_fail(job, "org.varlink.service.InvalidParameter",
		 (struct json_span){parameters, (size_t)n});
}

/* One line becomes one job, wrong or not. */
static void take_line(struct map *map, const char *line, size_t size, bool too_long)
{
	size_t head = strlen(map->head), tail = strlen(map->tail);
	struct job *job = jobs_add(&map->jobs, map->lines.number);
	struct codec_error error = {0};
	char *text;

	if (!job)
		return;
	if (too_long) {
		fail_line(job, "longer than 16 MiB");
		return;
	}
	if (json_pick(line, size, NULL, 0, NULL, &error) < 0) {
		/* The message holds no quotes but the scanner's own, which are single. */
		fail_line(job, error.message[0] ? error.message : "not a JSON object");
		return;
	}
	/* The text goes as it is: nothing of it is encoded anew. */
	text = malloc(head + size + tail);
	if (!text) {
		map->jobs.error = -ENOMEM;
		return;
	}
	memcpy(text, map->head, head);
	memcpy(text + head, line, size);
	memcpy(text + head + size, map->tail, tail);
	job_make_ready(job, text, head + size + tail);
}

/* As many as there is room for; whether there were any. */
static bool take_lines(struct map *map)
{
	uint64_t most = map->connections.count * map->connections.window * JOBS_A_PLACE;
	bool taken = false;

	while (map->jobs.count < most && map->jobs.held < HELD_HIGH && !map->jobs.error &&
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
		take_line(map, line, size, r < 0);
	}
	lines_pause(&map->lines);
	return taken;
}

/* ---- all together */

static void send_ready(struct map *map)
{
	uint64_t timeout_ns = ctl_timeout_ns(map->ctl, map->method);

	while (!list_is_empty(&map->jobs.ready) &&
	       writer_unwritten(&map->writer) < OUTPUT_HIGH) {
		struct job *job = list_first(&map->jobs.ready, struct job, queue);
		struct map_connection *connection = connections_find(&map->connections);

		if (!connection)
			break;
		job->call.on_reply = on_reply;
		if (varlink_call(connection->client, &job->call, map->method, job->text,
				 job->size, 0, timeout_ns) < 0) {
			map->jobs.error = -ENOMEM;
			break;
		}
		job_sent(job, connection);
		connection->in_flight++;
		connection->unflushed = true;
	}
	connections_flush(&map->connections);
}

static bool is_finished(const struct map *map)
{
	if (map->jobs.error || map->writer.error || map->at_once || map->deserted)
		return true;
	return (map->signal ||
		(map->lines.end_of_input && buffer_size(&map->lines.buffer) == 0)) &&
	       map->jobs.count == 0 && writer_unwritten(&map->writer) == 0;
}

static void pump(struct map *map)
{
	/* After a signal nothing is sent any more. */
	if (!map->signal && connections_need_repair(&map->connections) &&
	    connections_repair(&map->connections) < 0)
		map->deserted = true;
	jobs_wake(&map->jobs);
	/* What is printed makes room for more lines, and lines that are wrong are done at once:
	 * go on until nothing moves, since nobody would wake us for it. */
	do {
		jobs_print(&map->jobs);
		writer_flush(&map->writer);
	} while (!map->signal && take_lines(map));
	send_ready(map);
	jobs_print(&map->jobs);
	writer_flush(&map->writer);
	map->progress.done = map->jobs.done;
	map->progress.failed = map->jobs.failed;
	if ((!list_is_empty(&map->jobs.delayed) ||
	     connections_need_repair(&map->connections)) &&
	    !map->tick.started)
		loop_timer_start(&map->tick, TICK_NS);
}

static void on_tick(struct loop_timer *timer)
{
	(void)timer; /* to have pump() look */
}

/* The first one ends it in order, the second at once. */
static void on_signal(struct loop_signal *watcher)
{
	struct map *map = watcher->number == SIGINT
				  ? container_of(watcher, struct map, interrupt)
				  : container_of(watcher, struct map, terminate);

	map->at_once = map->signal;
	map->signal = watcher->number;
	if (map->at_once)
		return;
	lines_pause(&map->lines);
	jobs_end(&map->jobs, "io.troupe.Control.Cancelled", false);
	jobs_print(&map->jobs);
	if (map->jobs.count == 0)
		return;
	progress_hide(&map->progress);
	ctl_fail(map->ctl, 0,
		 "waiting for the calls under way; interrupt again to end without them");
}

/* Ended before its time: what was asked and has no answer gets none any more. */
static void cut_off(struct map *map)
{
	connections_fini(&map->connections);
	jobs_end(&map->jobs,
		 map->deserted ? "io.troupe.Control.PeerDown" : "io.troupe.Control.Cancelled",
		 true);
	jobs_print(&map->jobs);
	writer_flush(&map->writer);
}

static int report(struct map *map)
{
	struct ctl *ctl = map->ctl;
	unsigned long long done = map->jobs.done, failed = map->jobs.failed;

	if (map->writer.error == -EPIPE)
		return STATUS_FAILED; /* whoever reads has had enough */
	if (map->writer.error)
		return ctl_fail(ctl, STATUS_FAILED, "cannot write the output: %s",
				strerror(-map->writer.error));
	if (map->jobs.error)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory; %llu lines were done",
				done);
	if (map->signal)
		return ctl_fail(ctl, STATUS_SIGNAL + map->signal,
				"interrupted; %llu lines were done, %llu of them failed", done,
				failed);
	if (map->deserted)
		return ctl_fail(ctl, STATUS_UNREACHABLE,
				"the daemon at %s is gone and did not come back; %llu lines "
				"were done, %llu of them failed",
				ctl->socket, done, failed);
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

static void map_free(struct map *map)
{
	progress_fini(&map->progress);
	loop_timer_stop(&map->tick);
	loop_signal_stop(&map->interrupt);
	loop_signal_stop(&map->terminate);
	connections_fini(&map->connections);
	jobs_fini(&map->jobs);
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
	jobs_init(&map->jobs, ctl->loop, &map->writer,
		  option_is_given(&ctl->options, OPTION_UNORDERED), ctl->options.retry);
	loop_timer_init(&map->tick, ctl->loop, on_tick);
	loop_signal_init(&map->interrupt, ctl->loop, SIGINT, on_signal);
	loop_signal_init(&map->terminate, ctl->loop, SIGTERM, on_signal);
	progress_init(&map->progress, ctl->loop, ctl->err,
		      option_is_given(&ctl->options, OPTION_NO_PROGRESS));
	lines_init(&map->lines, ctl->loop, STDIN_FILENO);
	writer_init(&map->writer, ctl->loop, fileno(ctl->out));
	return map;
}

/* Understand the command line, reach the daemon, open the input. An exit status, explained. */
static int prepare(struct map *map, char **arguments, int n)
{
	struct ctl *ctl = map->ctl;
	int r = target_find(ctl, arguments, n, &map->target);

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
	if (r != STATUS_OK)
		return r;
	map->method = target_method(&map->target, false);
	connections_init(&map->connections, ctl->loop, ctl->socket, ctl->options.connections,
			 ctl->options.window, take_pointer(&ctl->client));
	return STATUS_OK;
}

int verb_map(struct ctl *ctl, char **arguments, int n)
{
	struct map *map = map_new(ctl);
	int r;

	if (!map)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	r = prepare(map, arguments, n);
	if (r == STATUS_OK) {
		/* Where that fails they end it without a report. */
		(void)loop_signal_start(&map->interrupt);
		(void)loop_signal_start(&map->terminate);
		for (pump(map); !is_finished(map); pump(map))
			loop_step(ctl->loop, true);
		if (map->at_once || map->deserted)
			cut_off(map);
		progress_fini(&map->progress);
		r = report(map);
	}
	map_free(map);
	return r;
}
