#include "io/use.h"

#include "core/slice.h"
#include <errno.h>

static struct lane *lane_of(struct use *use)
{
	return use->event == LOOP_READ ? &use->port->reading : &use->port->writing;
}

int use_look_again(struct use *use)
{
	struct belonging *belonging = belonging_find(use->self, use->id, use->kind);

	use->port = belonging ? container_of(belonging, struct port, belonging) : NULL;
	return use->port ? 0 : -ECONNABORTED;
}

int use_begin(struct troupe_self *self, uint64_t id, const struct belonging_kind *kind,
	      unsigned event, struct use *use)
{
	struct lane *lane;
	int rc;

	*use = (struct use){.self = self, .kind = kind, .id = id, .event = event};
	rc = pause_begin(self, &use->task);
	if (rc < 0)
		return rc;
	if (use_look_again(use) < 0)
		return -ESRCH;
	if (pause_is_cut(use->task))
		return pause_refuse(use->task);
	lane = lane_of(use);
	if (!lane->is_taken) {
		lane->is_taken = true;
		return 0;
	}
	use->task->waits_for = "turn";
	rc = pause_wait_in(use->task, &lane->waiting); /* 0: it has been handed over */
	return rc < 0 ? rc : use_look_again(use);
}

static void set_alarm(struct task *task, uint64_t ns)
{
	struct runtime *runtime = task->self.runtime;

	wheel_add(&runtime->wheel, wheel_name(RUNTIME_TASK_NODE, task->slot.index),
		  slice_later_ns(runtime, ns));
}

/* What it waits for. */
static const char *word_of(const struct use *use)
{
	if (use->event == LOOP_WRITE)
		return "write";
	return use->kind->reading ? use->kind->reading : "read";
}

int use_wait(struct use *use, uint64_t idle_ns)
{
	struct port *port = use->port;
	int rc;

	if (port->ready & use->event)
		return 0;
	if (pause_is_cut(use->task))
		return pause_refuse(use->task);
	if (idle_ns)
		set_alarm(use->task, idle_ns);
	use->task->waits_for = word_of(use);
	/* 1: it is ready; 0: the alarm */
	rc = pause_wait_in(use->task,
			   use->event == LOOP_READ ? &port->readers : &port->writers);
	if (use_look_again(use) < 0)
		return -ECONNABORTED;
	return rc > 0 ? 0 : rc == 0 ? -ETIME : rc;
}

int use_rest(struct use *use, struct list **chain, uint64_t ns)
{
	int rc;

	if (pause_is_cut(use->task))
		return pause_refuse(use->task);
	set_alarm(use->task, ns);
	use->task->waits_for = "rest";
	rc = pause_wait_in(use->task, chain);
	return use_look_again(use) < 0 ? -ECONNABORTED : rc;
}

void use_end(struct use *use)
{
	struct lane *lane;

	if (!use->port)
		return;
	lane = lane_of(use);
	if (lane->waiting)
		task_wake(use->self->runtime, container_of(lane->waiting, struct task, of_wait),
			  0);
	else
		lane->is_taken = false;
}

int use_end_ready(struct use *use, int result)
{
	use_end(use);
	return pause_ready(use->task, result);
}
