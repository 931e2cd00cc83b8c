#include "agent_view.h"

#include "core/inside.h"
#include "worker/agent_inside.h"

struct page *agent_view_page(const struct agent *agent)
{
	return agent->page;
}

unsigned agent_view_worker(const struct agent *agent)
{
	return agent->process.worker;
}

uint32_t agent_view_tasks(const struct agent *agent)
{
	const struct runtime *runtime = agent->runtime;

	if (!runtime)
		return 0;
	/* one record may be kept for the next handler: it is nobody's */
	return runtime->tasks.count - (runtime->parked != NULL) + runtime->scopes.count +
	       runtime->items.count;
}

uint32_t agent_view_belongings(const struct agent *agent)
{
	return agent->runtime ? agent->runtime->belongings.count : 0;
}
