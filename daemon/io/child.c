#include "io/child.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "core/belonging.h"
#include "core/pause.h"
#include "core/share.h"
#include "io/exec.h"
#include "io/inside.h"
#include "io/standard.h"
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <troupe/child.h>

#define LOOK_NS  100000000ull  /* between looks at one that no descriptor tells of */
#define LEAVE_NS 1000000000ull /* for those killed in the end to die */

#define OF_REPORT (1ull << 63) /* in a name for the poller: not of its end */

enum child_state {
	CHILD_BEGINNING,
	CHILD_RUNNING, /* also when it could not begin, and is about to exit */
	CHILD_ENDED,   /* reaped; its status has not been taken */
};

struct child {
	struct slot slot;
	struct belonging belonging;
	struct list *waiters; /* struct task: for its beginning, or its end */
	struct children *children;
	struct loop_timer timer; /* its next look, or SIGKILL */
	struct exec *exec;       /* NULL: it needs nothing of us any more */
	pid_t pid;
	int pidfd, report; /* -1: none any more */
	int begun;         /* what its beginning came to */
	int status, error; /* ENDED */
	uint32_t takers;   /* tasks that were woken for the status, and have not run since */
	uint8_t state;     /* enum child_state */
	bool is_left;      /* by its actor: freed when it has ended */
	bool is_killed;
	bool is_watched; /* the kernel reports its end */
};

static struct child *child_of(struct belonging *belonging)
{
	return container_of(belonging, struct child, belonging);
}

/* ------------------------------------------------------------------ ends */

static void free_child(struct child *child)
{
	struct children *children = child->children;
	const bool is_last = --children->left == 0;

	loop_timer_stop(&child->timer);
	exec_free(child->exec);
	slots_give(&children->table, child);
	if (is_last && children->on_quiet)
		children->on_quiet(children->context);
}

/* How many they were. */
static uint32_t wake_all(struct child *child)
{
	struct runtime *runtime = child->children->runtime;
	uint32_t n = 0;

	runtime_touch(runtime);
	for (; child->waiters; n++)
		task_wake(runtime, container_of(child->waiters, struct task, of_wait), 1);
	return n;
}

static void drop_fd(struct children *children, int *fd)
{
	if (*fd < 0)
		return;
	(void)poller_remove(&children->poller, *fd);
	close(take_fd(fd));
}

/* It is dead, and its record goes unless somebody wants its status. */
static void look_for_end(struct child *child)
{
	int rc = exec_reap(child->pid, child->pidfd, &child->status);

	if (rc == -EAGAIN) {
		if (child->is_watched) /* it is dead: until its tracer has taken note */
			(void)poller_remove(&child->children->poller, child->pidfd);
		child->is_watched = false;
		loop_timer_start(&child->timer, LOOK_NS);
		return;
	}
	drop_fd(child->children, &child->pidfd);
	loop_timer_stop(&child->timer);
	child->error = rc;
	child->state = CHILD_ENDED;
	if (child->is_left)
		free_child(child);
	else
		child->takers = wake_all(child);
}

/* When the kernel cannot look at it, we do. */
static void watch_for_end(struct child *child)
{
	struct poller *poller = &child->children->poller;

	child->is_watched = poller_add(poller, child->pidfd, LOOP_READ, slots_id(child)) == 0;
	if (!child->is_watched)
		loop_timer_start(&child->timer, LOOK_NS);
}

static void kill_child(struct child *child)
{
	child->is_killed = true;
	(void)exec_signal(child->pid, child->pidfd, SIGKILL, false);
	(void)exec_signal(child->pid, child->pidfd, SIGKILL, true);
}

static void on_timer(struct loop_timer *timer)
{
	struct child *child = container_of(timer, struct child, timer);

	if (child->is_left && !child->is_killed)
		kill_child(child);
	if (!child->is_watched)
		look_for_end(child);
}

