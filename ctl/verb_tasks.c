/* verb_tasks.c - what the tasks of actors wait for. */
#include "base/cleanup.h"
#include "ctl/fail.h"
#include "ctl/show.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"
#include "proto/address.h"
#include "proto/json.h"

static void print_state(struct ctl *ctl, const struct api_task *task)
{
	char span[32] = "";

	if (task->forMs)
		terminal_print_ms(*task->forMs, span, sizeof(span));
	show_coloured(ctl, task->state == API_TASK_STATE_WAITING ? TABLE_PLAIN : TABLE_FAINT,
		      api_task_state_type.names[task->state]);
	if (task->waitsFor)
		show_print(ctl, ": %s", task->waitsFor);
	if (span[0])
		show_print(ctl, ", %s", span);
	if (task->progress && task->progress->all > 0)
		show_print(ctl, ", %lld of %lld done", (long long)task->progress->done,
			   (long long)task->progress->all);
	else if (task->progress)
		show_print(ctl, ", %lld done", (long long)task->progress->done);
	if (task->cancelled)
		show_print(ctl, ", cancelled");
	show_print(ctl, "\n");
}

static void print_task(struct ctl *ctl, const struct api_task *task)
{
	char address[TROUPE_ADDRESS_TEXT];

	address_print(task->actor, address);
	show_print(ctl, "%s %s: ", address, task->name);
	print_state(ctl, task);
	for (size_t i = 0; i < task->backtrace.count; i++)
		show_print(ctl, "    %s\n", task->backtrace.items[i]);
}

struct tasks_walk {
	size_t n;
};

static int on_reply(struct ctl *ctl, const struct answer *answer, void *context)
{
	struct tasks_walk *walk = context;
	cleanup_free void *reply = NULL;
	const struct api_tasks_out *out;
	struct codec_error error = {0};
	size_t size;

	if (json_decode(&api_tasks_out_type, answer->parameters, answer->size, &reply, &size,
			&error) < 0)
		return fail_foreign(ctl, "io.troupe.Control.Tasks", &error);
	out = reply;
	if (option_is_given(&ctl->options, OPTION_JSON)) {
		/* The last reply may only say that it is the last. */
		if (out->tasks.count > 0 || out->silent.count > 0 || walk->n == 0)
			ctl_print_json(ctl, answer->parameters, answer->size);
		walk->n += out->tasks.count;
		return STATUS_OK;
	}
	walk->n += out->tasks.count;
	for (size_t i = 0; i < out->tasks.count; i++)
		print_task(ctl, &out->tasks.items[i]);
	show_silent(ctl, &out->silent, "the tasks there are left out");
	if (!answer->continues && walk->n == 0 && out->silent.count == 0)
		show_print(ctl, "no tasks\n");
	return STATUS_OK;
}

int verb_tasks(struct ctl *ctl, char **arguments, int n)
{
	struct tasks_walk walk = {0};
	cleanup_free char *parameters = NULL;
	size_t size;

	(void)n;
	if (json_encode(&api_tasks_type, &(struct api_tasks){.name = arguments[0]}, &parameters,
			&size) < 0)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	return ctl_stream(ctl, "io.troupe.Control.Tasks", parameters, on_reply, &walk);
}
