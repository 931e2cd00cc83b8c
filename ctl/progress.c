/* progress.c - a bar. */
#include "ctl/progress.h"

#include "base/clock.h"
#include "base/list.h"
#include <string.h>
#include <unistd.h>

#define EVERY_NS (200 * CLOCK_MS_NS)
#define BAR      24

static void on_timer(struct loop_timer *timer)
{
	struct progress *progress = container_of(timer, struct progress, timer);
	double seconds = (double)(loop_clock_ns(timer->loop) - progress->begin_ns) /
			 (double)CLOCK_SECOND_NS;
	char bar[BAR + 1] = "";

	if (progress->total > 0) {
		size_t filled =
			(size_t)((double)progress->bytes / (double)progress->total * BAR);

		filled = filled > BAR ? BAR : filled;
		memset(bar, '.', BAR);
		memset(bar, '#', filled);
		bar[BAR] = '\0';
	}
	fprintf(progress->out, "\r\033[K%s%s%s%llu lines, %.0f/s", bar[0] ? "[" : "", bar,
		bar[0] ? "] " : "", (unsigned long long)progress->done,
		seconds > 0 ? (double)progress->done / seconds : 0);
	if (progress->failed > 0)
		fprintf(progress->out, ", %llu failed", (unsigned long long)progress->failed);
	fflush(progress->out);
	progress->shown = true;
	loop_timer_start(timer, EVERY_NS);
}

void progress_init(struct progress *progress, struct loop *loop, FILE *out, bool quiet)
{
	*progress = (struct progress){.out = out, .begin_ns = loop_clock_ns(loop)};
	loop_timer_init(&progress->timer, loop, on_timer);
	if (!quiet && isatty(fileno(out)))
		loop_timer_start(&progress->timer, EVERY_NS);
}

void progress_hide(struct progress *progress)
{
	if (progress->shown)
		fprintf(progress->out, "\r\033[K");
	progress->shown = false;
}

void progress_fini(struct progress *progress)
{
	loop_timer_stop(&progress->timer);
	progress_hide(progress);
}
