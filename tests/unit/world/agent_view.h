/* agent_view.h - what the simulated world sees of an agent from inside. In a file of its own:
 * names of the worker's inner parts are those of the master's, too. */
#ifndef TESTS_UNIT_WORLD_AGENT_VIEW_H
#define TESTS_UNIT_WORLD_AGENT_VIEW_H

#include "base/page.h"

struct agent;

/* Its mapping of the status page; NULL before Start. */
struct page *agent_view_page(const struct agent *agent);
/* The number of its worker; 0 before Start. */
unsigned agent_view_worker(const struct agent *agent);
/* How many tasks, scopes and streams of items there are, and how much else belongs to its
 * actors; 0 before Start. */
uint32_t agent_view_tasks(const struct agent *agent);
uint32_t agent_view_belongings(const struct agent *agent);

#endif
