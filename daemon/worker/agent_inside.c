#include "worker/agent_inside.h"

#include <errno.h>
#include <string.h>

void agent_end(struct agent *agent, enum agent_end end)
{
	if (agent->is_ended)
		return;
	agent->is_ended = true;
	agent->config.on_end(agent->config.context, end);
}

static void look_at(struct agent *agent, const struct troupe_method *method, int r)
{
	/* on_closed() reports -ENOTCONN. */
	if (r == 0 || r == -ENOTCONN || agent->is_ended)
		return;
	log_error(agent->config.log, "cannot tell the master (%s): %s", method->name,
		  strerror(-r));
	agent_end(agent, AGENT_FAILED);
}

void agent_send(struct agent *agent, const struct troupe_method *method, const void *in)
{
	look_at(agent, method, channel_send(agent->channel, method, in, -1));
}

void agent_send_soon(struct agent *agent, const struct troupe_method *method, const void *in)
{
	look_at(agent, method, channel_send_soon(agent->channel, method, in));
}
