/* control_handlers.h - io.troupe.Control, and actors' own methods, as the control server asks
 * for them.
 *
 * The context of all handlers is the master. Each answers its call, now or later. They are in
 * control_observe.c, control_manage.c and control_calls.c, or where their answers are waited
 * for. One thread.
 */
#ifndef REQUESTS_CONTROL_HANDLERS_H
#define REQUESTS_CONTROL_HANDLERS_H

#include "control/server.h"

void control_on_status(void *context, struct control_call *call, const void *in);
void control_on_workers(void *context, struct control_call *call, const void *in);
void control_on_list(void *context, struct control_call *call, const void *in);
void control_on_describe(void *context, struct control_call *call, const void *in);
void control_on_actors(void *context, struct control_call *call, const void *in);
void control_on_tasks(void *context, struct control_call *call, const void *in);
void control_on_blocked(void *context, struct control_call *call, const void *in);
void control_on_watch(void *context, struct control_call *call, const void *in);
void control_on_spawn(void *context, struct control_call *call, const void *in);
void control_on_start(void *context, struct control_call *call, const void *in);
void control_on_stop(void *context, struct control_call *call, const void *in);
void control_on_restart(void *context, struct control_call *call, const void *in);
void control_on_kill(void *context, struct control_call *call, const void *in);
void control_on_reload(void *context, struct control_call *call, const void *in);
void control_on_shutdown(void *context, struct control_call *call, const void *in);
void control_on_call(void *context, struct control_call *call, const void *in);
void control_on_send(void *context, struct control_call *call, const void *in);
void control_on_foreign(void *context, struct control_call *call, struct control_name method,
			struct json_span parameters);
void control_list_interfaces(void *context, void (*add)(void *list, const char *name),
			     void *list);
const char *control_describe_interface(void *context, const char *name);

#endif
