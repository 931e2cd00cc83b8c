#include "process/reaper.h"

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_timer(struct loop_timer *timer)
{
	struct reaper *reaper = container_of(timer, struct reaper, timer);
	siginfo_t end;

	for (size_t i = reaper->n; i-- > 0;)
		if (reaper_collect(reaper->pidfds[i], &end)) {
			close(reaper->pidfds[i]);
			reaper->pidfds[i] = reaper->pidfds[--reaper->n];
		}
	if (reaper->n > 0)
		loop_timer_start(timer, CLOCK_SECOND_NS);
}

void reaper_init(struct reaper *reaper, struct loop *loop)
{
	*reaper = (struct reaper){0};
	loop_timer_init(&reaper->timer, loop, on_timer);
}

void reaper_fini(struct reaper *reaper)
{
	loop_timer_stop(&reaper->timer);
	for (size_t i = 0; i < reaper->n; i++)
		close(reaper->pidfds[i]);
	free(reaper->pidfds);
}

bool reaper_collect(int pidfd, siginfo_t *ret_end)
{
	siginfo_t end = {0};

	/* An error means that nothing will ever come. */
	if (waitid(P_PIDFD, (id_t)pidfd, &end, WEXITED | WNOHANG) < 0)
		end = (siginfo_t){0};
	else if (end.si_pid == 0)
		return false;
	*ret_end = end;
	return true;
}

void reaper_add(struct reaper *reaper, int pidfd)
{
	int *place = reaper->n < LIMIT_UNREAPED
			     ? array_add(&reaper->pidfds, &reaper->n, sizeof(*place))
			     : NULL;

	if (!place) {
		close(pidfd);
		return;
	}
	*place = pidfd;
	if (!reaper->timer.started)
		loop_timer_start(&reaper->timer, CLOCK_SECOND_NS);
}
