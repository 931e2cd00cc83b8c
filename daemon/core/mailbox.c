#include "core/mailbox.h"
#include "core/cold.h"
#include <errno.h>

int mailbox_refuse(struct runtime *runtime, struct actor *actor, uint32_t charge)
{
	if (actor->marks & ACTOR_ENDING)
		return -ESRCH;
	if (charge > actor->unit->mailbox_most)
		return -EMSGSIZE;
	cold_get(runtime, actor)->refused++;
	return -EAGAIN;
}

uint32_t mailbox_count(const struct actor *actor)
{
	const struct mail *mail = actor->tail;
	uint32_t count = 0;

	for (; mail && (count == 0 || mail != actor->tail); mail = mail->next)
		count++;
	return count;
}
