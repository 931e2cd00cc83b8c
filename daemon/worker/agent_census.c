/* agent_census.c - Inquire and Describe: the actors that live here, with their counters. */
#include "worker/agent_census.h"

#include "base/cleanup.h"
#include "core/inspect.h"

#define AT_ONCE 4096 /* actors in one Census */

static struct worker_resident resident_of(const struct runtime_info *info)
{
	return (struct worker_resident){
		.actor = info->address,
		.parent = info->parent,
		.version = info->version,
		.origin = info->origin,
		.instance = info->instance,
		.actorType = info->table->name,
		.queued = info->queued,
		.queuedBytes = (int64_t)info->queued_bytes,
		.handled = (int64_t)info->handled,
		.failed = (int64_t)info->failed,
		.refused = (int64_t)info->refused,
	};
}

void agent_on_inquire(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_inquire *in = data;
	size_t limit = in->limit < 1 ? 1 : in->limit > AT_ONCE ? AT_ONCE : (size_t)in->limit;
	cleanup_free struct worker_resident *residents = calloc(limit, sizeof(*residents));
	struct worker_census out = {.request = in->request};
	uint32_t at = in->from < 0 || in->from > UINT32_MAX ? UINT32_MAX : (uint32_t)in->from;
	struct runtime_info info;

	while (residents && out.actors.count < limit &&
	       runtime_next(agent->runtime, &at, &info))
		residents[out.actors.count++] = resident_of(&info);
	out.actors.items = residents;
	if (out.actors.count == limit)
		out.next = at;
	agent_send(agent, &worker_census_method, &out);
}

/* counts: room for HISTOGRAM_BUCKETS. */
static struct worker_times times_of(const struct histogram *histogram, int64_t *counts)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		counts[i] = (int64_t)histogram->counts[i];
	return (struct worker_times){.maxNs = (int64_t)histogram->max_ns,
				     .counts = {counts, HISTOGRAM_BUCKETS}};
}

void agent_on_describe(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_describe *in = data;
	struct worker_census out = {.request = in->request};
	struct inspect_owned owned[INSPECT_OWNED_MAX];
	struct worker_owned owns[INSPECT_OWNED_MAX];
	struct worker_resident resident;
	int64_t counts[HISTOGRAM_BUCKETS], own_counts[HISTOGRAM_BUCKETS];
	struct worker_times times, own_times;
	struct runtime_info info;

	if (runtime_info(agent->runtime, in->actor, &info) == 0) {
		resident = resident_of(&info);
		resident.owns.items = owns;
		resident.owns.count = inspect_owned(agent->runtime, in->actor, owned);
		for (size_t i = 0; i < resident.owns.count; i++)
			owns[i] = (struct worker_owned){owned[i].kind, owned[i].count,
							(int64_t)owned[i].bytes};
		times = times_of(info.times, counts);
		resident.times = &times;
		if (info.own_times) {
			own_times = times_of(info.own_times, own_counts);
			resident.ownTimes = &own_times;
		}
		out.actors.items = &resident;
		out.actors.count = 1;
	}
	agent_send(agent, &worker_census_method, &out);
}
