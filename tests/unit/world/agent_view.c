#include "agent_view.h"

#include "worker/agent_inside.h"

struct page *agent_view_page(const struct agent *agent)
{
	return agent->page;
}

unsigned agent_view_worker(const struct agent *agent)
{
	return agent->process.worker;
}
