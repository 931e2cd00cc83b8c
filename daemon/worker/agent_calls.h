/* agent_calls.h - the agent's part: calls and sends of clients: JSON in, JSON out; and the JSON
 * of actors' calls by name.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_CALLS_H
#define WORKER_AGENT_CALLS_H

#include "worker/agent_inside.h"

void agent_on_call(void *context, const void *in);
void agent_on_cancel(void *context, const void *in);
void agent_on_taken(void *context, const void *in);
void agent_on_client_gone(void *context, const void *in);
void agent_calls_on_replied(void *agent);        /* of the runtime's ops */
void agent_calls_have_room(struct agent *agent); /* the master has read all replies */
void agent_calls_fini(struct agent *agent);

/* For the runtime's ops, whatever the context is. */
int agent_check_text(void *context, const char *text, size_t size);
int agent_read_text(void *context, const struct troupe_type *type, const char *text,
		    size_t size, void **ret_block, size_t *ret_size,
		    struct codec_error *ret_error);
int agent_print_text(void *context, const struct troupe_type *type, const void *value,
		     char **ret_text, size_t *ret_size);

#endif