/* Nobody waits for it any more. */
static void leave(struct child *child, uint64_t grace_ns)
{
	child->is_left = true;
	child->children->left++;
	if (child->state == CHILD_ENDED) {
		free_child(child);
	} else if (child->state == CHILD_BEGINNING) {
		drop_fd(child->children, &child->report);
		watch_for_end(child);
		kill_child(child);
	} else {
		(void)exec_signal(child->pid, child->pidfd, SIGTERM, false);
		/* it may be stopped */
		(void)exec_signal(child->pid, child->pidfd, SIGCONT, false);
		loop_timer_start(&child->timer, grace_ns);
	}
}

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	struct child *child = child_of(belonging);
	const struct definition *unit = belonging_actor(runtime, belonging)->unit;

	share_give(&child->children->table, child, unit, SHARE_CHILDREN);
	leave(child, unit->task_grace_ns);
}

static const struct belonging_kind child_kind = {.name = "child", .on_gone = on_gone};

/* The same, while the actor goes on. */
static void part(struct troupe_self *self, struct child *child)
{
	belonging_leave(self->runtime, &child->belonging);
	share_give(&child->children->table, child, self->actor->unit, SHARE_CHILDREN);
	leave(child, 0);
}

/* ------------------------------------------------------------------ the kernel's part */

/* It has its program, or will not have it. */
static void look_for_beginning(struct child *child)
{
	int rc = exec_outcome(child->report);

	if (rc == -EAGAIN)
		return;
	drop_fd(child->children, &child->report);
	child->begun = rc;
	child->state = CHILD_RUNNING;
	if (rc == 0) {
		exec_free(child->exec);
		child->exec = NULL;
	}
	watch_for_end(child);
	(void)wake_all(child);
}

static void on_ready(struct poller *poller, uint64_t id, unsigned events)
{
	struct children *children = container_of(poller, struct children, poller);
	struct child *child = slots_find_id(&children->table, id & ~OF_REPORT);

	(void)events;
	if (child && id & OF_REPORT)
		look_for_beginning(child);
	else if (child)
		look_for_end(child);
}

int children_init(struct children *children, struct runtime *runtime)
{
	*children = (struct children){.runtime = runtime};
	poller_init(&children->poller, runtime->loop, on_ready);
	return slots_init(&children->table, sizeof(struct child), LIMIT_CHILDREN);
}

/* For as long as it may take one that was killed to die. */
static void await_end(struct child *child, uint64_t until_ns)
{
	struct pollfd look = {.fd = child->pidfd, .events = POLLIN};
	uint64_t now_ns = clock_now_ns();

	kill_child(child);
	(void)poll(&look, 1, now_ns < until_ns ? (int)((until_ns - now_ns) / 1000000) : 0);
	look_for_end(child);
}

void children_fini(struct children *children)
{
	const uint64_t until_ns = clock_now_ns() + LEAVE_NS;

	children->on_quiet = NULL;
	for (uint32_t i = 0; i < children->table.used; i++) {
		struct child *child = slots_at(&children->table, i);

		if (slots_is_closed(&child->slot))
			continue;
		await_end(child, until_ns);
		if (slots_is_closed(&child->slot))
			continue;
		/* what it may still need of us stays */
		loop_timer_stop(&child->timer);
		drop_fd(children, &child->pidfd);
	}
	poller_fini(&children->poller);
	slots_fini(&children->table);
}

/* ------------------------------------------------------------------ the SDK */

static int exec_with(struct troupe_self *self, const struct troupe_child_options *options,
		     const char *const *argv, struct child *child, struct standard *standard)
{
	struct exec_plan plan = {
		.arguments = argv,
		.environment = options->environment ? options->environment
						    : (const char *const *)environ,
		.directory = options->directory,
	};
	int rc = standard_open(self, options, standard);

	if (rc < 0)
		return rc;
	memcpy(plan.fds, standard->fds, sizeof(plan.fds));
	rc = exec_start(&plan, &child->exec, &child->pid, &child->pidfd, &child->report);
	standard_close(self, standard, rc < 0);
	return rc;
}

