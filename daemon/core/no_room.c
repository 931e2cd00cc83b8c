#include "core/no_room.h"
#include "core/cold.h"
#include "core/mailbox.h"
#include "core/peer.h"
#include "core/wait.h"
#include <errno.h>

COLD int no_room_in_mailbox(struct runtime *runtime, struct actor *sender,
			    struct actor *receiver, struct troupe_address to, uint32_t charge)
{
	int rc = mailbox_refuse(runtime, receiver, charge), waiting;

	if (rc != -EAGAIN)
		return rc;
	waiting = wait_add(runtime, sender, to, &cold_get(runtime, receiver)->window.waiters, 0,
			   0);
	return waiting < 0 ? waiting : -EAGAIN;
}

int no_room_in_link(struct runtime *runtime, struct actor *sender, struct troupe_address to,
		    int rc)
{
	struct peer *peer;
	int waiting;

	if (rc == -EHOSTUNREACH)
		return -ESRCH;
	if (rc != -EAGAIN)
		return rc;
	peer = peer_get(runtime, process_of(to));
	waiting = peer ? wait_add(runtime, sender, to, &peer->waiters, 0, 0) : -ENOMEM;
	return waiting < 0 ? waiting : -EAGAIN;
}
