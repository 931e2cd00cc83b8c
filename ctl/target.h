/* target.h - what `call`, `send` and `map` are aimed at: a method of an interface, or one of a
 * named actor.
 *
 * A target is a value of the caller; target_fini() it.
 */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include "ctl/ctl.h"
#include "proto/json.h"

struct target {
	char *name;   /* of the actor or unit; NULL: whoever provides the interface */
	char *method; /* qualified */
	int used;     /* arguments that it took: 1 or 2 */
};

/* From the first arguments: INTERFACE.METHOD, or NAME followed by INTERFACE.METHOD or by METHOD
 * alone, which the unit's interfaces must make unique. An exit status, explained. */
int target_find(struct ctl *ctl, char *const *arguments, int n, struct target *ret_target);
void target_fini(struct target *target);

/* The text around the parameters of a call of the target: what comes before and after them in
 * the parameters of target_method(). With `send`, for Control.Send. *ret_head is given; the
 * tail is constant. */
int target_head(struct ctl *ctl, const struct target *target, bool send, char **ret_head,
		const char **ret_tail);

/* The actor's own reply within `parameters`, the text of the daemon's: Control.Call wraps
 * it. */
struct json_span target_reply(const struct target *target, struct json_span parameters);

/* The method that the daemon is asked for: io.troupe.Control.Call (or Send), or the method
 * itself. */
const char *target_method(const struct target *target, bool send);

#endif
