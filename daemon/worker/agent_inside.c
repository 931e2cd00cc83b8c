#include "worker/agent_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void agent_end(struct agent *agent, enum agent_end end)
{
	if (agent->is_ended)
		return;
	agent->is_ended = true;
	agent->config.on_end(agent->config.context, end);
}

void agent_fail(struct agent *agent, const char *what, int error)
{
	struct worker_finished finished = {0};
	char text[256];

	if (agent->is_ended)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	log_error(agent->config.log, "%s", text);
	finished.error = text;
	/* Without it the end is as good as a crash. */
	(void)channel_send(agent->channel, &worker_finished_method, &finished, -1);
	agent_end(agent, AGENT_FAILED);
}

static void look_at(struct agent *agent, const struct troupe_method *method, int r)
{
	char what[128];

	/* on_closed() reports -ENOTCONN. */
	if (r == 0 || r == -ENOTCONN)
		return;
	(void)snprintf(what, sizeof(what), "cannot send the master %s", method->name);
	agent_fail(agent, what, r);
}

void agent_send(struct agent *agent, const struct troupe_method *method, const void *in)
{
	if (!agent->is_ended)
		look_at(agent, method, channel_send(agent->channel, method, in, -1));
}

void agent_send_soon(struct agent *agent, const struct troupe_method *method, const void *in)
{
	if (!agent->is_ended)
		look_at(agent, method, channel_send_soon(agent->channel, method, in));
}
