#include "process/symbolizer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "process/child.h"
#include "process/deploy.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define RUN_NS       (2 * CLOCK_SECOND_NS)
#define OUTPUT_BYTES (64u << 10)
#define ARGUMENT     32 /* bytes of "FD:ADDRESS" */

/* ---- what it writes */

/* One line "INDEX FUNCTION FILE:LINE", without its end. */
static void read_line(struct crash *crash, const unsigned *frames, unsigned n_frames,
		      char *line)
{
	char *function = strchr(line, ' '), *file = function ? strchr(function + 1, ' ') : NULL,
	     *place;
	size_t used;
	uint64_t index;

	if (!file)
		return;
	*function++ = *file++ = '\0';
	if (text_parse_uint(line, 0, n_frames - 1, &index) < 0)
		return;
	text_make_utf8(function);
	text_make_utf8(file);
	place = crash->frames[frames[index]].place;
	used = strlen(place);
	(void)snprintf(place + used, CRASH_PLACE - used, "%s%s at %s",
		       used > 0 ? ", inlined into " : "", function, file);
	text_make_utf8(place); /* it may have been cut inside a character */
}

void symbolizer_read(struct crash *crash, const unsigned *frames, unsigned n_frames,
		     const char *text, size_t size)
{
	const char *end, *newline;
	char line[512];

	if (size == 0) /* text may be NULL */
		return;
	end = text + size;
	for (; (newline = memchr(text, '\n', (size_t)(end - text))); text = newline + 1) {
		size_t length = (size_t)(newline - text);

		if (length >= sizeof(line) || memchr(text, '\0', length))
			continue;
		memcpy(line, text, length);
		line[length] = '\0';
		read_line(crash, frames, n_frames, line);
	}
}

/* ---- its run */

static void stop_reading(struct symbolizer *symbolizer)
{
	if (symbolizer->output < 0)
		return;
	loop_io_stop(&symbolizer->output_io);
	close(take_fd(&symbolizer->output));
}

/* Whatever has been written is what there is. */
static void finish(struct symbolizer *symbolizer)
{
	struct crash *crash = take_pointer(&symbolizer->crash);

	loop_timer_stop(&symbolizer->timer);
	stop_reading(symbolizer);
	if (symbolizer->pid != 0)
		(void)pidfd_send_signal(symbolizer->pidfd, SIGKILL, NULL, 0);
	if (!crash)
		return;
	symbolizer_read(crash, symbolizer->frames, symbolizer->n_frames,
			(const char *)buffer_data(&symbolizer->text),
			buffer_size(&symbolizer->text));
	buffer_eat(&symbolizer->text, buffer_size(&symbolizer->text));
	symbolizer->on_done(symbolizer->context, crash);
	free(crash);
}

static void on_timer(struct loop_timer *timer)
{
	finish(container_of(timer, struct symbolizer, timer));
}

static void forget_process(struct symbolizer *symbolizer)
{
	siginfo_t end;

	loop_io_stop(&symbolizer->pidfd_io);
	if (reaper_collect(symbolizer->pidfd, &end))
		close(take_fd(&symbolizer->pidfd));
	else
		reaper_add(&symbolizer->reaper, take_fd(&symbolizer->pidfd));
	symbolizer->pid = 0;
}

static void on_pidfd(struct loop_io *io, unsigned events)
{
	(void)events;
	forget_process(container_of(io, struct symbolizer, pidfd_io));
}

