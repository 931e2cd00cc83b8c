/* lone.h - what a runtime asks of a host, for one that has no other process, knows no names and
 * writes no log: a test takes of it what it does not care for. */
#ifndef TESTS_UNIT_SIM_LONE_H
#define TESTS_UNIT_SIM_LONE_H

#include "core/runtime.h"
#include <errno.h>

static inline int lone_forward(void *context, const struct envelope *envelope,
			       const struct troupe_type *type, const void *data,
			       const struct envelope_meaning *meaning)
{
	(void)context;
	(void)envelope;
	(void)type;
	(void)data;
	(void)meaning;
	return -EHOSTUNREACH;
}

static inline bool lone_find_layout(void *context, struct process from, uint64_t hash,
				    const struct troupe_type **ret_type, const char **ret_name)
{
	(void)context;
	(void)from;
	(void)hash;
	(void)ret_type;
	(void)ret_name;
	return false;
}

static inline int lone_find_name(void *context, const char *name,
				 struct troupe_address *ret_address)
{
	(void)context;
	(void)name;
	(void)ret_address;
	return -ENOENT;
}

static inline void lone_on_end(void *context, const struct runtime_end *end)
{
	(void)context;
	(void)end;
}

static inline void lone_on_log(void *context, uint32_t unit, int priority, const char *actor,
			       const char *text)
{
	(void)context;
	(void)unit;
	(void)priority;
	(void)actor;
	(void)text;
}

#endif
