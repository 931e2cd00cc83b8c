#include "core/await_cycle.h"

#include "core/awaited.h"
#include <stdio.h>
#include <string.h>

#define LOG_WARNING_LEVEL 4

/* Whom the handler that is alone there waits for; NULL: nobody in this process, or there is no
 * such handler. */
static struct actor *next_of(const struct runtime *runtime, const struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);
	const struct task *alone = tasked ? tasked->rest.alone : NULL;
	const struct call *call =
		alone && alone->awaited ? call_find(runtime, alone->awaited->call) : NULL;

	return call ? actor_find(runtime, call->target) : NULL;
}

static void say(const struct task *task, struct actor *const *way, size_t length)
{
	const struct runtime *runtime = task->self.runtime;
	const struct definition *unit = task_actor(runtime, task)->unit;
	char text[512];
	int used = snprintf(text, sizeof(text), "task %.64s would wait for itself: %s",
			    task->entry->name, definition_kind(unit));

	for (size_t i = 0; i < length && used < (int)sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, " -> %s",
				 definition_kind(way[i]->unit));
	unit_log(runtime, unit, LOG_WARNING_LEVEL, text);
}

bool await_cycle_is_closed(const struct task *task, struct troupe_address to)
{
	const struct runtime *runtime = task->self.runtime;
	struct actor *way[LIMIT_AWAIT_CHAIN], *at = actor_find(runtime, to);

	for (size_t length = 0; at && length < LIMIT_AWAIT_CHAIN;) {
		way[length++] = at;
		if (at == task->self.actor) {
			say(task, way, length);
			return true;
		}
		at = next_of(runtime, at);
	}
	return false;
}
