/* verb_call.c - one call, one stream of replies, one message. */
#include "base/cleanup.h"
#include "ctl/explain.h"
#include "ctl/fail.h"
#include "ctl/interface.h"
#include "ctl/parameters.h"
#include "ctl/target.h"
#include "ctl/verbs.h"
#include <errno.h>
#include <string.h>

static void free_layout(struct layout **layout)
{
	layout_free(*layout);
}

/* What is sent to the daemon: the target's parameters, wrapped. */
static int build(struct ctl *ctl, char **arguments, int n, bool send, struct target *ret_target,
		 char **ret_parameters)
{
	cleanup(target_fini) struct target target = {0};
	cleanup_free char *parameters = NULL, *head = NULL;
	cleanup(free_layout) struct layout *layout = NULL;
	uint64_t begin = loop_clock_ns(ctl->loop);
	const char *tail;
	int r;

	r = target_find(ctl, arguments, n, &target);
	if (r != STATUS_OK)
		return r;
	arguments += target.used;
	n -= target.used;
	if (parameters_need_type(arguments, n))
		r = interface_get_input(ctl, target.method, &layout);
	if (r == STATUS_OK)
		r = parameters_read(ctl, arguments, n, layout ? layout_type(layout) : NULL,
				    &parameters);
	/* To find the method has taken some of it. */
	if (option_is_given(&ctl->options, OPTION_TIMEOUT))
		ctl->options.timeout_ns = ctl_time_left(ctl, ctl->options.timeout_ns, begin);
	if (r == STATUS_OK)
		r = target_head(ctl, &target, send, &head, &tail);
	if (r != STATUS_OK)
		return r;
	if (asprintf(ret_parameters, "%s%s%s", head, parameters, tail) < 0)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	*ret_target = target;
	target = (struct target){0};
	return STATUS_OK;
}

static void print_reply(struct ctl *ctl, const struct target *target,
			const struct answer *answer)
{
	struct json_span inner =
		target_reply(target, (struct json_span){answer->parameters, answer->size});

	if (option_is_given(&ctl->options, OPTION_MORE))
		fprintf(ctl->out, "%.*s\n", (int)inner.size, inner.at);
	else
		ctl_print_json(ctl, inner.at, inner.size);
	fflush(ctl->out);
}

static int on_reply(struct ctl *ctl, const struct answer *answer, void *context)
{
	print_reply(ctl, context, answer);
	return ferror(ctl->out) ? STATUS_FAILED : STATUS_OK;
}

int verb_call(struct ctl *ctl, char **arguments, int n)
{
	cleanup(target_fini) struct target target = {0};
	cleanup(answer_fini) struct answer answer = {0};
	cleanup_free char *parameters = NULL;
	int r = build(ctl, arguments, n, false, &target, &parameters);

	if (r != STATUS_OK)
		return r;
	if (option_is_given(&ctl->options, OPTION_MORE))
		return ctl_stream(ctl, target_method(&target, false), parameters, on_reply,
				  &target);
	r = ctl_try(ctl, target_method(&target, false), parameters, &answer);
	if (r != STATUS_OK)
		return r;
	if (answer.error[0])
		return explain_error(ctl, target.method, &answer);
	print_reply(ctl, &target, &answer);
	return STATUS_OK;
}

/* Without a name there is no Control.Send to say that a mailbox took it: a call that takes no
 * reply. */
static int send_oneway(struct ctl *ctl, const struct target *target, const char *parameters)
{
	int r = ctl_connect(ctl);

	if (r != STATUS_OK)
		return r;
	r = varlink_call(ctl->client, NULL, target->method, parameters, strlen(parameters),
			 VARLINK_ONEWAY, 0);
	if (r < 0)
		return fail_lost(ctl, r);
	varlink_flush(ctl->client);
	while (varlink_unwritten(ctl->client) > 0 && !varlink_is_broken(ctl->client))
		loop_step(ctl->loop, true);
	return varlink_is_broken(ctl->client) ? fail_lost(ctl, -ECONNRESET) : STATUS_OK;
}

int verb_send(struct ctl *ctl, char **arguments, int n)
{
	cleanup(target_fini) struct target target = {0};
	cleanup(answer_fini) struct answer answer = {0};
	cleanup_free char *parameters = NULL;
	int r = build(ctl, arguments, n, true, &target, &parameters);

	if (r != STATUS_OK)
		return r;
	if (!target.name)
		return send_oneway(ctl, &target, parameters);
	r = ctl_try(ctl, target_method(&target, true), parameters, &answer);
	if (r == STATUS_OK && answer.error[0])
		return explain_error(ctl, target.method, &answer);
	if (r == STATUS_OK && option_is_given(&ctl->options, OPTION_JSON))
		ctl_print_json(ctl, answer.parameters, answer.size);
	return r;
}
