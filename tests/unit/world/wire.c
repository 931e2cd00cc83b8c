/* wire.c - the body of bridge/nanomsg.h in the simulated world: frames through memory.
 *
 * What a process that is dead still sends is lost.
 */
#include "bridge/nanomsg.h"

#include "process.h"

static int outbox_send(struct outbox *outbox, void *frame)
{
	if (!world_of_kernel->current->is_dead)
		return memory_ops.outbox_send(outbox, frame);
	memory_ops.frame_free(frame);
	return 0;
}

struct transport nanomsg_transport(struct nanomsg *nanomsg)
{
	static struct transport_ops ops;

	(void)nanomsg;
	ops = memory_ops;
	ops.outbox_send = outbox_send;
	return (struct transport){.ops = &ops, .context = &world_of_kernel->memory};
}
