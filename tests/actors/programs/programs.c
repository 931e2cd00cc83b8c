/* programs.c - starts child processes, and waits for them. */
#include "programs.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <troupe/child.h>

struct programs {
	struct troupe_child child;
};

struct job {
	struct troupe_call call;
	char script[];
};

static int begin(struct troupe_self *self, struct troupe_call *call, const char *script,
		 const struct troupe_task_entry *entry)
{
	struct job *job = malloc(sizeof(*job) + strlen(script) + 1);
	int rc;

	if (!job)
		return -ENOMEM;
	strcpy(job->script, script);
	rc = troupe_call_keep(self, call);
	job->call = *call;
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, entry, job, NULL, NULL);
	if (rc < 0)
		free(job);
	return rc;
}

static int start(struct troupe_self *self, struct programs *me, struct job *job, void *unused)
{
	const char *const argv[] = {"sh", "-c", job->script, NULL};
	const struct troupe_child_options options = {
		.table_size = sizeof(options),
		.out = TROUPE_CHILD_INHERIT,
		.err = TROUPE_CHILD_INHERIT,
	};
	struct programs_start_call call = {job->call};
	int rc = troupe_child_start(self, argv, &options, &me->child);

	(void)unused;
	free(job);
	return rc < 0 ? rc
		      : programs_start_return(self, call,
					      &(struct programs_start_out){me->child.pid});
}
TROUPE_TASK(start, struct programs, struct job, void)

static int on_start(struct troupe_self *self, struct programs *me,
		    struct programs_start_call call, const struct programs_start *in)
{
	(void)me;
	return begin(self, &call.call, in->script, &start_task);
}

static int wait_for_it(struct troupe_self *self, struct programs *me, struct job *job,
		       void *unused)
{
	struct programs_wait_call call = {job->call};
	int status, rc = troupe_child_wait(self, me->child, &status);

	(void)unused;
	free(job);
	if (rc < 0)
		return rc;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	return programs_wait_return(self, call, &(struct programs_wait_out){status});
}
TROUPE_TASK(wait_for_it, struct programs, struct job, void)

static int on_wait(struct troupe_self *self, struct programs *me,
		   struct programs_wait_call call, const struct programs_wait *in)
{
	(void)me;
	(void)in;
	return begin(self, &call.call, "", &wait_for_it_task);
}

static int on_grow(struct troupe_self *self, struct programs *me,
		   struct programs_grow_call call, const struct programs_grow *in)
{
	const size_t size = (size_t)in->mib << 20;
	char *piece = malloc(size); /* as long as the worker lives */

	(void)me;
	if (!piece)
		return -ENOMEM;
	memset(piece, 1, size);
	return programs_grow_return(self, call, &(struct programs_grow_out){0});
}

PROGRAMS_HANDLERS(running, struct programs, .start = on_start, .wait = on_wait, .grow = on_grow)
TROUPE_ACTOR(programs) = {TROUPE_ABI(programs), .state_size = sizeof(struct programs),
			  .interfaces = {&running}};
