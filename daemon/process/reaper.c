#include "process/reaper.h"

#include "base/clock.h"
#include "base/limits.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that has not been waited for, or has not died. */
struct zombie {
	struct list link;
	int pidfd;
};

static void forget(struct reaper *reaper, struct zombie *zombie)
{
	list_remove(&zombie->link);
	reaper->n--;
	close(zombie->pidfd);
	free(zombie);
}

static void on_timer(struct loop_timer *timer)
{
	struct reaper *reaper = container_of(timer, struct reaper, timer);
	siginfo_t end;

	list_foreach_safe (at, &reaper->processes) {
		struct zombie *zombie = container_of(at, struct zombie, link);

		if (reaper_collect(zombie->pidfd, &end))
			forget(reaper, zombie);
	}
	if (reaper->n > 0)
		loop_timer_start(timer, CLOCK_SECOND_NS);
}

void reaper_init(struct reaper *reaper, struct loop *loop)
{
	*reaper = (struct reaper){0};
	list_init(&reaper->processes);
	loop_timer_init(&reaper->timer, loop, on_timer);
}

void reaper_fini(struct reaper *reaper)
{
	loop_timer_stop(&reaper->timer);
	list_foreach_safe (at, &reaper->processes)
		forget(reaper, container_of(at, struct zombie, link));
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
	struct zombie *zombie = reaper->n < LIMIT_UNREAPED ? malloc(sizeof(*zombie)) : NULL;

	if (!zombie) {
		close(pidfd);
		return;
	}
	zombie->pidfd = pidfd;
	list_append(&reaper->processes, &zombie->link);
	if (reaper->n++ == 0)
		loop_timer_start(&reaper->timer, CLOCK_SECOND_NS);
}
