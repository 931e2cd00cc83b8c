#include "clients/refusal.h"

#include "clients/shares.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"

void control_overloaded(struct control_call *call)
{
	control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
}

bool control_begins_change(struct master *master, struct control_call *call)
{
	if (control_refuses(master, call))
		return false;
	if (control_call_claim(call, SHARE_CHANGES, 0) == 0)
		return true;
	control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
	return false;
}

bool control_refuses(struct master *master, struct control_call *call)
{
	if (!master->is_stopping)
		return false;
	control_call_fail(call, &api_wrong_state_error,
			  &(struct api_wrong_state){.name = "trouped", .state = "stopping"});
	return true;
}