static int check_options(const struct troupe_child_options *options, const char *const *argv)
{
	return argv && argv[0] && options->table_size >= sizeof(*options) &&
			       !options->reserved && options->in <= TROUPE_CHILD_PIPE &&
			       options->out <= TROUPE_CHILD_PIPE &&
			       options->err <= TROUPE_CHILD_OUTPUT
		       ? 0
		       : -EINVAL;
}

/* A record, and a process that is about to become the program. */
static int begin_child(struct troupe_self *self, const struct troupe_child_options *options,
		       const char *const *argv, struct standard *standard,
		       struct child **ret_child)
{
	struct children *children = &self->runtime->io->children;
	struct child *child = share_take(&children->table, self->actor->unit, SHARE_CHILDREN);
	int rc;

	if (!child)
		return -EAGAIN;
	child->children = children;
	child->pidfd = child->report = -1;
	loop_timer_init(&child->timer, self->runtime->loop, on_timer);
	rc = belonging_join(self, &child->belonging, &child_kind);
	if (rc == 0) {
		rc = exec_with(self, options, argv, child, standard);
		if (rc < 0)
			belonging_leave(self->runtime, &child->belonging);
	}
	if (rc < 0) {
		share_give(&children->table, child, self->actor->unit, SHARE_CHILDREN);
		slots_give(&children->table, child);
		return rc;
	}
	rc = poller_add(&children->poller, child->report, LOOP_READ,
			slots_id(child) | OF_REPORT);
	if (rc < 0) {
		standard_close(self, standard, true);
		part(self, child);
	} else {
		*ret_child = child;
	}
	return rc;
}

int troupe_child_start(struct troupe_self *self, const char *const *argv,
		       const struct troupe_child_options *options,
		       struct troupe_child *ret_child)
{
	static const struct troupe_child_options standard = {.table_size = sizeof(standard)};
	struct standard streams;
	struct child *child;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (!options)
		options = &standard;
	if (rc == 0)
		rc = check_options(options, argv);
	if (rc < 0)
		return rc;
	if (!self->runtime->io)
		return -EOPNOTSUPP;
	if (pause_is_cut(task))
		return pause_refuse(task);
	rc = begin_child(self, options, argv, &streams, &child);
	if (rc < 0)
		return rc;
	task->waits_for = "program";
	rc = pause_wait_in(task, &child->waiters);
	if (rc >= 0)
		rc = child->begun;
	if (rc < 0) {
		standard_close(self, &streams, true);
		part(self, child);
		return rc;
	}
	*ret_child = (struct troupe_child){child->belonging.id, child->pid, streams.ours[0],
					   streams.ours[1], streams.ours[2]};
	return 0;
}

static struct child *find_child(const struct troupe_self *self, struct troupe_child handle)
{
	struct belonging *belonging = belonging_find(self, handle.id, &child_kind);

	return belonging ? child_of(belonging) : NULL;
}

/* It has ended: the last who wants its status has it. */
static int take_status(struct troupe_self *self, struct child *child, int *ret_status)
{
	int rc = child->error;

	if (rc == 0 && ret_status)
		*ret_status = child->status;
	if (child->takers == 0)
		part(self, child);
	return rc;
}

int troupe_child_wait(struct troupe_self *self, struct troupe_child handle, int *ret_status)
{
	struct child *child = find_child(self, handle);
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (!child)
		return -ESRCH;
	if (child->state == CHILD_ENDED)
		return pause_ready(task, take_status(self, child, ret_status));
	if (pause_is_cut(task))
		return pause_refuse(task);
	task->waits_for = "child";
	rc = pause_wait_in(task, &child->waiters);
	if (rc < 0)
		return rc;
	child->takers--;
	return take_status(self, child, ret_status);
}

int troupe_child_signal(struct troupe_self *self, struct troupe_child handle, int signal)
{
	struct child *child = find_child(self, handle);

	if (!child || child->state == CHILD_ENDED)
		return -ESRCH;
	return exec_signal(child->pid, child->pidfd, signal, false);
}
