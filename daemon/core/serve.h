/* serve.h - handlers that are tasks, METHOD_task and METHOD_alone of X_HANDLERS().
 *
 * The table of a type that has such handlers names functions of this file in the place of the
 * plug-in's, for all of its methods; other types pay nothing. A task handler begins in the turn
 * of its message, with the activation of the handler that it takes the place of. Most return
 * without having waited; then the turn goes on as after any handler. When it waits for the
 * first time the message and the call become the task's: its handle stays good, and it is
 * cancelled when nobody waits for the answer any more. One runtime, one thread.
 */
#ifndef CORE_SERVE_H
#define CORE_SERVE_H

#include "core/task.h"

extern const struct type_serving serve_serving;

#endif
