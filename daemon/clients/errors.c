#include "clients/errors.h"

#include "clients/shares.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"

void control_overloaded(struct control_call *call)
{
	control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
}

void control_no_such_actor(struct control_call *call, const char *name)
{
	control_call_fail(call, &api_no_such_actor_error,
			  &(struct api_no_such_actor){.name = name});
}

void control_wrong_state(struct control_call *call, const char *name, const char *state,
			 const char *reason)
{
	control_call_fail(
		call, &api_wrong_state_error,
		&(struct api_wrong_state){.name = name, .state = state, .reason = reason});
}

bool control_begins_change(struct master *master, struct control_call *call)
{
	if (control_refuses(master, call))
		return false;
	if (control_call_claim(call, SHARE_CHANGES, 0) == 0)
		return true;
	control_overloaded(call);
	return false;
}

bool control_refuses(struct master *master, struct control_call *call)
{
	if (!master->is_stopping)
		return false;
	control_wrong_state(call, "trouped", "stopping", NULL);
	return true;
}
