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

void agent_send(struct agent *agent, const struct troupe_method *method, const void *in)
{
	int r = channel_send(agent->channel, method, in, -1);

	/* on_closed() reports -ENOTCONN. */
	if (r == 0 || r == -ENOTCONN || agent->is_ended)
		return;
	log_error(agent->config.log, "cannot tell the master (%s): %s", method->name,
		  strerror(-r));
	agent_end(agent, AGENT_FAILED);
}