static void on_output(struct loop_io *io, unsigned events)
{
	struct symbolizer *symbolizer = container_of(io, struct symbolizer, output_io);
	void *place = buffer_reserve(&symbolizer->text, 4096);
	ssize_t n;

	(void)events;
	if (!place) { /* more than a well-behaved one writes */
		finish(symbolizer);
		return;
	}
	n = read(symbolizer->output, place, 4096);
	if (n > 0)
		buffer_added(&symbolizer->text, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		finish(symbolizer);
}

/* ---- its beginning */

struct helper_arguments {
	struct child_plan plan;
	char name[ARGUMENT];
	char texts[PAGE_FRAMES][ARGUMENT];
	char *pointers[PAGE_FRAMES + 2];
};

/* The place of a deployment's file among the descriptors; -1: one too many. */
static int find_descriptor(struct helper_arguments *arguments,
			   const struct deployment *deployment)
{
	unsigned i = 0;

	while (i < arguments->plan.n_fds && arguments->plan.fds[i] != deployment->fd)
		i++;
	if (i == CHILD_FDS_MAX)
		return -1;
	if (i == arguments->plan.n_fds)
		arguments->plan.fds[arguments->plan.n_fds++] = deployment->fd;
	return (int)i;
}

/* Ask for each frame in a plug-in that is known. */
static void make_arguments(struct symbolizer *symbolizer, const struct list *deployments,
			   const struct crash *crash, struct helper_arguments *arguments)
{
	symbolizer->n_frames = 0;
	(void)snprintf(arguments->name, sizeof(arguments->name), "troupe-symbolize");
	arguments->pointers[0] = arguments->name;
	for (unsigned i = 0; i < crash->n_frames; i++) {
		const struct crash_frame *frame = &crash->frames[i];
		const struct deployment *deployment =
			frame->plugin ? deploy_find(deployments, frame->plugin) : NULL;
		int file = deployment ? find_descriptor(arguments, deployment) : -1;
		char *text = arguments->texts[symbolizer->n_frames];

		if (file < 0)
			continue;
		(void)snprintf(text, ARGUMENT, "%d:%" PRIx64, CHILD_FIRST_FD + file,
			       frame->address);
		symbolizer->frames[symbolizer->n_frames++] = i;
		arguments->pointers[symbolizer->n_frames] = text;
	}
	arguments->plan.arguments = arguments->pointers;
}

/* Start the helper, its standard output being ours to read. */
static int launch(struct symbolizer *symbolizer, struct child_plan *plan)
{
	static char *const no_environment[] = {NULL};
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC), input = -1, output = -1;
	int ends[2], r;

	if (null < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	input = ends[0];
	output = ends[1];
	plan->binary = symbolizer->binary;
	plan->environment = no_environment;
	plan->null = plan->error = null;
	plan->output = output;
	r = child_start(plan, &symbolizer->pid, &symbolizer->pidfd);
	if (r < 0)
		return r;
	symbolizer->output = take_fd(&input);
	loop_io_init(&symbolizer->pidfd_io, symbolizer->loop, symbolizer->pidfd, on_pidfd);
	loop_io_set(&symbolizer->pidfd_io, LOOP_READ);
	loop_io_init(&symbolizer->output_io, symbolizer->loop, symbolizer->output, on_output);
	loop_io_set(&symbolizer->output_io, LOOP_READ);
	loop_timer_start(&symbolizer->timer, RUN_NS);
	return 0;
}

int symbolizer_start(struct symbolizer *symbolizer, const struct list *deployments,
		     const struct crash *crash)
{
	struct helper_arguments arguments = {0};
	int r;

	if (symbolizer->pid != 0 || symbolizer->crash)
		return -EBUSY;
	make_arguments(symbolizer, deployments, crash, &arguments);
	if (!symbolizer->binary || symbolizer->n_frames == 0)
		return -ENOENT;
	symbolizer->crash = malloc(sizeof(*symbolizer->crash));
	if (!symbolizer->crash)
		return -ENOMEM;
	*symbolizer->crash = *crash;
	r = launch(symbolizer, &arguments.plan);
	if (r < 0)
		free(take_pointer(&symbolizer->crash));
	return r;
}

void symbolizer_init(struct symbolizer *symbolizer, struct loop *loop, const char *binary,
		     void (*on_done)(void *context, const struct crash *crash), void *context)
{
	*symbolizer = (struct symbolizer){
		.loop = loop,
		.binary = binary,
		.on_done = on_done,
		.context = context,
		.pidfd = -1,
		.output = -1,
	};
	buffer_init(&symbolizer->text, OUTPUT_BYTES);
	loop_timer_init(&symbolizer->timer, loop, on_timer);
	reaper_init(&symbolizer->reaper, loop);
}

void symbolizer_fini(struct symbolizer *symbolizer)
{
	if (!symbolizer->loop) /* never made */
		return;
	finish(symbolizer);
	if (symbolizer->pid != 0)
		forget_process(symbolizer);
	reaper_fini(&symbolizer->reaper);
	buffer_fini(&symbolizer->text);
}
