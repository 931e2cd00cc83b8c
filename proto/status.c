#include "proto/status.h"

static const struct {
	const char *error, *phrase;
} statuses[TROUPE_STATUS_COUNT] = {
	[TROUPE_OK] = {NULL, "a reply"},
	[TROUPE_ERROR] = {NULL, "an error of the interface"},
	[TROUPE_NO_SUCH_ACTOR] = {"io.troupe.Control.NoSuchActor",
				  "nobody lives at that address"},
	[TROUPE_ACTOR_DIED] = {"io.troupe.Control.ActorDied",
			       "the actor ended before it answered"},
	[TROUPE_PEER_DOWN] = {"io.troupe.Control.PeerDown", "the link to the actor is down"},
	[TROUPE_TIMEOUT] = {"io.troupe.Control.Timeout", "the deadline passed"},
	[TROUPE_OVERLOADED] = {"io.troupe.Control.Overloaded", "the actor's mailbox is full"},
	[TROUPE_CANCELLED] = {"io.troupe.Control.Cancelled", "the call was cancelled"},
	[TROUPE_NO_REPLY] = {"io.troupe.Control.NoReply", "the actor did not answer"},
	[TROUPE_FAILED] = {"io.troupe.Control.Failed", "the handler failed"},
	[TROUPE_INVALID_PARAMETER] = {"org.varlink.service.InvalidParameter",
				      "a parameter does not fit"},
	[TROUPE_METHOD_NOT_FOUND] = {"org.varlink.service.MethodNotFound",
				     "the actor does not provide that method"},
	[TROUPE_METHOD_NOT_IMPLEMENTED] = {"org.varlink.service.MethodNotImplemented",
					   "the actor has no handler for that method"},
	[TROUPE_EXPECTED_MORE] = {"org.varlink.service.ExpectedMore",
				  "the method answers in a stream only"},
	[TROUPE_PERMISSION_DENIED] = {"org.varlink.service.PermissionDenied",
				      "the actor does not do that for this caller"},
};

const char *status_error_name(enum troupe_status status)
{
	return (unsigned)status < TROUPE_STATUS_COUNT ? statuses[status].error : NULL;
}

const char *status_phrase(enum troupe_status status)
{
	return (unsigned)status < TROUPE_STATUS_COUNT ? statuses[status].phrase : "unknown";
}
